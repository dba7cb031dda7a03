"""Plays a recording's app and glasses at a simulator whose clocks stand still in between.

Every input comes at its recorded time; before the clocks go on, everything that the cloud has
to do and to say has been done and heard.  So nothing here depends on how fast the machine is.
"""

from __future__ import annotations

import json
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import requests
import websocket
from raw_app import simulator_threads
from recording import Line, Normal, Seen, answer, hook, hook_label, label_of, lines_of
from replay_ends import PATIENCE, EndSocket, Frame, Hook, app_server
from still_clock import StillClock

from mentra_sync.simulator.app_session import State
from mentra_sync.simulator.http import Simulator
from mentra_sync.simulator.registry import App

NEAR = 1.5
"""How far (s, of the clocks) a webhook may be from the one of the recording that it stands for."""

AFTER = 0.05
"""How long (s) after its last line a recording goes on."""

LATEST = 0.5
"""How long (s, of the clocks) an input waits for what it answers to."""


@dataclass(frozen=True)
class Scene:
    """What a recording begins with."""

    name: str
    user_id: str
    package: str = "com.example.raw"
    app_name: str = "Raw"
    model: str = "Even Realities G1"
    saved: Frame | None = None
    system: Frame | None = None
    running: int | None = None
    """The number of the app's socket, where the app runs already."""
    streams: tuple[str, ...] = ()
    phone: bool = True
    """Whether the phone is there already."""
    said: tuple[tuple[float, str, str, dict[str, str]], ...] = ()
    """Speech: when, in which language, which words, and what they are in others."""


