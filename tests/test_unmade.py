"""A class of one's own that forgets the __init__ of AppServer."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest

from mentra_sync import AppServer


class Forgets(AppServer):
    def __init__(self, *, first: bool = False) -> None:
        if first:
            self.session_handler(print)
        self.count = 0


@pytest.mark.parametrize(
    "slip",
    [
        lambda: Forgets().run(),
        lambda: Forgets().start(),
        lambda: Forgets(first=True),
        lambda: Forgets().package_name,
        lambda: Forgets().flask,
    ],
)
def test_the_line_that_is_missing_is_told(slip: Callable[[], object]):
    with pytest.raises(AttributeError, match=r"Forgets .* write  super\(\)\.__init__\(") as told:
        slip()
    assert told.value.name is None  # with a name, Python would go on: did you mean api_key?


def test_in_a_test_it_is_told_too(glasses):  # type: ignore[no-untyped-def]
    with pytest.raises(AttributeError, match=r"super\(\)\.__init__"):
        glasses.start(Forgets)


def test_any_other_missing_name_is_told_as_ever():
    app = AppServer("com.example.app", port=0)
    with pytest.raises(AttributeError, match=r"no attribute 'sesion_handler'$") as told:
        app.sesion_handler  # type: ignore[attr-defined]  # noqa: B018
    assert told.value.obj is app and told.value.name == "sesion_handler"
    assert not hasattr(Forgets(), "__len__")
    assert copy.copy(Forgets()).count == 0
