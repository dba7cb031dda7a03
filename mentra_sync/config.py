"""Every limit of the package, with its reason.

Times are seconds unless the name says otherwise; sizes are bytes unless it says characters.
"Wire" times are real time; "session" times follow the session's clock (see ``clock``).
"""

from __future__ import annotations

# --- Addresses -------------------------------------------------------------------------------

DEFAULT_PORT = 7010
"""Where the app's web server listens unless told otherwise."""

SIMULATOR_PORT = 7011
"""Where the simulator's page and cloud listen."""

OFFICIAL_CLOUD_HOSTS = (
    "*.mentra.glass",
    "*.mentraglass.com",
    "*.mentraglass.cn",
    "*.augmentos.cloud",
    "*.augmentos.org",
)
"""Hosts that a webhook may name (protocol.md, section 8)."""

CLOUD_URL = "https://api.mentra.glass"
"""Where a page's temporary token is exchanged unless the page names another cloud."""

# --- Sizes -----------------------------------------------------------------------------------

MAX_FRAME_BYTES = 16 * 1024 * 1024
"""The largest websocket message accepted; told from the header, before the body is read."""

MAX_BODY_BYTES = 1024 * 1024
"""The largest webhook, tool or settings body: real ones have a few kilobytes."""

MAX_REQUEST_BYTES = 11 * 1024 * 1024
"""The largest HTTP request but a photo upload, routes of the app's own included."""

MAX_PHOTO_BYTES = 10 * 1024 * 1024
"""The largest photo accepted (section 2)."""

MAX_UPLOAD_BYTES = 32 * 1024 * 1024
"""The largest photo upload: one that is too large is read, and thrown away as it comes, because
the id of the call that has to hear of it may stand behind the photo."""

MAX_UPLOAD_PARTS = 50
"""Parts of one photo upload; real ones have five or six."""

MAX_UPLOAD_FIELD_BYTES = 16 * 1024
"""The largest field of a photo upload; what is beyond it is left out."""

MAX_ID_CHARACTERS = 1000
"""Session, user and request ids beyond this are not ids."""

MAX_VALUE_CHARACTERS = 100_000
"""The longest value in simple storage (section 7)."""

MAX_STORAGE_BYTES = 1024 * 1024
"""All that a user may have in simple storage, keys included (section 7)."""

MAX_KEY_CHARACTERS = 1000
"""The longest key in simple storage: it stands in an address when it is deleted."""

READ_AHEAD_BYTES = 256 * 1024
"""How much is taken from the socket at once; fewer calls of the kernel per frame."""

# --- Wire times ------------------------------------------------------------------------------

START_TIMEOUT = 5.0
"""The cloud waits this long for an app to be acknowledged (section 1)."""

ATTEMPT_TIMEOUT = 5.0
"""One attempt to connect: name lookup, connecting, TLS, upgrade and ack together."""

SILENCE_TIMEOUT = 30.0
"""The cloud pings every 10 s; three pings missed mean that the connection is half-open."""

WRITE_TIMEOUT = 5.0
"""A frame not wholly written by then counts as a lost connection."""

CLOSE_TIMEOUT = 1.0
"""How long an orderly end waits for the other side's close frame."""

RECONNECT_DELAYS = (0.25, 1.0, 2.0, 4.0)
"""After the loss, then after the failure of each attempt; the last one repeats."""

RECONNECT_JITTER = 0.2
"""Share by which each delay varies, so that a thousand apps don't return in step."""

RECONNECT_WINDOW = 15.0
"""A loss is final this long after it, whatever the number of attempts."""

MAX_RECONNECT_ATTEMPTS = 4
"""The default of ``AppServer(max_reconnect_attempts=)``."""

SUBSCRIPTION_BATCH = 0.02
"""Handlers registered within this time of each other go out as one subscription update."""

