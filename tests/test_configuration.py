"""What an app is configured with, and when what is missing becomes an error."""

from __future__ import annotations

import errno
import os
import re
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from cloud import KEY, PACKAGE, Scene, scene_fixture, wait_until  # noqa: F401
from networks import free_port
from werkzeug.serving import make_server

from mentra_sync import AppServer, ConfigurationError

ROOT = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def nothing_configured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("PACKAGE_NAME", "MENTRAOS_API_KEY", "PORT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def given(app: AppServer) -> tuple[Any, ...]:
    return app.package_name, app.api_key, app.port


def test_arguments_before_environment_before_file(monkeypatch: pytest.MonkeyPatch):
    Path(".env").write_text("PACKAGE_NAME=file.name\nMENTRAOS_API_KEY='file key'\nPORT=7003\n")
    assert given(AppServer()) == ("file.name", "file key", 7003)
    monkeypatch.setenv("PACKAGE_NAME", "environment.name")
    monkeypatch.setenv("MENTRAOS_API_KEY", "environment-key")
    monkeypatch.setenv("PORT", "7002")
    assert given(AppServer()) == ("environment.name", "environment-key", 7002)
    app = AppServer("argument.name", "argument-key", port=7001)
    assert given(app) == ("argument.name", "argument-key", 7001)


def test_an_empty_value_is_none(monkeypatch: pytest.MonkeyPatch):
    Path(".env").write_text("PACKAGE_NAME=file.name\nMENTRAOS_API_KEY=\nPORT=\n")
    for name in ("PACKAGE_NAME", "MENTRAOS_API_KEY", "PORT"):
        monkeypatch.setenv(name, "")
    assert given(AppServer("", "")) == ("file.name", None, 7010)


def test_the_file_leaves_the_environment_alone():
    Path(".env").write_text("MENTRAOS_API_KEY=file-key\nPACKAGE_NAME=a.b\n")
    AppServer()
    assert "MENTRAOS_API_KEY" not in os.environ


def test_a_file_that_cannot_be_read():
    Path(".env").write_bytes(b"PACKAGE_NAME=\xff\xfe\n")
    with pytest.raises(ConfigurationError, match=r"\.env"):
        AppServer()


def test_a_line_that_cannot_be_read_is_named_with_its_file(caplog: pytest.LogCaptureFixture):
    Path(".env").write_text("PORT=7003\nMENTRAOS_API_KEY: oops 'x\nPACKAGE_NAME=a.b\n")
    assert given(AppServer()) == ("a.b", None, 7003)
    [told] = caplog.messages
    assert told.startswith(f"{Path('.env').resolve()}, line 2 cannot be read")
    assert "oops" not in told, "it may be a key"


def test_a_mark_in_front_of_the_file_is_no_letter_of_a_name():
    Path(".env").write_text("PACKAGE_NAME=a.b\n", encoding="utf-8-sig")
    assert AppServer().package_name == "a.b"


def test_a_port_that_is_none_is_told_with_its_place(monkeypatch: pytest.MonkeyPatch):
    Path(".env").write_text("PORT=abc\n")
    with pytest.raises(ConfigurationError, match=r"got 'abc'; so says PORT in .*\.env$"):
        AppServer()
    monkeypatch.setenv("PORT", "many")
    with pytest.raises(ConfigurationError, match=r"got 'many'; so says PORT in the environment$"):
        AppServer()
    with pytest.raises(ConfigurationError, match=r"got 'seventy'$"):
        AppServer(port="seventy")  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["missing", "file"])
def test_a_folder_that_is_none(name: str):
    Path("file").touch()
    with pytest.raises(ConfigurationError, match=f"public_dir must be a folder.*{name}"):
        AppServer(public_dir=name)


@pytest.mark.parametrize(
    "wrong",
    [[{"key": "name"}], "settings", {"settings": {"key": "name"}}, {"tools": "add"}],
)
def test_a_simulated_config_that_is_none_is_told_at_the_start(wrong: Any):
    app = AppServer(port=0)
    app.simulated_config = wrong
    with pytest.raises(TypeError, match=r'simulated_config looks like \{"settings": \['):
        app.start_simulated(app_port=0)
    assert app.wait_stopped(10)


def test_a_folder_of_that_name():
    Path(".env").mkdir()
    assert AppServer("a.b", KEY).package_name == "a.b"


def test_no_package_name():
    with pytest.raises(ConfigurationError, match="PACKAGE_NAME"):
        AppServer(api_key=KEY)
    with pytest.raises(ValueError, match=r"com\.example\.app"):
        AppServer(api_key=KEY)


@pytest.mark.parametrize(
    ("script", "name"),
    [("/home/me/My App-2.py", "com.example.myapp2"), ("", "com.example.app"),
     ("/x/ümlaut.py", "com.example.mlaut"), ("/x/+.py", "com.example.app")],
)  # fmt: skip
def test_a_simulated_app_is_named_by_its_script(
    script: str, name: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sys, "argv", [script])
    assert AppServer().package_name == name


