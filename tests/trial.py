"""Tries a script as a person would: run it, open its page, talk to it, press Ctrl+C.

``python tests/trial.py examples/01_hello.py`` holds the conversation that is written down for
that example in ``CONVERSATIONS``, shows it, and fails where the app does something else.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote

import websocket

ROOT = Path(__file__).parent.parent
PATIENCE = 60.0
"""Seconds until something that should happen must have happened; as a rule it takes far less, but
where everybody starts programs at once, one is seen to take ten."""

SETTINGS = ("MENTRAOS_API_KEY", "PACKAGE_NAME", "DISPLAY", "WAYLAND_DISPLAY")
"""Variables that would turn the trial into something else: real glasses, or a browser window."""

CONVERSATIONS = {
    "01_hello.py": [
        ("shows", "Hello! Say something."),
        ("speaks", "Hello! Say something."),
        ("you say", "I like bread"),
        ("shows", "You said: I like bread"),
        ("you say", "and butter"),
        ("shows", "You said: and butter"),
    ],
    "02_ask.py": [
        ("shows", "What is your name?"),
        ("speaks", "What is your name?"),
        ("you say", "Ada."),
        ("shows", "Hello Ada! Tea, coffee or cocoa?"),
        ("speaks", "Hello Ada! Tea, coffee or cocoa?"),
        ("you say", "Lemonade"),
        ("shows", "I have tea, coffee, cocoa. Which one?"),
        ("speaks", "I have tea, coffee, cocoa. Which one?"),
        ("you say", "Then a cocoa, please"),
        ("shows", "One cocoa for Ada."),
        ("speaks", "One cocoa for Ada. It will be ready soon."),
    ],
    "04_counter.py": [
        ("shows", "Count so far: 0"),
        ("you press", "short"),
        ("shows", "Count: 1"),
        ("you say", "And one more."),
        ("shows", "Count: 2"),
        ("you press", "short"),
        ("shows", "Count: 3"),
        ("you say", "Zero!"),
        ("shows", "Back to zero."),
        ("you press", "short"),
        ("shows", "Count: 1"),
    ],
    "05_photo.py": [
        ("speaks", "Press the button to take a photo."),
        ("you press", "short"),
        ("speaks", re.compile(r"A photo of 640 by 360 pixels, \d+ bytes\.")),
    ],
    "03_buttons.py": [
        ("shows", "Press the button."),
        ("you press", "short"),
        ("shows", "Presses: 1. The last one was short."),
        ("you press", "long"),
        ("shows", "Presses: 2. The last one was long."),
        ("you touch", "forward_swipe"),
        ("shows", "You made a forward_swipe."),
        ("you touch", "double_tap"),
        ("shows", "Back to zero."),
        ("you press", "short"),
        ("shows", "Presses: 1. The last one was short."),
    ],
    "06_location.py": [
        ("shows", "Start walking."),
        ("you go to", "48.85 2.35"),
        ("shows", "You are 0 m from the start."),
        ("you go to", "48.86 2.35"),
        ("shows", "You are 1112 m from the start."),
    ],
    "07_settings.py": [
        ("shows", "Hello stranger!"),
        ("you set", "name=Ada"),
        ("shows", "Hello Ada!"),
        ("you set", "loud=true"),
        ("shows", "HELLO ADA!"),
    ],
    "08_notifications.py": [
        ("shows", "Waiting for news."),
        ("phone gets", "Mail: Lunch: At noon?"),
        ("shows", "Mail: Lunch At noon?"),
        ("phone gets", "Chat: Ann: Hi"),
        ("shows", "Chat: Ann Hi"),
        ("you press", "short"),
        ("shows", re.compile("^$")),
    ],
    "10_chat.py": [
        ("shows", "Say something."),
        ("friend comes", "bob"),
        ("shows", "bob is here."),
        ("friend says", "Hello from Bob"),
        ("shows", "bob: Hello from Bob"),
        ("you say", "Hello Bob"),
        ("shows", "You: Hello Bob"),
        ("friend sees", "you: Hello Bob"),
        ("friend goes", "bob"),
        ("shows", "bob has gone."),
    ],
    "12_teleprompter.py": [
        ("shows", "Friends, thank you for coming."),
        ("shows", re.compile("^(?!Friends).*Twenty years ago")),
        ("you press", "short"),
        ("you press", "long"),
        ("shows", "Friends, thank you for coming."),
    ],
    "13_picture.py": [
        ("shows a", "bitmap_view"),
        ("you press", "short"),
        ("shows a", "bitmap_view"),
    ],
    "14_sprite.py": [
        ("shows a", "bitmap_animation"),
        ("you press", "short"),
        ("shows a", "clear_view"),
        ("you press", "short"),
        ("shows a", "bitmap_animation"),
    ],
    "09_tool.py": [
        ("shows", "Nothing yet. Say what you need."),
        ("you say", "Bread."),
        ("shows", "Bread"),
        ("you say", "butter"),
        ("shows", "Bread butter"),
    ],
    "11_web_page.py": [
        ("shows", "Write something on your page."),
    ],
}
"""What is said between each example and its wearer."""


class Program:
    """A script that runs in a process of its own, on simulated glasses.

    In place of a script there may be other arguments of Python.  Leaving the ``with`` block ends
    the process, whatever has happened.
    """

    def __init__(self, script: str | Path | list[str], cwd: str | Path, **variables: str) -> None:
        environment = {name: value for name, value in os.environ.items() if name not in SETTINGS}
        self._process = subprocess.Popen(
            [sys.executable, *(script if isinstance(script, list) else [str(script)])],
            cwd=cwd,
            env={
                **environment,
                "PORT": "0",
                "PYTHONWARNINGS": "default::ResourceWarning",
                **variables,
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        self._changed = threading.Condition()  # guards the two lists
        self._lines: dict[str, list[str]] = {"stdout": [], "stderr": []}
        self._readers = [
            threading.Thread(target=self._read, args=(name,), daemon=True) for name in self._lines
        ]
        for reader in self._readers:
            reader.start()

    @property
    def output(self) -> str:
        """What it has printed."""
        return self._text("stdout")

    @property
    def errors(self) -> str:
        """What it has logged, or said about its death."""
        return self._text("stderr")

    def address(self) -> str:
        """The address of its page, once it is printed."""
        found: list[str] = []

        def printed() -> bool:
            found[:] = re.findall(r"http://127\.0\.0\.1:\d+/", "".join(self._lines["stdout"]))
            return bool(found) or not any(reader.is_alive() for reader in self._readers)

        with self._changed:
            self._changed.wait_for(printed, PATIENCE)
        assert found, f"no address was printed:\n{self.output}{self.errors}"
        return found[0]

    def wait_for(self, pattern: str, times: int = 1) -> list[str]:
        """What matches in all that it has said, once there is as much of it."""
        found: list[str] = []

        def said() -> bool:
            found[:] = re.findall(pattern, "".join(map("".join, self._lines.values())))
            return len(found) >= times or not any(reader.is_alive() for reader in self._readers)

        with self._changed:
            self._changed.wait_for(said, PATIENCE)
        assert len(found) >= times, f"no {times} of {pattern!r}:\n{self.output}{self.errors}"
        return found

    def press_ctrl_c(self) -> int:
        """Ask for the end as a terminal does; return the exit code.

        Code that hangs is told by the log: how long the end takes says more of the machine.
        """
        self._process.send_signal(signal.SIGINT)
        code = self.end()
        assert "still running after the end" not in self.errors, self.errors
        return code

    def end(self) -> int:
        """Wait until it has ended; return the exit code."""
        code = self._process.wait(PATIENCE)
        self._join()
        return code

    def __enter__(self) -> Program:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()
        self._join()

    def _read(self, name: str) -> None:
        stream = getattr(self._process, name)
        with stream:
            for line in stream:
                with self._changed:
                    self._lines[name].append(line)
                    self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    def _text(self, name: str) -> str:
        with self._changed:
            return "".join(self._lines[name])

    def _join(self) -> None:
        for reader in self._readers:
            reader.join()


class Page:
    """What the page in a browser does: it wears the glasses, sees, hears, and speaks."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._changed = threading.Condition()  # guards messages and streams
        self._messages: list[dict[str, Any]] = []
        self._streams: list[str] = []
        self._found: dict[str, int] = {}  # how far each kind of message has been looked at
        self._friend: Friend | None = None
        self.state = state = json.loads(get(f"{address}api/sim/state"))
        base = address.replace("http://", "ws://")
        token = quote(state["glassesToken"])
        self._glasses = _connect(f"{base}glasses-ws?token={token}")
        self._simulator = _connect(f"{base}simulator-ws")
        self._readers = [
            threading.Thread(target=self._read, args=(socket, take), daemon=True)
            for socket, take in ((self._glasses, self._play), (self._simulator, self._take))
        ]
        for reader in self._readers:
            reader.start()
        # From "hello" on, the simulator tells this page all that happens.
        self._wait("the simulator to say hello", "hello", lambda one: True)
        self._glasses.send(json.dumps({"type": "connection_init"}))

    def restart(self) -> None:
        """Stop the app once it has shown something, and start it: now nothing is missed.

        Where there is no screen a program does not wait for its page.
        """
        if self.state["model"] == "Mentra Live":  # which have no display
            self._wait("the app to say something", "speech", lambda one: True)
        else:
            self._wait(
                "the app to show something",
                "lens",
                lambda one: (
                    (one["lines"] or "bitmap" in one["layout"]["layoutType"]) and not one["boot"]
                ),
            )
        with self._changed:
            # Not what was said of an app that had not been started yet as the page was opened.
            self._found["app"] = len(self._messages)
        self._simulator.send(json.dumps({"action": "stop"}))
        self._wait_for_app("stopped")
        with self._changed:
            self._found = dict.fromkeys(("lens", "speech"), len(self._messages))
        self._simulator.send(json.dumps({"action": "start"}))

    def see(self, text: str | re.Pattern[str]) -> None:
        """Wait until the lens shows a text; what was seen before does not count."""
        pattern = _pattern(text)
        self._wait(
            f"the lens to show {pattern.pattern!r}",
            "lens",
            lambda one: pattern.search(" ".join(one["lines"])) is not None,
        )

    def hear(self, text: str | re.Pattern[str]) -> None:
        """Wait until the glasses have spoken a text; what was heard before does not count."""
        pattern = _pattern(text)
        self._wait(
            f"the glasses to speak {pattern.pattern!r}",
            "speech",
            lambda one: one["state"] == "spoken" and pattern.fullmatch(one["text"]) is not None,
        )

    def say(self, text: str) -> None:
        """Say something, once the app listens."""
        self._listens("transcription")
        words = {"action": "say", "text": text, "language": "en-US"}
        self._simulator.send(json.dumps(words))

    def press(self, kind: str = "short") -> None:
        """Press the button, once the app listens."""
        self._listens("button_press")
        press = {"type": "button_press", "buttonId": "main", "pressType": kind}
        self._glasses.send(json.dumps(press))

    def touch(self, gesture: str) -> None:
        """Touch the touch pad, once the app listens."""
        self._report("touch_event", device_model="Simulated Glasses", gesture_name=gesture)

    def go_to(self, place: str) -> None:
        """Be at a latitude and a longitude, once the app listens."""
        latitude, longitude = map(float, place.split())
        self._report("location_update", "location", lat=latitude, lng=longitude)

    def notify(self, text: str) -> None:
        """Have the phone notify of something: app, title and content."""
        app, title, content = text.split(": ")
        self._report("phone_notification", app=app, title=title, content=content)

    def change_setting(self, text: str) -> None:
        """Change one of the app's settings on the phone."""
        key, _, value = text.partition("=")
        settings = {key: json.loads(value) if value in ("true", "false") else value}
        self._simulator.send(json.dumps({"action": "change_settings", "settings": settings}))

    def see_layout(self, kind: str) -> None:
        """Wait until the lens shows something of a kind, for example a ``bitmap_view``."""
        self._wait(
            f"the lens to show a {kind}", "lens", lambda one: one["layout"]["layoutType"] == kind
        )

    def meet(self, name: str) -> None:
        """Let a friend with glasses of their own start the app."""
        self._friend = Friend(self, f"{name}@example.com")

    def hear_friend(self, text: str) -> None:
        """Let the friend say something."""
        assert self._friend is not None
        self._friend.say(text)

    def friend_sees(self, text: str) -> None:
        """Wait until the friend's glasses show a text."""
        assert self._friend is not None
        self._friend.see(text)

    def part(self, name: str) -> None:
        """Let the friend stop the app and go."""
        assert self._friend is not None
        self._friend.close()
        self._friend = None

    def _report(self, kind: str, stream: str | None = None, **fields: Any) -> None:
        self._listens(stream or kind)
        self._glasses.send(json.dumps({"type": kind, **fields}))

    def close(self) -> None:
        """Close the page."""
        if self._friend is not None:
            self._friend.close()
        sockets = (self._glasses, self._simulator)
        for socket in sockets:
            with contextlib.suppress(websocket.WebSocketException, OSError):
                socket.send_close()
                socket.abort()  # wakes its reader
        for reader in self._readers:
            reader.join()
        for socket in sockets:
            socket.shutdown()

    def __enter__(self) -> Page:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _wait_for_app(self, state: str) -> None:
        self._wait(f"the app to be {state}", "app", lambda one: one["state"] == state)

    def _listens(self, stream: str) -> None:
        with self._changed:
            listening = self._changed.wait_for(
                lambda: any(name.startswith(stream) for name in self._streams), PATIENCE
            )
            assert listening, f"the app wants {self._streams}, not {stream}"

    def _wait(self, what: str, kind: str, matches: Callable[[dict[str, Any]], bool]) -> None:
        looked_at = self._found.get(kind, 0)

        def found() -> bool:
            for index, message in enumerate(self._messages[looked_at:], looked_at + 1):
                if message["kind"] == kind and matches(message):
                    self._found[kind] = index
                    return True
            return False

        with self._changed:
            if not self._changed.wait_for(found, PATIENCE):
                texts = map(json.dumps, self._messages[looked_at:])
                came = "\n".join(text[:500] for text in texts)
                raise AssertionError(f"waited for {what}; what came:\n{came}")

    def _take(self, message: dict[str, Any]) -> None:
        """What the simulator tells the page."""
        with self._changed:
            if message["kind"] == "hello":
                self._messages.append({"kind": "app", **message["app"]})
                self._messages += [{"kind": "lens", **view} for view in message["lens"].values()]
            self._messages.append(message)
            self._streams = message.get("streams", self._streams)
            self._changed.notify_all()

    def _play(self, message: dict[str, Any]) -> None:
        """What the cloud tells the glasses: play it, in no time at all."""
        if message.get("type") == "audio_play_request":
            answer = {"requestId": message["requestId"], "success": True, "duration": 100}
            began = {"action": "speech_began", "request_id": message["requestId"]}
            self._simulator.send(json.dumps(began))
            self._glasses.send(json.dumps({"type": "audio_play_response", **answer}))

    def _read(self, socket: Any, take: Callable[[dict[str, Any]], None]) -> None:
        while True:
            try:
                text = socket.recv()
            except (websocket.WebSocketException, OSError):
                return
            if not text:
                return
            take(json.loads(text))


