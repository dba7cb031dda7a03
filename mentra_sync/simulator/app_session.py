"""One app of one wearer: started, connected, lost, brought back to life, stopped."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from enum import Enum
from typing import Any

from mentra_sync import config
from mentra_sync.protocol.codec import iso_timestamp
from mentra_sync.simulator import limits
from mentra_sync.simulator.faces import CloudFace, LinkFace, WearerFace
from mentra_sync.simulator.registry import App
from mentra_sync.simulator.schedule import Later

NEVER_CONNECTED = "the app was called but did not connect within 5 s; its log says why"


class State(str, Enum):
    """Where an app is on its way."""

    STOPPED = "stopped"
    STARTING = "starting"
    RUNNING = "running"
    WAITING = "waiting"
    """Its connection was lost; it has 5 s to come back."""
    STOPPING = "stopping"
    FAILED = "failed"
    """The last start failed."""


ON_THE_WAY = (State.STARTING, State.WAITING, State.STOPPING)
"""States that another one follows by itself."""


class AppSession:
    """The state of one app for one wearer; the cloud's lock guards all of it."""

    def __init__(self, cloud: CloudFace, wearer: WearerFace, app: App) -> None:
        self.wearer = wearer
        self.app = app
        self.state = State.STOPPED
        self.detail: str | None = None
        self.streams: tuple[str, ...] = ()
        self.location_rate: str | None = None
        """How exactly the app wants to follow the wearer; None when it does not."""
        self.subscribed = False
        """Whether a subscription list has come since the start."""
        self.refuses_connections = False
        """Whether the network lets no connection through."""
        self.delay = 0.0
        """How long (s, real) the network takes, in each direction."""
        self.link: LinkFace | None = None
        self._cloud = cloud
        self._run = 0
        self._request: dict[str, Any] = {}
        """What the webhook was told when this run began."""
        self._timer: Later | None = None
        self._regardless: Later | None = None
        self._started: Future[bool] = Future()
        self._stopped: Future[None] = Future()
        self._again: Future[bool] | None = None
        """A start that waits for the stop before it."""
        self.coming_back = False
        """Whether it is stopped only to be started again, after its connection was lost."""
        self._tell_glasses = True
        self._reconnected_at: float | None = None
        self._told_denied: set[str] = set()
        """Streams of which the app has been told that it lacks the permission."""

    @property
    def session_id(self) -> str:
        """The id that app and cloud call the session by."""
        return f"{self.wearer.user_id}-{self.app.package_name}"

    @property
    def live(self) -> bool:
        """Whether events reach the app."""
        return self.state is State.RUNNING and self.link is not None

    # --- Starting ----------------------------------------------------------------------------

    def start(self, *, tell_glasses: bool = True) -> Future[bool]:
        """Start the app; the future tells whether it has been acknowledged in time."""
        with self._cloud.lock:
            if self.state is State.STOPPING:
                self._again = self._again or Future()
                return self._again
            if self.state in (State.STOPPED, State.FAILED):
                self._begin(tell_glasses, Future())
            return self._started

    def _begin(self, tell_glasses: bool, started: Future[bool]) -> None:
        self._started = started
        if self._cloud.closed:
            started.set_result(False)
            return
        self._run += 1
        self._tell_glasses = tell_glasses
        self._reconnected_at = None
        self.coming_back = False
        self.streams = ()
        self.subscribed = False
        self._set_state(State.STARTING)
        self.wearer.displays.boot_began(self.app.package_name, self.app.name)
        run = self._run
        self._arm(config.START_TIMEOUT, lambda: self._start_failed(run, NEVER_CONNECTED))
        self._request = {
            "type": "session_request",
            "sessionId": self.session_id,
            "userId": self.wearer.user_id,
            "timestamp": iso_timestamp(),
            "augmentOSWebsocketUrl": self._cloud.websocket_url,
        }
        self._cloud.webhooks.post(
            self.app.webhook_url,
            self._request,
            repeat=True,
            done=lambda answered, problem: None if answered else self._start_failed(run, problem),
        )

    def _start_failed(self, run: int, problem: str) -> None:
        with self._cloud.lock:
            if run != self._run or self.state is not State.STARTING:
                return
            self._disarm()
            self._set_state(State.FAILED, problem)
            self.wearer.displays.app_gone(self.app.package_name)
            # As recorded: to the glasses even a failed start is a start.
            if self._tell_glasses:
                self.wearer.tell_glasses("app_started", packageName=self.app.package_name)
            self.wearer.tell_state()
            self._started.set_result(False)

    def repeat_webhook(self) -> bool:
        """Call the webhook again, word for word; False when the app is not running."""
        with self._cloud.lock:
            if self.state is not State.RUNNING:
                return False
            self._cloud.webhooks.post(
                self.app.webhook_url, self._request, repeat=False, done=lambda *_: None
            )
            return True

    # --- Connections -------------------------------------------------------------------------

    def connected(self, link: LinkFace) -> bool:
        """An app has introduced itself; False when nobody has started it."""
        if self.state not in (State.STARTING, State.RUNNING, State.WAITING):
            return False
        first = self.state is State.STARTING
        if not first:
            self._reconnected_at = self._cloud.wire_time.clock.now()
        self._disarm()
        self.link = link
        link.send(self._acknowledgement())
        self._set_state(State.RUNNING)
        if first and self._tell_glasses:
            self.wearer.tell_glasses("app_started", packageName=self.app.package_name)
        self.wearer.tell_state()
        if first:
            self.wearer.first_start()
            self._cloud.people.entered(self)
            self._started.set_result(True)
        return True

    def _acknowledgement(self) -> dict[str, Any]:
        ack = {
            "type": "tpa_connection_ack",
            "sessionId": self.session_id,
            "settings": self.app.settings_of(self.wearer.user_id),
            "augmentosSettings": dict(self.wearer.system_settings),
            "capabilities": self.wearer.capabilities(),
            "config": self.app.config,
            "timestamp": iso_timestamp(),
        }
        if self.app.config is None or self._cloud.quirks:
            del ack["config"]
        return ack

    def lost(self, link: LinkFace) -> None:
        """A connection has ended. One that was replaced meanwhile is not missed."""
        replaced = link is not self.link
        if replaced and not (self._cloud.quirks and self.link is not None):
            return
        self.link = None
        if self.state is State.RUNNING and not self._cloud.closed:
            self._set_state(State.WAITING, "the connection was lost; the app has 5 s to return")
            self._arm(limits.GRACE, self._resurrect)
            self._arm_regardless()

    def _resurrect(self) -> None:
        with self._cloud.lock:
            if self.state is State.WAITING:
                self.coming_back = True
                self._stop(tell_glasses=False)

    def _arm_regardless(self) -> None:
        """As recorded, a fault: neither a return nor a stop ends the 5 s after a loss."""
        if not self._cloud.quirks:
            return
        if self._regardless is not None:
            self._regardless.cancel()
        self._regardless = self._cloud.wire_time.after(limits.GRACE, self._restart)

    def _restart(self) -> None:
        with self._cloud.lock:
            if self.state is State.STOPPED and not self.wearer.ended:
                self.coming_back = True
                self._stop(tell_glasses=False)

    # --- Stopping ----------------------------------------------------------------------------

    def stop(self, *, tell_glasses: bool = True) -> Future[None]:
        """Stop the app; the future ends when it has been told."""
        with self._cloud.lock:
            self.coming_back = False
            if self.state is State.STOPPING:
                self._forget_start()
                return self._stopped
            if self.state in (State.STOPPED, State.FAILED):
                self._disarm()
                self._set_state(State.STOPPED)
                done: Future[None] = Future()
                done.set_result(None)
                return done
            self._stop(tell_glasses)
            return self._stopped

    def _stop(self, tell_glasses: bool) -> None:
        self._disarm()
        self._run += 1
        self._stopped = Future()
        if self.state is State.STARTING:
            self._started.set_result(False)
        self._set_state(State.STOPPING)
        self._cloud.webhooks.post(
            self.app.webhook_url,
            {
                "type": "stop_request",
                "sessionId": self.session_id,
                "userId": self.wearer.user_id,
                "reason": "user_disabled",
                "timestamp": iso_timestamp(),
            },
            repeat=False,
            done=lambda answered, problem: self._told_to_stop(tell_glasses),
        )

    def _told_to_stop(self, tell_glasses: bool) -> None:
        with self._cloud.lock:
            if self.state is not State.STOPPING:
                return
            self._leave("App stopped")
            self.wearer.displays.app_gone(self.app.package_name)
            if tell_glasses:
                self.wearer.tell_glasses("app_stopped", packageName=self.app.package_name)
            self.wearer.tell_glasses("app_state_change", sessionId=self.wearer.user_id)
            self._stopped.set_result(None)
            self._what_next()

    def _what_next(self) -> None:
        """Start again, if somebody has asked for it or the connection had been lost."""
        again, self._again = self._again, None
        if again is not None:
            self._begin(True, again)
        elif self.coming_back:
            self._arm(limits.RESURRECTION_PAUSE, lambda: self.start(tell_glasses=False))

    def _forget_start(self) -> None:
        again, self._again = self._again, None
        if again is not None:
            again.set_result(False)

    def end(self, reason: str) -> None:
        """End it at once and without a webhook, as when the wearer's session is over."""
        self._run += 1
        self._disarm()
        self._forget_start()
        self.coming_back = False
        if self.state is State.STARTING:
            self._started.set_result(False)
        elif self.state is State.STOPPING:
            self._stopped.set_result(None)
        self._leave(reason)

    def _leave(self, reason: str) -> None:
        link, self.link = self.link, None
        self._cloud.people.left(self)
        self.streams = ()
        self.location_rate = None
        self._told_denied = set()
        self.wearer.tell_state()
        if link is not None:
            link.send({"type": "app_stopped", "timestamp": iso_timestamp()})
            link.close(1000, reason)
        self._set_state(State.STOPPED)

    # --- What is sent and heard --------------------------------------------------------------

    def subscribe(self, streams: tuple[str, ...]) -> None:
        """Take a new subscription list; an empty one right after a reconnection is a mistake."""
        back, now = self._reconnected_at, self._cloud.wire_time.clock.now()
        grace = config.EMPTY_SUBSCRIPTIONS_GRACE
        if not streams and back is not None and now - back < grace:
            return
        self.streams = streams
        self.subscribed = True
        self._cloud.announce(self)
        self.wearer.tell_state()

    def tell_denied(self, needs: dict[str, str | None]) -> None:
        """Tell the app, once, which of its streams it lacks the permission for.

        ``needs`` has the permission of each stream that it listens to.
        """
        denied = {
            stream: permission
            for stream, permission in needs.items()
            if not self.app.allows(permission)
        }
        news = denied.keys() - self._told_denied
        self._told_denied = set(denied)
        if news and self._cloud.tells_permission_errors and not self._cloud.quirks:
            details = [
                {
                    "stream": stream,
                    "requiredPermission": denied[stream],
                    "message": f"{stream} needs the permission {denied[stream]}",
                }
                for stream in denied
                if stream in news
            ]
            self.send(
                {
                    "type": "permission_error",
                    "message": "Some streams were refused for lack of permissions",
                    "details": details,
                    "timestamp": iso_timestamp(),
                }
            )

    def send(self, frame: dict[str, Any]) -> None:
        """Send a frame to the app, if it is there."""
        if self.live and self.link is not None:
            self.link.send(frame)

    def send_event(self, stream: str, data: dict[str, Any]) -> None:
        """Send an event to the app, if it is there."""
        self.send(
            {
                "type": "data_stream",
                "sessionId": self.session_id,
                "streamType": stream,
                "data": data,
                "timestamp": iso_timestamp(),
            }
        )

    def send_audio(self, data: bytes) -> None:
        """Send sound from the microphone to the app, if it is there."""
        if self.live and self.link is not None:
            self.link.send_audio(data)

    def refuse(self, code: str, message: str) -> None:
        """Refuse a request, which the recorded cloud does by closing the connection."""
        if self.link is not None:
            self.link.refuse(code, message)

    def announce(self) -> None:
        """Wake who waits for something about this session."""
        self._cloud.announce(self)

    def _set_state(self, state: State, detail: str | None = None) -> None:
        self.state = state
        self.detail = detail
        self._cloud.announce(self)

    def _arm(self, seconds: float, function: Callable[[], object]) -> None:
        self._disarm()
        self._timer = self._cloud.wire_time.after(seconds, function)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
