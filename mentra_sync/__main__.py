"""``python -m mentra_sync`` is ``mentra-sync``, where that is not on the path."""

from __future__ import annotations

import sys

from mentra_sync.cli import main

if __name__ == "__main__":
    sys.exit(main())
