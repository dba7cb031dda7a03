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

PHOTO_TIMEOUT = (
    "no photo came within {:g} s. The glasses upload it to this app's public address: check that"
    " /photo-upload can be reached from outside, or allow more time with timeout="
)

NO_CAMERA = (
    "no photo came: the glasses ({}) have no camera."
    " Ask first: if session.capabilities and session.capabilities.has_camera:"
)

PHOTO_FAILED = "the glasses could not take the photo, and did not say why"

PHOTO_ELSEWHERE = (
    "this photo went to its custom_webhook_url, so there is no data here;"
    " leave custom_webhook_url out to get it"
)

PHOTO_UNREADABLE = "the {} bytes that the glasses sent are no picture in any known format"

MANAGED_STREAM_TIMEOUT = (
    "the stream was not ready within {:g} s; it may still become active:"
    " session.camera.on_managed_stream_status tells, stop_managed_stream() gives it up"
)

STREAM_CHECK_TIMEOUT = (
    "the cloud did not say within {:g} s whether there is a stream;"
    " allow more time with timeout=, or ask again"
)

STREAM_GIVEN_UP = "stop_managed_stream() was called while the stream was being started"

STREAM_OVER = "the stream ended before it could be watched"

STREAM_RUNS = "this session is streaming already, to {}. End that first: session.camera.{}()"

# --- Simple storage --------------------------------------------------------------------------

VALUE_NO_TEXT = (
    "values in simple storage are strings, and that of {!r:.80} is of type {}."
    " For anything else: session.simple_storage.set_json(key, value), and get_json(key)"
)

VALUE_TOO_LONG = (
    "the value of {!r:.80} has {} characters, and simple storage takes {} at most;"
    " split it up, or store less"
)

VALUE_NO_JSON = (
    "the value of {!r:.80} was not stored with set_json(): {}."
    " Read it with session.simple_storage.get(key)"
)

STORAGE_FULL = (
    "simple storage would hold {} bytes, and takes {} of each user; delete() what is not needed"
)

KEYS_IN_THE_WAY = (
    "the cloud keeps a key with a dot inside the one before the dot, so there cannot be"
    " both {!r:.80} and {!r:.80}; choose another key, or delete() the other one first"
)

STORAGE_FAILED = "simple storage could not {}: {}"

STORAGE_ADVICE = ". Try again later; catch mentra_sync.StorageError to go on without"

STORAGE_NOT_SENT = (
    "values of %s could not be stored yet, and will be tried again until the server stops: %s (%s)"
)

STORAGE_REFUSED = (
    "the cloud will not store these values of {}, so they are given up: {} ({})."
    " Check what is stored there: it may be too large"
)

STORAGE_LOST = (
    "values that the cloud did not take before the server stopped are lost: %s."
    " Was the cloud within reach?"
)

# --- Signatures ------------------------------------------------------------------------------

HANDLER_NOT_CALLABLE = (
    "a handler must be a function, got {!r}"
    " (pass the function itself, without parentheses: on_button_press(my_function))"
)

CALL_AND_GIVE = (
    "{0} is not set with =, it is called with the function: session.events.{0}(my_function)"
)

HANDLER_ASYNC = (
    "{} is an async function; mentra_sync calls plain ones:"
    " write def instead of async def, and leave out await"
)

NAME_EXPECTED = "{0} must be a text, got {1}. It comes first, then the handler: ({0}, handler)"

NO_CHOICE = (
    "where must be a function that takes an event and says whether it is the one,"
    " like lambda event: True; got {!r}"
)

NO_GESTURE = (
    'gesture must be one like "double_tap", got None;'
    " for all of them leave it out: on_touch_event(handler)"
)

HANDLER_SIGNATURE = "{name} cannot be called as {forms}; it is defined as {name}{signature}"

LOCATION_TIMEOUT = (
    "no location came within {:g} s. The phone may not know it, or may not be allowed to tell:"
    " check the app's LOCATION permission"
)

MESSAGE_TIMEOUT = (
    "the cloud did not say within {:g} s whether the message was delivered; it may have been."
    " Some clouds never say: then use session.users.broadcast()"
)

NO_DISCOVERY = (
    "this cloud does not tell who uses the app ({}). Other users can still be written to:"
    " session.users.broadcast(...)"
)

# --- Permissions -----------------------------------------------------------------------------

PERMISSION_MISSING = (
    "%s uses something that needs the permission %s, which it does not have: nothing will come."
    " Add it to the app in the developer console"
)

STREAMS_REFUSED = (
    "the cloud does not send what the app lacks the permission for: %s."
    " Add it to the app in the developer console"
)

# --- The lens --------------------------------------------------------------------------------

TEXT_IS_CUT = (
    "a text has %d lines, and these glasses show only %d lines of it, so its end is not seen:"
    ' session.layouts.show_text_wall(text, fit="page") shows the first page and returns all of them'
)

# --- Tools -----------------------------------------------------------------------------------

TOOL_WITHOUT_ID = 'a tool has an id: write @app.tool("add_todo") above {}, with the brackets'

TOOL_IN_CLASS = (
    "{} is a method of a class, and nobody would pass its self. Override on_tool_call, or give the"
    ' bound method: app.tool("add_todo")(thing.add_todo)'
)

