"""``AppServer.run()``: serve in the foreground, and end at one press of Ctrl+C."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import signal
import socket
import sys
import threading
import time
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, Protocol

from mentra_sync import config, hints, log, neighbours, unrun
from mentra_sync.errors import ConfigurationError

if TYPE_CHECKING:
    from mentra_sync.simulator.http import Simulator


class App(Protocol):
    """What running needs of a server."""

    package_name: str

    @property
    def port(self) -> int:
        """The port that it listens on."""

    def start(self) -> None:
        """Serve real glasses."""

    def start_simulated(self, **wanted: Any) -> Simulator:
        """Serve simulated ones."""

    def stop(self) -> None:
        """End it."""

    def wait_stopped(self, timeout: float | None = None) -> bool:
        """Block until it has been stopped."""


@dataclass(frozen=True)
class Options:
    """What ``mentra-sync run`` wants to be otherwise than the script's own ``run()`` has it."""

    page_port: int | None = None
    """Where the page shall be, and nowhere else; None leaves it to the simulator."""
    glasses: str | None = None
    """Which glasses to simulate; None leaves it to the app."""
    host: str | None = None
    """Where the page listens; None is this machine only."""
    device_secret: str | None = None
    """What keeps other devices in when the script is run again; None for another each time."""
    quirks: bool = False
    """Whether the simulated cloud has the faults of the recorded one."""
    open_page: bool = True
    """Whether to open a browser where there is a screen."""
    await_page: bool = False
    """Whether a page is open already, and will be back in a moment."""

    def for_simulator(self) -> dict[str, Any]:
        """What it wants of the simulator."""
        wanted: dict[str, Any] = {}
        if self.page_port is not None:
            wanted |= {"port": self.page_port, "port_may_move": False}
        if self.glasses is not None:
            wanted["glasses"] = self.glasses
        if self.host is not None:
            wanted |= {"host": self.host, "device_secret": self.device_secret}
        if self.quirks:
            wanted["quirks"] = True
        return wanted


class Command:
    """``mentra-sync run`` around the script's own ``run()``, which it always has simulated."""

    def __init__(
        self,
        options: Options,
        began: Callable[[Simulator], None] = lambda simulator: None,
        start_app: Callable[[Simulator], object] = lambda simulator: simulator.start_app(),
        listener: socket.socket | None = None,
    ) -> None:
        """``began`` is told of the simulator when its page can be opened.

        On a ``listener`` that is given the page is served, whatever the options say of its port.
        """
        self.options = options
        self.listener = listener
        self.began = began
        self.start_app = start_app
        self.served = False
        """Whether the script has run an app."""
        self._end_asked = False
        self._stop_asked: StopAsked | None = None

    def serves(self, stop_asked: StopAsked) -> None:
        """The script runs an app, until ``stop_asked``."""
        self.served = True
        self._stop_asked = stop_asked
        if self._end_asked:
            stop_asked.set()

    def end(self) -> bool:
        """Ask for the end as Ctrl+C does; from any thread. False when no app is run as yet."""
        self._end_asked = True
        if self._stop_asked is not None:
            self._stop_asked.set()
        return self._stop_asked is not None


command: Command | None = None
"""The command that runs this process; None when the script was started by itself."""


