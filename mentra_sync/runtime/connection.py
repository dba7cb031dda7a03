"""One session's websocket: a thread that dials, reads, answers pings and reconnects.

The thread belongs to this module alone.  What it learns it tells its :class:`Owner`, on that
thread; the owner never runs user code there and never blocks.
"""

from __future__ import annotations

import math
import ssl
import threading
import time
from dataclasses import replace
from typing import Any

from mentra_sync import config
from mentra_sync.clock import Deadline
from mentra_sync.errors import ConnectionFailed, SessionEnded
from mentra_sync.log import own_logger
from mentra_sync.runtime.attempt import Accepted, Attempt, AttemptFailed
from mentra_sync.runtime.closing import (
    APP_NOT_STARTED,
    CONNECTION_LOST,
    POLICY_VIOLATION,
    Ending,
    Loss,
    Secret,
    is_fatal,
    printable,
    rejected,
)
from mentra_sync.runtime.dial import Cancelled
from mentra_sync.runtime.frames import NORMAL, PROTOCOL_ERROR, Opcode, encode
from mentra_sync.runtime.hosts import Target
from mentra_sync.runtime.identity import Identity
from mentra_sync.runtime.limits import Limits
from mentra_sync.runtime.live import Live, Signals
from mentra_sync.runtime.outbox import Outbox
from mentra_sync.runtime.owner import Owner, call
from mentra_sync.runtime.schedule import Schedule
from mentra_sync.runtime.transport import Transport
from mentra_sync.runtime.wakeup import Wakeup

__all__ = ["Connection", "Owner"]

logger = own_logger(__name__)


