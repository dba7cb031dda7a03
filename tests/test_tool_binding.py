"""Tool calls: bound to plain functions by name, converted, answered, bounded, over real HTTP."""

from __future__ import annotations

import enum
import functools
import hashlib
import importlib.util
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal, Optional, Union

import pytest
from cloud import (  # noqa: F401
    KEY,
    PACKAGE,
    USER,
    Answer,
    Calls,
    Scene,
    scene_fixture,
    wait_until,
)

from mentra_sync import GIVE_APP_CONTROL_OF_TOOL_RESPONSE, AppServer, ToolCall, config
from mentra_sync.tools import BadToolCall, Tools


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


def call(function: Callable[..., Any], **parameters: Any) -> Any:
    """Call a function as a tool, without a server."""
    tools = Tools()
    tools.add("tool", function)
    answer = tools.find("tool")
    assert answer is not None
    return answer(ToolCall("tool", parameters, USER, "now", None))


def refused(function: Callable[..., Any], **parameters: Any) -> str:
    """What the caller is told."""
    with pytest.raises(BadToolCall) as caught:
        call(function, **parameters)
    return str(caught.value)


# --- What a function may look like ---------------------------------------------------------------


def test_parameters_go_by_name():
    def add(second: Any, first: Any, third: Any = "c") -> Any:
        return first, second, third

    assert call(add, first="a", second="b") == ("a", "b", "c")
    assert call(add, third=3, first=1, second=2) == (1, 2, 3)


def test_the_call_itself():
    def with_call(call: Any, text: str) -> Any:
        return call.tool_id, call.user_id, call.tool_parameters, call.timestamp, text

    expected = ("tool", USER, {"text": "x"}, "now", "x")
    assert call(with_call, text="x") == expected

    def last(text: str, *, call: ToolCall | None = None) -> Any:
        return call

    assert call(last, text="x").tool_id == "tool"
    assert call(lambda call: call.active_session) is None


def test_a_function_that_binds_cannot_change_what_was_sent():
    def greedy(call: Any, **rest: Any) -> Any:
        rest.clear()
        return call.tool_parameters

    assert call(greedy, a=1) == {"a": 1}


def test_all_the_rest():
    def open_ended(text: str, **rest: Any) -> Any:
        return text, rest

    assert call(open_ended, text="a", more=1, **{"not a name": 2, "self": 3, "tool_id": 4}) == (
        "a",
        {"more": 1, "not a name": 2, "self": 3, "tool_id": 4},
    )
    assert call(lambda call, **rest: (call.tool_id, rest), call=1, a=2) == ("tool", {"a": 2})

    def numbers(**rest: int) -> Any:
        return rest

    assert call(numbers, a="1", b=2) == {"a": 1, "b": 2}
    assert "'a'" in refused(numbers, a="one")


def test_positional_only_and_starred_parameters():
    def positional(first: int, second: str = "b", third: Any = "c", /, *more: Any) -> Any:
        return first, second, third, more

    assert call(positional, first="1") == (1, "b", "c", ())
    assert call(positional, first=1, third=3) == (1, "b", 3, ())
    assert "needs the parameter 'first'" in refused(positional, second="x")

    def keyword_only(*, text: str) -> Any:
        return text

    assert call(keyword_only, text="x") == "x"


def test_none_at_all():
    assert call(lambda: "done") == "done"
    assert refused(lambda: "done", text="x") == "the tool tool has no parameter 'text'"


class Todo:
    def __init__(self) -> None:
        self.items: list[str] = []

    def add(self, item: str, count: int = 1) -> str:
        self.items += [item] * count
        return f"{len(self.items)}"

    @classmethod
    def of_class(cls, item: str) -> str:
        return f"{cls.__name__} {item}"

    @staticmethod
    def of_none(item: int) -> int:
        return item

    def __call__(self, item: int) -> int:
        return item


def test_methods_lambdas_partials_and_callable_objects():
    todo = Todo()
    assert call(todo.add, item="bread", count="2") == "2"
    assert todo.items == ["bread", "bread"]
    assert call(Todo.of_class, item="x") == "Todo x"
    assert call(Todo.of_none, item="5") == 5
    assert call(todo, item="6") == 6
    assert "whole number" in refused(todo, item="six")
    assert call(lambda item: item, item=[1]) == [1]
    assert call(functools.partial(todo.add, count=3), item="tea") == "5"
    assert call(functools.partial(todo.add, "salt"), count="1") == "6"