class Friend:
    """Somebody else's glasses, without a page: they speak the protocol themselves."""

    def __init__(self, page: Page, user_id: str) -> None:
        self._page = page
        found = json.loads(get(f"{page.address}api/sim/wearers/{quote(user_id)}", {}))
        self._token = found["glassesToken"]
        self._changed = threading.Condition()  # guards the next
        self._seen: list[str] = []
        base = page.address.replace("http://", "ws://")
        self._glasses = _connect(f"{base}glasses-ws?token={quote(self._token)}")
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._glasses.send(json.dumps({"type": "connection_init"}))
        self._app("start")
        self.see("Say something.")

    def say(self, text: str) -> None:
        """Say something, which these glasses understand themselves."""
        words = {"type": "local_transcription", "text": text, "isFinal": True}
        self._glasses.send(json.dumps({**words, "transcribeLanguage": "en-US"}))

    def see(self, text: str) -> None:
        """Wait until these glasses show a text."""
        with self._changed:
            there = self._changed.wait_for(lambda: any(text in one for one in self._seen), PATIENCE)
            assert there, f"the friend did not see {text!r}, but {self._seen}"

    def close(self) -> None:
        """Stop the app, and take the glasses off."""
        self._app("stop")
        with contextlib.suppress(websocket.WebSocketException, OSError):
            self._glasses.send_close()
            self._glasses.abort()
        self._reader.join()
        self._glasses.shutdown()

    def _app(self, what: str) -> None:
        package = self._page.state["packageName"]
        get(f"{self._page.address}apps/{package}/{what}", {}, f"Bearer {self._token}")

    def _read(self) -> None:
        while True:
            try:
                text = self._glasses.recv()
            except (websocket.WebSocketException, OSError):
                return
            if not text:
                return
            layout = json.loads(text).get("layout", {})
            with self._changed:
                self._seen.append(" ".join(str(layout.get("text", "")).split()))
                self._changed.notify_all()