EMPTY_SUBSCRIPTIONS_GRACE = 8.0
"""The cloud ignores an empty list this soon after a reconnection (section 1, case 7)."""

HTTP_TIMEOUT = (5.0, 10.0)
"""Connect and read timeout of the REST calls."""

HTTP_CONNECTIONS_KEPT = 32
"""REST connections that stay open for the next call."""

STORAGE_PATIENCE = 15.0
"""How long a call for simple storage may take, with what the cloud makes it wait."""

# --- Session times ---------------------------------------------------------------------------

DISPLAY_INTERVAL_MS = 300
"""The cloud passes on one display in this time (section 5)."""

DISPLAY_MARGIN_MS = 50
"""Added to that by a session: one display may be so much longer on its way to the cloud than the
next, and two that arrive less than 300 ms apart may be shown in the wrong order there."""

HOLD_AT_START = 1.0
"""Events are kept until ``on_session`` returns, waits, or has run this long (rule 8)."""

LISTEN_SUBSCRIPTION_KEPT = 30.0
"""A recogniser opened by ``listen`` stays open this long, so that a loop does not reopen it."""

PLAY_TIMEOUT = 60.0
"""How long ``play_tts`` and ``play_audio`` wait by default."""

PHOTO_TIMEOUT = 30.0
"""How long ``request_photo`` waits by default."""

MANAGED_STREAM_TIMEOUT = 30.0
"""How long ``start_managed_stream`` waits by default."""

STREAM_CHECK_TIMEOUT = 5.0
"""How long ``check_existing_stream`` waits by default; a cloud answers at once."""

STORAGE_IDLE = 3.0
"""Values are stored together when none has been set for this time, ..."""

STORAGE_LATEST = 10.0
"""... or when the first of them has waited so long."""

STORAGE_RETRY_DELAYS = (2.0, 5.0, 10.0, 20.0, 30.0)
"""After each failure to store; the last one repeats."""

# --- Ending ----------------------------------------------------------------------------------

CALLBACK_GRACE = 5.0
"""How long the end of a session waits for user code that is still running."""

LAST_WORDS = 1.0
"""What ``on_disconnected`` handlers get of that at least, beside code that is still running."""

FLUSH_TIMEOUT = 5.0
"""How long the end of a session may spend on unsent storage."""

LAST_FLUSH = 1.0
"""What is left at least for unsent storage when code of the app has used the time up."""

STOP_TIMEOUT = 12.0
"""How long ``AppServer.stop()`` waits, for all sessions side by side."""

STOP_RESERVE = 4.0
"""How much of that is kept for the web server and for what is still unsent."""

STOP_LINGER = 2.0
"""After a stop request the cloud closes the socket itself, within this time."""

# --- Counts ----------------------------------------------------------------------------------

EVENT_BACKLOG = 1000
"""Events of one session that may wait for their handlers; also of one waiting call."""

MAX_OUTBOX = 1000
"""Commands kept while the connection is being re-established."""

MAX_WAITING_CALLBACKS = 32
"""Callbacks of one session that may wait in blocking calls at once (rule 3)."""

BACKLOG_PATIENCE = 1.0
"""How long the reader waits for room in a full backlog before it drops (rule 7)."""

SLOW_CALLBACK = 10.0
"""A callback that runs this long without waiting in a call of its session is named once."""

DISPATCHER_IDLE = 5.0
"""An idle dispatcher thread goes away after this time."""

MAX_TOOL_CALLS = 32
"""Tool calls that run at once; further ones get 503."""

SERVER_THREADS = 64
"""Threads of the web server: tool calls and webhooks leave room for the app's own routes."""

SERVER_CONNECTIONS = 1000
"""Connections that the web server holds at once."""

ENDED_CALLS_PER_SECOND = 10
"""From this many calls within a second on an ended session each raising first waits."""

ENDED_CALL_PAUSE = 0.5
"""How long, so that a loop that swallows SessionEnded cannot take a whole processor."""