class StopAsked:
    """Whether the end has been asked for; unlike an ``Event`` it misses no signal.

    A signal that comes between two steps of Python, right before a wait begins, doesn't end that
    wait, and a handler may interrupt its thread where that holds an event's lock.  So the wait is
    on a socket, to which the signal itself writes.
    """

    def __init__(self) -> None:
        self._asked = False
        self._receiver, self._sender = socket.socketpair()
        self._sender.setblocking(False)

    def fileno(self) -> int:
        """What a signal writes to (``signal.set_wakeup_fd``)."""
        return self._sender.fileno()

    def is_set(self) -> bool:
        """Whether somebody has asked."""
        return self._asked

    def set(self) -> None:
        """Ask for the end. From any thread, and from signal handlers."""
        self._asked = True
        with contextlib.suppress(OSError):  # full, or closed: nobody needs to be woken
            self._sender.send(b"\0")

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until somebody asks, ``timeout`` seconds at most; for one thread only."""
        self._receiver.settimeout(timeout)
        with contextlib.suppress(TimeoutError):
            while not self._asked:
                self._receiver.recv(64)
        return self._asked

    def close(self) -> None:
        """Close its sockets."""
        self._receiver.close()
        self._sender.close()


_PAGE_PATIENCE = 3.0
"""How long the app waits for the page to open, so that its first words are heard there."""

_NEIGHBOURS_PATIENCE = 0.5
"""How long another page may take to say whose it is (s): the person waits for this one."""

_BLACK_ON_WHITE = "\N{ESCAPE}[38;5;16;48;5;231m"
_AS_BEFORE = "\N{ESCAPE}[0m"

_ONE_PRESS = 0.1
"""Some parents pass a signal on to the group that has had it already: still one press."""


PYTEST_PLUGIN = "mentra_sync.testing.plugin"
"""What pytest loads of this package at its start, and nobody else."""


def run(server: App, *, simulate: bool) -> None:
    """Serve until a signal or ``server.stop()``."""
    unrun.asked()
    _refuse_in_import_by_tests()
    with _visible_log(), signals() as stop_asked:
        if command is not None:
            command.serves(stop_asked)
        if command is not None or simulate:
            _run_simulated(server, stop_asked, command or Command(Options()))
        else:
            server.start()
            try:
                _say(hints.SERVING.format(package=server.package_name, port=server.port))
                _wait(server, stop_asked)
            finally:
                server.stop()


def _refuse_in_import_by_tests() -> None:
    """A test that imports its script would wait for ever, and show nothing of what is printed."""
    if PYTEST_PLUGIN not in sys.modules:
        return
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        # Python's own mark of a module whose import has not ended; it has no public one.
        if getattr(frame.f_globals.get("__spec__"), "_initializing", False):
            raise ConfigurationError(hints.RUN_AT_IMPORT.format(frame.f_code.co_filename))
        frame = frame.f_back


def _run_simulated(server: App, stop_asked: StopAsked, command: Command) -> None:
    simulator = _start_simulated(server, command.options)
    logger = logging.getLogger(log.ROOT)
    try:
        simulator.start(command.listener)
        logger.addHandler(simulator.log_handler)
        _say(
            hints.SIMULATING.format(
                script=_script(), glasses=simulator.glasses.model, url=simulator.url
            )
        )
        _tell_of_another_port(simulator, command.options)
        if simulator.invites and not command.options.await_page:
            _invite(simulator)
        command.began(simulator)
        _open_page(simulator, command.options)
        if not stop_asked.is_set():
            command.start_app(simulator)
        _wait(server, stop_asked)
    finally:
        # Otherwise it would start the app again where the app's code takes its time to end.
        simulator.cloud.start_no_more()
        server.stop()
        logger.removeHandler(simulator.log_handler)
        simulator.stop()


def _start_simulated(server: App, options: Options) -> Simulator:
    """Much is imported only now, so a script that is called queue.py comes to light only here."""
    try:
        return server.start_simulated(**options.for_simulator())
    except (ImportError, AttributeError) as error:
        from mentra_sync.hiding import ModuleHidden, explained

        reason = explained(error, "AppServer")
        if reason is error or not isinstance(reason, ModuleHidden):
            raise
        raise reason from error


def _tell_of_another_port(simulator: Simulator, options: Options) -> None:
    """A second app has its page elsewhere; whoever looks at the usual address sees the first."""
    usual = config.SIMULATOR_PORT
    if simulator.port == usual or options.page_port is not None or options.await_page:
        return
    name = neighbours.simulated_at(usual, _NEIGHBOURS_PATIENCE)
    owner = "another program" if name is None else f"the page of {name}, which is running, too"
    _say(hints.PAGE_MOVED.format(usual=usual, owner=owner, port=simulator.port))


def _invite(simulator: Simulator) -> None:
    """Show another device the way in."""
    from mentra_sync.simulator import qr_code

    address = simulator.invite()
    _say(hints.INVITING.format(url=address))
    code = qr_code.lines(address)
    if _shows(qr_code.BLOCKS, columns=len(code[0])):
        _say("".join(f"  {_BLACK_ON_WHITE}{line}{_AS_BEFORE}\n" for line in code))


def _shows(characters: str, columns: int) -> bool:
    """Whether standard output is a terminal that shows these, in colour and on one line."""
    if sys.stdout is None or sys.stdout.closed or not sys.stdout.isatty():
        return False
    if os.environ.get("TERM") == "dumb":
        return False
    if sys.platform == "win32" and "WT_SESSION" not in os.environ:
        return False  # the old console prints the codes of colours as they are
    try:
        characters.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return shutil.get_terminal_size().columns >= columns + 2


def _open_page(simulator: Simulator, options: Options) -> None:
    """Open the page where there is a screen, and give it a moment to connect."""
    opened = options.open_page and has_screen() and webbrowser.open(simulator.url)
    if opened or options.await_page:
        simulator.page_opened.wait(_PAGE_PATIENCE)


def _script() -> str:
    """What a person would call the program that runs."""
    name = Path(sys.argv[0]).name if sys.argv else ""
    return name if name.endswith(".py") else "Your app"


def has_screen() -> bool:
    """Whether a browser that is opened here would be seen."""
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _wait(server: App, stop_asked: StopAsked) -> None:
    """Until a signal asks for the end, or the server has been stopped."""

    def watch() -> None:
        server.wait_stopped()
        stop_asked.set()

    threading.Thread(target=watch, name="mentra-run", daemon=True).start()
    stop_asked.wait()


@contextmanager
def signals() -> Iterator[StopAsked]:
    """Set an event at SIGINT, SIGTERM and SIGHUP; a second press ends the process at once."""
    asked = StopAsked()
    first = 0.0

    def on_signal(number: int, frame: Any) -> None:
        nonlocal first
        now = time.monotonic()
        if not asked.is_set():
            first = now
            asked.set()
        elif now - first > _ONE_PRESS and number != _HANGUP:
            os._exit(128 + number)

    with contextlib.closing(asked):
        if threading.current_thread() is not threading.main_thread():
            yield asked
            return
        wakeup_before = signal.set_wakeup_fd(asked.fileno(), warn_on_full_buffer=False)
        before = {number: signal.signal(number, on_signal) for number in _signals_to_end()}
        try:
            yield asked
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(wakeup_before)


_HANGUP: signal.Signals | None = getattr(signal, "SIGHUP", None)
"""What the closing of a terminal sends, and more than once; Windows has none."""


def _signals_to_end() -> list[signal.Signals]:
    """Ctrl+C, a request to end, and the closing of the terminal, unless the app minds that itself.

    It does under nohup, too.
    """
    ends = [signal.SIGINT, signal.SIGTERM]
    if _HANGUP is not None and signal.getsignal(_HANGUP) == signal.SIG_DFL:
        ends.append(_HANGUP)
    return ends


@contextmanager
def _visible_log() -> Iterator[None]:
    """Show the log in the terminal, unless the program has set up logging itself."""
    logger = logging.getLogger(log.ROOT)
    if logger.hasHandlers():
        yield
        return
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(message)s", "%H:%M:%S"))
    logger.addHandler(handler)
    level = logger.level
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


def _say(text: str) -> None:
    """Print what any terminal can show: a name of a file may have letters that it has not."""
    if sys.stdout is None or sys.stdout.closed:  # pythonw has none
        return
    encoding = sys.stdout.encoding or "utf-8"
    with contextlib.suppress(OSError):  # a pipe that nobody reads from any more
        print(text.encode(encoding, "replace").decode(encoding), flush=True)
