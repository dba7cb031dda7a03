"""Which functions may be handlers, and what they are called in messages."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any
from unittest.mock import MagicMock, Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mentra_sync.runtime.callbacks import adapt, describe


class Counter:
    def method(self, event: object) -> tuple[object, ...]:
        return (event,)

    def nothing(self) -> tuple[object, ...]:
        return ()

    @staticmethod
    def static(event: object) -> tuple[object, ...]:
        return (event,)

    @classmethod
    def of_class(cls, event: object) -> tuple[object, ...]:
        return (event,)

    def __call__(self, event: object) -> tuple[object, ...]:
        return (event,)


counter = Counter()

TAKERS: list[tuple[Callable[..., Any], tuple[int, ...]]] = [
    (lambda: (), ()),
    (lambda event: (event,), (1,)),
    (lambda new, old: (new, old), (1, 2)),
    (lambda new, old=0: (new, old), (1, 2)),
    (lambda *events: events, (1, 2)),
    (lambda *events, **named: events, (1, 2)),
    (lambda event=7, *, named=8: (event,), (1,)),
    (counter.method, (1,)),
    (counter.nothing, ()),
    (Counter.static, (1,)),
    (Counter.of_class, (1,)),
    (counter, (1,)),
    (functools.partial(lambda first, event: (event,), "first"), (1,)),
    (functools.partial(lambda event, extra: (event,), extra="x"), (1,)),
]


@pytest.mark.parametrize(("function", "expected"), TAKERS)
def test_a_handler_gets_as_many_values_as_it_takes(
    function: Callable[..., Any], expected: tuple[int, ...]
) -> None:
    assert adapt(function, "new", "old")(1, 2) == expected
    if len(expected) < 2:
        assert adapt(function, "event")(1) == expected[:1]
    if not expected:
        assert adapt(function)() == ()


def test_one_that_takes_everything_is_called_directly() -> None:
    def handler(event: object) -> None: ...

    assert adapt(handler, "event") is handler


def test_builtins_are_handlers() -> None:
    events: list[object] = []
    adapt(events.append, "event")("x")
    assert events == ["x"]
    assert adapt(str, "event")(3) == "3"
    assert adapt(dict, "event")([]) == {}  # tells no signature


@pytest.mark.parametrize(
    "function",
    [
        lambda one, two: None,
        lambda *, named: None,
        lambda event, *, named: None,
        lambda one, two, three=3: None,
        counter.method.__func__,  # type: ignore[attr-defined]
        functools.partial(lambda one, two, three: None, 1),
        functools.partial(lambda new, old: None, named=1),
        functools.partial(functools.partial(lambda: None, 1), 2),
    ],
)
def test_any_other_signature_is_refused_where_it_is_registered(
    function: Callable[..., Any],
) -> None:
    with pytest.raises(TypeError, match=r"cannot be called as f\(event\) or f\(\)"):
        adapt(function, "event")


def test_the_message_names_the_function_its_signature_and_what_would_do() -> None:
    def pressed(button, times):  # type: ignore[no-untyped-def]
        pass

    with pytest.raises(TypeError) as info:
        adapt(pressed, "event")
    assert str(info.value) == (
        "test_the_message_names_the_function_its_signature_and_what_would_do.pressed cannot be"
        " called as f(event) or f(); it is defined as"
        " test_the_message_names_the_function_its_signature_and_what_would_do.pressed"
        "(button, times)"
    )
    with pytest.raises(TypeError, match=r"f\(new, old\) or f\(new\) or f\(\)"):
        adapt(lambda a, b, c: None, "new", "old")
    with pytest.raises(TypeError, match=r"cannot be called as f\(\); it is defined as"):
        adapt(lambda a: None)


@pytest.mark.parametrize("thing", [None, 3, "on_press", [print], counter.nothing()])
def test_what_is_no_function_is_refused(thing: object) -> None:
    with pytest.raises(TypeError, match="must be a function, got"):
        adapt(thing, "event")


async def waits(event: object) -> None: ...


class Asynchronous:
    async def __call__(self, event: object) -> None: ...

    async def method(self, event: object) -> None: ...


@pytest.mark.parametrize(
    "function",
    [waits, functools.partial(waits, 1), Asynchronous(), Asynchronous().method],
)
def test_async_functions_are_refused_with_the_remedy(function: object) -> None:
    with pytest.raises(TypeError, match="write def instead of async def"):
        adapt(function, "event")


def passing(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


def adding(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(event: Any) -> Any:
        return function(event, "added")

    return wrapper


def keeping_back(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper() -> Any:
        return function("own")

    return wrapper


def test_decorated_functions_get_what_reaches_them() -> None:
    assert adapt(passing(lambda: "none"), "event")(1) == "none"
    assert adapt(passing(lambda event: event), "event")(1) == 1
    assert adapt(passing(passing(lambda: "none")), "event")(1) == "none"
    assert adapt(adding(lambda event, extra: (event, extra)), "event")(1) == (1, "added")
    assert adapt(keeping_back(lambda event: event), "event")(1) == "own"
    assert adapt(passing(adding(lambda event, extra: extra)), "event")(1) == "added"
    assert adapt(functools.lru_cache(lambda event: event), "event")(1) == 1
    with pytest.raises(TypeError):
        adapt(adding(lambda event, extra: None))  # its wrapper needs the event


def test_mocks_are_handlers() -> None:
    for mock in (Mock(), MagicMock()):
        adapt(mock, "event")("x")
        mock.assert_called_once_with("x")
        assert isinstance(describe(mock), str)


# A function made of positional, defaulted and keyword-only arguments, and what must come of it.
shapes = st.tuples(
    st.integers(0, 4), st.integers(0, 3), st.booleans(), st.integers(0, 1), st.integers(0, 1)
)


@given(shape=shapes, given_count=st.integers(0, 3))
def test_every_signature_is_called_with_as_much_as_it_takes_or_refused(
    shape: tuple[int, int, bool, int, int], given_count: int
) -> None:
    required, optional, star, keyword, keyword_optional = shape
    names = [f"r{n}" for n in range(required)] + [f"o{n}=None" for n in range(optional)]
    if star:
        names.append("*rest")
    elif keyword + keyword_optional:
        names.append("*")
    names += ["k"] * keyword + ["d=None"] * keyword_optional
    function = eval(f"lambda {', '.join(names)}: locals()")
    wanted = [f"a{n}" for n in range(given_count)]

    if keyword or required > given_count:
        with pytest.raises(TypeError, match="cannot be called as"):
            adapt(function, *wanted)
        return
    bound = adapt(function, *wanted)(*range(given_count))
    taken = given_count if star else min(given_count, required + optional)
    positional = [bound[name.partition("=")[0]] for name in names[: required + optional]]
    positional += bound.get("rest", ())
    assert positional[:taken] == list(range(taken))
    assert all(value is None for value in positional[taken:])


# --- Names ------------------------------------------------------------------------------------


def local_function() -> None: ...


def test_functions_are_called_by_names_that_a_person_recognises() -> None:
    def inner() -> None: ...

    line = inspect.currentframe().f_lineno + 1  # type: ignore[union-attr]
    a_lambda = lambda: None  # noqa: E731
    assert describe(local_function) == "local_function"
    assert describe(inner).endswith("recognises.inner")
    assert "<locals>" not in describe(inner)
    assert describe(a_lambda) == f"the lambda at line {line}"
    assert describe(counter.method) == "Counter.method"
    assert describe(counter) == "Counter"
    assert describe(functools.partial(local_function)) == "local_function"
    assert describe(functools.partial(functools.partial(a_lambda))) == describe(a_lambda)
    assert describe(passing(local_function)) == "local_function"
    assert describe(adapt(local_function, "event")) == "local_function"
    assert describe([].append) == "list.append"
    assert describe(None) == "NoneType"
    assert describe(Counter) == "Counter"


class Anything:
    """Has every attribute, like the proxies of remote calls."""

    def __getattr__(self, name: str) -> Any:
        return self

    def __call__(self) -> None: ...


class Nothing:
    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)

    def __call__(self) -> None: ...


def circle() -> None: ...


circle.__wrapped__ = circle  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("make", "name"),
    [(Anything, "Anything"), (Nothing, "Nothing"), (lambda: circle, "function")],
)
def test_describing_never_fails(make: Callable[[], object], name: str) -> None:
    assert describe(make()) == name
