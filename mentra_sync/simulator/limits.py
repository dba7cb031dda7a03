"""The simulator's numbers: how long the recorded cloud waits, and what this one puts up with.

Times are seconds.  "Wire" times are real; "session" times follow the session's clock.
"""

from __future__ import annotations

# --- Starting and stopping an app (wire) -----------------------------------------------------

WEBHOOK_TIMEOUT = 10.0
"""How long an app may take to answer a webhook."""

TOOL_TIMEOUT = 20.0
"""How long an app may take to answer a tool call."""

WEBHOOK_PAUSE = 1.0
"""Between a webhook that failed and its one repetition."""

GRACE = 5.0
"""How long the cloud waits for an app whose connection was lost before it restarts it."""

RESURRECTION_PAUSE = 0.03
"""Between the stop webhook and the new session request; recorded: 20 to 40 ms."""

WEBHOOK_THREADS = 8
"""Webhooks on their way at once; further ones wait."""

ACTION_THREADS = 8
"""Actions of pages that wait for the app at once; further ones wait for them."""

MAX_ACTIONS = 100
"""Such actions that are there at all: the app of an impatient wearer may hang."""

ACTION_TIMEOUT = 25.0
"""How long other tools may wait for what comes of an action."""

MAX_WEBHOOK_ANSWER = 64 * 1024
"""Bytes of a webhook's answer that are read."""

# --- Keeping connections (wire) --------------------------------------------------------------

PING_INTERVAL = 10.0
"""The cloud pings apps and glasses this often."""

PONG_TIMEOUT = 30.0
"""Glasses that send no pong for so long are gone; apps are never asked for theirs."""

GLASSES_GONE = 60.0
"""The apps of a wearer whose glasses are away for so long are ended."""

CLOSE_TIMEOUT = 1.0
"""How long a closing websocket waits for the other side's close frame."""

HTTP_TIMEOUT = 30.0
"""A connection that sends nothing, or takes nothing, for so long is closed."""

# --- Sizes -----------------------------------------------------------------------------------

MAX_APP_FRAME = 8 * 1024 * 1024
"""Bytes of one frame from an app: an animation of several hundred pictures."""

MAX_PAGE_FRAME = 1024 * 1024
"""Bytes of one frame from the page or from glasses."""

MAX_UNSENT = 32 * 1024 * 1024
"""Bytes that may wait for a peer that does not read; beyond that it counts as lost."""

MAX_REQUEST = 2 * 1024 * 1024
"""Bytes of one HTTP body: all of a user's storage, and its JSON dress."""

MAX_STORAGE = 1024 * 1024
"""Bytes of all values of one user in one app (section 7)."""

MAX_STORAGE_DEPTH = 100
"""Parts of one key in storage: a database that nests them, as the cloud's does, ends there."""

MAX_CONNECTIONS = 500
"""Connections that the web server holds at once; an app and a page need about ten."""

MAX_SUBSCRIPTIONS = 1000
"""Streams in one subscription list; an app uses a handful."""

MAX_OPEN_REQUESTS = 1000
"""Requests to the glasses whose answers are awaited; the oldest are forgotten."""

MAX_WEARERS = 100
"""Wearers that the page and tests by HTTP may add."""

MAX_WEARER_NAME = 254
"""Characters of the name of such a wearer: an e-mail address is no longer."""

INVITATION_SECONDS = 600.0
"""How long an invitation of another device is good."""

MAX_INVITATIONS = 20
"""Invitations that wait to be used; past it the oldest are no longer good."""

MAX_GUESSES = 10
"""Wrong invitations that one address may show within ``GUESS_SECONDS``."""

GUESS_SECONDS = 60.0
"""How long a wrong invitation is held against an address."""

MAX_GUESSING_PEERS = 1000
"""Addresses whose wrong invitations are remembered."""

MAX_DEVICE_CONNECTIONS = 100
"""Connections of other devices at once, so that the app and its page always get one."""

MAX_ROOMS = 1000
"""Rooms that wearers of all apps are in."""

MAX_HISTORY = 2_000
"""Displays, utterances and the like that the glasses remember, and crossings of the wire."""

MAX_HISTORY_BYTES = 64 * 1024 * 1024
"""What all of one kind may take together: a single animation can have 8 MB."""

MAX_LOG_BACKLOG = 500
"""Log records, and crossings of the wire, that a newly opened page is shown."""

MAX_CONVERSATION = 500
"""Things said and heard, each step of them, that a newly opened page is shown."""

MAX_BACKLOG_TEXT = 4_000_000
"""Characters that a newly opened page is shown: of the log, of the conversation, of the wire."""

MAX_LOG_TEXT = 20_000
"""Characters of one log message or traceback on the page, and of what is kept of a talk."""

MAX_TIMELINE_TEXT = 2_000
"""Characters of one text in the timeline; pictures and animations are longer."""

MAX_TIMELINE_ITEMS = 200
"""Fields or items of one object in the timeline."""

MAX_TIMELINE_BODY = 100_000
"""Characters of everything that crossed the wire at once, as it is shown."""

MAX_TIMELINE_DEPTH = 12
"""How deep the timeline looks into what was sent."""

# --- Displays (session) ----------------------------------------------------------------------

BOOT_SECONDS = 1.5
"""How long the boot screen stays."""

# --- Speech (session) ------------------------------------------------------------------------

CHARACTERS_PER_SECOND = 15.0
"""How fast a voice reads a text aloud."""

SHORTEST_SPEECH = 0.5
"""Even "Hi" takes a moment."""

LONGEST_SPEECH = 60.0
"""Where the length of silence is cut, so that a long text cannot ask for any amount of it."""

MAX_SPEECH_CHARACTERS = 10_000
"""The longest text that is made into audio."""

SPEECH_BEGINS_WITHIN = 1.0
"""A page that has not begun to speak by then (muted, no voices) is not going to."""

AUDIO_BEGINS_WITHIN = 5.0
"""The same for audio from elsewhere, which has to be fetched first."""

SILENT_AUDIO_SECONDS = 1.0
"""What audio of unknown length takes when no page plays it."""

LONGEST_AUDIO = 3600.0
"""What a page may play at most: a radio station never ends."""

PAGE_PATIENCE = 10.0
"""Added to twice the expected length: a page that is silent beyond that has forgotten us."""

# --- The recogniser (session) ----------------------------------------------------------------

WORD_SECONDS = 0.15
"""Between two interim texts of one utterance."""

FINAL_SECONDS = 0.3
"""From the last interim text to the final one."""

# --- The camera (session) --------------------------------------------------------------------

SHUTTER_SECONDS = 0.8
"""From the request to the upload of a photo."""

PAGE_SHUTTER_SECONDS = 3.0
"""How long a photo waits for the webcam of a page; then it is what was seen last."""

MAX_ALBUM = 8
"""Photos that a page shows."""

MAX_PICTURE_PIXELS = 40_000_000
"""Pixels of a picture that a page holds before the camera; those of a good phone."""

STREAM_STEP_SECONDS = 0.4
"""Between two states of a stream that is being started or stopped."""

KEEP_ALIVE_INTERVAL = 15.0
"""The cloud asks glasses that stream whether they still do, so often."""

KEEP_ALIVE_TIMEOUT = 10.0
"""How long they may take to say so."""

KEEP_ALIVES_MISSED = 3
"""A stream that has missed so many in a row has timed out."""
