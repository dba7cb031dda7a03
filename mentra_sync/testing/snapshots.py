"""Snapshots of the lens: a picture or a text in a file, which the lens is held against."""

from __future__ import annotations

import difflib
import tempfile
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Literal

UPDATE = "pytest --update-lens-snapshots"

_NONE = "there is no snapshot {}; make it of what the lens shows: {}"


@dataclass(frozen=True)
class Differs:
    """What ``lens.matches`` returns when it does not: it is false, and says what differs."""

    problem: str
    details: str = ""

    def __bool__(self) -> Literal[False]:
        return False

    def __repr__(self) -> str:
        return f"<{self.problem}>"


@dataclass
class Snapshots:
    """Where snapshots are, and whether they are held against the lens or made from it."""

    folder: Path = field(default_factory=Path)
    update: bool = False

    def compare(
        self, name: str | Path, lines: tuple[str, ...], png: bytes
    ) -> Literal[True] | Differs:
        """Hold what the lens shows against a snapshot, ``.png`` or ``.txt``."""
        path = self.folder / name
        if path.suffix not in (".png", ".txt"):
            raise ValueError(f'a snapshot must be a ".png" or a ".txt", got {str(name)!r}')
        shown = png if path.suffix == ".png" else "".join(f"{line}\n" for line in lines).encode()
        if self.update:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(shown)
            return True
        if not path.exists():
            return Differs(_NONE.format(name, UPDATE))
        compare = _compare_pictures if path.suffix == ".png" else _compare_texts
        difference = compare(path.read_bytes(), shown)
        if difference is None:
            return True
        where = Path(tempfile.mkdtemp(prefix="lens-")) / path.name
        where.write_bytes(shown)
        return Differs(
            f"the lens differs from {name}",
            f": {difference}\nWhat it shows now is in {where}. If that is right: {UPDATE}",
        )


def _compare_texts(wanted: bytes, shown: bytes) -> str | None:
    before, now = wanted.decode("utf-8", "replace").splitlines(), shown.decode().splitlines()
    if before == now:
        return None
    told = difflib.unified_diff(before, now, "snapshot", "lens", lineterm="", n=1)
    return "\n".join(["", *told])


def _compare_pictures(wanted: bytes, shown: bytes) -> str | None:
    from PIL import Image, ImageChops

    try:
        with Image.open(BytesIO(wanted)) as before, Image.open(BytesIO(shown)) as now:
            before, now = before.convert("RGB"), now.convert("RGB")
    except OSError as error:
        return f"it is no picture ({error})"
    if before.size != now.size:
        return f"it is {_size(before.size)}, the lens is {_size(now.size)}"
    difference = ImageChops.difference(before, now).convert("L")
    box = difference.getbbox()
    if box is None:
        return None
    count = sum(difference.histogram()[1:])
    left, top, right, bottom = box
    return f"{count:,} pixels between ({left}, {top}) and ({right - 1}, {bottom - 1})"


def _size(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"
