"""Every text that tells a person what to do, with the line of code to write.

Texts for logging have ``%`` places, texts for exceptions ``{}`` places.
"""

from __future__ import annotations

# --- Callbacks -------------------------------------------------------------------------------

BACKLOG_FULL = (
    "more events come than the app's callbacks can take: %d are waiting, and the least important"
    " ones are dropped from here on (session.events.dropped counts them). They wait for: %s."
    " Give long work a thread of its own, or listen to fewer streams."
)

SLOW_CALLBACK = (
    "%s has been running for %.0f s, and this session's other callbacks wait for it.%s"
    " Use session.sleep() instead of time.sleep(), or give long work a thread of its own"
    " (threading.Thread(target=...).start()). It is here:\n%s"
)

NO_MORE_THREADS = (
    "the operating system gives no more threads; callbacks wait until it does."
    " Fewer sessions in this process, or a higher limit (ulimit -u), will help."
)

SWALLOWED_END = (
    "a loop goes on calling a session that has ended, at %s. It catches SessionEnded, perhaps with"
    " a bare except Exception: write  while not session.ended:  or let SessionEnded through."
)

# --- Sending ---------------------------------------------------------------------------------

OUTBOX_FULL = (
    "{} commands are already waiting for the connection to come back; this one was not sent."
    " Check session.connected, or send less while it is False."
)

# --- Waiting ---------------------------------------------------------------------------------

LISTEN_TIMEOUT = (
    "nobody said anything within {:g} s. Catch mentra_sync.RequestTimeout to go on,"
    " or allow more time: session.listen(timeout=60)"
)

WAIT_TIMEOUT = (
    "no {} came within {:g} s. Catch mentra_sync.RequestTimeout to go on,"
    " or allow more time with timeout="
)

PLAY_TIMEOUT = (
    "the glasses did not say within {:g} s that they had finished playing. Long audio needs"
    " a longer timeout=, or wait=False if you don't need to know"
)

# --- Signatures ------------------------------------------------------------------------------

HANDLER_NOT_CALLABLE = (
    "a handler must be a function, got {!r}"
    " (pass the function itself, without parentheses: on_button_press(my_function))"
)

HANDLER_ASYNC = (
    "{} is an async function; mentra_sync calls plain ones:"
    " write def instead of async def, and leave out await"
)

HANDLER_SIGNATURE = "{name} cannot be called as {forms}; it is defined as {name}{signature}"
