"""Simulated glasses for one test: an app on them, session time in hand, and all of it ended."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

from mentra_sync.clock import Clock, Deadline
from mentra_sync.log import ROOT, stacks
from mentra_sync.server import AppServer
from mentra_sync.simulator.http import Simulator
from mentra_sync.simulator.recording import Recorder, load
from mentra_sync.simulator.records import WAIT_SECONDS
from mentra_sync.simulator.replay import Replay
from mentra_sync.testing.app_errors import AppErrors, AppFailed, E
from mentra_sync.testing.apps import app_of
from mentra_sync.testing.pair import NOT_STARTED, Pair
from mentra_sync.testing.seen import Expectations
from mentra_sync.testing.snapshots import Snapshots
from mentra_sync.testing.stillness import AppStillBusy, Stillness

GRACE = 1.0
"""Seconds, real, that code of the app may take to end at the end of a test."""

READY = 5.0
"""Seconds, real, until an app that has started must have told what it listens to."""

LAST_LOOK = 0.5
"""Seconds, real, in which the end of a test waits for what is still under way."""

_RUNNING = "these glasses run {} already; for another app use SimulatedGlasses() of their own"
_HANGS = "code of the app still runs {:g} s after its end:\n{}"


class SimulatedGlasses(Pair):
    """A pair of glasses, the cloud behind it, and the app that runs on it; a context manager.

    ::

        with SimulatedGlasses() as glasses:
            glasses.start(MyApp)
            glasses.say("hello")
            assert glasses.lens.wait_for("You said: hello")

    No network beyond loopback is used, and no API key.  Boot screen, pacing and speech take no
    time, unless the app is started with ``realistic=True``.  What the app waits for in session
    time (timers, ``session.sleep``, timeouts) passes by itself, as real time does, and at once
    with :meth:`advance`.
    """

    def __init__(
        self, *, user_id: str = "you@example.com", snapshots: Snapshots | None = None
    ) -> None:
        super().__init__(self, user_id)
        self.expectations = Expectations()
        self.snapshots = snapshots or Snapshots()
        self._clock = Clock(0.0)
        self.errors = AppErrors(self._clock.now)
        """The exceptions that left functions of the app. Those that nobody has expected, by
        :meth:`expect_error` or ``errors.clear()``, fail the test at its end. What a tool raises is
        not among them: it reaches who calls the tool."""
        self.pairs: dict[str, Pair] = {user_id: self}
        self._app: AppServer | None = None
        self._simulator: Simulator | None = None
        self._stillness: Stillness | None = None
        self._denied: set[str] = set()
        self._closed = False
        self._recordings = ExitStack()

    # --- The app -----------------------------------------------------------------------------

    def start(
        self,
        app: Any = None,
        *,
        realistic: bool = False,
        glasses: str | None = None,
        config: Mapping[str, Any] | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        """Start an app: an AppServer, a class made of it, or a function that takes a session.

        Returns when the app's first subscriptions have reached the cloud: when ``on_session`` has
        returned or waits, or after a second.  Raises :class:`AppFailed` when it has raised by
        then, or could not be started.  Without an app, the one that was stopped starts again.

        ``realistic`` lets things take the time that they take on real glasses.  ``glasses`` is a
        model (``"g1"``, ``"live"``, ``"z100"``, ``"simulated"``), ``config`` the app's settings
        and tools as the developer console has them, ``settings`` values that the wearer has saved.
        """
        __tracebackhide__ = True
        if app is not None:
            self._serve(app_of(app), realistic, glasses, config)
        if settings:
            self.simulator.app.save_settings(self.user_id, dict(settings))
        self.begin(self)

    def user(self, user_id: str, *, glasses: str | None = None, start: bool = True) -> Pair:
        """The glasses of another wearer, on which the same app runs; ``start=False``: not yet."""
        __tracebackhide__ = True
        pair = self.pairs.get(user_id)
        if pair is None:
            pair = self.pairs[user_id] = Pair(self, user_id, glasses)
            if start:
                pair.start()
        return pair

    def deny(self, permission: str) -> None:
        """Take a permission from the app, for example ``CAMERA``; also before it starts."""
        self._denied.add(permission)
        if self._simulator is not None:
            self._simulator.deny(permission)

    def allow(self, permission: str) -> None:
        """Give a permission back."""
        self._denied.discard(permission)
        if self._simulator is not None:
            self._simulator.allow(permission)

    def expect_error(
        self, kind: type[E], match: str | None = None, timeout: float = WAIT_SECONDS
    ) -> E:
        """Wait for an exception from the app's code, and return it; it fails the test no more.

        ``match`` is a regular expression that its text must hold.  AssertionError when none comes.
        """
        __tracebackhide__ = True
        return self.errors.expect(kind, match, timeout)

    # --- Time --------------------------------------------------------------------------------

    @property
    def time(self) -> float:
        """Session time: seconds since these glasses were made, with all that was advanced."""
        return self._clock.now()

    def advance(self, seconds: float) -> None:
        """Let session time pass without waiting for it.

        It goes from one due moment to the next (timers, ``session.sleep``, timeouts, pacing,
        durations); at each it waits until the app is quiet, 5 s (real) at most, and then goes on
        with a warning that names what is busy.
        """
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not seconds >= 0:
            raise ValueError(f"seconds must be a number, 0 or more; got {seconds!r}")
        self._still.advance(seconds)

    def settle(self) -> bool:
        """Wait until the app is quiet, as :meth:`advance` does; False when it was not in time."""
        return self._still.settle()

    # --- Sessions as files -------------------------------------------------------------------

    def record(self, path: str | os.PathLike[str]) -> None:
        """Write what happens from here on to a file: what the wearer does, and what the app does.

        It ends with the test.  A file that is there already stays as it is: FileExistsError.
        """
        recorder = Recorder(self.simulator, Path(path))
        logger = logging.getLogger(ROOT)
        logger.addHandler(recorder.log_handler)
        self._recordings.callback(recorder.close)
        self._recordings.callback(logger.removeHandler, recorder.log_handler)

    def replay(self, path: str | os.PathLike[str]) -> None:
        """Do again what the wearer did, at the same session time, without waiting for it.

        AssertionError where the app first does something else than it did then; BadRecording (a
        ValueError) for a file that is no recording.  The app must run: what it has done since its
        start counts, and the first start of the recording is left out.
        """
        __tracebackhide__ = True
        replay = Replay(self.simulator, load(Path(path)))
        began = self.time

        def until(at: float) -> bool:
            self.advance(max(0.0, began + at - self.time))
            return True

        logger = logging.getLogger(ROOT)
        logger.addHandler(replay.log_handler)
        try:
            differences = replay.run(until, WAIT_SECONDS)
        finally:
            logger.removeHandler(replay.log_handler)
        if differences:
            raise AssertionError(f"{path}, {differences[0]}")

    # --- The end -----------------------------------------------------------------------------

    def check(self) -> None:
        """Raise :class:`AppFailed` when the app's code has raised what nobody has expected."""
        __tracebackhide__ = True
        if self._stillness is not None and not self._closed:
            self._stillness.wait(LAST_LOOK)
        self.errors.check()

    def close(self) -> None:
        """End the app and everything else; callable any number of times.

        Code of the app that does not end within a second is left to itself, with a warning.
        """
        if self._closed or self._app is None or self._simulator is None:
            return
        self._closed = True
        sessions = self._app.sessions
        try:
            self._app.stop()
        finally:
            self._simulator.stop()
            self._recordings.close()
            self._app.activity.tell_failures(None)
        left = [one for session in sessions for one in session.threads_in_user_code()]
        if left:
            warnings.warn(AppStillBusy(_HANGS.format(GRACE, stacks(left))), stacklevel=2)

    def __enter__(self) -> SimulatedGlasses:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        __tracebackhide__ = True
        try:
            if kind is None:
                self.check()
        finally:
            self.close()
        if kind is None:
            self.errors.check()  # on_stop has run meanwhile

    @property
    def started(self) -> bool:
        """Whether an app has been started."""
        return self._app is not None

    # --- For the pairs -----------------------------------------------------------------------

    @property
    def simulator(self) -> Simulator:
        """The simulated cloud; RuntimeError before an app was started."""
        if self._simulator is None:
            raise RuntimeError(NOT_STARTED)
        return self._simulator

    @property
    def app(self) -> AppServer:
        """The app; RuntimeError before one was started."""
        if self._app is None:
            raise RuntimeError(NOT_STARTED)
        return self._app

    def begin(self, pair: Pair) -> None:
        """Start the app for a wearer, and wait until it is ready."""
        __tracebackhide__ = True
        simulator, user_id = self.simulator, pair.user_id
        if not simulator.start_app(user_id):
            self._raise_failure(user_id, "the app did not start")
        simulator.wait_for_streams(timeout=READY, user_id=user_id)
        if self.errors.unexpected():
            self._raise_failure(user_id, "the app failed as it started")
        session = simulator.session_of(user_id)
        if session.live and not session.subscribed:
            text = f"the app has not told within {READY:g} s what it listens to"
            self._raise_failure(user_id, text)

    def ended(self, session_id: str) -> None:
        """Wait until all code of a session has run."""
        deadline = Deadline(2 * GRACE)
        for session in self.app.activity.ending(session_id):
            session.join(deadline.remaining)

    # --- Inside ------------------------------------------------------------------------------

    @property
    def _still(self) -> Stillness:
        if self._stillness is None:
            raise RuntimeError(NOT_STARTED)
        return self._stillness

    def _serve(
        self,
        app: AppServer,
        realistic: bool,
        glasses: str | None,
        config: Mapping[str, Any] | None,
    ) -> None:
        if self._app is not None:
            raise RuntimeError(_RUNNING.format(self._app.package_name))
        options: dict[str, Any] = {} if glasses is None else {"glasses": glasses}
        if config is not None:
            options["config"] = dict(config)
        app.activity.tell_failures(self.errors.add)
        simulator = app.start_simulated(
            clock=self._clock,
            realistic=realistic,
            app_port=0,
            grace=GRACE,
            port=0,
            user_id=self.user_id,
            tells_device_state=True,
            **options,
        )
        self._app, self._simulator = app, simulator
        simulator.start()
        for permission in self._denied:
            simulator.deny(permission)
        self._stillness = Stillness(self._clock, app.activity, simulator)

    def _raise_failure(self, user_id: str, text: str) -> None:
        """Raise AppFailed with what is known: the app's own exception, or the cloud's words."""
        __tracebackhide__ = True
        errors = self.errors.unexpected()
        self.errors.clear()
        if errors:
            raise AppFailed(f"{text}: {errors[0]}") from errors[0].error
        detail = self.simulator.session_of(user_id).detail
        raise AppFailed(f"{text}: {detail}" if detail else text)
