"""The logger that a session hands to its app."""

from __future__ import annotations

import io
import logging
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import mentra_sync.log
from mentra_sync.log import APP, OwnLogger, SessionLogger, own_logger


class Shelf(logging.Handler):
    """Keeps records, and says them as a handler would."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    @property
    def record(self) -> logging.LogRecord:
        assert len(self.records) == 1
        return self.records[0]

    @property
    def text(self) -> str:
        return self.record.getMessage()


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    shelf = Shelf()
    app = logging.getLogger(APP)
    level, propagate = app.level, app.propagate
    app.addHandler(shelf)
    app.setLevel(logging.DEBUG)
    app.propagate = False
    yield shelf
    app.removeHandler(shelf)
    app.setLevel(level)
    app.propagate = propagate


@pytest.fixture
def logger() -> SessionLogger:
    return SessionLogger("session-1", "user@example.com", "com.example.app")


def test_every_record_tells_whose_session_it_is(shelf: Shelf, logger: SessionLogger) -> None:
    logger.info("hello")
    record: Any = shelf.record
    assert record.name == "mentra_sync.app"
    assert record.levelno == logging.INFO
    assert record.session_id == "session-1"
    assert record.user_id == "user@example.com"
    assert record.package_name == "com.example.app"


def test_two_sessions_do_not_mix(shelf: Shelf, logger: SessionLogger) -> None:
    SessionLogger("session-2", "other@example.com", "com.example.app").info("hello")
    logger.info("hello")
    assert [record.session_id for record in shelf.records] == ["session-2", "session-1"]  # type: ignore[attr-defined]


def test_the_apps_own_extra_is_kept_beside_ours(shelf: Shelf, logger: SessionLogger) -> None:
    extra = {"colour": "red", "user_id": "somebody else"}
    logger.info("hello", extra=extra)
    record: Any = shelf.record
    assert (record.colour, record.user_id, record.session_id) == (
        "red",
        "somebody else",
        "session-1",
    )
    assert extra == {"colour": "red", "user_id": "somebody else"}


MESSAGES: list[tuple[tuple[Any, ...], str]] = [
    (("hello",), "hello"),
    ((5,), "5"),
    (("100%",), "100%"),
    (("100%% of %s",), "100%% of %s"),
    # As the documentation of MentraOS shows.
    (("User said:", "hello there"), "User said: hello there"),
    (("User said:", "100%s of %d"), "User said: 100%s of %d"),
    (("Started", {"volume": 3, "name": "x"}), "Started volume=3 name='x'"),
    (("Started", MappingProxyType({"volume": 3})), "Started volume=3"),
    (("Started", {}), "Started {}"),
    (("values", 1, None, [2]), "values 1 None [2]"),
    (("at", {"x": 1}, {"y": 2}), "at x=1 y=2"),
    ((5, 6), "5 6"),
    # As logging has it.
    (("%s said %s", "Bob", "hi"), "Bob said hi"),
    (("%d of %.1f%%", 3, 12.34), "3 of 12.3%"),
    (("%(name)s is %(age)d", {"name": "Bob", "age": 5}), "Bob is 5"),
    (("%s", {"k": 1}), "{'k': 1}"),
    (("got %r", {"k": 1}), "got {'k': 1}"),
    (("%s and %s", {"k": 1}, 2), "{'k': 1} and 2"),
    (("%s", ()), "()"),
    # Places that do not fit what came.
    (("50% done:", 7), "50% done: 7"),
    (("%s", 1, 2), "%s 1 2"),
    (("%s and %s", 1), "%s and %s 1"),
    (("%d", "five"), "%d five"),
    (("%(name)s", {"age": 5}), "%(name)s age=5"),
    (("100%% sure of", {"k": 1}), "100%% sure of k=1"),
    (("100%% sure of", "it"), "100%% sure of it"),
]


@pytest.mark.parametrize(("arguments", "text"), MESSAGES)
def test_messages(
    shelf: Shelf, logger: SessionLogger, arguments: tuple[Any, ...], text: str
) -> None:
    logger.info(*arguments)
    assert shelf.text == text


@given(message=st.text(), values=st.lists(st.one_of(st.text(), st.integers(), st.none())))
def test_no_message_and_no_values_are_too_strange(message: str, values: list[Any]) -> None:
    shelf = Shelf()
    app = logging.getLogger(APP)
    app.addHandler(shelf)
    try:
        SessionLogger("s", "u", "p").error(message, *values)
    finally:
        app.removeHandler(shelf)
    try:
        expected = message % tuple(values) if values else message
    except (TypeError, ValueError):
        expected = " ".join([message, *(str(value) for value in values)])
    places = message.replace("%%", "")
    if not values or ("%" in places and "% " not in places):
        assert shelf.text == expected
    else:
        assert shelf.text == " ".join([message, *(str(value) for value in values)])


@pytest.mark.parametrize("message", ["%s", "value:", "%s %s"])
def test_a_value_that_cannot_be_shown_does_not_stop_the_app(
    logger: SessionLogger, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken:
        def __str__(self) -> str:
            raise RuntimeError("cannot be shown")

        __repr__ = __str__

    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    handler = logging.StreamHandler(io.StringIO())
    app = logging.getLogger(APP)
    app.addHandler(handler)
    monkeypatch.setattr(app, "propagate", False)
    try:
        logger.error(message, Broken())
        logger.error(message, {"k": Broken()}, 2)
    finally:
        app.removeHandler(handler)
    assert "cannot be shown" in stream.getvalue()  # logging's own complaint


def test_values_with_an_own_idea_of_truth_are_values(shelf: Shelf, logger: SessionLogger) -> None:
    class Array:
        def __bool__(self) -> bool:
            raise ValueError("the truth value of an array is ambiguous")

        def __str__(self) -> str:
            return "[1 2]"

    logger.info("array: %s", Array())
    logger.info("array:", Array())
    assert [record.getMessage() for record in shelf.records] == ["array: [1 2]"] * 2


def test_a_mapping_of_ones_own_is_a_mapping(shelf: Shelf, logger: SessionLogger) -> None:
    class Settings(Mapping[str, int]):
        def __getitem__(self, key: str) -> int:
            return {"volume": 3}[key]

        def __iter__(self) -> Iterator[str]:
            return iter(["volume"])

        def __len__(self) -> int:
            return 1

    logger.info("Started", Settings())
    logger.info("volume %(volume)d", Settings())
    assert [record.getMessage() for record in shelf.records] == ["Started volume=3", "volume 3"]


def test_every_level_and_every_way_to_log(shelf: Shelf, logger: SessionLogger) -> None:
    logger.debug("a", 1)
    logger.info("b", 1)
    logger.warning("c", 1)
    logger.error("d", 1)
    logger.critical("e", 1)
    logger.log(35, "f", 1)
    assert [(record.levelno, record.getMessage()) for record in shelf.records] == [
        (10, "a 1"),
        (20, "b 1"),
        (30, "c 1"),
        (40, "d 1"),
        (50, "e 1"),
        (35, "f 1"),
    ]


def test_what_is_not_wanted_is_not_formatted(shelf: Shelf, logger: SessionLogger) -> None:
    class Expensive:
        def __str__(self) -> str:
            raise AssertionError("formatted for nothing")

    logging.getLogger(APP).setLevel(logging.WARNING)
    logger.info("%s", Expensive())
    logger.debug("value:", Expensive())
    assert shelf.records == []
    assert not logger.isEnabledFor(logging.INFO)


def test_errors_come_with_their_traceback(shelf: Shelf, logger: SessionLogger) -> None:
    try:
        raise ValueError("first")
    except ValueError as caught:
        error = caught
        logger.exception("failed:", 1)
        logger.error("failed", exc_info=True)
    logger.error("failed", exc_info=error)
    for record in shelf.records:
        assert record.exc_info is not None
        assert record.exc_info[1] is error
    assert shelf.records[0].getMessage() == "failed: 1"
    assert shelf.records[0].levelno == logging.ERROR


def line_before() -> int:
    return sys._getframe(1).f_lineno - 1


def test_the_record_names_the_line_of_the_app(shelf: Shelf, logger: SessionLogger) -> None:
    lines = []
    logger.info("plain")
    lines.append(line_before())
    logger.info("value:", 1)
    lines.append(line_before())
    logger.log(logging.INFO, "direct")
    lines.append(line_before())
    logger.error("with a stack", stack_info=True)
    lines.append(line_before())
    try:
        raise ValueError
    except ValueError:
        logger.exception("exception")
        lines.append(line_before())
    for record, line in zip(shelf.records, lines, strict=True):
        assert record.filename == Path(__file__).name, record.getMessage()
        assert record.lineno == line, record.getMessage()
        assert record.funcName == "test_the_record_names_the_line_of_the_app"
    stack = shelf.records[3].stack_info
    assert stack is not None
    assert str(Path(mentra_sync.log.__file__)) not in stack


def helper(logger: SessionLogger) -> None:
    logger.log(logging.INFO, "on behalf of the caller", stacklevel=2)


def test_a_helper_may_name_its_caller(shelf: Shelf, logger: SessionLogger) -> None:
    helper(logger)
    assert shelf.record.funcName == "test_a_helper_may_name_its_caller"


def test_an_adapter_may_stand_upon_it(shelf: Shelf, logger: SessionLogger) -> None:
    class Loud(logging.LoggerAdapter):  # type: ignore[type-arg]
        def process(self, msg: Any, kwargs: Any) -> tuple[Any, Any]:
            return f"{msg}!", kwargs

    Loud(logger, {}).info("hello")
    assert shelf.text == "hello!"
    assert shelf.record.session_id == "session-1"  # type: ignore[attr-defined]


# --- The SDK's own lines --------------------------------------------------------------------------


class Failing(logging.Handler):
    """A handler of the app's that raises out of ``emit``, which logging lets pass."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self._error = error

    def emit(self, record: logging.LogRecord) -> None:
        raise self._error


