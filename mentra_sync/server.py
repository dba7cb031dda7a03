"""AppServer: an app, as the MentraOS cloud or the simulator sees it."""

from __future__ import annotations

import importlib
import logging
import os
import secrets
import socket
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

from mentra_sync import config, hints, unrun
from mentra_sync.activity import Activity
from mentra_sync.clock import Clock
from mentra_sync.configuration import (
    Environment,
    checked_api_key,
    checked_cookie_secret,
    checked_number,
    checked_package_name,
    checked_port,
    title_of,
)
from mentra_sync.errors import ConfigurationError, MentraError
from mentra_sync.handlers import SESSION, SETTINGS, STOP, TOOL_CALL, Handlers, adapted
from mentra_sync.listening import listen
from mentra_sync.protocol.settings import Setting
from mentra_sync.protocol.webhooks import StopRequest
from mentra_sync.register import Register
from mentra_sync.routes import flask_app
from mentra_sync.runtime.callbacks import adapt, describe
from mentra_sync.runtime.hosts import HostPolicy, Target
from mentra_sync.runtime.identity import Identity
from mentra_sync.service import Service
from mentra_sync.shared import Shared
from mentra_sync.tools import ToolCall, Tools, checked_tool_id
from mentra_sync.unmade import Unmade

if TYPE_CHECKING:
    from mentra_sync.session import AppSession
    from mentra_sync.simulator.http import Simulator

_log = logging.getLogger(__name__)
F = TypeVar("F", bound=Callable[..., Any])