class Connection:
    """The websocket of one session, from its first dial to its end.

    ``target`` comes from :meth:`HostPolicy.check`, so an unchecked address cannot be dialled.
    ``identity`` names its thread, and has the key that no log line may show.
    ``max_reconnect_attempts`` 0 never reconnects.  ``tls`` replaces the system's trust.
    """

    def __init__(
        self,
        target: Target,
        owner: Owner,
        *,
        identity: Identity,
        max_reconnect_attempts: int = config.MAX_RECONNECT_ATTEMPTS,
        limits: Limits | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._target = target
        self._owner = owner
        self._name = identity.session_id[:60]
        self._secret = Secret(identity.api_key)
        self._max_attempts = max_reconnect_attempts
        self._limits = limits or Limits()
        self._tls = tls
        self._thread: threading.Thread | None = None
        self._signals = Signals()
        # Guards everything below. The lock of a transport may be taken inside it, never around.
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)  # acknowledged for the first time, or over
        self._wakeup: Wakeup | None = None
        self._outbox = Outbox(self._limits.max_outbox)
        self._live: Transport | None = None  # where frames go at once; None: to the outbox
        self._acknowledged = False  # ever
        self._failure: ConnectionFailed | None = None  # why the first connection failed
        self._ending: Ending | None = None  # the first reason; no frame is taken after it
        self._linger_until = 0.0
        # Set by any thread:
        self._hasty = False  # the end must not take long
        # Of the connection thread alone:
        self._refused = False  # by a close 1008 without a word, a short while ago
        self._hurried_at = -math.inf

    @property
    def connected(self) -> bool:
        """Whether the cloud has acknowledged the connection and it is neither lost nor ended."""
        with self._lock:
            return self._live is not None and self._ending is None

    @property
    def ended(self) -> bool:
        """Whether it is over or about to be: :meth:`end` was called, or the cloud ended it."""
        with self._lock:
            return self._ending is not None

    def start(self) -> None:
        """Start the thread ``mentra-conn-{name}``, which dials at once. Call it once.

        Raises :class:`ConnectionFailed` when the machine has no thread or socket left.
        """
        thread = threading.Thread(target=self._run, name=f"mentra-conn-{self._name}", daemon=True)
        try:
            wakeup = Wakeup()
        except OSError as error:
            raise ConnectionFailed(f"no connection can be opened: {error.strerror}") from error
        with self._lock:
            assert self._thread is None, "start() is called once"
            self._thread, self._wakeup = thread, wakeup
        try:
            thread.start()
        except RuntimeError as error:
            wakeup.close()
            with self._lock:
                self._thread = None  # nobody can wait for a thread that has not been started
            raise ConnectionFailed(f"no connection can be opened: {error}") from error

    def wait_connected(self, timeout: float | None = None) -> None:
        """Block until the first acknowledgement, or until there will be none.

        That is known after 5 s; ``timeout``, in seconds, gives it up earlier.  Raises
        :class:`ConnectionFailed`, with the cloud's code if it gave one, or :class:`SessionEnded`
        when somebody has ended it meanwhile; after that nothing dials any more, and ``ended`` has
        been or will be told.  Any thread but the connection's own.
        """
        with self._lock:
            self._changed.wait_for(lambda: self._acknowledged or self._ending, timeout)
            if self._acknowledged:
                return
            failure = self._failure
            if self._ending is None:
                whom = self._target.authority
                failure = ConnectionFailed(f"{whom} did not accept us within {timeout:g} s")
                self._ending = Ending(CONNECTION_LOST, None, str(failure))
            elif failure is None:
                raise SessionEnded(self._ending.reason)
        self._signals.end = True
        self._wake_thread()
        raise ConnectionFailed(str(failure), failure.code)

    def send(self, frame: str, *, keep: bool = True) -> None:
        """Write a text frame, or keep it until the next acknowledgement. Any thread.

        With ``keep`` False it is dropped instead: its owner says the newest of its kind again
        after each acknowledgement, and a kept one would come after that and undo it.

        On a live connection it blocks until the frame is wholly written, which takes long only
        when the cloud does not read; when the connection breaks meanwhile the frame is kept.
        On the connection thread it never blocks.  Frames go out whole and in order.

        Raises :class:`SessionEnded` after the end, and :class:`ConnectionFailed` when 1,000
        frames are waiting already.
        """
        data = encode(Opcode.TEXT, frame)
        own_thread = threading.current_thread() is self._thread
        with self._lock:
            self._raise_if_ended()
            transport = self._live
            if transport is None:
                if keep:
                    self._outbox.keep(frame)
                return
            if own_thread:
                self._outbox.check(transport.backlog)
            outgoing = transport.queue(data, frame if keep else None)
        transport.flush()
        if outgoing.written or own_thread:
            return
        transport.wait_written(outgoing)
        if not outgoing.written:
            with self._lock:
                self._raise_if_ended()

    def withdraw(self, frame: str) -> bool:
        """Have a frame that waits for the next acknowledgement not written after all. Any thread.

        Returns whether it was one.
        """
        with self._lock:
            return self._outbox.discard(frame)

    def hand_over(self, frame: str) -> None:
        """Say last words without waiting for them, and make haste with the end. Any thread.

        For a session that gives way to another: from here on an end waits for a cloud that does
        not read as briefly as for an answer.  Without a live connection nothing is said.
        """
        self._hasty = True
        with self._lock:
            transport = None if self._ending is not None else self._live
            if transport is not None:
                transport.queue(encode(Opcode.TEXT, frame))
        if transport is not None:
            transport.flush()

    def wake(self) -> None:
        """Have the connection thread call ``owner.due()`` soon; never blocks. Any thread.

        Several calls may lead to one.  Only a live connection does it: what comes before waits
        for the acknowledgement, and is forgotten when there is none.
        """
        self._signals.due = True
        self._wake_thread()

    def end(
        self, reason: str, *, code: int = 1000, close_reason: str = "", linger: float = 0.0
    ) -> None:
        """End it, whatever it is doing; returns at once. Any thread, owner callbacks too.

        What was sent before is still written, then a close frame with ``code`` goes out and its
        answer is waited for (1 s at most).  With ``linger`` the cloud first gets that many
        seconds to close by itself; what comes meanwhile is dropped.  A dial or a backoff is
        given up at once.  The first reason wins, the shortest linger too; ``owner.ended`` is
        told once.
        """
        linger_until = time.monotonic() + linger
        with self._lock:
            if self._ending is None:
                self._ending = Ending(reason, code, close_reason)
                self._linger_until = linger_until
                self._changed.notify_all()
            self._linger_until = min(self._linger_until, linger_until)
        self._signals.end = True
        self._wake_thread()

    def join(self, timeout: float | None = None) -> bool:
        """Wait until the thread has gone, after ``ended`` was told; returns whether it has.

        On the connection thread itself it returns False at once; True when none was started.
        """
        thread = self._thread
        if thread is None or thread is threading.current_thread():
            return thread is None
        thread.join(timeout)
        return not thread.is_alive()

    def _raise_if_ended(self) -> None:
        assert self._lock.locked()
        if self._ending is not None:
            raise SessionEnded(self._ending.reason)

    def _wake_thread(self) -> None:
        with self._lock:
            wakeup = self._wakeup
        if wakeup is not None:
            wakeup.wake()

    # --- The connection thread -----------------------------------------------------------------

    def _run(self) -> None:
        ending = Ending(CONNECTION_LOST, None, "internal error")
        try:
            ending = self._life()
        except BaseException:  # nobody would end the session if this thread just went
            logger.exception("%s: the connection failed by a fault of this package", self._name)
        finally:
            self._finish(ending)

    def _finish(self, ending: Ending) -> None:
        """Let go of what is left, and tell the owner, whatever has happened."""
        assert self._wakeup is not None
        with self._lock:
            self._ending = ending = self._ending or ending
            transport, self._live = self._live, None
            self._outbox.take()
            self._changed.notify_all()
        try:
            if transport is not None:
                transport.close(abort=True)
        finally:
            logger.debug("%s: ended (%s)", self._name, ending.reason)
            call(self._owner.ended, ending.reason, ending.code, ending.detail)
            self._wakeup.close()

    def _life(self) -> Ending:
        """Connect, serve, and connect again, until something ends the session."""
        until = time.monotonic() + self._limits.start
        schedule = Schedule(self._limits, until=until, max_attempts=None, at_once=True)
        loss = Loss()
        while True:
            accepted = self._connect(schedule, loss)
            if isinstance(accepted, Ending):
                return accepted
            result = self._serve(accepted)
            if isinstance(result, Ending):
                return result
            loss = result
            schedule = Schedule(
                self._limits,
                until=time.monotonic() + self._limits.reconnect_window,
                max_attempts=self._max_attempts,
                at_once=self._hurries(loss),
                # A cloud that accepts us and cannot bear us is left in peace more and more.
                pauses=schedule.pauses if loss.in_vain else 0,
            )
            if self._max_attempts and not self._signals.end:
                whom, why = self._target.authority, printable(loss.reason) or loss.code
                logger.info("%s: lost the connection to %s (%s)", self._name, whom, why)
                call(self._owner.lost, loss.code, loss.reason)

    def _connect(self, schedule: Schedule, loss: Loss) -> Accepted | Ending:
        """Dial until the cloud accepts us, or until there is no point in it any more."""
        failure: AttemptFailed | None = None
        while True:
            step = schedule.next()
            if step.dial or self._acknowledged:  # a start is given up without waiting further
                self._pause_until(step.at)
            if self._signals.end:
                return self._asked()
            if not step.dial:
                return self._failed(Ending(CONNECTION_LOST, loss.code, loss.reason), failure)
            try:
                return self._attempt(schedule.until)
            except Cancelled:
                return self._asked()
            except AttemptFailed as error:
                failure = error
            logger.debug("%s: %s", self._name, failure)
            ending = self._refusal(failure)
            if ending is not None:
                return self._failed(ending, failure)
            schedule.failed(
                at_once=failure.unexplained_refusal,
                wait_out=failure.error.code == APP_NOT_STARTED,
            )

    def _attempt(self, until: float) -> Accepted:
        assert self._wakeup is not None
        deadline = Deadline(min(self._limits.attempt, until - time.monotonic()))
        init_frame = call(self._owner.init_frame)
        if init_frame is None:
            raise AttemptFailed(ConnectionFailed("there is nothing to introduce us with"))
        attempt = Attempt(
            self._target,
            self._wakeup,
            lambda: self._signals.end,
            self._limits,
            self._secret,
            self._tls,
        )
        return attempt.run(init_frame, deadline)

    def _refusal(self, failure: AttemptFailed) -> Ending | None:
        """What ends the session, if anything, in a failed attempt."""
        code = failure.error.code
        if failure.ending is not None:
            return failure.ending
        if code is not None and is_fatal(code, first=not self._acknowledged):
            return Ending(rejected(code), None, str(failure))
        if failure.unexplained_refusal:
            if self._refused:
                return Ending(rejected(POLICY_VIOLATION), POLICY_VIOLATION, str(failure))
            self._refused = True
        return None

    def _failed(self, ending: Ending, failure: AttemptFailed | None) -> Ending:
        """``ending``, after telling who waits for the first connection why there is none."""
        if failure is not None:
            ending = replace(ending, detail=ending.detail or str(failure))
            with self._lock:
                self._failure = failure.error
        return ending

    def _serve(self, accepted: Accepted) -> Ending | Loss:
        """Serve one acknowledged connection to its end, and close it."""
        transport = accepted.transport
        live = Live(transport, self._owner, self._signals, self._limits, self._secret)
        began = time.monotonic()
        result: Ending | Loss | None = None
        if self._go_live(accepted):
            result = live.run(accepted.messages)
        lived_long = time.monotonic() - began > self._limits.attempt
        if lived_long:
            self._refused = False
        if isinstance(result, Loss):
            result = replace(result, in_vain=not (lived_long or live.brought))
            with self._lock:
                self._live = None  # what is sent from here on waits for the next connection
            if result.violation:
                transport.close_with(result.code or PROTOCOL_ERROR, result.reason)
            transport.close(abort=result.abort)
            with self._lock:
                self._outbox.put_back(transport.take_unwritten())
            if result.unexplained_refusal and self._refused:
                return Ending(rejected(POLICY_VIOLATION), result.code, result.reason)
            self._refused = self._refused or result.unexplained_refusal
            return result
        if result is None:
            if not live.wait_for_close(lambda: self._linger_until):
                asked = self._asked()
                patience = self._limits.close if self._hasty else self._limits.write
                transport.close_with(asked.code or NORMAL, asked.detail, patience)
            return self._asked()
        with self._lock:
            self._ending = self._ending or result
        transport.close_with(NORMAL, "")
        return result

    def _go_live(self, accepted: Accepted) -> bool:
        """Open the way for frames, the waiting ones first; returns False if it has ended."""
        transport = accepted.transport
        first = call(self._encode_first_frames, accepted.ack) or []
        with self._lock:
            if self._ending is not None:
                return False
            for data in first:
                transport.queue(data)
            for frame in self._outbox.take():
                transport.queue(encode(Opcode.TEXT, frame), frame)
            self._live = transport
            self._acknowledged = True
            self._changed.notify_all()
        transport.flush()
        logger.debug("%s: connected to %s", self._name, self._target.authority)
        return True

    def _encode_first_frames(self, ack: dict[str, Any]) -> list[bytes]:
        return [encode(Opcode.TEXT, frame) for frame in self._owner.acknowledged(ack)]

    def _hurries(self, loss: Loss) -> bool:
        """Whether to dial again at once; not twice in a row, or it would become a storm."""
        if not (loss.refused_request or loss.unexplained_refusal):
            return False
        now = time.monotonic()
        before, self._hurried_at = self._hurried_at, now
        return now - before > self._limits.reconnect_delays[0]

    def _pause_until(self, moment: float) -> None:
        assert self._wakeup is not None
        while not self._signals.end and time.monotonic() < moment:
            timeout = moment - time.monotonic()
            self._wakeup.wait(None, read=False, write=False, timeout=timeout)

    def _asked(self) -> Ending:
        """The ending that :meth:`end` was called with."""
        with self._lock:
            assert self._ending is not None
            return self._ending
