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
PATIENCE = 20.0
"""Seconds until something that should happen must have happened; as a rule it takes far less."""

ENDING = 5.0
"""Seconds that the end may take after Ctrl+C."""

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
        ("shows", "Press the button to take a photo."),
        ("you press", "short"),
        ("shows", "Simulated Glasses have no camera."),
        ("speaks", "Simulated Glasses have no camera. Mentra Live have one."),
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

    Leaving the ``with`` block ends the process, whatever has happened.
    """

    def __init__(self, script: str | Path, cwd: str | Path, **variables: str) -> None:
        environment = {name: value for name, value in os.environ.items() if name not in SETTINGS}
        self._process = subprocess.Popen(
            [sys.executable, str(script)],
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

    def press_ctrl_c(self) -> int:
        """Ask for the end as a terminal does; return the exit code."""
        self._process.send_signal(signal.SIGINT)
        code = self._process.wait(ENDING)
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
        state = json.loads(get(f"{address}api/sim/state"))
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
        self._wait(
            "the app to show something", "lens", lambda one: one["lines"] and not one["boot"]
        )
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
        words = {"action": "say", "text": text, "final": True, "typed": True, "language": "en-US"}
        self._simulator.send(json.dumps(words))

    def press(self, kind: str = "short") -> None:
        """Press the button, once the app listens."""
        self._listens("button_press")
        press = {"type": "button_press", "buttonId": "main", "pressType": kind}
        self._glasses.send(json.dumps(press))

    def close(self) -> None:
        """Close the page."""
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
                came = "\n".join(map(json.dumps, self._messages[looked_at:]))
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
            began = {"action": "speech_began", "requestId": message["requestId"]}
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


def get(address: str) -> str:
    """The text at an address on this machine, whatever proxies there are."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(address, timeout=PATIENCE) as answer:
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