TOOL_WITHOUT_SIGNATURE = (
    "{} does not tell what it takes; wrap it in a function with the tool's parameters"
)

# --- Web pages -------------------------------------------------------------------------------

NO_REQUEST = (
    "mentra_sync.webview knows who is looking only while a route of an AppServer's own app"
    " (@app.flask.route) answers a request. In a thread, or while a stream is being sent, that is"
    " over: ask before, user_id = webview.current_user_id(), and pass it on"
)

BAD_PUBLIC_KEY = (
    "the environment variable %s holds no public key in PEM form, so no signed user token can be"
    " checked. Correct it, or remove it to use the hosted cloud's key"
)

# --- Configuration ---------------------------------------------------------------------------

PORT_BUSY = (
    "port {} is in use by another program. End it, or choose another port: AppServer(port={})"
    " or the environment variable PORT"
)

PAGE_PORT_BUSY = (
    "port {} is in use, so the simulator cannot show its page there. End the program that uses it,"
    " or choose another port: mentra-sync run app.py --port {}"
)

CANNOT_LISTEN = (
    "cannot listen on {} port {}: {}. Choose another address: AppServer(host=..., port=...)"
)

BAD_PORT = "port must be a whole number from 0 to 65535, got {!r}"

PORT_FROM = "{}; so says PORT {}"

BAD_LINE = "%s, line %s cannot be read, and is left out; a line looks like  NAME=value"

BAD_CONFIG = (
    'simulated_config looks like {{"settings": [{{"key": "name", "type": "text"}}], "tools": []}}'
    " (both may be left out), got {!r:.200}"
)

NO_PACKAGE_NAME = (
    "this app has no package name. Pass the one from the developer console,"
    ' AppServer("com.example.app", ...), or set PACKAGE_NAME in the environment or in .env'
)

BAD_PACKAGE_NAME = 'a package name looks like "com.example.app", got {!r}'

NO_API_KEY = (
    "this app has no API key, so it can only run on simulated glasses: run() does that."
    " For real ones pass api_key=, or set MENTRAOS_API_KEY in the environment or in .env"
)

NO_SESSION_HANDLER = (
    "this app does nothing yet: give it a function with @app.session_handler, above app.run(),"
    " or override on_session in a class of your own"
)

NO_SUPER_INIT = (
    "{0} has no {1} yet, because its __init__ does not begin with that of AppServer:"
    ' write  super().__init__("com.example.app")  as its first line'
)

TWO_SESSION_HANDLERS = "there was a function for sessions already, %s; %s takes its place"

DID_YOU_MEAN = ". Did you mean {}?"

CALL_IT = ". Call it like this: {}"

UNKNOWN_STREAM = 'no stream is called "%s", so nothing may ever come; did you mean "%s"?'

NO_PARENTHESES = "this would show the function {0} itself; to show what it returns, call it: {0}()"

WITHOUT_SECONDS = "give the seconds first: @session.every(5), or session.every(5, {})"

NOTHING_TO_FETCH = (
    "%r is no address, and the glasses fetch what they play themselves: put the file into"
    " public_dir, and give the address that it has there"
)

LISTEN_TAKES_NO_QUESTION = "listen() asks nothing; to ask something: session.ask({!r})"

NEVER_RUN = "This program ended without running its app. Write at its end: app.run()\n"

RUN_AT_IMPORT = (
    "{} runs its app when it is imported, so the test that imports it would wait for ever."
    ' Put  if __name__ == "__main__":  above  app.run()  there, and indent app.run()'
)

UNKNOWN_SESSION = (
    "a %s came for a session that is not here. If it is served by several processes, use one:"
    " gunicorn -w 1 --threads 32 hello:app"
)

UPLOAD_WITHOUT_TOKEN = (
    "a photo was uploaded without the auth_token of its request, or with another one; it was"
    " refused. A proxy in front of this server must pass the Authorization header on."
)

STILL_STOPPING = "this app is still being stopped; wait_stopped() returns when it may start again"

STILL_RUNNING = (
    "code of the app is still running after the end; it will not keep the process alive:\n%s"
)

BAD_CA_BUNDLE = (
    "the environment variable {} names {}, which cannot be used as certificates to trust ({})."
    " Let it name a file of certificates in PEM form, or remove it to trust the usual ones"
)

# --- Imports ---------------------------------------------------------------------------------

HIDES_PYTHONS = 'your file {} hides Python\'s own module "{}"; rename it'

HIDES_PACKAGE = 'your file {} hides the package "{}", which mentra_sync needs; rename it'

NOT_IMPORTABLE = "mentra_sync.{} cannot be imported: {}"

# --- The terminal ----------------------------------------------------------------------------

SIMULATING = (
    "\n  {script} runs on simulated glasses ({glasses}). They are on this page:\n\n"
    "      {url}\n\n"
    "  Press Ctrl+C to stop.\n"
)

PAGE_MOVED = "  The page is on port {port} and not on {usual}, because that is in use by {owner}.\n"

INVITING = (
    "  On another device in the same network, open this address, or scan its code. It is good\n"
    '  once, for 10 minutes; the page\'s button "Add a device" makes another:\n\n'
    "      {url}\n"
)

SERVING = (
    "\n  Serving {package} on port {port}. Its public address goes into the developer console.\n"
    "  Press Ctrl+C to stop.\n"
)
