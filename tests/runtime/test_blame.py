"""What the log says of an exception of the app's: whose it is, where, and what was meant."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
from cloud import Calls, Scene, scene_fixture  # noqa: F401

from mentra_sync import AppServer, AppSession, VideoOptions
from mentra_sync.runtime.blame import culprit, suggestion, trimmed


def raised(function: Callable[..., Any], *arguments: Any) -> Exception:
    with pytest.raises(Exception) as info:  # whatever it is, it is looked at
        function(*arguments)
    return info.value


def line_of(scene: Scene, caplog: pytest.LogCaptureFixture, app: AppServer) -> logging.LogRecord:
    scene.serve(app)
    scene.start(app)
    app.stop()
    (record,) = [one for one in caplog.records if one.levelno >= logging.ERROR]
    return record


def test_the_log_names_the_function_and_begins_with_its_line(
    scene: Scene, caplog: pytest.LogCaptureFixture
):
    def greet(session: Any) -> None:
        session.layout.show_text_wall("hi")

    record = line_of(scene, caplog, scene.make(greet))
    assert record.getMessage().startswith("greet raised AttributeError: ")
    assert record.getMessage().endswith("Did you mean layouts?")
    assert record.exc_info is not None
    trace = record.exc_info[2]
    assert trace is not None and trace.tb_frame.f_code.co_name == "greet"


def test_a_method_is_named_with_its_class(scene: Scene, caplog: pytest.LogCaptureFixture):
    class Greeter(AppServer):
        def on_session(self, session: AppSession, session_id: str, user_id: str) -> None:
            raise ValueError("no greeting")

    made = scene.make()
    app = Greeter(made.package_name, made.api_key, port=0, host="127.0.0.1")
    assert "Greeter.on_session raised ValueError" in line_of(scene, caplog, app).getMessage()


@pytest.mark.parametrize(
    ("slip", "meant"),
    [
        (lambda s: s.layout, "layouts"),
        (lambda s: s.lisen, "listen"),
        (lambda s: s.show_text_wall, "layouts.show_text_wall"),
        (lambda s: s.play_tts, "audio.play_tts"),
        (lambda s: s.events.on_buttonpress, "on_button_press"),
        (lambda s: s.layouts.show_textwall, "show_text_wall"),
    ],
)
def test_a_misspelt_name_of_ours_is_suggested(scene: Scene, slip: Callable[[Any], Any], meant: str):
    session, _ = scene.session()
    assert suggestion(raised(slip, session)) == f". Did you mean {meant}?"


SHOW = "show_text_wall(text, view=..., duration_ms=..., fit=...)"


@pytest.mark.parametrize(
    ("slip", "meant"),
    [
        (lambda s: s.layouts.show_text_wall("hi", duration=5), "Did you mean {}duration_ms{}?"),
        (lambda s: s.listen(timout=5), "Did you mean {}timeout{}?"),
        (lambda s: s.layouts.show_text_wall("hi", size=5), f"Call it like this: {SHOW}"),
        (lambda s: s.layouts.show_text_wall("hi", 5), f"Call it like this: {SHOW}"),
        (lambda s: s.ask(), "Call it like this: ask(prompt, timeout=..., speak=..., language=...)"),
        (lambda s: VideoOptions(hight=1), "Did you mean {}height{}?"),
    ],
)
def test_a_wrong_call_of_ours_is_answered_with_a_right_one(
    scene: Scene, slip: Callable[[Any], Any], meant: str
):
    session, _ = scene.session()
    error = raised(slip, session)
    told = f"{error}{suggestion(error)}"
    # From 3.13 on Python suggests a keyword by itself, in quotes; then nothing is added to it.
    plain, quoted = meant.format("", ""), meant.format("'", "'")
    assert told.endswith((f". {plain}", f". {quoted}"))
    assert told.count("Did you mean") <= 1


def test_a_wrong_call_of_another_function_is_not_answered(scene: Scene):
    def show_text_wall(text: str) -> None:
        pass

    for slip in (
        lambda: show_text_wall("hi", duration=5),  # type: ignore[call-arg]
        lambda: Calls().one(valu=1),  # type: ignore[call-arg]
        lambda: int("1", 2, 3),  # type: ignore[call-overload]
    ):
        assert suggestion(raised(slip)) == ""


def ask(question: str, answers: list[str]) -> None:
    """An app's own, as is the next one; the package has both as well."""


class Clock:
    def __init__(self, face: str) -> None:
        pass


@pytest.mark.parametrize("slip", [lambda: ask("Well?"), lambda: Clock(), lambda: Clock(1, 2)])  # type: ignore[call-arg]
def test_the_apps_own_names_are_not_taken_for_ours(slip: Callable[[], Any]) -> None:
    assert suggestion(raised(slip)) == ""


def test_a_wrong_call_of_our_class_is_answered() -> None:
    wrong = raised(lambda: AppServer(packag_name="a"))  # type: ignore[call-arg]
    assert "package_name" in f"{wrong}{suggestion(wrong)}"


def test_of_other_things_nothing_is_suggested(scene: Scene):
    session, _ = scene.session()
    for slip in (lambda: session.xyzzy, lambda: "text".uper(), lambda: 1 / 0):  # type: ignore[attr-defined]
        assert suggestion(raised(slip)) == ""


def test_what_has_no_line_of_the_apps_stays_whole():
    error = ValueError("made, and never raised")
    assert trimmed(error) is None
    assert culprit(error, print) == "print"