def get(address: str, body: dict[str, Any] | None = None, authorization: str = "") -> str:
    """The text at an address on this machine, whatever proxies there are; a body is POSTed."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json", "Authorization": authorization}
    with opener.open(urllib.request.Request(address, data, headers), timeout=PATIENCE) as answer:
        text: str = answer.read().decode()
        return text


def hold(page: Page, conversation: list[tuple[str, str]], tell: Callable[[str], object]) -> None:
    """Hold a conversation, line by line; fails where the app does something else."""
    page.restart()
    doing = {
        "shows": page.see,
        "speaks": page.hear,
        "you say": page.say,
        "you press": page.press,
        "you touch": page.touch,
        "you go to": page.go_to,
        "you set": page.change_setting,
        "phone gets": page.notify,
        "shows a": page.see_layout,
        "friend comes": page.meet,
        "friend says": page.hear_friend,
        "friend sees": page.friend_sees,
        "friend goes": page.part,
    }
    for what, text in conversation:
        doing[what](text)
        tell(f"{what:>9}: {text}")


def _pattern(text: str | re.Pattern[str]) -> re.Pattern[str]:
    return text if isinstance(text, re.Pattern) else re.compile(re.escape(text))


def _connect(address: str) -> Any:
    return websocket.create_connection(address, timeout=None, http_no_proxy=["*"])


def main(script: str) -> None:
    """Try one example, and tell how it went."""
    path = Path(script)
    print(path, flush=True)
    with Program(path.resolve(), cwd=ROOT) as program:
        with Page(program.address()) as page:
            hold(page, CONVERSATIONS[path.name], lambda line: print(line, flush=True))
        code = program.press_ctrl_c()
    if code or "Traceback" in program.errors:
        sys.exit(f"it ended with {code}:\n{program.errors}")


if __name__ == "__main__":
    main(sys.argv[1])
