"""An app's settings and configuration, as the cloud describes them (section 9)."""

import copy
import dataclasses
from dataclasses import field
from typing import Any

from mentra_sync.protocol.message import Message, message, wire
from mentra_sync.protocol.names import SettingType

VALUELESS_TYPES = frozenset({SettingType.GROUP.value, SettingType.TITLE_VALUE.value})
"""Types that only structure the settings page and hold no value."""


@message
class SettingOption(Message):
    """One choice of a select or multiselect setting."""

    label: str | None = None
    value: Any = None
    id: str | None = wire("_id", default=None)


@message
class Setting(Message):
    """One setting. What the user saved is ``value``; one never saved has only a default.

    A group has only a ``title``; a saved setting may come as just ``key`` and ``value``.
    """

    key: str = ""
    label: str | None = None
    type: str | None = None
    value: Any = None
    default_value: Any = None
    options: list[SettingOption] | None = None
    min: float | None = None
    max: float | None = None
    step: float | None = None
    unit: str | None = None
    title: str | None = None
    placeholder: str | None = None
    max_lines: float | None = None
    id: str | None = wire("_id", default=None)

    @property
    def in_force(self) -> Any:
        """The value in force: ``value``, else ``default_value``."""
        return self.default_value if self.value is None else self.value

    @property
    def holds_value(self) -> bool:
        """False for groups, display-only settings and those without a key."""
        return bool(self.key) and self.type not in VALUELESS_TYPES

    def with_value_in_force(self) -> "Setting":
        """A copy, whole, whose ``value`` is the value in force."""
        return copy.deepcopy(dataclasses.replace(self, value=self.in_force))


@message
class ToolParameter(Message):
    """One parameter of a tool; ``type`` is a `ToolParameterType`."""

    type: str | None = None
    description: str | None = None
    enum: list[Any] | None = None
    required: bool | None = None


@message
class ToolSchema(Message):
    """A tool that an app offers to the assistant."""

    id: str = ""
    description: str | None = None
    activation_phrases: list[str] | None = None
    parameters: dict[str, ToolParameter] | None = None


@message
class AppConfig(Message):
    """An app's configuration."""

    name: str | None = None
    description: str | None = None
    version: str | None = None
    settings: list[Setting] = field(default_factory=list)
    tools: list[ToolSchema] = field(default_factory=list)
