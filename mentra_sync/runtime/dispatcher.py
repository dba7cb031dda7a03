"""The thread-safe event dispatcher: one session's callbacks, one at a time, in order.

Callbacks of a session need no locks among themselves, because only the one that holds the
session's *baton* runs.  A callback that waits inside a blocking call lays the baton down and
takes it up again before the call returns, so "stop" is heard while an answer is being spoken:

    thread A   [callback 1 ....... play_tts: waits .............]   [goes on .. returns]
    thread B                      [callback 2 ........... returns]

Who goes on when the baton is free: first the callback whose wait ended first, then the next
queued event.  The queue is bounded; :meth:`Dispatcher.post` says what is dropped, and when.

One lock guards everything here.  It is never held while user code runs.
"""

from __future__ import annotations

import contextlib
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable
from typing import Any

from mentra_sync import config, hints
from mentra_sync.clock import Clock
from mentra_sync.errors import SessionEnded
from mentra_sync.log import Logger
from mentra_sync.runtime import slow_callbacks
from mentra_sync.runtime.backlog import KEEP, OURS, Backlog, Room
from mentra_sync.runtime.callbacks import describe
from mentra_sync.runtime.timers import Timers

_THREAD_RETRY = 1.0
"""Seconds after which a thread is asked for again when the system had none."""

Callback = Callable[[Any], object]
ErrorReport = Callable[[BaseException, object], None]


class Wait:
    """One blocking call: a thread parks here until the call has its answer.

    Made and blocked by the thread that waits, ended by whichever thread has the answer.
    All fields are guarded by the dispatcher's lock.
    """

    __slots__ = ("cancelled", "condition", "dispatcher", "done", "function", "gave_up", "granted",
                 "ident")  # fmt: skip

    def __init__(self, dispatcher: Dispatcher) -> None:
        self.dispatcher = dispatcher
        self.condition = threading.Condition(dispatcher._lock)
        self.ident = threading.get_ident()
        self.function: object = None
        self.done = False
        self.cancelled = False
        self.gave_up = False
        self.granted = False

    def end(self) -> None:
        """The answer is there. From any thread; a second time does nothing."""
        with self.dispatcher._lock:
            self._end()

    def block(self, until: float | None) -> bool:
        """Wait, to the moment ``until`` of the session's clock at most; return whether it ended.

        Raises ``SessionEnded`` when the session ends first.
        """
        dispatcher = self.dispatcher
        dispatcher.about_to_wait()
        with dispatcher._lock:
            if self.done:
                return True
            if dispatcher._ended is not None:
                raise SessionEnded(dispatcher._ended)
            dispatcher._lay_down_baton(self)
            dispatcher._blocked[self] = None
            try:
                in_time = dispatcher.clock.wait_for(self.condition, lambda: self.done, until)
            finally:
                del dispatcher._blocked[self]
                self._end()
                if self.gave_up:
                    self.condition.wait_for(lambda: self.granted)
                elif dispatcher._baton == self.ident:
                    dispatcher._since = time.monotonic()  # it had not run all that time
            if self.cancelled:
                raise SessionEnded(dispatcher._ended or "disconnected")
            return in_time

    def _end(self, *, cancelled: bool = False) -> None:
        """With the lock held: the wait is over, and its thread stands in line to go on."""
        if self.done:
            return
        self.done = True
        self.dispatcher.turns += 1
        self.cancelled = cancelled
        self.condition.notify()
        if self.gave_up:
            self.dispatcher._ready.append(self)
            self.dispatcher._free_kept_baton()
            self.dispatcher._hand_on()


class _Worker:
    """A thread that runs callbacks, while it has none to run."""

    __slots__ = ("called", "condition")

    def __init__(self, lock: threading.Lock) -> None:
        self.condition = threading.Condition(lock)
        self.called = False


