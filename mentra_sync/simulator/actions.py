"""What can be done in the simulator, by name: the same for the page and for HTTP.

The names and arguments are those of :class:`Glasses`, :class:`Faults` and :class:`Simulator`.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from math import isfinite
from typing import Any, Protocol, Union, get_args, get_origin, get_type_hints

from mentra_sync.simulator.faults import Faults
from mentra_sync.simulator.glasses import Glasses

Arguments = dict[str, Any]


@dataclass(frozen=True)
class Action:
    """One thing that can be done; ``function`` does it, and its signature says what it takes.

    What it returns may be a Future: then it goes on.
    """

    name: str
    function: Callable[..., Any]
    given: Arguments = field(default_factory=dict)
    """Arguments that the caller does not give."""

    def do(self, arguments: Arguments) -> Any:
        """Do it; raises ValueError for arguments that don't fit."""
        return self.function(**self.checked(arguments), **self.given)

    @property
    def help(self) -> str:
        """What it does, in a sentence or two."""
        text = inspect.getdoc(self.function) or ""
        return " ".join(text.partition("\n\n")[0].split())

    @cached_property
    def parameters(self) -> dict[str, inspect.Parameter]:
        """What the caller may give, by name."""
        signature = inspect.signature(self.function)
        return {name: one for name, one in signature.parameters.items() if name not in self.given}

    @cached_property
    def _types(self) -> dict[str, Any]:
        return get_type_hints(self.function)

    def checked(self, arguments: Arguments) -> Arguments:
        """The same arguments, if they fit; raises ValueError that says which one doesn't."""
        unknown = arguments.keys() - self.parameters.keys()
        if unknown:
            takes = ", ".join(self.parameters) or "nothing"
            raise ValueError(f"{self.name} takes {takes}; got {', '.join(sorted(unknown))}")
        for name, parameter in self.parameters.items():
            if name not in arguments:
                if parameter.default is inspect.Parameter.empty:
                    raise ValueError(f"{self.name} needs {name}")
                continue
            wanted = self._types.get(name, Any)
            if not _fits(arguments[name], wanted):
                said = _named(wanted)
                raise ValueError(f"{name} must be {said}, got {arguments[name]!r:.100}")
        return arguments

    def message(self) -> dict[str, Any]:
        """As other tools are told."""
        return {
            "name": self.name,
            "help": self.help,
            "parameters": [
                {
                    "name": name,
                    "type": _named(self._types.get(name, Any)),
                    "required": one.default is inspect.Parameter.empty,
                    "default": None if one.default is inspect.Parameter.empty else one.default,
                }
                for name, one in self.parameters.items()
            ],
        }


_NAMES: dict[Any, str] = {
    str: "a text",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    dict: "an object",
    list: "a list",
    type(None): "null",
}


def _named(wanted: Any) -> str:
    if get_origin(wanted) in (Union, types.UnionType):
        return " or ".join(_named(one) for one in get_args(wanted))
    return _NAMES.get(get_origin(wanted) or wanted, "any value")


def _fits(value: Any, wanted: Any) -> bool:
    if get_origin(wanted) in (Union, types.UnionType):
        return any(_fits(value, one) for one in get_args(wanted))
    kind = get_origin(wanted) or wanted
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, kind) if kind in _NAMES else True


class Stage(Protocol):
    """Where it happens: what a simulator offers for each of its wearers."""

    def glasses_of(self, user_id: str, model: str | None = None) -> Glasses:
        """The glasses of a wearer."""

    def faults_of(self, user_id: str | None = None) -> Faults:
        """What goes wrong for a wearer."""


class Actions:
    """All actions of a simulator; every method may be called from any thread."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def of(self, user_id: str) -> dict[str, Action]:
        """What can be done to a wearer, by name."""
        for_user = {"user_id": user_id}
        sources: tuple[tuple[object, dict[str, str], Arguments], ...] = (
            (self._stage.glasses_of(user_id), _OF_GLASSES, {}),
            (self._stage.faults_of(user_id), _OF_FAULTS, {}),
            (self._stage, _OF_WEARERS, for_user),
            (self._stage, _OF_APP, {}),
        )
        return {
            name: Action(name, getattr(source, method), given)
            for source, names, given in sources
            for name, method in names.items()
        }

    def find(self, user_id: str, name: str) -> Action:
        """One action; raises ValueError for a name that there is not."""
        actions = self.of(user_id)
        if name not in actions:
            raise ValueError(
                f"action must be one of {', '.join(sorted(actions))}; got {name!r:.100}"
            )
        return actions[name]


def _same(*names: str) -> dict[str, str]:
    return {name: name for name in names}


_OF_GLASSES = _same(
    *("say", "hear", "press", "head", "touch", "voice_activity", "speech_began"),
    *("battery", "phone_battery", "connection", "move_to"),
    *("notify", "dismiss", "calendar", "send"),
)
_OF_FAULTS = _same("drop_connection", "repeat_webhook", "end_session") | {"fault": "switch"}
_OF_WEARERS = {"start": "begin_app", "stop": "end_app"} | _same(
    *("change_settings", "change_system_settings", "change_dashboard", "keep_dashboard"),
    *("send_custom_message", "call_tool"),
)
_OF_APP = _same("deny", "allow")
BLOCKING = frozenset({"change_settings", "call_tool"})
"""Those that wait for the app's answer, 20 s and more at worst."""
