"""Tool calls: who may make them, what a function gets, and what the caller is told."""

from __future__ import annotations

import hashlib
import threading
from typing import Any, Optional

import pytest
from cloud import KEY, USER, Calls, Scene, scene_fixture  # noqa: F401

from mentra_sync import GIVE_APP_CONTROL_OF_TOOL_RESPONSE, AppServer, AppSession, ToolCall, config

RIGHT = {"X-App-API-Key": hashlib.sha256(KEY.encode()).hexdigest()}


def body(tool: str = "add", **parameters: Any) -> dict[str, Any]:
    return {
        "toolId": tool,
        "toolParameters": parameters,
        "timestamp": "2026-01-01T00:00:00.000Z",
        "userId": USER,
    }


def answered(answer: Any, reply: Any) -> None:
    assert (answer.status, answer.json) == (200, {"status": "success", "reply": reply})


def test_a_tool(scene: Scene):
    app = scene.make()
    calls: list[Any] = []

    @app.tool("add")
    def add(text: str, count: int = 1, *, urgent: bool = False) -> str:
        calls.append((text, count, urgent))
        return f"Added {text}."

    scene.serve(app)
    answered(scene.post(app, "/tool", body(text="milk")), "Added milk.")
    answered(scene.post(app, "/tool", body(text="tea", count=2, urgent=True)), "Added tea.")
    assert calls == [("milk", 1, False), ("tea", 2, True)]


def test_a_tool_that_wants_the_call(scene: Scene):
    app = scene.make()
    seen: list[ToolCall] = []

    @app.tool("add")
    def add(call: ToolCall) -> None:
        seen.append(call)

    scene.serve(app)
    answered(scene.post(app, "/tool", body()), None)
    scene.start(app)
    answered(scene.post(app, "/tool", body()), None)
    without, with_session = seen
    assert (without.tool_id, without.tool_parameters, without.user_id) == ("add", {}, USER)
    assert without.timestamp == "2026-01-01T00:00:00.000Z"
    assert without.active_session is None
    assert with_session.active_session is app.sessions[0]


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({}, "'text'"),
        ({"text": "a", "count": "many"}, "whole number"),
        ({"text": "a", "count": 1.5}, "whole number"),
        ({"text": "a", "count": True}, "whole number"),
        ({"text": "a", "urgent": "perhaps"}, "true or false"),
        ({"text": "a", "urgent": 1}, "true or false"),
        ({"text": "a", "price": "cheap"}, "a number"),
        ({"text": None}, "text"),
        ({"text": True}, "text"),
        ({"text": "a", "limit": "x"}, "whole number"),
        ({"text": "a", "unknown": 1}, "'unknown'"),
    ],
)
def test_parameters_that_do_not_fit(scene: Scene, parameters: dict[str, Any], words: str):
    app = scene.make()
    called = Calls()

    @app.tool("add")
    def add(
        text: str,
        count: int = 1,
        urgent: bool = False,
        price: float = 0,
        limit: Optional[int] = None,  # noqa: UP045
    ) -> None:
        called()

    scene.serve(app)
    answer = scene.post(app, "/tool", body(**parameters))
    assert answer.status == 400
    assert answer.json["status"] == "error" and words in answer.json["message"]
    assert called.all == []


def test_parameters_that_came_as_text(scene: Scene):
    app = scene.make()
    seen: list[Any] = []

    @app.tool("add")
    def add(count: int, price: float, urgent: bool, limit: int | None, name: str) -> None:
        seen.append((count, price, urgent, limit, name))

    scene.serve(app)
    given = {"count": "9007199254740993", "price": "1.5", "urgent": "True", "limit": 3.0, "name": 5}
    answered(scene.post(app, "/tool", body(**given)), None)
    assert seen == [(9007199254740993, 1.5, True, 3, "5")]
    assert [type(one) for one in seen[0]] == [int, float, bool, int, str]


def test_any_parameters(scene: Scene):
    app = scene.make()
    app.tool("any")(lambda **given: str(sorted(given.items())))
    scene.serve(app)
    answered(scene.post(app, "/tool", body("any", b=1, a="x")), "[('a', 'x'), ('b', 1)]")


def test_the_app_is_asked_where_no_function_is_registered(scene: Scene):
    class App(AppServer):
        def on_tool_call(self, tool_call: ToolCall) -> str | None:
            return f"{tool_call.tool_id}: {tool_call.tool_parameters}"

    app = scene.serve(App("com.example.test", KEY, port=0, host="127.0.0.1"))
    app.tool("mine")(lambda: "mine")
    answered(scene.post(app, "/tool", body("other", a=1)), "other: {'a': 1}")
    answered(scene.post(app, "/tool", body("mine")), "mine")


def test_nobody_answers(scene: Scene):
    answered(scene.post(scene.app(), "/tool", body()), None)


