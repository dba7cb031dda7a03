"""What the commands say to the person at the terminal."""

from __future__ import annotations

import contextlib
import difflib
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

_COLORS = {"green": "32", "yellow": "33", "red": "31"}


class Complaint(Exception):
    """What was asked for cannot be done; the message tells the person why, and what can."""


def say(text: str = "", *, error: bool = False) -> None:
    """Print a line; a letter that this terminal does not know is shown as a question mark."""
    stream = sys.stderr if error else sys.stdout
    if stream is None or stream.closed:  # pythonw has none
        return
    encoding = stream.encoding or "utf-8"
    with contextlib.suppress(OSError):  # a pipe that nobody reads from any more
        print(text.encode(encoding, "replace").decode(encoding), file=stream, flush=True)


def complain(text: str) -> int:
    """Say what is wrong; returns the exit code for it."""
    say(f"mentra-sync: {text}", error=True)
    return 2


def nearest(name: str, known: Iterable[str]) -> list[str]:
    """Which of the known names somebody may have meant, the likeliest first; three at most."""
    spelled = {one.lower(): one for one in known}
    return [spelled[one] for one in difflib.get_close_matches(name.lower(), spelled, cutoff=0.55)]


def name_of_command() -> str:
    """How the command line was called, for its own help."""
    name = Path(sys.argv[0]).stem if sys.argv else ""
    return "python -m mentra_sync" if name in ("__main__", "-m", "") else "mentra-sync"


def this_command() -> str:
    """The command line, for a person to type next: by its path where its name would not do."""
    if name_of_command() == "mentra-sync" and _found_here("mentra-sync"):
        return "mentra-sync"
    return f"{this_python()} -m mentra_sync"


def this_python() -> str:
    """This Python, for a person to type: by its path where ``python`` is another, or none."""
    return "python" if _found_here("python") else _quoted(sys.executable)


def _found_here(name: str) -> bool:
    """Whether the shell would find this program where this installation has its own."""
    found = shutil.which(name)
    own = [sys.executable, *(sys.argv[:1] if Path(sys.argv[0]).stem == name else [])]
    return found is not None and any(
        Path(found).absolute().parent == Path(one).absolute().parent for one in own
    )


def _quoted(path: str) -> str:
    return subprocess.list2cmdline([path]) if sys.platform == "win32" else shlex.quote(path)


def colored(text: str, color: str, stream: TextIO | None = None) -> str:
    """The text in a colour, where the terminal has any and nobody has asked for none."""
    stream = stream or sys.stdout
    if stream is None or stream.closed:
        return text
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    # The old console of Windows shows the codes themselves; the new terminal says who it is.
    capable = sys.platform != "win32" or "WT_SESSION" in os.environ
    if plain or not capable or not stream.isatty():
        return text
    return f"\x1b[{_COLORS[color]}m{text}\x1b[0m"
