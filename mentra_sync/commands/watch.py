"""Which files of an app have been saved since one last looked."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

SUFFIXES = (".py", ".html", ".htm", ".jinja", ".jinja2", ".j2")
NAMES = (".env",)
"""What an app reads once, when it starts; a style sheet, say, is read anew for each page."""

SKIPPED = ("__pycache__", "node_modules", "site-packages", "venv", "env")
"""Folders that are not the app's own, beside all hidden ones (``.venv``, ``.git``)."""

MOST_ENTRIES = 20_000
"""Files and folders that are looked at each time; a home folder has more."""

Stamp = tuple[int, ...]
"""When a file was saved last (ns), and its size."""


class Watch:
    """Looks at the files in a script's folder, at ``.env`` here, and at what is added."""

    def __init__(self, script: Path) -> None:
        self._folder = script.resolve().parent
        self._others = {script.resolve(), Path(".env").absolute()}
        self.too_many = False
        """Whether the folder has so many files that those in its folders are left out."""
        self._seen = self._look()

    def add(self, files: Mapping[str, Sequence[int]]) -> None:
        """Look at these too, wherever they are: names, and their stamps when they were read."""
        for name, stamp in files.items():
            file = Path(name)
            if file not in self._others:
                self._others.add(file)
                if file not in self._seen:
                    self._seen[file] = tuple(stamp)

    def changed(self) -> list[Path]:
        """The files that are new, gone, or not what they were at the last call."""
        before, self._seen = self._seen, self._look()
        either = before.keys() | self._seen.keys()
        return sorted(path for path in either if before.get(path) != self._seen.get(path))

    def _look(self) -> dict[Path, Stamp]:
        found: list[Path] = []
        if not self.too_many:
            for count, entry in enumerate(_entries(self._folder)):
                if count >= MOST_ENTRIES:
                    self.too_many = True
                    break
                if _counts(entry.name):
                    found.append(Path(entry.path))
        if self.too_many:
            found = [one for one in self._folder.iterdir() if _counts(one.name)]
        return stamps([*found, *self._others])


def _entries(folder: Path | str) -> Iterator[os.DirEntry[str]]:
    """Everything in a folder and its folders; what cannot be read is as if it were not there."""
    try:
        with os.scandir(folder) as entries:
            here = list(entries)
    except OSError:
        return
    for entry in here:
        yield entry
        hidden = entry.name.startswith(".") or entry.name in SKIPPED
        if not hidden and entry.is_dir(follow_symlinks=False):
            yield from _entries(entry.path)


def _counts(name: str) -> bool:
    return name.endswith(SUFFIXES) or name in NAMES


def stamps(files: Iterable[Path]) -> dict[Path, Stamp]:
    """When each file was saved last, and its size; without those that are not there."""
    found: dict[Path, Stamp] = {}
    for file in files:
        try:
            status = file.stat()
        except OSError:
            continue
        found[file] = (status.st_mtime_ns, status.st_size)
    return found