class AppServer(Unmade):
    """An app: give it the function to run for each wearer who starts it, and run it.

    ::

        app = AppServer("com.example.hello")

        @app.session_handler
        def main(session):
            session.layouts.show_text_wall("Hello!")

        app.run()

    Without an API key it runs on simulated glasses in a web page; with one it serves real
    glasses.  Instead of decorators, functions can be passed (``on_session=``), or a subclass can
    override :meth:`on_session`, :meth:`on_stop`, :meth:`on_tool_call` and
    :meth:`on_settings_update`.
    """

    def __init__(
        self,
        package_name: str | None = None,
        api_key: str | None = None,
        *,
        port: int | None = None,
        host: str | None = None,
        public_dir: str | os.PathLike[str] | None = None,
        health_check: bool = True,
        cookie_secret: str | None = None,
        cloud_hosts: Iterable[str] | None = None,
        max_reconnect_attempts: int = config.MAX_RECONNECT_ATTEMPTS,
        display_interval_ms: float = config.DISPLAY_INTERVAL_MS,
        require_tool_key: bool = False,
        trust_proxy: bool = False,
        event_backlog: int = config.EVENT_BACKLOG,
        app_instructions: str | None = None,
        on_session: Callable[..., Any] | None = None,
        on_stop: Callable[..., Any] | None = None,
        on_tool_call: Callable[..., Any] | None = None,
    ) -> None:
        """Configure the app; nothing is started, nothing is dialled.

        ``package_name``, ``api_key`` and ``port`` come from the environment (``PACKAGE_NAME``,
        ``MENTRAOS_API_KEY``, ``PORT``) or a ``.env`` file in the working directory when they
        are not given.  ``public_dir`` is a folder whose files are served at ``/``,
        ``cloud_hosts`` are the hosts that may be dialled, ``display_interval_ms``
        is the least time between two displays (0: none), ``event_backlog`` is how many events
        of a session may wait, ``max_reconnect_attempts`` may be 0, ``trust_proxy`` believes the
        ``X-Forwarded-*`` headers of a proxy in front.

        Raises ``ConfigurationError`` that says what is missing or wrong, and how to set it.
        """
        found = Environment()
        self._api_key = checked_api_key(api_key or found.get("MENTRAOS_API_KEY"))
        self.package_name = checked_package_name(
            package_name or found.get("PACKAGE_NAME"), simulated=self._api_key is None
        )
        self._port_wanted = found.port() if port is None else checked_port(port)
        self._host_wanted = host
        self.host_policy = HostPolicy(cloud_hosts)
        self.app_instructions = app_instructions
        self.cookie_secret = checked_cookie_secret(cookie_secret)
        self._clock = Clock()  # session time, unless a simulation brings its own
        attempts = checked_number("max_reconnect_attempts", max_reconnect_attempts, 0)
        self._shared = Shared(
            self._clock,
            display_interval_ms=checked_number("display_interval_ms", display_interval_ms, 0),
            event_backlog=checked_number("event_backlog", event_backlog, 1),
            max_reconnect_attempts=attempts,
        )
        self.photos = self._shared.photos
        self._session_handler = adapted(on_session, *SESSION)
        self._stop_handler = adapted(on_stop, *STOP)
        self._tool_handler = adapted(on_tool_call, *TOOL_CALL)
        self._settings_handler: Callable[..., Any] | None = None
        self._tools = Tools()
        self._register = Register()
        Handlers(self, self._register)  # a method that could not be called is refused here
        self._service = Service(self._shared, self._register)
        self._simulated_key: str | None = None
        self._simulator: Simulator | None = None
        self.simulated_config: dict[str, Any] | None = None
        """The app's settings and tools on simulated glasses, as the developer console has them for
        real ones: ``{"settings": [...], "tools": [...]}``. Set it before :meth:`run`."""
        self.simulated_glasses = "simulated"
        """Which glasses to simulate: ``"simulated"``, ``"g1"``, ``"live"`` or ``"z100"``."""
        self.flask = flask_app(self, public_dir, health_check, require_tool_key, trust_proxy)
        """The Flask app, for your own routes; also the WSGI app for other servers."""
        unrun.watch(self)

    # --- The app's own code -------------------------------------------------------------------

    def on_session(self, session: AppSession, session_id: str, user_id: str) -> None:
        """A wearer has started the app. Runs on a thread of its own, for as long as it likes."""
        if self._session_handler is None:
            session.logger.warning(hints.NO_SESSION_HANDLER)
        else:
            self._session_handler(session, session_id, user_id)

    def on_stop(self, session_id: str, user_id: str, reason: str) -> None:
        """A session is over; called once for each that began."""
        if self._stop_handler is not None:
            self._stop_handler(session_id, user_id, reason)

    def on_tool_call(self, tool_call: ToolCall) -> str | None:
        """An assistant calls a tool that no function is registered for; returns the reply."""
        if self._tool_handler is None:
            return None
        reply: str | None = self._tool_handler(tool_call)
        return reply

    def on_settings_update(self, user_id: str, settings: list[Setting]) -> None:
        """A user has saved settings, with or without a session."""
        if self._settings_handler is not None:
            self._settings_handler(user_id, settings)

    def session_handler(self, function: F) -> F:
        """Decorator: the function to run for each session, ``main(session)``."""
        before, self._session_handler = self._session_handler, adapt(function, *SESSION)
        if before is not None:
            _log.warning(hints.TWO_SESSION_HANDLERS, describe(before), describe(function))
        return function

    def stop_handler(self, function: F) -> F:
        """Decorator: called when a session is over, ``ended(session_id, user_id, reason)``."""
        self._stop_handler = adapt(function, *STOP)
        return function

    def settings_handler(self, function: F) -> F:
        """Decorator: called when a user saves settings, ``saved(user_id, settings)``."""
        self._settings_handler = adapt(function, *SETTINGS)
        return function

    def tool(self, tool_id: str) -> Callable[[F], F]:
        """Decorator: a function that answers calls of a tool.

        It takes the tool's parameters by their names, and ``call`` if it names that::

            @app.tool("add_todo")
            def add_todo(text: str, urgent: bool = False):
                return f"Added {text}."
        """
        checked_tool_id(tool_id)

        def register(function: F) -> F:
            self._tools.add(tool_id, function)
            return function

        return register

    # --- Running ------------------------------------------------------------------------------

    def run(self, simulator: bool | None = None) -> None:
        """Serve until Ctrl+C, SIGTERM or :meth:`stop`; then end all sessions and return.

        ``simulator`` True runs on simulated glasses in a web page, False on real ones; None
        simulates when there is no API key.  Raises ``ConfigurationError`` when it cannot start.
        """
        from mentra_sync.running import run

        run(self, simulate=self._api_key is None if simulator is None else simulator)

    def start(self) -> None:
        """Begin to serve; returns once requests are answered. From any thread; after a stop again.

        A stop that is under way is waited for, 13 s at most.  Raises ``ConfigurationError``
        without an API key, when the port is taken, and when it is served already.
        """
        if self._api_key is None:
            raise ConfigurationError(hints.NO_API_KEY)
        self._serve(None, self._clock)

    def start_simulated(
        self,
        *,
        clock: Clock | None = None,
        realistic: bool = True,
        app_port: int | None = None,
        grace: float | None = None,
        **simulator: Any,
    ) -> Simulator:
        """Begin to serve simulated glasses; the caller starts and stops the simulator returned.

        ``clock`` is session time for both sides; with ``realistic`` False neither lets anything
        take time.  ``app_port`` is the app's, ``grace`` is the seconds that its code has to end;
        the rest goes to the :class:`Simulator`.
        """
        from mentra_sync.simulator.http import Simulator

        clock = clock or self._clock
        key = secrets.token_urlsafe(24)
        self._serve(key, clock, paced=realistic, port=app_port, grace=grace)
        try:
            self._simulator = Simulator(
                webhook_url=f"http://127.0.0.1:{self.port}",
                package_name=self.package_name,
                api_key=key,
                app_name=title_of(self.package_name),
                clock=clock,
                realistic=realistic,
                **{"config": self.simulated_config, "glasses": self.simulated_glasses} | simulator,
            )
        except BaseException:
            self.stop()
            raise
        return self._simulator

    def stop(self) -> None:
        """End all sessions and the server; from any thread, and more than once.

        Waits, 12 s at most, for the app's code to end; on a thread of the SDK's own (in a
        callback, say) it returns at once.  The cloud starts the sessions again when the server
        is back.
        """
        self._service.stop()

    def wait_stopped(self, timeout: float | None = None) -> bool:
        """Block until the server has been stopped, ``timeout`` seconds at most."""
        return self._service.wait_stopped(timeout)

    def __enter__(self) -> AppServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __call__(self, environ: Any, start_response: Any) -> Any:
        """The app for another WSGI server: ``gunicorn -w 1 --threads 32 hello:app``."""
        return self.flask(environ, start_response)

    # --- What is going on ---------------------------------------------------------------------

    @property
    def api_key(self) -> str | None:
        """The key in use; a made-up one on simulated glasses."""
        return self._simulated_key or self._api_key

    @property
    def port(self) -> int:
        """The port that it listens on, or will."""
        return self._service.port or self._port_wanted or config.DEFAULT_PORT

    @property
    def sessions(self) -> list[AppSession]:
        """The live sessions, oldest first; a list of this moment."""
        return self._register.live()

    def session_for(self, user_id: str) -> AppSession | None:
        """The newest live session of a user, or None."""
        mine = [session for session in self.sessions if session.user_id == user_id]
        return mine[-1] if mine else None

    @property
    def activity(self) -> Activity:
        """What of the app is under way, and what only waits."""
        return Activity(self._register, self._shared)

    # --- For the routes -----------------------------------------------------------------------

    def start_session(self, session_id: str, user_id: str, target: Target) -> None:
        """Start a session and wait until it is connected, 5 s at most.

        Raises as :meth:`Register.start`, and ``ConfigurationError`` without a key.
        """
        from mentra_sync.session import AppSession

        key = self.api_key
        if key is None:
            raise ConfigurationError(hints.NO_API_KEY)
        if not self._service.running:
            self._service.stop_at_exit(self.stop)
        identity = Identity(session_id, user_id, self.package_name, key)
        app = Handlers(self, self._register)
        self._register.start(session_id, lambda: AppSession(app, identity, target, self._shared))

    def stop_requested(self, request: StopRequest) -> None:
        """The cloud has stopped a session, or says so of one that is over."""
        session = self._register.get(request.session_id)
        if session is None:
            _log.info(hints.UNKNOWN_SESSION, "stop request")
            return
        # The cloud closes the socket itself; if the app did, it would look like a lost one.
        session.end((request.reason or "user_disabled")[:100], linger=config.STOP_LINGER)

    def settings_pushed(self, user_id: str, settings: list[Setting]) -> int:
        """A user has saved settings; returns how many sessions they were given to."""
        sessions = [session for session in self.sessions if session.user_id == user_id]
        for session in sessions:
            session.update_settings(settings)
        try:
            Handlers(self, self._register).on_settings_update(user_id, settings)
        except BaseException as error:
            _log.error("on_settings_update failed: %s", error, exc_info=error)
            self._shared.failed(error, "on_settings_update")
        return len(sessions)

    def answer_tool_call(self, call: ToolCall) -> str | None:
        """The reply of the tool's function, or else of :meth:`on_tool_call`."""
        answer = self._tools.find(call.tool_id) or Handlers(self, self._register).on_tool_call
        reply: str | None = answer(call)
        return reply

    def exchange_user_token(
        self, token: str, cloud: str | None, *, straight_from_loopback: bool
    ) -> str | None:
        """Whose temporary token it is, by the word of a cloud; None when it is nobody's.

        ``cloud`` is the address of one other than the usual; it gets the key only if it is
        allowed as a webhook's would be.
        """
        simulator = self._simulator
        base = config.CLOUD_URL if simulator is None else simulator.url.rstrip("/")
        try:
            if cloud is not None:
                base = self.host_policy.check(
                    cloud.replace("http", "ws", 1), allow_loopback=straight_from_loopback
                ).http_base
            return self._shared.cloud_api.exchange_user_token(
                base, token, self.package_name, self.api_key or ""
            )
        except MentraError as error:
            _log.warning("a page's token could not be exchanged: %s", error)
            return None

    # --- Inside -------------------------------------------------------------------------------

    def _serve(
        self,
        simulated_key: str | None,
        clock: Clock,
        *,
        paced: bool = True,
        port: int | None = None,
        grace: float | None = None,
    ) -> None:
        unrun.asked()
        # Not needed to define an app, so not loaded by then; the first wearer shall not wait.
        _ = importlib.import_module("mentra_sync").AppSession  # it explains a failure
        wanted = self._port_wanted if port is None else port

        def listener() -> socket.socket:
            opened = listen(
                self._host_wanted or ("127.0.0.1" if simulated_key else "0.0.0.0"),
                config.DEFAULT_PORT if wanted is None else wanted,
                may_move=bool(simulated_key) and wanted is None,
            )
            self._simulated_key, self._simulator = simulated_key, None
            return opened

        self._service.start(self.flask, listener, clock, paced=paced, grace=grace)
