"""The simulator as one thing: a cloud, a pair of glasses and their page, on one local port."""

from __future__ import annotations

import logging
import secrets
import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future
from types import TracebackType
from typing import Any

from mentra_sync import config as package_config
from mentra_sync import hints
from mentra_sync.clock import Clock
from mentra_sync.errors import ConfigurationError
from mentra_sync.listening import listen
from mentra_sync.protocol.capabilities import KNOWN
from mentra_sync.protocol.codec import iso_timestamp
from mentra_sync.protocol.names import DashboardMode, PermissionType
from mentra_sync.simulator.admission import Admission
from mentra_sync.simulator.app_pages import AppPages
from mentra_sync.simulator.app_session import AppSession
from mentra_sync.simulator.assistant import Assistant
from mentra_sync.simulator.cloud import Cloud
from mentra_sync.simulator.desk import Desk
from mentra_sync.simulator.faults import Faults
from mentra_sync.simulator.glasses import Glasses
from mentra_sync.simulator.panel import app_message
from mentra_sync.simulator.registry import App
from mentra_sync.simulator.rest import GlassesTokens
from mentra_sync.simulator.wearer import Wearer
from mentra_sync.simulator.web_app import WebApp
from mentra_sync.simulator.web_server import WebServer

MODELS = {
    "g1": "Even Realities G1",
    "live": "Mentra Live",
    "z100": "Vuzix Z100",
    "simulated": "Simulated Glasses",
}
"""Short names of the known glasses."""


