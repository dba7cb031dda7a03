"""One wearer's use of the app: what a script shows, says and hears goes through it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

from mentra_sync import config
from mentra_sync.at_work import busy_with
from mentra_sync.display import G1, SIMULATED, Z100, Profile
from mentra_sync.ending import Ending
from mentra_sync.errors import ConnectionFailed, SessionEnded
from mentra_sync.features.audio import Audio
from mentra_sync.features.camera import Camera
from mentra_sync.features.conversation import Conversation
from mentra_sync.features.dashboard import Dashboard
from mentra_sync.features.device import Device
from mentra_sync.features.events import Events
from mentra_sync.features.layouts import Layouts
from mentra_sync.features.led import Led
from mentra_sync.features.location import Location
from mentra_sync.features.player import Player
from mentra_sync.features.settings import Settings
from mentra_sync.features.simple_storage import SimpleStorage
from mentra_sync.features.timers import timer
from mentra_sync.features.users import Users
from mentra_sync.log import SessionLogger
from mentra_sync.protocol.capabilities import Capabilities
from mentra_sync.protocol.codec import decode
from mentra_sync.protocol.commands import OwnershipRelease
from mentra_sync.protocol.events import WifiStatus
from mentra_sync.protocol.names import ReleaseReason
from mentra_sync.protocol.notices import CapabilitiesUpdate, ConnectionAck
from mentra_sync.protocol.settings import AppConfig
from mentra_sync.runtime.asking import ask
from mentra_sync.runtime.callbacks import LEFT_OUT
from mentra_sync.runtime.closing import Disconnection
from mentra_sync.runtime.hosts import Target
from mentra_sync.runtime.identity import Identity
from mentra_sync.runtime.link import Link
from mentra_sync.runtime.replies import check_number
from mentra_sync.shared import Shared


class Host(Protocol):
    """What a session needs of its server."""

    def on_session(self, session: AppSession, session_id: str, user_id: str) -> None:
        """The app's own code for a session."""

    def on_stop(self, session_id: str, user_id: str, reason: str) -> None:
        """The app's own code for the end of one."""

    def session_over(self, session: AppSession) -> None:
        """The session is no longer live; called once, before any code for its end."""

    def session_finished(self, session: AppSession) -> None:
        """All code for its end has run; called once."""


