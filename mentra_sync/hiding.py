"""A file of the script's own that hides a module of Python, or one that this package needs.

Loaded when an import has failed, so it needs nothing that could be hidden itself.
"""

# What is hidden may be pathlib, or what that needs.
# ruff: noqa: PTH100, PTH119, PTH120, PTH122

from __future__ import annotations

import os
import sys
from importlib.machinery import PathFinder
from types import TracebackType

from mentra_sync import hints


class ModuleHidden(ImportError):
    """The reason has been found."""


def explained(error: Exception, wanted: str) -> Exception:
    """What to raise for an import of a name of this package that has failed."""
    if isinstance(error, ModuleHidden):
        return error
    for name, file in sorted(_own_modules(error).items()):
        if name in sys.stdlib_module_names:
            return ModuleHidden(hints.HIDES_PYTHONS.format(file, name))
        if PathFinder.find_spec(name, _other_places()) is not None:
            return ModuleHidden(hints.HIDES_PACKAGE.format(file, name))
    if isinstance(error, AttributeError):
        # It would be lost: Python makes a bare "cannot import name" of it.
        return ImportError(hints.NOT_IMPORTABLE.format(wanted, error))
    return error


def _own_modules(error: BaseException) -> dict[str, str]:
    """What has been imported from the script's folder, also where that has failed."""
    files = {name: getattr(module, "__file__", None) for name, module in sys.modules.items()}
    for file in _files_in(error.__traceback__):
        files.setdefault(os.path.splitext(os.path.basename(file))[0], file)
    return {
        name: file
        for name, file in files.items()
        if file and name not in ("__main__", "mentra_sync") and _folder_of(file) in _own_folders()
    }


def _files_in(trace: TracebackType | None) -> list[str]:
    files = []
    while trace is not None:
        files.append(trace.tb_frame.f_code.co_filename)
        trace = trace.tb_next
    return files


def _folder_of(file: str) -> str:
    """Where Python has found a module, or a package."""
    folder, name = os.path.split(os.path.abspath(file))
    return os.path.dirname(folder) if name == "__init__.py" else folder


def _own_folders() -> set[str]:
    folders = {os.path.abspath(folder) for folder in (*sys.path[:1], os.curdir)}
    return folders - {_folder_of(os.__file__)}


def _other_places() -> list[str]:
    return [place for place in sys.path if os.path.abspath(place) not in _own_folders()]
