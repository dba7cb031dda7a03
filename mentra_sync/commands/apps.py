"""Finds the app of a script that does not run it itself, as one for gunicorn doesn't."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import flask

from mentra_sync.commands.terminal import Complaint
from mentra_sync.server import AppServer

NO_APP = """\
{file} has no app: there is no AppServer in it. This is a whole one:

    from mentra_sync import AppServer

    app = AppServer()


    @app.session_handler
    def main(session):
        session.layouts.show_text_wall("Hello!")


    app.run()
"""

SEVERAL = "{file} has several apps ({names}), and runs none. Write at its end which: {first}.run()"


def find_app(main: ModuleType, file: str) -> AppServer:
    """The one app of a script that has run none. Raises Complaint that says what there is."""
    apps = _apps(main)
    if len({id(app) for app in apps.values()}) == 1:
        return next(iter(apps.values()))
    if apps:
        raise Complaint(SEVERAL.format(file=file, names=", ".join(apps), first=next(iter(apps))))
    classes = _classes(main)
    if len(classes) == 1:
        return classes[0]()
    if classes:
        names = [one.__name__ for one in classes]
        raise Complaint(SEVERAL.format(file=file, names=", ".join(names), first=f"{names[0]}()"))
    raise Complaint(NO_APP.format(file=file))


def _apps(main: ModuleType) -> dict[str, AppServer]:
    """The apps by their names; one whose Flask app alone has a name is known by that."""
    found: dict[str, AppServer] = {}
    values: dict[str, Any] = vars(main)
    for name, value in values.items():
        if isinstance(value, AppServer):
            found[name] = value
    for name, value in values.items():
        app = value.extensions.get("mentra_sync") if isinstance(value, flask.Flask) else None
        if isinstance(app, AppServer) and app not in found.values():
            found[name] = app
    return found


def _classes(main: ModuleType) -> list[type[AppServer]]:
    """The script's own classes of apps, without those that another one builds on."""
    classes = [
        value
        for value in vars(main).values()
        if isinstance(value, type)
        and issubclass(value, AppServer)
        and value.__module__ == "__main__"
    ]
    built_on = {base for one in classes for base in one.__mro__[1:]}
    return [one for one in dict.fromkeys(classes) if one not in built_on]