@pytest.mark.parametrize("error", [RuntimeError("no disk"), SystemExit("enough")])
def test_an_own_line_never_raises(
    error: BaseException, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    handler = Failing(error)
    monkeypatch.setattr(logging.getLogger(APP), "handlers", [handler])
    outcome: list[BaseException | None] = []

    def log() -> None:
        try:
            own_logger(APP).error("a line")
            OwnLogger(SessionLogger("s", "u", "p")).exception("%s", "another")
        except BaseException as raised:
            outcome.append(raised)
        else:
            outcome.append(None)

    thread = threading.Thread(target=log)
    thread.start()
    thread.join()
    assert outcome == [None]
    assert capsys.readouterr().err.count(type(error).__name__) >= 2


def test_ctrl_c_inside_an_own_line_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger(APP), "handlers", [Failing(KeyboardInterrupt())])
    with pytest.raises(KeyboardInterrupt):
        own_logger(APP).error("a line")


def test_an_own_line_tells_where_it_was_logged(shelf: Shelf, logger: SessionLogger) -> None:
    own_logger(APP).error("a line")
    OwnLogger(logger).warning("%s", "another")
    assert [record.funcName for record in shelf.records] == [
        "test_an_own_line_tells_where_it_was_logged"
    ] * 2
    assert shelf.records[1].session_id == "session-1"  # type: ignore[attr-defined]
