"""The package stands alone, and importing it is cheap."""

import subprocess
import sys
from pathlib import Path

import mentra_sync.protocol

MODULES = sorted(path.stem for path in Path(mentra_sync.protocol.__file__).parent.glob("[a-z]*.py"))


def test_imports_no_threads_sockets_flask_or_dataclasses_json():
    program = "\n".join(
        [
            "import sys",
            *(f"import mentra_sync.protocol.{module}" for module in MODULES),
            "from mentra_sync.protocol.events import ButtonPress",
            "assert ButtonPress.from_dict({'buttonId': 'a'}).to_dict() == {'buttonId': 'a'}",
            "heavy = ['socket', 'flask', 'requests', 'websocket', 'dataclasses_json',",
            "         'marshmallow', 'mentra_sync.runtime', 'mentra_sync.server']",
            "print([name for name in heavy if name in sys.modules])",
        ]
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
