"""The cloud: its apps, its wearers, its clocks, and the lock that guards what they share."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future

from mentra_sync.clock import Clock, Deadline
from mentra_sync.simulator.app_session import ON_THE_WAY, AppSession
from mentra_sync.simulator.inputs import Inputs
from mentra_sync.simulator.people import People
from mentra_sync.simulator.registry import App, Registry
from mentra_sync.simulator.schedule import Schedule
from mentra_sync.simulator.storage import SimpleStorage
from mentra_sync.simulator.timeline import Timeline
from mentra_sync.simulator.wearer import Wearer
from mentra_sync.simulator.webhooks import Webhooks


class Cloud:
    """A MentraOS cloud without sockets: those are brought to it (``http``).

    ``on_change`` is called, under the lock, when an app's state or streams have changed.
    """

    def __init__(
        self,
        clock: Clock | None = None,
        wire_clock: Clock | None = None,
        *,
        realistic: bool = True,
        quirks: bool = False,
    ) -> None:
        self.realistic = realistic
        self.quirks = quirks
        self.lock = threading.RLock()  # guards wearers, sessions, displays and the registry
        self.registry = Registry()
        self.people = People(silent=quirks)
        self.storage = SimpleStorage()
        self.tells_device_state = False
        """Newer clouds send ``device_state_update``; the recorded one never did."""
        self.tells_permission_errors = True
        """Newer clouds send ``permission_error``; the recorded one only logs it."""
        self.timeline = Timeline()
        """What crossed the wire."""
        self.inputs = Inputs()
        """What is done to the glasses and to the app."""
        self.session_time = Schedule(clock or Clock(), "mentra-sim-session-time")
        self.wire_time = Schedule(wire_clock or Clock(), "mentra-sim-wire-time")
        self.webhooks = Webhooks(self.timeline, self.wire_time)
        self.on_change: Callable[[AppSession], None] | None = None
        self.address = ""
        """Host and port that apps reach this cloud at; set before anything is started."""
        self._changed = threading.Condition(self.lock)
        self._wearers: dict[str, Wearer] = {}
        self._closed = False
        self._starts = True

    @property
    def closed(self) -> bool:
        """Whether nothing is started any more."""
        return self._closed or not self._starts

    @property
    def websocket_url(self) -> str:
        """Where apps connect to."""
        return f"ws://{self.address}/app-ws"

    def start(self) -> None:
        """Set the clocks going."""
        self.session_time.start()
        self.wire_time.start()

    def start_no_more(self) -> None:
        """The app's program is about to end: an app that is lost from now on is not missed."""
        with self.lock:
            self._starts = False

    def close(self) -> None:
        """Start nothing more, and end the threads."""
        with self.lock:
            self._closed = True
            for wearer in self._wearers.values():
                for session in wearer.apps.values():
                    session.end("User session ended")
                wearer.glasses.end()
            self._changed.notify_all()
        self.webhooks.close()
        self.session_time.stop()
        self.wire_time.stop()

    def add_wearer(self, user_id: str, model: str) -> Wearer:
        """A wearer with glasses of a model; the one that is there already, if there is one."""
        with self.lock:
            wearer = self._wearers.get(user_id)
            if wearer is None:
                wearer = self._wearers[user_id] = Wearer(self, user_id, model)
            return wearer

    def find_wearer(self, user_id: str) -> Wearer | None:
        """The wearer of a user id, or None."""
        return self._wearers.get(user_id)

    def wearers(self) -> list[Wearer]:
        """All wearers."""
        with self.lock:
            return list(self._wearers.values())

    def start_app(self, wearer: Wearer, app: App) -> Future[bool]:
        """Start an app for a wearer; the future tells whether it has been acknowledged in time."""
        with self.lock:
            return wearer.session_of(app).start()

    def stop_app(self, wearer: Wearer, app: App) -> Future[None]:
        """Stop an app of a wearer; the future ends when it has been told."""
        with self.lock:
            return wearer.session_of(app).stop()

    def sessions(self) -> list[AppSession]:
        """The sessions of all apps and wearers, running or not."""
        return [session for wearer in self.wearers() for session in wearer.sessions()]

    def catch_up(self, timeout: float) -> bool:
        """Block until every app has worked on all frames sent so far, and the cloud on theirs.

        False when that takes more than ``timeout`` (s, real).
        """
        with self.lock:
            links = [session.link for session in self.sessions() if session.link is not None]
        waiting = threading.Semaphore(0)
        for link in links:
            link.when_caught_up(waiting.release)
        deadline = Deadline(timeout)
        return all(waiting.acquire(timeout=deadline.remaining) for _ in links)

    def busy_with(self, *, waiting_requests: int = 0) -> list[str]:
        """What is under way, frames left aside, in words; empty when nothing is.

        Nor is a request to the app that only waits there: ``waiting_requests`` are known to.
        """
        busy = [] if self.session_time.quiet else ["the simulator, with what is due"]
        if self.webhooks.busy > waiting_requests:
            busy.append("a request to the app")
        with self.lock:
            on_their_way = [one for one in self.sessions() if one.state in ON_THE_WAY]
        return busy + [
            f"the app of {one.wearer.user_id}, {one.state.value}" for one in on_their_way
        ]

    def announce(self, session: AppSession) -> None:
        """A session's state or streams have changed; its caller holds the lock."""
        self._changed.notify_all()
        if self.on_change is not None:
            self.on_change(session)

    def wait_for(self, condition: Callable[[], bool], timeout: float) -> bool:
        """Block until a condition about sessions holds, ``timeout`` (s, real) at most."""
        deadline = Deadline(timeout)
        with self.lock:
            return (
                self._changed.wait_for(lambda: self._closed or condition(), deadline.remaining)
                and condition()
            )