def test_replies(scene: Scene):
    app = scene.app(on_tool_call=lambda call: call.tool_parameters.get("say"))
    answered(scene.post(app, "/tool", body(say=5)), "5")
    answered(scene.post(app, "/tool", body(say="")), "")
    silent = GIVE_APP_CONTROL_OF_TOOL_RESPONSE
    assert silent == "GIVE_APP_CONTROL_OF_TOOL_RESPONSE"
    answered(scene.post(app, "/tool", body(say=silent)), silent)


def test_alive(scene: Scene):
    answered(scene.get(scene.app(), "/tool"), "Hello, world!")


@pytest.mark.parametrize("raised", [ValueError("out of milk"), SystemExit(1), KeyboardInterrupt()])
def test_a_tool_that_raises(scene: Scene, raised: BaseException, caplog: pytest.LogCaptureFixture):
    app = scene.make()

    @app.tool("add")
    def add() -> None:
        raise raised

    scene.serve(app)
    answer = scene.post(app, "/tool", body())
    assert answer.status == 500
    assert answer.json["status"] == "error" and str(raised) in answer.json["message"]
    assert b"Traceback" not in answer.body and b".py" not in answer.body
    assert "in add" in caplog.text, "the log has the traceback"
    answered(scene.get(app, "/tool"), "Hello, world!")


@pytest.mark.parametrize(
    ("required", "headers", "status"),
    [
        (False, {}, 200),
        (False, RIGHT, 200),
        (False, {"X-App-API-Key": "wrong"}, 401),
        (False, {"X-App-API-Key": KEY}, 401),
        (False, {"X-App-API-Key": ""}, 401),
        (True, {}, 401),
        (True, RIGHT, 200),
        (True, {"X-App-API-Key": "0" * 64}, 401),
    ],
)
def test_the_key(scene: Scene, required: bool, headers: dict[str, str], status: int):
    called = Calls()
    app = scene.app(on_tool_call=called.one, require_tool_key=required)
    answer = scene.post(app, "/tool", body(), headers=headers)
    assert answer.status == status
    assert len(called.all) == (status == 200)
    assert KEY.encode() not in answer.body


@pytest.mark.parametrize(
    "change",
    [{"toolId": None}, {"toolId": 5}, {"toolId": ""}, {"toolId": "t" * 10_000},
     {"userId": None}, {"userId": 5}],
)  # fmt: skip
def test_calls_that_make_no_sense(scene: Scene, change: dict[str, Any]):
    called = Calls()
    app = scene.app(on_tool_call=called.one)
    assert scene.post(app, "/tool", {**body(), **change}).status == 400
    assert called.all == []


def test_one_call_too_many(scene: Scene, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(config, "SERVER_THREADS", 64)
    go_on = threading.Event()
    running = Calls(lambda call: go_on.wait(20))
    app = scene.app(on_tool_call=running.one)
    requests = [scene.posting(app, "/tool", body()) for _ in range(config.MAX_TOOL_CALLS)]
    running.wait(config.MAX_TOOL_CALLS)
    answer = scene.post(app, "/tool", body())
    assert answer.status == 503 and answer.json["status"] == "error"
    assert scene.get(app, "/health").status == 200, "others are served meanwhile"
    go_on.set()
    assert {request.answer().status for request in requests} == {200}
    answered(scene.post(app, "/tool", body()), "True")


def test_tools_that_cannot_be(scene: Scene):
    app = scene.make()
    app.tool("add")(lambda: None)
    with pytest.raises(ValueError, match="add"):
        app.tool("add")(lambda: None)
    for wrong in ("", None, 5):
        with pytest.raises(ValueError, match="id"):
            app.tool(wrong)(lambda: None)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        app.tool("other")("function")  # type: ignore[type-var]

    async def asynchronous() -> None: ...

    with pytest.raises(TypeError, match="async"):
        app.tool("other")(asynchronous)


def test_what_a_tool_raises_reaches_the_handlers_of_the_wearers_session(scene: Scene):
    errors, ready = Calls(), Calls()

    def main(session: AppSession) -> None:
        session.events.on_error(errors.one)
        ready()

    def add() -> None:
        raise ValueError("out of milk")

    app = scene.make(main)
    app.tool("add")(add)
    scene.serve(app)
    assert scene.post(app, "/tool", body()).status == 500, "nobody has a session"
    scene.start(app)
    ready.wait()
    assert scene.post(app, "/tool", body()).status == 500
    assert [str(error) for error in errors.wait()] == ["out of milk"]


def test_a_tool_that_stops_the_server(scene: Scene):
    """On a thread of the web server: it starts the stop, and its answer still goes out."""
    app = scene.make()
    app.tool("stop")(lambda: app.stop())
    scene.serve(app)
    answered(scene.post(app, "/tool", body("stop")), None)
    assert app.wait_stopped(10)