class Replay:
    """One recording, played at a simulator; ``seen`` is what its ends saw."""

    def __init__(self, scene: Scene, config: Frame, *, quirks: bool) -> None:
        self.scene = scene
        self.seen: list[Seen] = []
        self.normal = Normal()
        self._lines = lines_of(scene.name)
        self._clock = StillClock()
        self._start = 0.0
        self._lock = threading.RLock()  # guards all lists
        self._raw: list[tuple[str, Any]] = []
        self._hooks: list[Hook] = []
        self._answerable: dict[str, Hook] = {}
        self._calls: list[tuple[str, threading.Thread, Frame]] = []
        self._pause_until = 0.0
        self._sockets: dict[tuple[str, int], EndSocket] = {}
        self._ids: dict[str, str] = {}
        self._server = app_server(self._hooked)
        self.simulator = Simulator(
            webhook_url=self._server.url,
            package_name=scene.package,
            app_name=scene.app_name,
            api_key=f"key-of-{scene.package}",
            port=0,
            user_id=scene.user_id,
            glasses=scene.model,
            config=config,
            clock=self._clock,
            wire_clock=self._clock,
            quirks=quirks,
        )
        self.cloud = self.simulator.cloud
        self.wearer = self.cloud.add_wearer(scene.user_id, scene.model)
        if scene.saved is not None:
            self.simulator.app.save_settings(scene.user_id, scene.saved)
        self.wearer.preferences.system.update(scene.system or {})
        self.wearer.video.distributes = False  # as at the recorded cloud
        self.simulator.start()

    def add_app(self, package: str, name: str, config: Frame, denied: set[str]) -> None:
        """Register another app with the same server."""
        url = self._server.url
        self.cloud.registry.add(App(package, name, url, f"key-of-{package}", config, denied))

    # --- Running -----------------------------------------------------------------------------

    def play(self) -> list[Seen]:
        """Play it all, and return what was seen since the recording began."""
        self._prelude()
        said = [(t, None, (language, text, known)) for t, language, text, known in self.scene.said]
        script: list[tuple[float, Line | None, Any]] = [
            *((line.t, line, None) for line in self._lines if line.out and line.kind != "note"),
            *said,
        ]
        script.sort(key=lambda step: step[0])
        for moment, line, words in script:
            self._to(self._start + moment)
            if line is None:
                language, text, known = words
                self.simulator.glasses.say(text, language=language, translations=known)
            else:
                self._await_causes(line)
                self._perform(line)
            self._settle()
        self._to(self._start + self._lines[-1].t + AFTER)
        return sorted(self.seen, key=lambda one: one.order)

    def stop(self) -> None:
        """Close everything."""
        with self._lock:
            for one in self._hooks:
                one.answered.set()
        for end in self._sockets.values():
            end.reset()
        self.simulator.stop()
        for _, thread, _ in self._calls:
            thread.join(PATIENCE)
        self._server.close()

    def _prelude(self) -> None:
        scene = self.scene
        self._start = 40.0
        if scene.phone:
            self._to(self._start - 20 + self._first_ping("glasses", 1))
            self._dial("glasses", 1, self._phone_header())
            init = {"type": "connection_init", "timestamp": 0}
            self._sockets["glasses", 1].send_text(json.dumps(init))
            self._settle()
            state = {"connected": True, "modelName": scene.model, "wifiConnected": True}
            self._call("prelude 1", "POST", "/api/client/device/state", self._phone_header(), state)
            self._settle()
        if scene.running is not None:
            self._to(self._start - 10 + self._first_ping("app", scene.running))
            start = f"/apps/{scene.package}/start"
            self._call("prelude 2", "POST", start, self._phone_header(), {})
            self._settle()
            self._introduce(scene.running, scene.package)
            self._hooks[0].answer = (200, {"status": "success"})
            self._hooks[0].answered.set()
            self._settle()
        self._to(self._start)
        with self._lock:
            self.seen.clear()
            self._raw.clear()
            self._hooks.clear()
            self.normal = Normal()

    def _first_ping(self, at: str, number: int) -> float:
        """When one end was pinged, in periods of 10 s since it connected: less than one."""
        pings = (line for line in self._lines if line.kind == "ping")
        moments = [line.t for line in pings if (line.at, line.sock) == (at, number)]
        return (moments[0] % 10) - 10 if moments else -5.0

    def _introduce(self, number: int, package: str) -> None:
        names = {"packageName": package, "sessionId": f"{self.scene.user_id}-{package}"}
        self._dial("app", number, {})
        end = self._sockets["app", number]
        init = {"type": "tpa_connection_init", "apiKey": f"key-of-{package}", **names}
        end.send_text(json.dumps(init))
        self._settle()
        listen = {"type": "subscription_update", "subscriptions": list(self.scene.streams)}
        end.send_text(json.dumps({**listen, **names}))

    # --- Time --------------------------------------------------------------------------------

    def _to(self, moment: float) -> None:
        self._settle()
        while (due := self._clock.next_due()) is not None and due <= moment:
            self._clock.advance_to(due)
            self._settle()
        self._clock.advance_to(moment)
        self._settle()

    def _settle(self) -> None:
        """Until the cloud has done all that it has to do now, and its ends have heard of it."""
        deadline = time.monotonic() + PATIENCE
        while True:
            while not self._idle():
                assert time.monotonic() < deadline, "the cloud did not come to rest"
                time.sleep(0.0005)
            before = len(self._raw)
            for _ in range(2):
                for end in list(self._sockets.values()):
                    if not end.over:
                        end.barrier()
            if self._idle() and len(self._raw) == before:
                return

    def _idle(self) -> bool:
        with self._lock:
            hooks = [one for one in self._hooks if not one.answered.is_set() and not one.given_up]
            open_calls = sum(thread.is_alive() for _, thread, _ in self._calls)
        cloud = self.cloud
        # A connection that we have lost is lost for the cloud when its thread there has ended.
        connections = sum("mentra-sim-http" in name for name in simulator_threads())
        if connections != open_calls + sum(not end.over for end in self._sockets.values()):
            return False
        if cloud.webhooks.busy != len(hooks):
            return False
        if not (cloud.session_time.quiet and cloud.wire_time.quiet):
            return False
        # A start that is acknowledged is answered now, however long its webhook is held.
        calls_wait = any(one.request["path"] != "/webhook" for one in hooks) or self._owes()
        return open_calls == 0 or self._clock.now() < self._pause_until or calls_wait

    def _owes(self) -> bool:
        """Whether a start or a stop is under way, whose caller waits."""
        states = {session.state for session in self.wearer.sessions()}
        return not states.isdisjoint({State.STARTING, State.STOPPING})

    # --- Inputs ------------------------------------------------------------------------------

    def _await_causes(self, line: Line) -> None:
        """An input comes after what its end has been sent before: webhooks, upgrades, acks."""
        due = [
            one
            for one in self._lines[: line.number - 1]
            if one.at == line.at and not one.out and _causes(one) and line.t - one.t < 2 * LATEST
        ]
        limit = self._clock.now() + LATEST
        while not all(self._has_seen(one) for one in due):
            moment = self._clock.next_due()
            if moment is None or moment > limit:
                return
            self._clock.advance_to(moment)
            self._settle()

    def _has_seen(self, line: Line) -> bool:
        if _is_hook(line):
            return line.data["id"] in self._answerable
        channel = f"{line.at} {line.sock}"
        kind = line.data["frame"]["type"] if line.kind == "frame" else "upgrade"
        return any(one.channel == channel and one.label.startswith(kind) for one in self.seen)

    def _perform(self, line: Line) -> None:
        data = line.data
        if line.kind == "http" and line.sock is not None:
            self._dial(line.at, line.sock, self._headers(line.at, data["headers"]))
        elif line.kind == "http" and "method" in data:
            if "host" not in data:
                headers = self._headers(line.at, data["headers"])
                self._call(
                    f"{line.at} {data['id']}", data["method"], data["path"], headers, data["body"]
                )
        elif line.kind == "http":
            self._answer(data)
        elif (end := self._sockets.get((line.at, line.sock or 0))) is None:
            return
        elif line.kind == "close" and data["code"] is None:
            end.reset()
        elif line.kind == "close":
            end.close(data["code"], data["reason"])
        elif line.kind == "binary":
            begin = bytes.fromhex(data["first64hex"])
            end.send_text(begin + bytes(data["length"] - len(begin)))
        else:
            end.send_text(data.get("text") or json.dumps(self._filled_in(data["frame"])))

    def _filled_in(self, frame: Frame) -> Frame:
        filled = {
            name: self._ids.get(str(value), value)
            for name, value in frame.items()
            if name in ("streamId", "ackId")
        }
        if frame.get("apiKey") == "<key>":
            filled["apiKey"] = f"key-of-{frame.get('packageName')}"
        return {**frame, **filled}

    def _headers(self, at: str, headers: Frame) -> Frame:
        given = headers.get("Authorization")
        kept = {name: value for name, value in headers.items() if name.lower() not in _NOT_OURS}
        if given == "Bearer <key>" and at == "glasses":
            return {**kept, **self._phone_header()}
        if given is not None:
            key = given.replace("<key>", f"key-of-{self.scene.package}")
            kept["Authorization"] = key
        return kept

    def _phone_header(self) -> Frame:
        return {"Authorization": f"Bearer {self.simulator.token_of()}"}

    def _dial(self, at: str, number: int, headers: Frame) -> None:
        channel = f"{at} {number}"
        path = "app-ws" if at == "app" else "glasses-ws"
        url = f"{self.simulator.url.replace('http', 'ws')}{path}"
        header = [f"{name}: {value}" for name, value in headers.items()]
        try:
            self._sockets[at, number] = EndSocket(url, channel, self._note, header)
        except websocket.WebSocketBadStatusException as refusal:
            body = json.loads(refusal.resp_body or b"null")
            self._note(channel, "upgrade", {"status": refusal.status_code, "body": body})
        else:
            self._note(channel, "upgrade", {"status": 101, "body": None})

    def _call(self, channel: str, method: str, path: str, headers: Frame, body: Any) -> None:
        url = self.simulator.url.rstrip("/") + path
        before, token = len(self._raw), self.simulator.token_of()

        def call() -> None:
            with requests.Session() as web:
                web.trust_env = False
                data = None if body is None else json.dumps(body).replace("<key>", token)
                found = web.request(method, url, headers=headers, data=data, timeout=PATIENCE)
            told = {"status": found.status_code, "body": found.text}
            with suppress(ValueError):
                told["body"] = found.json()
            self._note(channel, f"{method} {path}", told)

        thread = threading.Thread(target=call, name="replay-call", daemon=True)
        self._calls.append((channel, thread, headers))
        thread.start()
        deadline = time.monotonic() + PATIENCE
        while len(self._raw) == before and time.monotonic() < deadline:
            time.sleep(0.0005)

    def _answer(self, data: Frame) -> None:
        """Answer the webhook that the recording's own of this id corresponds to."""
        one = self._answerable.get(data["id"])
        if one is None:
            return
        with self._lock:
            repeated = (
                sum(other.request["body"] == one.request["body"] for other in self._hooks) > 1
            )
        # Who called for a start waits for the repetition; after that one there is none.
        pause = data["status"] >= 300 and not repeated
        self._pause_until = self._clock.now() + 1.0 if pause else 0.0
        one.answer = (data["status"], data["body"])
        one.answered.set()

    # --- What is seen ------------------------------------------------------------------------

    def _note(self, channel: str, kind: str, content: Any) -> None:
        with self._lock:
            self._raw.append((kind, content))
            self._learn_ids(kind, content)
            now = self._clock.now() - self._start
            if kind == "frame":
                content = self.normal.of(content)
            elif isinstance(content, dict) and "status" in content:
                content = answer(content, self.normal)
            label = label_of(kind, content)
            self.seen.append(Seen(now, channel, label, content, len(self.seen)))

    def _learn_ids(self, kind: str, content: Any) -> None:
        """Ids that the cloud makes up, in the order of the recording's."""
        if kind != "frame" or content.get("type") not in _NAMING:
            return
        for name in ("streamId", "ackId"):
            if content.get(name) and content[name] not in self._ids.values():
                recorded = [
                    line.data["frame"][name]
                    for line in self._lines
                    if line.kind == "frame" and not line.out and line.data["frame"].get(name)
                ]
                new = [one for one in dict.fromkeys(recorded) if one not in self._ids]
                if new:
                    self._ids[new[0]] = content[name]

    def _hooked(self, one: Hook) -> None:
        with self._lock:
            self._raw.append(("hook", one))
            self._hooks.append(one)
            content = self.normal.of(hook(one.request))
            now = self._clock.now() - self._start
            label = hook_label(one.request)
            self.seen.append(Seen(now, "app hooks", label, content, len(self.seen)))
            self._match(one, now)

    def _match(self, one: Hook, now: float) -> None:
        """Find what the app of the recording answered; what was not recorded is taken at once."""
        for line in self._lines:
            if line.out or not _is_hook(line) or line.data["id"] in self._answerable:
                continue
            theirs, mine = line.data, one.request
            names = ("type", "sessionId", "toolId")
            alike = theirs["path"] == mine["path"] and all(
                theirs["body"].get(name) == mine["body"].get(name) for name in names
            )
            if alike and abs(line.t - now) < NEAR:
                self._answerable[line.data["id"]] = one
                return
        if now > 0:
            one.answered.set()


_NAMING = ("start_rtmp_stream", "rtmp_stream_status", "keep_rtmp_stream_alive")
_NOT_OURS = ("upgrade", "host", "connection", "content-length", "authorization")


def _is_hook(line: Line) -> bool:
    return line.kind == "http" and "method" in line.data and line.data["path"] != "/photo-upload"


def _causes(line: Line) -> bool:
    if line.kind == "frame":
        return str(line.data["frame"].get("type")).startswith("tpa_connection_")
    return line.kind == "http" and (line.sock is not None or _is_hook(line))
