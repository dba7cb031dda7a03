"""An app of a class whose own ``__init__`` forgets that of AppServer has nothing: say so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mentra_sync import hints


class Unmade:
    """What an app's class has besides: an answer where an attribute is missing."""

    if not TYPE_CHECKING:  # a type checker would take it that there is an attribute of any name

        def __getattr__(self, name: str) -> Any:
            if "package_name" in vars(self) or name.startswith("__"):
                return object.__getattribute__(self, name)  # raises what Python says of it
            kind = type(self).__name__
            # Told the object and no name, Python does not add that api_key may have been meant.
            raise AttributeError(hints.NO_SUPER_INIT.format(kind, name), obj=self)
