"""What a check has found, and what all checks are given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warning", "problem"]


@dataclass(frozen=True)
class Finding:
    """One line of the report; ``remedy`` says what to do, where something is to be done."""

    state: State
    text: str
    remedy: str = ""


@dataclass(frozen=True)
class Request:
    """What somebody wants to be checked."""

    url: str | None = None
    """The app's public address, if it was given on the command line."""


def ok(text: str, remark: str = "") -> list[Finding]:
    """All is well."""
    return [Finding("ok", text, remark)]


def warning(text: str, remedy: str) -> list[Finding]:
    """It works, but not for everything."""
    return [Finding("warning", text, remedy)]


def problem(text: str, remedy: str) -> list[Finding]:
    """It does not work until this is mended."""
    return [Finding("problem", text, remedy)]