def test_a_method_without_its_object_is_refused_where_it_is_registered():
    tools = Tools()
    with pytest.raises(TypeError, match=r"Todo\.add is a method.*bound method") as caught:
        tools.add("add", Todo.add)
    assert tools.find("add") is None and "test_tool" not in str(caught.value)


def test_decorators_between():
    seen: list[Any] = []

    def logs(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            seen.append((args, kwargs))
            return function(*args, **kwargs)

        return wrapper

    def only_names(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapper(**kwargs: Any) -> Any:
            return function(**kwargs)

        return wrapper

    def keeps_back(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapper(count: int) -> Any:
            return function("from the decorator", count)

        return wrapper

    def tool(text: str, count: int) -> Any:
        return text, count

    assert call(logs(tool), text="a", count="2") == ("a", 2)
    assert seen == [((), {"text": "a", "count": 2})]
    assert call(logs(only_names(logs(tool))), text="a", count="2") == ("a", 2)
    assert call(keeps_back(tool), count="3") == ("from the decorator", 3)
    assert "no parameter 'text'" in refused(keeps_back(tool), count=1, text="x")
    assert "whole number" in refused(logs(tool), text="a", count="x")


def test_registering_gives_the_function_back(scene: Scene):
    app = scene.make()

    def add(item: str) -> str:
        return item

    assert app.tool("add")(add) is add
    assert app.tool("also_add")(add) is add, "one function may serve two tools"


@pytest.mark.parametrize("tool_id", ["", None, 5, ["x"], b"x"])
def test_ids_that_are_none(scene: Scene, tool_id: Any):
    with pytest.raises(ValueError, match='a tool has an id like "add_todo"'):
        scene.make().tool(tool_id)


def test_brackets_that_were_forgotten(scene: Scene):
    app = scene.make()
    with pytest.raises(ValueError, match=r'write @app\.tool\("add_todo"\) above .*add'):

        @app.tool  # type: ignore[arg-type]
        def add(item: str) -> str:
            return item


def test_an_id_that_is_taken(scene: Scene):
    app = scene.make()
    app.tool("add")(lambda: "first")
    with pytest.raises(ValueError, match="'add' is registered already"):
        app.tool("add")(lambda: "second")
    scene.serve(app)
    assert send(scene, app, "add").json["reply"] == "first"


def test_what_is_no_tool():
    async def later(text: str) -> str:
        return text

    class Later:
        async def __call__(self, text: str) -> str:
            return text

    tools = Tools()
    for wrong in (None, 5, "text", later, Later(), Todo().items, dict.get, type):
        with pytest.raises(TypeError):
            tools.add("tool", wrong)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="write def instead of async def"):
        tools.add("tool", later)
    tools.add("tool", lambda: "the id is still free")


# --- Values --------------------------------------------------------------------------------------


def takes(annotation: Any) -> Callable[..., Any]:
    """A function whose parameter ``x`` has an annotation."""

    def function(x: Any) -> Any:
        return x

    function.__annotations__["x"] = annotation
    return function


CONVERTED = [
    (str, "a", "a"),
    (str, "", ""),
    (str, 5, "5"),
    (str, 2.5, "2.5"),
    (int, 5, 5),
    (int, -5.0, -5),
    (int, "5", 5),
    (int, " -5 ", -5),
    (int, "5.0", 5),
    (int, "12345678901234567890", 12345678901234567890),
    (int, 10**40, 10**40),
    (float, 5, 5.0),
    (float, 2.5, 2.5),
    (float, "2.5", 2.5),
    (float, "-1e3", -1000.0),
    (bool, True, True),
    (bool, False, False),
    (bool, "true", True),
    (bool, "False", False),
    (bool, " TRUE ", True),
    (int | None, None, None),
    (Optional[int], "5", 5),  # noqa: UP045
    (int | None, "5", 5),
    (
        Union[int, None, str],  # noqa: UP007
        "5",
        "5",
    ),
    (int | float, "5", 5),
    (int | float, "5.5", 5.5),
    (int | float, 5.5, 5.5),
    (float | bool, "true", True),
    (bool | None, "false", False),
    (Color, "red", Color.RED),
    (Color | None, "blue", Color.BLUE),
    (Color | None, None, None),
    (Level, 2, Level.HIGH),
    (Level, "2", Level.HIGH),
    (Literal["a", 5, True], "a", "a"),
    (Literal["a", 5], "5", 5),
    (Literal["5"], 5, "5"),
    (Literal["a"] | None, None, None),
    (Annotated[int, "how many"], "5", 5),
    (Annotated[int, "how many"] | None, "5", 5),
    (Any, {"a": 1}, {"a": 1}),
    (object, [1], [1]),
    (list[str], [1], [1]),
    (dict, "x", "x"),
    (Path, "x", "x"),
    ("nonsense that is no annotation", "x", "x"),
]
MISTYPED = [
    (str, None, "text"),
    (str, True, "text"),
    (str, ["a"], "text"),
    (str, {"a": 1}, "text"),
    (int, "five", "a whole number"),
    (int, "", "a whole number"),
    (int, 5.5, "a whole number"),
    (int, "5.5", "a whole number"),
    (int, True, "a whole number"),
    (int, None, "a whole number"),
    (int, [5], "a whole number"),
    (int, "inf", "a whole number"),
    (int, "9" * 5000, "a whole number"),
    (float, "x", "a number"),
    (float, "nan", "a number"),
    (float, "inf", "a number"),
    (float, "1e999", "a number"),
    (float, 10**400, "a number"),
    (float, False, "a number"),
    (float, {}, "a number"),
    (bool, "yes", "true or false"),
    (bool, 1, "true or false"),
    (bool, 0.0, "true or false"),
    (bool, None, "true or false"),
    (int | None, "x", "a whole number"),
    (int | bool, "x", "a whole number or true or false"),
    (int | str, True, "a whole number or text"),
    (Color, "green", "one of 'red', 'blue'"),
    (Color, "RED", "one of 'red', 'blue'"),
    (Color, None, "one of 'red', 'blue'"),
    (Color | None, 5, "one of 'red', 'blue'"),
    (Level, 3, "one of 1, 2"),
    (Level, True, "one of 1, 2"),
    (Literal["a", 5], "b", "one of 'a', 5"),
    (Literal["a", 5], True, "one of 'a', 5"),
    (Annotated[int, "how many"], "x", "a whole number"),
]


def test_values_become_what_annotations_say():
    for annotation, value, expected in CONVERTED:
        found = call(takes(annotation), x=value)
        assert found == expected and type(found) is type(expected), (annotation, value, found)


def test_mistyped_values_are_refused():
    for annotation, value, words in MISTYPED:
        said = refused(takes(annotation), x=value)
        assert said.startswith(f"the parameter 'x' must be {words}, got "), (annotation, said)
        assert len(said) < 300


def test_null_for_what_has_a_default_counts_as_not_given():
    def tool(a: int = 1, b: int | None = 2, c: Any = 3, d=4, e: Color = Color.RED) -> Any:
        return a, b, c, d, e

    assert call(tool, a=None, b=None, c=None, d=None, e=None) == (1, None, None, None, Color.RED)


def test_missing_and_unknown_parameters():
    def tool(text: str, count: int, size: int = 1) -> Any:
        return text, count, size

    assert refused(tool, count=1) == "the tool tool needs the parameter 'text'"
    assert refused(tool, text="a") == "the tool tool needs the parameter 'count'"
    said = refused(tool, text="a", count=1, colour="red", Text="b")
    assert said == "the tool tool has no parameter 'Text', 'colour'"
    many = {f"{'n' * 500}{number}": number for number in range(1000)}
    assert len(refused(tool, text="a", count=1, **many)) < 1000


def test_annotations_in_a_file_without_the_future_import(tmp_path: Path):
    source = """
import enum
from typing import Optional

class Size(enum.Enum):
    BIG = "big"

def plain(n: int, size: Size = Size.BIG): return n, size.name
def quoted(n: "int", size: "Optional[Size]" = None): return n, size and size.name
def inside(n: int | None, size: Optional["Size"] = None): return n, size and size.name
def unknown(n: "int", size: "Nowhere" = 1, m: "not python" = 2): return n, size, m
"""
    for number, head in enumerate(("", "from __future__ import annotations\n")):
        path = tmp_path / f"functions{number}.py"
        path.write_text(head + source)
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        assert call(module.plain, n="5", size="big") == (5, "BIG")
        assert call(module.quoted, n="5", size="big") == (5, "BIG")
        assert call(module.inside, n="5", size="big") == (5, "BIG")
        assert call(module.unknown, n="5", size="x", m="y") == (5, "x", "y")
        for function in (module.plain, module.quoted, module.unknown):
            assert "whole number" in refused(function, n="five")
        assert "one of 'big'" in refused(module.quoted, n=1, size="small")


def test_annotations_of_this_file_are_text():
    def tool(count: int, color: Color, call: ToolCall) -> Any:
        return count, color

    assert tool.__annotations__["count"] == "int"
    assert call(tool, count="5", color="red") == (5, Color.RED)


# --- Over HTTP -----------------------------------------------------------------------------------


def send(
    scene: Scene, app: AppServer, tool_id: str, headers: dict[str, str] | None = None, **given: Any
) -> Answer:
    body = {"toolId": tool_id, "toolParameters": given, "userId": USER, "timestamp": "2026"}
    return scene.post(app, "/tool", body, headers=headers)


def test_a_tool_call(scene: Scene):
    app = scene.make()

    @app.tool("add_todo")
    def add_todo(text: str, urgent: bool = False) -> str:
        return f"Added {text}, urgent: {urgent}."

    scene.serve(app)
    answer = send(scene, app, "add_todo", text="milk", urgent="true")
    assert answer.status == 200
    assert answer.json == {"status": "success", "reply": "Added milk, urgent: True."}
    answer = send(scene, app, "add_todo", urgent=True)
    assert answer.status == 400
    assert answer.json == {
        "status": "error",
        "message": "the tool add_todo needs the parameter 'text'",
    }


def test_what_a_tool_returns(scene: Scene):
    app = scene.make()
    replies = {
        "text": ("é 👓", "é 👓"),
        "nothing": (None, None),
        "number": (5, "5"),
        "empty": ("", ""),
        "silence": (GIVE_APP_CONTROL_OF_TOOL_RESPONSE, "GIVE_APP_CONTROL_OF_TOOL_RESPONSE"),
    }
    for name, (value, _) in replies.items():
        app.tool(name)(lambda value=value, **_: value)
    scene.serve(app)
    for name, (_, reply) in replies.items():
        assert send(scene, app, name).json == {"status": "success", "reply": reply}


def test_a_tool_that_raises(scene: Scene, caplog: pytest.LogCaptureFixture):
    def fail(error: str) -> None:
        raise {"own": ValueError("my own mistake"), "exit": SystemExit(3)}[error]

    app = scene.make()
    app.tool("fail")(fail)
    scene.serve(app)
    for error, words in (("own", "ValueError: my own mistake"), ("exit", "SystemExit: 3")):
        answer = send(scene, app, "fail", error=error)
        assert (answer.status, answer.json) == (500, {"status": "error", "message": words})
        assert "in fail" in caplog.text, "the traceback is logged"
        caplog.clear()


def test_with_and_without_a_session(scene: Scene):
    app = scene.make()
    calls = Calls()

    @app.tool("show")
    def show(call: ToolCall, text: str) -> None:
        calls(call)
        if call.active_session is not None:
            call.active_session.layouts.show_text_wall(text)

    scene.serve(app)
    assert send(scene, app, "show", text="nobody sees it").status == 200
    scene.start(app, "bob@example.com")
    assert send(scene, app, "show", text="nor this").status == 200
    there = scene.start(app)
    newest = scene.start(app, session_id="the newest")
    assert send(scene, app, "show", text="hello").status == 200
    newest.wait_text("hello")
    scene.stop_session(app, there)
    assert send(scene, app, "show", text="again").status == 200
    newest.wait_text("again")
    assert there.texts() == []
    sessions = [one.active_session and one.active_session.session_id for one in calls.values]
    assert sessions == [None, None, "the newest", "the newest"]
    first = calls.values[0]
    assert (first.tool_id, first.user_id, first.timestamp) == ("show", USER, "2026")
    assert first.tool_parameters == {"text": "nobody sees it"}


def test_a_tool_without_a_function_of_its_own(scene: Scene):
    app = scene.make(on_tool_call=lambda tool_call: f"{tool_call.tool_id}: any")
    app.tool("own")(lambda: "own")
    scene.serve(app)
    assert send(scene, app, "own").json["reply"] == "own"
    assert send(scene, app, "other", anything=1).json["reply"] == "other: any"

    class Assistant(AppServer):
        def on_tool_call(self, tool_call: ToolCall) -> str | None:
            return f"method: {tool_call.tool_parameters}"

    other = scene.serve(Assistant(PACKAGE, KEY, port=0, host="127.0.0.1"))
    assert send(scene, other, "x", a=1).json["reply"] == "method: {'a': 1}"
    plain = scene.app()
    assert send(scene, plain, "x").json == {"status": "success", "reply": None}


def test_a_call_without_parameters(scene: Scene):
    app = scene.make()
    app.tool("now")(lambda: "now")
    scene.serve(app)
    for body in ({}, {"toolParameters": {}}, {"toolParameters": None}, {"toolParameters": "x"}):
        answer = scene.post(app, "/tool", {"toolId": "now", "userId": USER, **body})
        assert answer.json == {"status": "success", "reply": "now"}, body


@pytest.mark.parametrize(
    "change",
    [
        {"toolId": None},
        {"toolId": ""},
        {"toolId": 5},
        {"toolId": "t" * 1001},
        {"userId": None},
        {"userId": ""},
        {"userId": [USER]},
    ],
    ids=str,
)
def test_a_call_that_makes_no_sense(scene: Scene, change: dict[str, Any]):
    app = scene.app(on_tool_call=lambda: "called")
    body = {"toolId": "x", "userId": USER, "toolParameters": {}, **change}
    answer = scene.post(app, "/tool", body)
    assert answer.status == 400 and answer.json["status"] == "error" and answer.json["message"]


def test_who_may_call(scene: Scene):
    right = {"X-App-API-Key": hashlib.sha256(KEY.encode()).hexdigest()}
    wrong: list[dict[str, str]] = [
        {"X-App-API-Key": value}
        for value in ("", KEY, right["X-App-API-Key"].upper(), right["X-App-API-Key"][:-1], "é")
    ]
    for required in (False, True):
        calls = Calls(lambda call: "called")
        app = scene.app(on_tool_call=lambda call: calls(call), require_tool_key=required)  # noqa: B023
        assert send(scene, app, "x", right).json["reply"] == "called"
        for headers in wrong:
            assert send(scene, app, "x", headers).status == 401, headers
        assert send(scene, app, "x").status == (401 if required else 200)
        assert len(calls.all) == (1 if required else 2)


def test_thirty_two_at_once(scene: Scene, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(config, "SERVER_THREADS", 64)
    app = scene.make()
    inside = threading.Semaphore(0)
    go_on = threading.Event()

    @app.tool("slow")
    def slow() -> str:
        inside.release()
        assert go_on.wait(20)
        return "done"

    @app.tool("quick")
    def quick() -> str:
        return "quick"

    scene.serve(app)
    body = {"toolId": "slow", "userId": USER, "toolParameters": {}}
    running = [scene.posting(app, "/tool", body) for _ in range(config.MAX_TOOL_CALLS)]
    try:
        for _ in running:
            assert inside.acquire(timeout=10), "they run side by side"
        for tool_id in ("slow", "quick"):
            answer = send(scene, app, tool_id)
            assert answer.status == 503
            assert answer.json == {
                "status": "error",
                "message": "32 tool calls are running; try again",
            }
        assert scene.get(app, "/health").status == 200, "there is room for all else"
    finally:
        go_on.set()
    assert {request.answer().json["reply"] for request in running} == {"done"}
    wait_until(lambda: send(scene, app, "quick").status == 200)
    failing = [send(scene, app, "slow", x=1).status for _ in range(40)]
    assert set(failing) == {400}, "a call that fails gives its place back"


def test_parameters_are_not_logged_at_usual_levels(scene: Scene, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO)
    app = scene.app(on_tool_call=lambda: "done")
    send(scene, app, "x", password="of-the-wearer")
    assert "of-the-wearer" not in caplog.text