class AppSession:
    """A session: one wearer, one start of the app.

    Every method may be called from any thread, callbacks included.  After the end every call
    raises ``SessionEnded``, which the runtime catches: a loop in ``on_session`` just ends.
    """

    def __init__(
        self,
        host: Host,
        identity: Identity,
        target: Target,
        shared: Shared,
    ) -> None:
        self._host = host
        self._identity = identity
        self._cloud_api = shared.cloud_api
        self.logger = SessionLogger(identity.session_id, identity.user_id, identity.package_name)
        """A standard logger that also takes values to append, as ``print`` does."""
        self._link = Link(
            identity,
            target,
            timers=shared.timers,
            logger=self.logger,
            permissions=shared.permissions,
            photos=shared.photos,
            ended=self._begin_ending,
            failed=lambda error, source: shared.failed(error, source),
            display_interval_ms=shared.display_interval_ms,
            event_backlog=shared.event_backlog,
            max_reconnect_attempts=shared.max_reconnect_attempts,
        )
        self._capabilities: Capabilities | None = None
        self._config: AppConfig | None = None
        self._main: threading.Thread | None = None
        self._began = False
        self._ending = Ending(
            self._link,
            main=lambda: self._main,
            on_stop=self._stopped,
            finished=lambda: host.session_finished(self),
            grace=shared.grace,
        )
        self._lock = threading.Lock()  # guards _main and _began
        self._link.router.read("tpa_connection_ack", self._read_ack)
        self._link.router.read("capabilities_update", self._read_capabilities)

        self.events = Events(self._link)
        """Handlers for what happens, and calls that wait for it."""
        self.layouts = Layouts(self._link, self._display_profile)
        """What the lens shows."""
        player = Player(self._link)
        self.audio = Audio(self._link, player)
        """What the glasses say and play."""
        self.camera = Camera(self._link, lambda: self._capabilities)
        """Photos, and video streams."""
        self.settings = Settings(self._link, shared.cloud_api)
        """What the wearer has set."""
        self.simple_storage = SimpleStorage(self._link, shared.storages)
        """What the app remembers of the wearer."""
        self.led = Led(self._link, lambda: self._capabilities)
        """The light that the wearer sees."""
        self.location = Location(self._link)
        """Where the wearer is."""
        self.dashboard = Dashboard(self._link)
        """What the wearer sees on looking up."""
        self.device = Device(self._link)
        """The state of the glasses."""
        self.users = Users(self._link, shared.cloud_api)
        """Other people who use the same app right now."""
        self._conversation = Conversation(
            self._link, self.layouts, player, lambda: self._has_speaker
        )

    # --- Who, where, what ---------------------------------------------------------------------

    @property
    def session_id(self) -> str:
        """The cloud's name for this session."""
        return self._identity.session_id

    @property
    def user_id(self) -> str:
        """The wearer: an e-mail address, as a rule."""
        return self._identity.user_id

    @property
    def package_name(self) -> str:
        """The app's own name in the cloud."""
        return self._identity.package_name

    @property
    def connected(self) -> bool:
        """Whether the cloud can be reached right now; False while reconnecting, and at the end."""
        return self._link.connection.connected

    @property
    def live(self) -> bool:
        """Whether the app's code for it has been started, and it has not ended."""
        return self._main is not None and not self.ended

    @property
    def ended(self) -> bool:
        """Whether the session is over for good."""
        return self._link.end_reason is not None

    @property
    def capabilities(self) -> Capabilities | None:
        """What the glasses have, or None when the cloud doesn't know them."""
        return self._capabilities

    @property
    def config(self) -> AppConfig | None:
        """The app's configuration as the cloud sent it, or None."""
        return self._config

    @property
    def server_url(self) -> str:
        """The cloud's websocket address."""
        return self._link.target.url

    @property
    def http_url(self) -> str:
        """The address below which the cloud's REST calls are."""
        return self._link.target.http_base

    def get_wifi_status(self) -> WifiStatus | None:
        """Whether the glasses are in a wifi, and which; None when nothing has told.

        The first use waits for the first report, 1 s at most.  Raises ``SessionEnded``.
        """
        return self.device.wifi_status()

    def is_wifi_connected(self) -> bool:
        """Whether the glasses are known to be in a wifi."""
        status = self.get_wifi_status()
        return status is not None and bool(status.connected)

    def request_wifi_setup(self, reason: str | None = None) -> None:
        """Ask the wearer, on the phone, to connect the glasses to a wifi; ``reason`` is shown."""
        self.device.request_wifi_setup(reason)

    def get_instructions(self) -> str | None:
        """What the wearer has told assistants about themselves; None where a cloud has none.

        Blocks for the cloud's answer, 15 s at most.  Raises ``RequestFailed``,
        ``ConnectionFailed`` or ``RequestTimeout``.
        """
        return ask(
            self._link,
            lambda call: self._cloud_api.instructions(self.http_url, self.user_id, call=call),
        )

    # --- Time ---------------------------------------------------------------------------------

    def sleep(self, seconds: float) -> None:
        """Like ``time.sleep``, but other callbacks run meanwhile, and the end wakes it.

        Raises ``SessionEnded`` when the session ends.
        """
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not seconds >= 0:
            raise ValueError(f"seconds must be a number, 0 or more; got {seconds!r}")
        self._link.sleep(seconds if seconds < threading.TIMEOUT_MAX else None)

    def wait(self, timeout: float | None = None) -> bool:
        """Block until the session ends, ``timeout`` seconds at most; return whether it ended."""
        check_number(timeout)
        if self.ended:
            return True
        try:
            self._link.sleep(timeout)
        except SessionEnded:
            return True
        return False

    def every(self, seconds: float, function: Callable[[], Any] = LEFT_OUT) -> Any:
        """Call a function every so many seconds, as a callback; also ``@session.every(5)``.

        Returns a timer with ``cancel()``.  A function slower than its interval skips beats.
        """
        return timer(self._link, seconds, function, repeats=True)

    def after(self, seconds: float, function: Callable[[], Any] = LEFT_OUT) -> Any:
        """Call a function once, so many seconds from now, as a callback of the session."""
        return timer(self._link, seconds, function, repeats=False)

    # --- Conversation -------------------------------------------------------------------------

    def listen(self, timeout: float | None = None, language: str = "en-US") -> str:
        """Block until the wearer has said something, and return it.

        ``timeout`` is in seconds (None: no limit).  Raises ``RequestTimeout``, ``SessionEnded``,
        and ``ValueError`` for a language that does not look like ``"en-US"``.
        """
        return self._conversation.listen(timeout, language)

    def ask(
        self,
        prompt: object,
        timeout: float | None = None,
        speak: bool = True,
        language: str = "en-US",
    ) -> str:
        """Show a question, speak it if there is a speaker, and return what is answered.

        ``timeout`` counts from the end of the speaking; what was said before that is ignored.
        A question that could not be spoken is listened to all the same.  Raises as
        :meth:`listen` does.
        """
        return self._conversation.ask(prompt, timeout, speak, language)

    # --- The end ------------------------------------------------------------------------------

    def disconnect(self, *, release_ownership: str | None = None) -> None:
        """End the session from the app's side; never waits for ``on_stop``.

        The display that still waits its turn is sent first, and what is unsent of simple storage,
        which may take 5 s.  The cloud takes this for a lost app
        and starts it again after 5 s, unless ``release_ownership`` gives a reason
        (``"switching_clouds"``, ``"clean_shutdown"``, ``"user_logout"``), which is sent first;
        clouds older than 2026 ignore it.  On a session that has ended it does nothing.
        """
        if release_ownership is not None:
            _check_release(release_ownership)
        if self.ended:
            return
        self._link.flush_displays()
        self.simple_storage.begin_last_flush()
        self.simple_storage.finish_last_flush()
        if release_ownership is not None:
            with suppress(SessionEnded):  # by somebody else, while this was busy
                self.release_ownership(release_ownership)
        self._link.end("disconnected")

    def release_ownership(self, reason: str) -> None:
        """Tell the cloud that this app gives the session up, and why."""
        _check_release(reason)
        self._link.send(OwnershipRelease(reason=reason))

    def __repr__(self) -> str:
        state = "ended" if self.ended else "connected" if self.connected else "reconnecting"
        return f"<AppSession {self.session_id!r}, {state}>"

    # --- For the server -----------------------------------------------------------------------

    def connect(self) -> None:
        """Dial and wait for the acknowledgement, 5 s at most.

        Raises ``ConnectionFailed``, or ``SessionEnded`` when it was ended meanwhile.
        """
        self._link.connection.start()
        self._link.connection.wait_connected()

    def begin(self, predecessor: AppSession | None) -> None:
        """Run the app's code on a thread of its own, once ``predecessor`` has had its end."""
        name = f"mentra-main-{self.session_id[:60]}"
        with self._lock:
            main = threading.Thread(
                target=self._run_app, args=(predecessor,), name=name, daemon=True
            )
            try:
                main.start()
            except RuntimeError as error:
                raise ConnectionFailed(f"the app cannot be run: {error}") from None
            self._main = main

    def end(self, reason: str, *, code: int = 1000, linger: float = 0.0) -> bool:
        """End it; True for the call that did. Returns at once: see :meth:`join`."""
        return self._link.end(reason, code=code, linger=linger)

    def replace(self) -> None:
        """Give way to a new session of the same id: hand the cloud over, and let go of the socket.

        Returns when the old socket is closed, 2 s later at most: a close that reached the cloud
        after the new connection would end that one (protocol.md, section 1, case 7).  One that
        has been ended already no longer leaves it to the cloud to close.
        """
        self._link.hand_over(OwnershipRelease(reason=ReleaseReason.SWITCHING_CLOUDS.value))
        self.end("replaced")
        self._link.connection.end("replaced")
        self._link.connection.join(2 * config.CLOSE_TIMEOUT)

    def join(self, timeout: float) -> bool:
        """After the end: wait for the app's code and for the connection; whether all is over."""
        until = time.monotonic() + timeout
        if not self._ending.join(timeout):
            return False
        return self._link.connection.join(max(0.0, until - time.monotonic()))

    def update_settings(self, settings: Any) -> None:
        """Settings that came by ``POST /settings``."""
        self.settings.apply(settings)

    def tool_failed(self, error: BaseException) -> None:
        """A tool that was called for this wearer raised; its caller has been told already."""
        if not self.ended:
            self._link.tell_error(error)

    def threads_in_user_code(self) -> list[threading.Thread]:
        """Threads that are still inside functions of the app."""
        threads = self._link.dispatcher.threads
        with self._lock:
            if self._main is not None and self._main.is_alive():
                threads.append(self._main)
        return threads + self._ending.threads

    @property
    def turns(self) -> int:
        """Grows with everything that sets code of the app to work."""
        return self._link.dispatcher.turns

    @property
    def parked(self) -> set[int]:
        """The threads that wait in a call of the session, by their idents."""
        return self._link.dispatcher.parked

    def busy_with(self) -> list[str]:
        """What is under way for the app and waits in no call of the session, in words."""
        with self._lock:
            main = self._main
        return ["the end of the session"] if self.ended else busy_with(self._link, main)

    # --- Inside -------------------------------------------------------------------------------

    @property
    def _has_speaker(self) -> bool:
        return self._capabilities is None or self._capabilities.has_speaker

    def _display_profile(self) -> Profile:
        model = "" if self._capabilities is None else self._capabilities.model_name or ""
        return _PROFILES.get(model, G1)

    def _run_app(self, predecessor: AppSession | None) -> None:
        if predecessor is not None and not predecessor._ending.wait(config.CALLBACK_GRACE):
            self._link.logger.warning(
                "the session before this one is still busy after %.0f s; starting all the same",
                config.CALLBACK_GRACE,
            )
        with self._lock:
            if self.ended:
                return
            self._began = True
        with self._link.starting():
            try:
                self._host.on_session(self, self.session_id, self.user_id)
            except BaseException as error:
                if not (isinstance(error, SessionEnded) and self.ended):
                    self._link.report(error, self._host.on_session)

    def _begin_ending(self, how: Disconnection) -> None:
        """On whichever thread ended it: leave the register, and have the rest done."""
        self._host.session_over(self)
        self.simple_storage.begin_last_flush()
        self._ending.begin(how)

    def _stopped(self, reason: str) -> None:
        self.simple_storage.finish_last_flush()
        self.simple_storage.let_go()
        if self._began:
            try:
                self._host.on_stop(self.session_id, self.user_id, reason)
            except BaseException as error:
                self._link.report(error, self._host.on_stop)

    def _read_ack(self, frame: dict[str, Any]) -> None:
        ack = decode(ConnectionAck, frame)
        self._capabilities = ack.capabilities
        if ack.config is not None:
            self._config = ack.config

    def _read_capabilities(self, frame: dict[str, Any]) -> None:
        update = decode(CapabilitiesUpdate, frame)
        self._capabilities = update.capabilities
        self._link.signals.emit("capabilities", update)


_PROFILES = {"Vuzix Z100": Z100, "Simulated Glasses": SIMULATED}
"""Displays by model name; unknown glasses are taken for the G1, which shows the least."""


def _check_release(reason: str) -> None:
    if reason not in ReleaseReason.values():
        raise ValueError(
            f"reason must be one of {', '.join(ReleaseReason.values())}; got {reason!r}"
        )