@pytest.mark.parametrize("port", [-1, 65536, "seventy", "", 70.5, True, "7010x", [7010]])
def test_a_port_that_is_none(port: Any, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(ConfigurationError, match="port"):
        AppServer(PACKAGE, KEY, port=port)
    if isinstance(port, str) and port:
        monkeypatch.setenv("PORT", port)
        with pytest.raises(ConfigurationError, match="port"):
            AppServer(PACKAGE, KEY)


@pytest.mark.parametrize(
    "options",
    [
        {"max_reconnect_attempts": -1},
        {"max_reconnect_attempts": "many"},
        {"display_interval_ms": -1},
        {"display_interval_ms": float("nan")},
        {"event_backlog": 0},
        {"event_backlog": None},
        {"cloud_hosts": ["https://cloud.example.org"]},
        {"cloud_hosts": ["two words"]},
        {"cloud_hosts": [None]},
        {"api_key": 5},
        {"api_key": "key\n"},
        {"package_name": 5},
    ],
)
def test_values_that_are_none(options: dict[str, Any]):
    with pytest.raises(ConfigurationError) as raised:
        AppServer(**{"package_name": PACKAGE, "api_key": KEY, **options})
    assert KEY not in str(raised.value)


@pytest.mark.parametrize(
    ("taken", "advised"), [(7010, 7012), (7009, 7012), (8000, 8001), (65535, 8000)]
)
def test_a_busy_port_is_told_with_one_that_nothing_takes_by_itself(
    taken: int, advised: int, monkeypatch: pytest.MonkeyPatch
):
    def create_server(*_: object, **__: object) -> socket.socket:
        raise OSError(errno.EADDRINUSE, "Address already in use")

    monkeypatch.setattr(socket, "create_server", create_server)
    with pytest.raises(ConfigurationError, match=rf"port {taken} .*AppServer\(port={advised}\)"):
        AppServer(PACKAGE, KEY, port=taken).start()


def test_no_key():
    app = AppServer(PACKAGE)
    with pytest.raises(ConfigurationError, match="MENTRAOS_API_KEY"):
        app.start()
    with pytest.raises(ConfigurationError, match="MENTRAOS_API_KEY"):
        app.run(simulator=False)
    with pytest.raises(ConfigurationError), app:
        pass


def test_no_key_under_another_server(scene: Scene, caplog: pytest.LogCaptureFixture):
    app = AppServer(PACKAGE)
    answer = app.flask.test_client().post(
        "/webhook", json=scene.start_body(), environ_base={"REMOTE_ADDR": "127.0.0.1"}
    )
    assert answer.status_code == 500
    assert "MENTRAOS_API_KEY" in caplog.text
    assert scene.cloud.nobody_comes(0.05)


def test_any_free_port(scene: Scene):
    app = scene.app()
    assert app.port > 0
    assert scene.get(app, "/health").status == 200


def test_a_port_that_is_taken(scene: Scene):
    port = free_port()
    with socket.create_server(("127.0.0.1", port)):
        app = scene.make(port=port)
        with pytest.raises(ConfigurationError, match=str(port)) as raised:
            app.start()
        assert "PORT" in str(raised.value) and "port=" in str(raised.value)
    scene.serve(app)
    assert app.port == port


def test_an_address_that_is_not_ours(scene: Scene):
    with pytest.raises(ConfigurationError, match=r"203\.0\.113\.1"):
        scene.make(host="203.0.113.1").start()


def test_starting_twice_and_again(scene: Scene):
    app = scene.app()
    with pytest.raises(ConfigurationError, match="already"):
        app.start()
    scene.start(app)
    app.stop()
    app.stop()
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", app.port), timeout=1)
    app.start()
    scene.start(app)
    assert len(app.sessions) == 1


def test_a_context_manager(scene: Scene):
    app = scene.make()
    with app as same:
        assert same is app
        scene.start(app)
    assert app.sessions == []
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", app.port), timeout=1)


def test_stopping_what_was_never_started():
    AppServer(PACKAGE, KEY).stop()


def test_stopping_from_many_threads(scene: Scene):
    app = scene.app()
    scene.start(app)
    threads = [threading.Thread(target=app.stop) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
    assert app.sessions == []


def test_under_another_server(scene: Scene):
    app = scene.make()
    server = make_server("127.0.0.1", 0, app.flask, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        webhook = scene.posting(server.server_port, "/webhook", scene.start_body())
        there = scene.accept()
        assert webhook.answer().status == 200
        wait_until(lambda: app.sessions)
        app.sessions[0].layouts.show_text_wall("hello")
        there.wait_text("hello")
        big = scene.post(server.server_port, "/webhook", b"x" * (2 * 1024 * 1024))
        assert big.status == 413
        app.stop()
        assert there.wait_closed() == (1001, "")
        after = scene.post(server.server_port, "/webhook", scene.start_body())
        assert after.status == 500
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


EXIT = """
import sys, threading
sys.path[:0] = {path!r}
from cloud import Scene, KEY, PACKAGE
from werkzeug.serving import make_server
from mentra_sync import AppServer

scene = Scene()

def ended(session_id, user_id, reason):
    sys.stdout.write(user_id + " " + reason + chr(10))  # in one piece

class App(AppServer):
    def stop(self):
        print("stop")
        super().stop()

app = App(PACKAGE, KEY, on_stop=ended)
server = make_server("127.0.0.1", 0, app.flask, threaded=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sockets = [scene.start(server.server_port, user) for user in ("ann", "bob")]
for there in sockets:
    there.wait("subscription_update")
print("exiting")
"""


@pytest.mark.parametrize("python", sorted({sys.executable}))
def test_sessions_are_ended_at_interpreter_exit(python: str, tmp_path: Path):
    paths = [str(ROOT), str(ROOT / "tests")]
    script = tmp_path / "served.py"
    script.write_text(EXIT.format(path=paths))
    done = subprocess.run(
        [python, script], capture_output=True, text=True, timeout=100, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    exiting, stop, *ended = done.stdout.splitlines()
    assert (exiting, stop) == ("exiting", "stop")
    assert sorted(ended) == ["ann server_stopped", "bob server_stopped"], done.stderr
    assert not re.search("Traceback|Exception ignored", done.stderr), done.stderr
