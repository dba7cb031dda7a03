"""One session's way to the cloud, as its features see it: send, ask, listen, be called.

Behind it stand the connection, the dispatcher and the registers; features know none of them.
The link also keeps what comes before the app is ready (rule 8 of api.md), and knows what must
be said again after a reconnection.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

from mentra_sync import config
from mentra_sync.errors import SessionEnded
from mentra_sync.log import Logger, OwnLogger, on_own_thread
from mentra_sync.protocol.codec import iso_timestamp, to_json
from mentra_sync.protocol.commands import (
    Command,
    ConnectionInit,
    DisplayEvent,
)
from mentra_sync.protocol.names import PermissionType
from mentra_sync.protocol.streams import StreamName
from mentra_sync.runtime.attempt import ACK
from mentra_sync.runtime.backlog import AUDIO, KEEP
from mentra_sync.runtime.blame import culprit, suggestion, trimmed
from mentra_sync.runtime.callbacks import adapt
from mentra_sync.runtime.closing import Disconnection
from mentra_sync.runtime.connection import Connection
from mentra_sync.runtime.dispatcher import Dispatcher, Wait
from mentra_sync.runtime.ended_calls import EndedCalls
from mentra_sync.runtime.hold import Hold
from mentra_sync.runtime.hosts import Target
from mentra_sync.runtime.identity import Identity
from mentra_sync.runtime.pacing import DisplayPacer
from mentra_sync.runtime.permissions import STREAMS, PermissionHints
from mentra_sync.runtime.refusals import Refusals
from mentra_sync.runtime.replies import AwaitedPhotos, Mailbox, Replies, Reply
from mentra_sync.runtime.routing import ANSWERS, Router, rank_of
from mentra_sync.runtime.subscription import Handler, Signals, Subscription
from mentra_sync.runtime.subscription_list import SubscriptionList
from mentra_sync.runtime.timers import Timers


class Link:
    """Everything that a feature may ask of the runtime. All of it from any thread."""

    def __init__(
        self,
        identity: Identity,
        target: Target,
        *,
        timers: Timers,
        logger: Logger,
        permissions: PermissionHints,
        photos: AwaitedPhotos,
        ended: Callable[[Disconnection], None],
        failed: Callable[[BaseException, str], None] = lambda error, source: None,
        display_interval_ms: float = config.DISPLAY_INTERVAL_MS,
        event_backlog: int = config.EVENT_BACKLOG,
        max_reconnect_attempts: int = config.MAX_RECONNECT_ATTEMPTS,
    ) -> None:
        """``ended`` is told once, on the thread that ends the session, and must not block.

        ``failed`` is told of every exception that left a person's function, and which.
        """
        self.identity = identity
        self.target = target
        self.timers = timers
        self.clock = timers.clock
        self.logger = OwnLogger(logger)
        name = identity.session_id[:60]
        self.dispatcher = Dispatcher(
            name, self.clock, timers, logger=self.logger, report=self.report, backlog=event_backlog
        )
        self.dispatcher.about_to_wait = self._about_to_wait
        self.replies = Replies(self.dispatcher, lambda frame: self.connection.withdraw(frame))
        self.photos = photos
        self.signals = Signals(self.dispatcher)
        self._subscriptions = SubscriptionList(
            lambda: self.router.subscriptions(),
            timers,
            send=lambda update: self._write(update, keep=False),
            wake=lambda: self.connection.wake(),
        )
        self.router = Router(report=self.report_problem, changed=self._subscriptions.changed)
        self.router.read(ACK, lambda ack: self._subscriptions.acknowledged())
        self.refusals = Refusals(
            self.replies, self.router, timers, self.malformed, lambda: self.connection.wake()
        )
        self.connection = Connection(
            target, self, identity=identity, max_reconnect_attempts=max_reconnect_attempts
        )
        self._pacer = DisplayPacer(
            timers,
            (display_interval_ms + config.DISPLAY_MARGIN_MS) / 1000 if display_interval_ms else 0.0,
            connected=lambda: self.connection.connected,
            send=lambda display: self._write(display, keep=False),
            wake=self.connection.wake,
        )
        self._permissions = permissions
        self._ended_calls = EndedCalls(self.logger)
        self._tell_ended = ended
        self._tell_failed = failed
        self.questions: set[object] = set()
        """REST calls that are under way, on threads of their own."""
        self.callers: frozenset[threading.Thread] = frozenset()
        """Threads of the app's own that have waited in a call of the session."""
        self.pending: set[object] = set()  # timers of the app's: the clock knows them weakly
        self._lock = threading.Lock()
        # Guarded by _lock:
        self._ended: str | None = None
        self._asides: deque[tuple[Any, ...]] = deque()  # appended by any thread, taken in due()
        # Only the connection thread touches these:
        self._hold = Hold(event_backlog, self._count_unheard)
        self._acknowledged = False
        self._welcome: tuple[Any, ...] | None = None
        # Set by any thread, read by any:
        self._main_thread: int | None = None

    # --- Sending ------------------------------------------------------------------------------

    @property
    def end_reason(self) -> str | None:
        """Why the session ended, or None while it lives."""
        return self._ended

    def check(self) -> None:
        """Raise ``SessionEnded`` if the session has ended."""
        if self._ended is not None:
            self._ended_calls.refuse(self._ended)

    def send(self, command: Command, reply: Reply | None = None) -> None:
        """Send a command, or keep it until the connection is back or ``reply`` is given up.

        Raises ``SessionEnded`` after the end and ``ConnectionFailed`` when too many are kept.
        """
        self.check()
        self._write(command, reply)

    def show(self, display: DisplayEvent) -> None:
        """Show a display now or when its turn comes; never waits for the turn."""
        self.check()
        self._pacer.show(display)

    def expect(self, kind: str, key: str, settled: Callable[[], object] = lambda: None) -> Reply:
        """Register a request before sending it; see ``replies.Reply``."""
        self.check()
        return self.replies.expect(kind, key, settled)

    def _write(self, command: Command, reply: Reply | None = None, *, keep: bool = True) -> None:
        frame = to_json(self._stamp(command))
        if reply is not None:
            reply.frame = frame
        self.connection.send(frame, keep=keep)

    def _stamp(self, command: Command) -> Command:
        command.package_name = self.identity.package_name
        if command.session_id is None:  # the dashboard's commands have one of their own
            command.session_id = self.identity.session_id
        command.timestamp = iso_timestamp()
        return command

    # --- Waiting ------------------------------------------------------------------------------

    def sleep(self, seconds: float | None) -> None:
        """Block for ``seconds`` of session time; raises ``SessionEnded`` when the session ends."""
        self.check()
        Wait(self.dispatcher).block(self.replies.deadline(seconds))

    def mailbox(self, *streams: StreamName) -> Mailbox:
        """Collect the events of some streams, for a call that waits for them and then closes it."""
        self.check()
        mailbox = Mailbox(self.dispatcher)
        for stream in streams:
            self._note_permission(stream)
            listener = self.router.listen(stream, mailbox.put)
            mailbox.at_close(partial(self.router.forget, listener))
        return mailbox

    # --- Being called -------------------------------------------------------------------------

    def listen(self, stream: StreamName, handler: object) -> Subscription:
        """Call a person's handler with every event of a stream, as a callback of the session."""
        called = Handler(adapt(handler, "event"))
        self.check()
        self._note_permission(stream)
        post = self.dispatcher.post
        listener = self.router.listen(stream, lambda event, rank: post(called, event, rank))

        def stop() -> None:
            called.stop()
            self.router.forget(listener)

        return Subscription(handler, stop)

    def subscribe(self, stream: StreamName) -> Callable[[], None]:
        """Have the cloud send a stream that nobody listens to yet; call the result to stop."""
        listener = self.router.listen(stream, None)
        return lambda: self.router.forget(listener)

    def on(
        self,
        signal: Hashable,
        handler: object,
        *arguments: str,
        now: tuple[Any, ...] | None = None,
    ) -> Subscription:
        """Call a person's handler at every signal of a name, and with ``now`` at once."""
        self.check()
        return self.signals.on(signal, handler, *arguments, now=now)

    def tell(self, *signal: Any) -> None:
        """Call the handlers of a signal when the app is ready for it.

        For what came by another way than the connection, on a thread of its own.
        """
        if self._hold.open:
            self.signals.emit(*signal)
        else:
            self._asides.append(signal)
            self.connection.wake()

    def needs(self, permission: PermissionType) -> None:
        """The app uses something that needs a permission; a missing one is logged, later."""
        self._permissions.used(permission, self.target.http_base, self.identity)

    def _note_permission(self, stream: StreamName) -> None:
        permission = STREAMS.get(stream.base)
        if permission is not None:
            self.needs(permission)

    def report(self, error: BaseException, source: object) -> None:
        """Log what left a person's function, and give it to the ``on_error`` handlers.

        On the thread of that function.  That the session has ended is no news.
        """
        if isinstance(error, SessionEnded) and (self._ended or self.connection.ended):
            return
        name, kind = culprit(error, source), type(error)
        words = f"{error}{suggestion(error)}"
        trace = (kind, error, trimmed(error))
        self.logger.error("%s raised %s: %s", name, kind.__name__, words, exc_info=trace)
        self._tell_failed(error, name)
        if not self._handles_errors(source):
            self.tell_error(error)

    def tell_error(self, error: BaseException) -> None:
        """Give an exception of the app's to the ``on_error`` handlers.

        After the end nothing is queued any more: then they are called here, on this thread.
        """
        if self._ended is None:
            self.signals.emit_now("error", error)
            return
        for handler in self.signals.handlers("error"):
            try:
                handler((error,))
            except BaseException as another:
                self.report(another, handler)

    def report_problem(self, error: BaseException) -> None:
        """The same for what the cloud did wrong. On the connection thread.

        It is logged as a callback of the session: log handlers are user code.
        """
        self.dispatcher.post(self._tell_problem, error)

    def _tell_problem(self, error: BaseException) -> None:
        self.logger.warning("%s", error)
        self.signals.emit_now("error", error)

    def _handles_errors(self, source: object) -> bool:
        """Whether it is an ``on_error`` handler itself that failed."""
        return any(source is handler for handler in self.signals.handlers("error"))

    # --- The start (rule 8) and the end -------------------------------------------------------

    @contextmanager
    def starting(self) -> Iterator[None]:
        """Around the app's own code for the session, which runs on the calling thread.

        What comes is kept until that code waits, has run for a second, or returns.
        """
        self._main_thread = threading.get_ident()
        alarm = self.timers.after(config.HOLD_AT_START, self.release)
        try:
            yield
        finally:
            self._main_thread = None
            alarm.cancel()
            self.release()

    def _about_to_wait(self) -> None:
        thread = threading.current_thread()
        if thread not in self.callers and not on_own_thread():
            with self._lock:
                living = [caller for caller in self.callers if caller.is_alive()]
                self.callers = frozenset([thread, *living])
        if threading.get_ident() == self._main_thread:
            self.release()

    def release(self) -> None:
        """The app is ready: deliver what was kept, and subscribe. A second time does nothing."""
        if not self._hold.released:
            self._hold.released = True
            self.connection.wake()

    def end(
        self, reason: str, *, code: int = 1000, close_reason: str = "", linger: float = 0.0
    ) -> bool:
        """End the session, once: every waiting call raises ``SessionEnded``. Returns at once.

        Returns whether this call was the one that ended it.
        """
        return self._end(Disconnection(code, reason, True), code, close_reason, linger)

    def hand_over(self, command: Command) -> None:
        """Say last words without waiting for them; the end that comes next makes haste."""
        self.connection.hand_over(to_json(self._stamp(command)))

    def flush_displays(self) -> None:
        """Send the displays that still wait their turn."""
        self._pacer.flush()

    def _end(
        self, how: Disconnection, code: int = 1000, close_reason: str = "", linger: float = 0.0
    ) -> bool:
        with self._lock:
            if self._ended is not None:
                return False
            self._ended = how.reason
        self.connection.end(how.reason, code=code, close_reason=close_reason, linger=linger)
        self._pacer.stop()
        self._subscriptions.stop()
        self.dispatcher.end(how.reason)
        self._tell_ended(how)
        return True

    # --- What the connection tells (its Owner), on the connection thread ----------------------

    def init_frame(self) -> str:
        """The first frame of every connection."""
        return to_json(self._stamp(ConnectionInit(api_key=self.identity.api_key)))

    def acknowledged(self, ack: dict[str, Any]) -> list[str]:
        """Take in what the cloud says about the user; subscribe again after a reconnection."""
        again, self._acknowledged = self._acknowledged, True
        self.router.route(ack)
        self._welcome = (ack.get("settings"),)  # told when the connection is live and due() called
        if not again:
            return []
        self._pacer.restore()
        update = self._subscriptions.again()
        return [] if update is None else [to_json(self._stamp(update))]

    def received(self, frame: dict[str, Any]) -> None:
        """Route a frame, or keep it until the app is ready; answers are never kept back."""
        if self._hold.open or frame["type"] in ANSWERS:
            self.router.route(frame)
        else:
            self._hold.deliver(self.router.route, frame, rank_of(frame))

    def received_audio(self, data: bytes) -> None:
        """Route an audio chunk, or keep it until the app is ready."""
        self._hold.deliver(self.router.route_audio, data, AUDIO)

    def malformed(self, error: Exception) -> None:
        """Report a frame that makes no sense."""
        self._hold.deliver(self.report_problem, error, KEEP)

    def due(self) -> None:
        """Do what waits for the connection thread: release, subscriptions, displays."""
        self.refusals.due()
        while self._asides:
            self._tell(*self._asides.popleft())
        if self._welcome is not None:
            welcome, self._welcome = self._welcome, None
            self._tell("connected", *welcome)
        if self._hold.released and not self._hold.open:
            self._hold.let_go()
            self._subscriptions.say()
        # The session may end at any moment, and then there is nobody to send to.
        with suppress(SessionEnded):
            if self._hold.open:
                self._subscriptions.due()
            self._pacer.due()

    def lost(self, code: int | None, reason: str) -> None:
        """Tell the app; the connection is already on its way back."""
        self.refusals.settle()
        self._tell("disconnected", Disconnection(code, reason, False))

    def ended(self, reason: str, code: int | None, detail: str) -> None:
        """The connection is over."""
        self.refusals.settle()
        self._end(Disconnection(code, reason, True))

    def _tell(self, *signal: Any) -> None:
        self._hold.deliver(lambda told: self.signals.emit(*told), signal, KEEP)

    def _count_unheard(self) -> None:
        self.dispatcher.count_dropped("on_session, which has not begun to listen")
