"""What of a session is under way, and what only waits: who moves session time must know."""

from __future__ import annotations

import sys
import threading
from types import FrameType

from mentra_sync.runtime.link import Link


def busy_with(link: Link, main: threading.Thread | None) -> list[str]:
    """What of a session's work waits in no call of the session, in words; empty when all does.

    ``main`` is the thread of ``on_session``.  The calling thread is never meant.
    """
    dispatcher = link.dispatcher
    busy = []
    if main is None or not link.connection.connected:
        busy.append("the connection to the cloud, which is being made")
    if dispatcher.busy:
        busy.append(f"the callback {dispatcher.running or 'that comes next'}")
    if link.questions:
        busy.append("a REST call")
    parked = dispatcher.parked
    for thread in {*link.callers, *([main] if main else [])}:
        if thread.ident not in parked and _works(thread):
            busy.append("on_session" if thread is main else f"the thread {thread.name}")
    return busy


def _works(thread: threading.Thread) -> bool:
    if not thread.is_alive() or thread is threading.current_thread():
        return False
    frame = sys._current_frames().get(thread.ident or 0)
    return frame is None or not _waits_for_good(frame)


def _waits_for_good(frame: FrameType) -> bool:
    """Whether a thread is in a wait of the standard library that has no limit.

    In ``Event.wait()``, ``Queue.get()`` or ``Thread.join()`` it waits for somebody else, who is
    seen to be busy if that is so.
    """
    if frame.f_code.co_filename != threading.__file__:
        return False
    waiter = frame.f_locals.get("waiter")  # of Condition.wait: let go of by who wakes the thread,
    if waiter is not None and not waiter.locked():
        return False  # which then goes on as soon as it can
    return frame.f_locals.get("timeout", 0) in (None, -1)