class Dispatcher:
    """Runs one session's callbacks under the baton rule (api.md, "Threads", rules 3 and 7)."""

    def __init__(
        self,
        name: str,
        clock: Clock,
        timers: Timers,
        *,
        logger: Logger,
        report: ErrorReport,
        backlog: int = config.EVENT_BACKLOG,
    ) -> None:
        """``report`` is told of every exception that leaves a callback, on that thread."""
        self.about_to_wait: Callable[[], object] = lambda: None
        """Called by every thread that is about to wait in a call of this session."""
        self._thread_name = f"mentra-calls-{name}"
        self.clock = clock
        self._timers = timers
        self._logger = logger
        self._report = report
        self._lock = threading.Lock()
        # Everything below is guarded by _lock.
        self._queue: Backlog[tuple[Callback, Any]] = Backlog(backlog)
        self._dropped = 0
        self._room = Room(self._queue, self._lock)
        self._baton: int | None = None  # the thread whose callback runs
        self._since = 0.0  # when it took the baton, real time
        self._running: object = None  # its function
        self._named_slow = False  # whether the log has named it
        self._blocked: dict[Wait, None] = {}  # every thread that is parked, in order
        self._waiting = 0  # the callbacks among them
        self._kept_by: Wait | None = None  # one that waits, but had to keep the baton
        self._ready: deque[Wait] = deque()  # callbacks whose wait is over
        self._workers: set[threading.Thread] = set()
        self._idle: list[_Worker] = []
        self._summoned = False  # a worker is on its way
        self.turns = 0  # events queued and waits ended, so far
        self._out_of_threads = False  # and the log has said so
        self._watching = False
        self._calm = threading.Condition(self._lock)
        self._ended: str | None = None
        self._abandoned = False

    # --- What comes in ------------------------------------------------------------------------

    def post(self, function: Callback, argument: Any, rank: int = KEEP) -> None:
        """Queue ``function(argument)`` for an event that has come. For the connection thread.

        When the backlog is full and the running callback is younger than a second, this first
        waits for room, a second at most for the whole time of being full.  Then the oldest event
        of the lowest rank goes, which may be the new one.
        """
        with self._lock:
            if len(self._queue) >= self._queue.size and not self._make_room(rank):
                return
            self._queue_up(function, argument, rank)

    def post_now(self, function: Callback, argument: Any = None) -> None:
        """Queue ``function(argument)`` at once, whatever the backlog: timers and error handlers.

        From any thread.  Who calls this keeps its own number of queued calls bounded.
        """
        with self._lock:
            self._queue_up(function, argument, OURS)

    def _queue_up(self, function: Callback, argument: Any, rank: int) -> None:
        if self._ended is not None:
            self._dropped += 1
            return
        self.turns += 1
        self._queue.add((function, argument), rank)
        if self._baton is None:
            self._hand_on()

    @property
    def dropped(self) -> int:
        """How many events were given up, because the backlog was full or the session ended."""
        return self._dropped

    def count_dropped(self, receiver: str) -> None:
        """One event was given up because ``receiver`` is too slow for what comes."""
        with self._lock:
            self._count_dropped(receiver)

    def _count_dropped(self, receiver: object) -> None:
        if self._dropped == 0:
            name = receiver if isinstance(receiver, str) else describe(receiver)
            self._log_later(hints.BACKLOG_FULL, self._queue.size, name)
        self._dropped += 1

    def _log_later(self, text: str, *values: object) -> None:
        """Log from another thread: log handlers are user code, and the lock is held here."""
        self._timers.after(0, lambda: self._logger.warning(text, *values))

    def _make_room(self, rank: int) -> bool:
        """With the lock held: see that one more fits; False when the new one is the one to go."""
        if self._baton != threading.get_ident():
            age = 0.0 if self._baton is None else time.monotonic() - self._since
            self._room.wait(config.BACKLOG_PATIENCE - age)
        if len(self._queue) < self._queue.size:
            return True
        self._count_dropped("a thread to run on" if self._running is None else self._running)
        return self._queue.make_room(rank)

    # --- The baton ----------------------------------------------------------------------------

    def _lay_down_baton(self, wait: Wait) -> None:
        """With the lock held: let others run while this thread waits, if it holds the baton.

        When as many wait already as may, only one of those whose wait is over can go on.
        """
        if self._baton != wait.ident:
            return
        if self._waiting >= config.MAX_WAITING_CALLBACKS and not self._ready:
            self._kept_by = wait
            return
        wait.gave_up = True
        wait.function = self._running
        self._waiting += 1
        self._baton = None
        self._running = None
        self._hand_on()

    def _free_kept_baton(self) -> None:
        """With the lock held: one can go on; who had to keep the baton in its wait gives it up."""
        wait, self._kept_by = self._kept_by, None
        if wait is not None and not wait.done:
            self._lay_down_baton(wait)

    def _take_baton(self, ident: int, function: object) -> None:
        """With the lock held: the thread ``ident`` runs from here on."""
        self._baton = ident
        self._since = time.monotonic()
        self._running = function
        self._named_slow = False

    def _hand_on(self) -> None:
        """With the lock held: if nobody has the baton, see that whoever is next gets it."""
        assert self._lock.locked()
        if self._abandoned:
            while self._ready:
                self._grant(self._ready.popleft())
        if self._baton is not None:
            return
        if self._ready:
            wait = self._ready.popleft()
            self._take_baton(wait.ident, wait.function)
            self._grant(wait)
        elif self._queue and not self._summoned:
            self._summon_worker()

    def _grant(self, wait: Wait) -> None:
        wait.granted = True
        self._waiting -= 1
        wait.condition.notify()

    # --- Threads ------------------------------------------------------------------------------

    def _summon_worker(self) -> None:
        """With the lock held: wake an idle thread, or start one."""
        if self._idle:
            worker = self._idle.pop()
            worker.called = True
            worker.condition.notify()
        else:
            thread = threading.Thread(target=self._work, name=self._thread_name, daemon=True)
            try:
                thread.start()
            except RuntimeError:
                self._wait_for_a_thread()
                return
            self._out_of_threads = False
            self._workers.add(thread)
            if not self._watching:
                self._watching = True
                self._timers.after(config.SLOW_CALLBACK, self._look_for_slow_callbacks)
        self._summoned = True

    def _wait_for_a_thread(self) -> None:
        """With the lock held: events stay queued; the next one tries again, or a timer does."""
        if not self._out_of_threads:
            self._out_of_threads = True
            self._log_later(hints.NO_MORE_THREADS)
            self._timers.after(_THREAD_RETRY, self._try_for_a_thread)

    def _try_for_a_thread(self) -> None:
        """On the timer thread, as long as there was none to be had."""
        with self._lock:
            if self._out_of_threads and self._ended is None:
                self._hand_on()
                if self._out_of_threads:
                    self._timers.after(_THREAD_RETRY, self._try_for_a_thread)

    def _work(self) -> None:
        """The life of a thread that runs callbacks."""
        worker = _Worker(self._lock)
        with self._lock:
            self._summoned = False
            while True:
                while self._baton is None and not self._ready and self._queue:
                    self._run_next()
                self._hand_on()
                # One idle thread is kept for the next event; more would wait for nothing.
                if self._idle or self._ended is not None:
                    break
                self._idle.append(worker)
                if not worker.condition.wait_for(lambda: worker.called, config.DISPATCHER_IDLE):
                    self._idle.remove(worker)
                    break
                worker.called = False
                self._summoned = False
            self._workers.discard(threading.current_thread())
            self._calm.notify_all()

    def _run_next(self) -> None:
        """With the lock held and the baton free: run the first queued callback, unlocked."""
        function, argument = self._queue.take()
        self._room.taken()
        ident = threading.get_ident()
        self._take_baton(ident, function)
        self._lock.release()
        try:
            self._call(function, argument)
        finally:
            self._lock.acquire()
        if self._baton == ident:
            self._baton = None
            self._running = None
        if self._ended is not None:
            self._calm.notify_all()

    def _call(self, function: Callback, argument: Any) -> None:
        """Run user code, which may raise anything, SystemExit too; this raises nothing."""
        try:
            function(argument)
        except BaseException as error:
            if isinstance(error, SessionEnded) and self._ended is not None:
                return
            try:
                self._report(error, function)
            except BaseException:  # log handlers are user code as well
                with contextlib.suppress(Exception):
                    traceback.print_exc()

    # --- The end ------------------------------------------------------------------------------

    def end(self, reason: str) -> int:
        """End every wait with ``SessionEnded`` and drop what has not begun; return how many."""
        with self._lock:
            if self._ended is not None:
                return 0
            self._ended = reason
            left = self._queue.clear()
            self._dropped += left
            self._room.taken()
            for wait in list(self._blocked):
                wait._end(cancelled=True)
            for worker in self._idle:
                worker.called = True
                worker.condition.notify()
            self._idle.clear()
            return left

    def join(self, timeout: float) -> bool:
        """After :meth:`end`: wait for callbacks to return, ``timeout`` real seconds at most.

        A callback of the calling thread's own is not waited for.  Returns whether none is left.
        """
        with self._lock:
            me = threading.current_thread()
            return self._calm.wait_for(lambda: not self._workers - {me}, timeout)

    def abandon(self) -> None:
        """Give up the rule of one at a time, so that none waits for one that never returns."""
        with self._lock:
            self._abandoned = True
            self._hand_on()

    @property
    def threads(self) -> list[threading.Thread]:
        """The threads that run callbacks of this session."""
        with self._lock:
            return list(self._workers)

    @property
    def busy(self) -> bool:
        """Whether a callback runs that does not wait in a call, or one could that is queued."""
        with self._lock:
            if self._baton is not None:
                return self._baton not in self._parked()
            return bool(self._queue) or bool(self._ready)

    @property
    def running(self) -> str | None:
        """The name of the function that runs, or None."""
        function = self._running
        return None if function is None else describe(function)

    @property
    def parked(self) -> set[int]:
        """The threads that wait in a call of the session, by their idents."""
        with self._lock:
            return self._parked()

    def _parked(self) -> set[int]:
        return {wait.ident for wait in self._blocked if not wait.done}

    # --- Callbacks that take long -------------------------------------------------------------

    def _look_for_slow_callbacks(self) -> None:
        """On the timer thread: name a callback that keeps the others waiting, once."""
        with self._lock:
            if not self._workers:
                self._watching = False
                return
            now = time.monotonic()
            slow = self._baton
            age = now - self._since
            # One that waits but had to keep the baton (32 are waiting already) is not to blame.
            waits = any(wait.ident == slow for wait in self._blocked)
            due = slow is not None and not self._named_slow and not waits
            if due and age >= config.SLOW_CALLBACK:
                self._named_slow = True
                function = self._running
                held_up = [describe(wait.function) for wait in self._ready]
                due = False
            else:
                slow = None
            pause = config.SLOW_CALLBACK - age if due else config.SLOW_CALLBACK
        self._timers.after(pause, self._look_for_slow_callbacks)
        if slow is not None:
            slow_callbacks.warn(self._logger, slow, function, age, held_up)