class Simulator:
    """A MentraOS cloud and one wearer's glasses on this machine, shown on a page.

    It starts ``package_name`` for ``user_id`` by POSTing to ``webhook_url``, which must be a
    loopback address.  ``config`` is the app's configuration (settings, tools), ``glasses`` a
    model (``"Even Realities G1"`` or short ``"g1"``, ``"live"``, ``"z100"``, ``"simulated"``).
    ``clock`` is session time, ``wire_clock`` the time of connections.  With ``realistic=False``
    nothing takes time: no boot screen, no pacing of displays, speech is over at once.
    ``tells_device_state`` and ``tells_permission_errors`` say whether the cloud sends what the
    recorded one never did; ``quirks`` has it make the recorded one's mistakes (``quirks.py``).

    Also a context manager.  Methods may be called from any thread; where they take a
    ``user_id``, None is the default wearer.  Raises ConfigurationError for what cannot work,
    for example when ``port`` is busy and ``port_may_move`` is False.
    """

    def __init__(
        self,
        *,
        webhook_url: str,
        package_name: str,
        api_key: str,
        app_name: str | None = None,
        port: int = package_config.SIMULATOR_PORT,
        host: str = "127.0.0.1",
        device_secret: str | None = None,
        port_may_move: bool = True,
        config: dict[str, Any] | None = None,
        glasses: str = "Simulated Glasses",
        user_id: str = "you@example.com",
        clock: Clock | None = None,
        wire_clock: Clock | None = None,
        realistic: bool = True,
        tells_device_state: bool = False,
        tells_permission_errors: bool = True,
        quirks: bool = False,
    ) -> None:
        if not 0 <= port <= 65_535:
            raise ConfigurationError(hints.BAD_PORT.format(port))
        self._admission = Admission(host, device_secret)
        self.cloud = Cloud(clock, wire_clock, realistic=realistic, quirks=quirks)
        self.cloud.tells_device_state = tells_device_state
        self.cloud.tells_permission_errors = tells_permission_errors
        self.app = self.cloud.registry.add(
            App(package_name, app_name or package_name, webhook_url, api_key, config)
        )
        self.user_id = user_id
        self._listens_on = host
        self._port = port
        self._port_may_move = port_may_move
        self._tokens = GlassesTokens(secrets.token_hex(32))
        self._model = _model(glasses)
        self._faults: dict[str, Faults] = {}
        self._desk = Desk(self.cloud, self.app, user_id, self)
        self._wearer(None)
        self.cloud.on_change = self._desk.panel.tell_app
        self._pages = AppPages(self.cloud, self.app, user_id)
        self._web = WebApp(self.cloud, self._tokens, self._pages, self._admission, self._desk)
        self._server: WebServer | None = None
        self._stopped = threading.Lock()  # held from the first stop on

    # --- Where it is -------------------------------------------------------------------------

    @property
    def url(self) -> str:
        """The address of the page."""
        return f"http://{self._address}/"

    @property
    def invites(self) -> bool:
        """Whether other devices may be invited."""
        return self._admission.invites

    def invite(self, user_id: str | None = None) -> str:
        """The address of a wearer's page for one other device: good once, for ten minutes.

        Raises ConfigurationError unless this was made with ``host="0.0.0.0"``.
        """
        return self._admission.address(self._port, user_id)

    @property
    def websocket_url(self) -> str:
        """Where apps connect to."""
        return f"ws://{self._address}/app-ws"

    @property
    def port(self) -> int:
        """The port that it listens on; before ``start`` the one that is wanted."""
        return self._port

    @property
    def _address(self) -> str:
        host = self._admission.local_host
        return f"[{host}]:{self._port}" if ":" in host else f"{host}:{self._port}"

    def page_url(self, path: str = "/", user_id: str | None = None) -> str:
        """The address of a page of the app itself, signed in for a wearer; good for one visit.

        ``/app-page`` on the simulator's own address leads there.
        """
        return self._pages.url(path, user_id)

    # --- Running -----------------------------------------------------------------------------

    def start(self, listener: socket.socket | None = None) -> None:
        """Listen; returns at once. Raises ConfigurationError when the port is taken.

        On a ``listener`` that is given, whatever host and port were; it stays open.  When the
        system has no thread left it is stopped, and RuntimeError raised.
        """
        if listener is None:
            busy = hints.PAGE_PORT_BUSY
            listener = listen(self._listens_on, self._port, may_move=self._port_may_move, busy=busy)
        else:
            listener = listener.dup()
        self._port = listener.getsockname()[1]
        self.cloud.address = self._address
        self._server = WebServer(listener, self._web.flask)
        try:
            self.cloud.start()
            self._server.start()
        except RuntimeError:
            self.stop()
            raise

    def stop(self) -> None:
        """Close all connections and end all threads; may be called more than once."""
        if not self._stopped.acquire(blocking=False):
            return
        self._web.close()
        self.cloud.close()
        if self._server is not None:
            self._server.stop()

    def __enter__(self) -> Simulator:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    # --- The page ----------------------------------------------------------------------------

    @property
    def log_handler(self) -> logging.Handler:
        """What is logged to it appears on the page."""
        return self._desk.panel.log_handler

    @property
    def page_opened(self) -> threading.Event:
        """Set when the first page has connected."""
        return self._desk.panel.opened

    # --- The app -----------------------------------------------------------------------------

    def start_app(self, user_id: str | None = None) -> bool:
        """Start the app; blocks until it is acknowledged (True) or has failed (False)."""
        return self.begin_app(user_id).result()

    def stop_app(self, user_id: str | None = None) -> None:
        """Stop the app; blocks until it has been told."""
        self.end_app(user_id).result()

    @property
    def app_state(self) -> str:
        """``starting``, ``running``, ``stopped`` or ``failed``, of the default wearer's app."""
        with self.cloud.lock:
            return str(app_message(self.session_of(None))["state"])

    @property
    def app_detail(self) -> str | None:
        """Why the app is in that state, where there is something to say."""
        with self.cloud.lock:
            detail = app_message(self.session_of(None))["detail"]
        return None if detail is None else str(detail)

    def streams(self, user_id: str | None = None) -> tuple[str, ...]:
        """What the app listens to."""
        return self.session_of(user_id).streams

    def wait_for_streams(
        self,
        accept: Callable[[tuple[str, ...]], bool] = lambda streams: True,
        timeout: float = 2.0,
        user_id: str | None = None,
    ) -> bool:
        """Block until the app has sent a subscription list, since it was started, that ``accept``
        takes; False after ``timeout`` (s, real)."""
        session = self.session_of(user_id)
        return self.cloud.wait_for(lambda: session.subscribed and accept(session.streams), timeout)

    def begin_app(self, user_id: str | None = None) -> Future[bool]:
        """Start the app; the future tells whether it has been acknowledged in time."""
        self._note(user_id, "start")
        return self.session_of(user_id).start()

    def end_app(self, user_id: str | None = None) -> Future[None]:
        """Stop the app; the future ends when it has been told."""
        self._note(user_id, "stop")
        return self.session_of(user_id).stop()

    def faults_of(self, user_id: str | None = None) -> Faults:
        """What goes wrong, on purpose, for a wearer."""
        with self.cloud.lock:
            wearer, session = self._wearer(user_id), self.session_of(user_id)
            name = wearer.user_id
            if name not in self._faults:
                self._faults[name] = Faults(
                    session,
                    wearer.glasses,
                    self.cloud.wire_time,
                    self.cloud.lock,
                    lambda: self._desk.faults_changed(name),
                    lambda action, arguments: self._note(name, action, **arguments),
                )
            return self._faults[name]

    def drop_connection(self, user_id: str | None = None) -> None:
        """Lose the app's connection without a word, as a network does."""
        self.faults_of(user_id).drop_connection()

    def deny(self, permission: str) -> None:
        """Take a permission from the app, for example ``CAMERA``."""
        self._permit(permission, False)

    def allow(self, permission: str) -> None:
        """Give a permission back."""
        self._permit(permission, True)

    def _permit(self, permission: str, given: bool) -> None:
        known = PermissionType.values()
        if permission not in known:
            raise ValueError(f"permission must be one of {', '.join(known)}; got {permission!r}")
        self._note(None, "allow" if given else "deny", permission=permission)
        with self.cloud.lock:
            change = self.app.denied.discard if given else self.app.denied.add
            change(permission)
            self._desk.permissions_changed()

    # --- What the wearer and the cloud do ----------------------------------------------------

    def change_settings(self, settings: dict[str, Any], user_id: str | None = None) -> bool:
        """Save some of the app's settings; blocks until the app has been told (True), or not."""
        self._note(user_id, "change_settings", settings=settings)
        session = self.session_of(user_id)
        return self._wearer(user_id).preferences.change_app(session, settings)

    def change_system_settings(self, settings: dict[str, Any], user_id: str | None = None) -> None:
        """Change settings of the glasses, by their names on the wire (``brightness``)."""
        self._note(user_id, "change_system_settings", settings=settings)
        self._wearer(user_id).preferences.change_system(settings)

    def change_dashboard(self, mode: str, user_id: str | None = None) -> None:
        """Make the dashboard small (``main``) or large (``expanded``)."""
        if mode not in DashboardMode.values():
            raise ValueError(f"mode must be main or expanded, got {mode!r}")
        self._note(user_id, "change_dashboard", mode=mode)
        self._wearer(user_id).change_dashboard(mode)

    def keep_dashboard(self, always_on: bool, user_id: str | None = None) -> None:
        """Have the dashboard stay in sight, or not."""
        self._note(user_id, "keep_dashboard", always_on=always_on)
        self._wearer(user_id).keep_dashboard(always_on)

    def send_custom_message(
        self, action: str, payload: Any = None, user_id: str | None = None
    ) -> int:
        """Send a message of the cloud's own; returns how many apps listen to such."""
        self._note(user_id, "send_custom_message", action=action, payload=payload)
        return self._wearer(user_id).messages.send(action, payload)

    def call_tool(
        self, tool_id: str, parameters: dict[str, Any] | None = None, user_id: str | None = None
    ) -> Any:
        """Call a tool of the app as an assistant does, and return its reply; blocks.

        Raises RequestFailed when the app has refused twice, or cannot be reached.
        """
        self._note(user_id, "call_tool", tool_id=tool_id, parameters=parameters)
        call = {
            "toolId": tool_id,
            "toolParameters": parameters or {},
            "timestamp": iso_timestamp(),
            "userId": user_id or self.user_id,
        }
        return Assistant(self.cloud.webhooks).call(self.app, call).get("reply")

    def location_rate(self, user_id: str | None = None) -> str | None:
        """How exactly the app follows the wearer; None when it does not."""
        return self.session_of(user_id).location_rate

    def users(self) -> list[str]:
        """Who uses the app now."""
        with self.cloud.lock:
            people = self.cloud.people.of(self.app.package_name)
            return [session.wearer.user_id for session in people]

    def room(self, room_id: str) -> list[str]:
        """Who is in a room of the app."""
        with self.cloud.lock:
            room = self.cloud.people.room(self.app.package_name, room_id)
            return [] if room is None else [one.wearer.user_id for one in room.members]

    @property
    def quiet(self) -> bool:
        """Whether nothing is under way: nothing due by now in session time, no request to the app
        (webhook, upload, tool call), no start or stop. Frames: see :meth:`catch_up`."""
        return not self.cloud.busy_with()

    def catch_up(self, timeout: float = 5.0) -> bool:
        """Block until no frame sent so far is unread: by the apps, or here. False when that takes
        more than ``timeout`` (s, real)."""
        return self.cloud.catch_up(timeout)

    # --- The glasses -------------------------------------------------------------------------

    @property
    def glasses(self) -> Glasses:
        """The glasses of the default wearer, which the page mirrors."""
        return self._wearer(None).glasses

    def glasses_of(self, user_id: str, model: str | None = None) -> Glasses:
        """The glasses of another wearer, who is there from the first call on."""
        return self._wearer(user_id, model).glasses

    def token_of(self, user_id: str | None = None) -> str:
        """What a phone shows at ``/glasses-ws`` for a wearer; good as long as this runs."""
        return self._tokens.make(user_id or self.user_id)

    def _note(self, user_id: str | None, action: str, /, **arguments: Any) -> None:
        self.cloud.inputs.note(user_id or self.user_id, action, **arguments)

    def _wearer(self, user_id: str | None, model: str | None = None) -> Wearer:
        name = user_id or self.user_id
        with self.cloud.lock:
            wearer = self.cloud.find_wearer(name)
            if wearer is None:
                wearer = self.cloud.add_wearer(
                    name, self._model if model is None else _model(model)
                )
                wearer.glasses.tell = lambda message: self._desk.panel.tell(message, name)
                self._desk.wearers_changed()
            return wearer

    def session_of(self, user_id: str | None = None) -> AppSession:
        """The app's session with a wearer, as the cloud sees it."""
        with self.cloud.lock:
            return self._wearer(user_id).session_of(self.app)


def _model(name: str) -> str:
    model = MODELS.get(name.lower(), name)
    if model not in KNOWN:
        known = ", ".join(f'"{one}"' for one in (*MODELS, *KNOWN))
        raise ConfigurationError(f"glasses must be one of {known}; got {name!r}")
    return model
