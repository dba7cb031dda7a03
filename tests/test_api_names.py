"""Every public name, with its parameters and defaults, as the contract of this package fixes them.

The tables are written as the contract is: ``name(parameters) -> ...``.  A parameter that may also
be left out, so that the method works as a decorator, is marked there by its place alone, so here
``handler`` and ``function`` may have a default.
"""

from __future__ import annotations

import copy
import dataclasses
import enum
import inspect
import pickle
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest
from cloud import Scene, scene_fixture  # noqa: F401
from PIL import Image

import mentra_sync
from mentra_sync import AppServer, AppSession, errors
from mentra_sync.protocol import events, names

NOTHING = inspect.Parameter.empty
MAY_BE_LEFT_OUT = ("handler", "function")


def words(text: str) -> list[str]:
    return text.split()


def expected(signature: str) -> tuple[str, list[inspect.Parameter]]:
    """A line of a table, taken apart."""
    name, _, rest = signature.partition("(")
    parameters = rest.rpartition(")")[0]
    function = eval(f"lambda {parameters}: None")
    return name.strip(), list(inspect.signature(function).parameters.values())


def check(owner: Any, *signatures: str) -> None:
    """Hold the methods of an object against their lines."""
    for line in signatures:
        name, wanted = expected(line)
        method = getattr(owner, name, None)
        assert callable(method), f"{owner!r} has no method {name}"
        there = list(inspect.signature(method).parameters.values())
        told = f"{line}, but it is {name}{inspect.signature(method)}"
        assert [p.name for p in there] == [p.name for p in wanted], told
        for one, other in zip(there, wanted, strict=True):
            assert one.kind == other.kind, told
            may_differ = one.name in MAY_BE_LEFT_OUT and other.default is NOTHING
            assert may_differ or one.default == other.default, told
            assert may_differ or isinstance(one.default, bool) is isinstance(other.default, bool)


@pytest.fixture
def session(scene: Scene) -> AppSession:
    return scene.session()[0]


# --- AppServer -----------------------------------------------------------------------------------

SERVER = """(package_name=None, api_key=None, *, port=None, host=None, public_dir=None,
    health_check=True, cookie_secret=None, cloud_hosts=None, max_reconnect_attempts=4,
    display_interval_ms=300, require_tool_key=False, trust_proxy=False, event_backlog=1000,
    app_instructions=None, on_session=None, on_stop=None, on_tool_call=None)"""


def test_app_server(scene: Scene):
    check(types.SimpleNamespace(AppServer=AppServer), "AppServer" + SERVER.replace("\n", " "))
    app = scene.app()
    check(
        app,
        "on_session(session, session_id, user_id)",
        "on_stop(session_id, user_id, reason)",
        "on_tool_call(tool_call)",
        "on_settings_update(user_id, settings)",
        "session_handler(function)",
        "stop_handler(function)",
        "settings_handler(function)",
        "tool(tool_id)",
        "run(simulator=None)",
        "start()",
        "stop()",
        "session_for(user_id)",
    )
    assert app.sessions == [] and app.session_for("nobody") is None
    assert callable(app.flask.wsgi_app)
    assert hasattr(app, "__enter__") and hasattr(app, "__exit__")


def test_a_tool_call():
    fields = ["tool_id", "tool_parameters", "user_id", "timestamp", "active_session"]
    assert [f.name for f in dataclasses.fields(mentra_sync.ToolCall)] == fields
    value = mentra_sync.GIVE_APP_CONTROL_OF_TOOL_RESPONSE
    assert value == "GIVE_APP_CONTROL_OF_TOOL_RESPONSE"


# --- AppSession ----------------------------------------------------------------------------------


def test_app_session(session: AppSession):
    for name in words(
        "session_id user_id package_name connected ended capabilities config logger server_url"
        " http_url events layouts audio camera led location dashboard simple_storage settings"
        " device users"
    ):
        assert hasattr(session, name), name
    assert session.connected is True and session.ended is False
    check(
        session,
        "disconnect(*, release_ownership=None)",
        "release_ownership(reason)",
        "sleep(seconds)",
        "wait(timeout=None)",
        "every(seconds, function)",
        "after(seconds, function)",
        'listen(timeout=None, language="en-US")',
        'ask(prompt, timeout=None, speak=True, language="en-US")',
        "get_wifi_status()",
        "is_wifi_connected()",
        "request_wifi_setup(reason=None)",
        "get_instructions()",
    )
    timer = session.after(60, lambda: None)
    check(timer, "cancel()")
    assert isinstance(timer, mentra_sync.Timer)


EVENTS = words("""on_transcription on_head_position on_button_press on_phone_notification
    on_phone_notification_dismissed on_glasses_battery on_phone_battery on_voice_activity
    on_location on_calendar_event on_audio_chunk on_vps_coordinates on_photo_taken
    on_glasses_connection_state on_connected on_disconnected on_error on_settings_update
    on_capabilities_update on_dashboard_mode_change on_dashboard_always_on_change
    on_permission_error on_permission_denied""")


def test_events(session: AppSession):
    check(session.events, *(f"{name}(handler)" for name in EVENTS))
    check(
        session.events,
        "on_transcription_for_language(language, handler, *,"
        " disable_language_identification=False, hints=None)",
        "on_translation_for_language(source, target, handler)",
        "on_touch_event(gesture, handler)",
        "on_setting_change(key, handler)",
        "on_custom_message(action, handler)",
        "on(stream, handler)",
        "wait_for(stream, timeout=None, where=None)",
        "stream(stream)",
    )
    assert session.events.dropped == 0


def test_subscriptions(session: AppSession):
    """Each is called, unsubscribed, or left; each registering method is a decorator too."""

    def handler() -> None:
        """Takes nothing."""

    on = session.events
    made: list[Any] = [getattr(on, name)(handler) for name in EVENTS]
    made += [on.on_touch_event(handler), on.on_touch_event("single_tap", handler)]
    made += [
        register(handler)
        for register in (
            on.on_transcription_for_language("de-DE"),
            on.on_translation_for_language("all", "en-US"),
            on.on_touch_event("double_tap"),
            on.on_setting_change("key"),
            on.on_custom_message("action"),
            on.on("button_press"),
            session.settings.on_value_change("key"),
            session.settings.on_mentraos_change("key"),
        )
    ]
    made += [session.settings.on_change(handler), session.location.subscribe_to_stream(handler)]
    made += [session.dashboard.content.on_mode_change(handler)]
    made += [session.camera.on_stream_status(handler)]
    made += [session.camera.on_managed_stream_status(handler)]
    made += [getattr(session.users, f"on_{n}")(handler) for n in ("message", "joined", "left")]
    made += [session.users.on_room_updated(handler)]
    made += [session.device.state.connected.on_change(handler)]
    for number, subscription in enumerate(made):
        assert isinstance(subscription, mentra_sync.Subscription), number
        if number % 3 == 0:
            subscription()
        elif number % 3 == 1:
            subscription.unsubscribe()
        else:
            with subscription:
                pass
    ticking = session.every(60)(handler)
    assert isinstance(ticking, mentra_sync.Timer)


def test_layouts(session: AppSession):
    check(
        session.layouts,
        'show_text_wall(text, *, view="main", duration_ms=None, fit=None)',
        'show_double_text_wall(top_text, bottom_text, *, view="main", duration_ms=None)',
        'show_reference_card(title, text, *, view="main", duration_ms=None)',
        'show_dashboard_card(left_text, right_text, *, view="dashboard", duration_ms=None)',
        'show_bitmap_view(image, *, view="main", padding=(50, 35), dither=False, invert=False)',
        'show_bitmap_animation(frames, interval_ms=1650, repeat=False, *, view="main")',
        'clear_view(*, view="main")',
        'clear(*, view="main")',
    )
    animation = session.layouts.show_bitmap_animation([Image.new("1", (1, 1))])
    assert isinstance(animation, mentra_sync.Animation)
    assert callable(animation.stop) and animation.running


def test_audio(session: AppSession):
    speaking = (
        "(text, *, voice_id=None, model_id=None, voice_settings=None, volume=1.0,"
        " stop_other_audio=True, track_id=2, wait=True, timeout=60)"
    )
    check(
        session.audio,
        f"play_tts{speaking}",
        f"speak{speaking}",
        "play_audio(url, *, volume=1.0, stop_other_audio=True, track_id=0, wait=True, timeout=60)",
        "stop_audio(track_id=None)",
    )
    result = mentra_sync.AudioPlayResult
    assert [f.name for f in dataclasses.fields(result)] == ["success", "error", "duration"]
    assert result(True) and not result(False)


def test_camera(session: AppSession):
    check(
        session.camera,
        'request_photo(*, size="medium", compress="none", save_to_gallery=False,'
        " custom_webhook_url=None, auth_token=None, timeout=30)",
        "start_stream(rtmp_url, *, video=None, audio=None, stream=None)",
        "stop_stream()",
        "on_stream_status(handler)",
        "start_managed_stream(*, quality=None, enable_webrtc=None, video=None, audio=None,"
        " stream=None, restream_destinations=None, timeout=30)",
        "stop_managed_stream()",
        "on_managed_stream_status(handler)",
        "check_existing_stream(timeout=5)",
    )
    camera = session.camera
    assert camera.is_streaming is False and camera.is_managed_stream_active is False
    assert camera.stream_url is camera.stream_status is camera.managed_stream is None
    photo = {field.name for field in dataclasses.fields(mentra_sync.PhotoData)}
    assert {"data", "mime_type", "filename", "request_id", "size", "timestamp"} <= photo
    check(mentra_sync.PhotoData, "save(self, path)", "image(self)")
    managed = [field.name for field in dataclasses.fields(mentra_sync.ManagedStream)]
    assert managed == words("hls_url dash_url webrtc_url preview_url thumbnail_url stream_id")


def test_led_and_location(session: AppSession):
    check(
        session.led,
        'turn_on(color="red", on_ms=1000, off_ms=0, count=1)',
        "turn_off()",
        "blink(color, on_ms, off_ms, count)",
        "solid(color, duration_ms)",
    )
    assert list(session.led.lights) == []
    check(
        session.location,
        'subscribe_to_stream(handler, accuracy="standard")',
        "unsubscribe_from_stream()",
        'get_latest_location(accuracy="standard", timeout=15)',
    )


def test_dashboard(session: AppSession):
    check(
        session.dashboard.content,
        'write(text, targets=("main",))',
        "write_to_main(text)",
        "write_to_expanded(text)",
        "on_mode_change(handler)",
    )
    assert session.dashboard.content.current_mode is None
    assert session.dashboard.system is None


def test_the_system_dashboard(scene: Scene, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SYSTEM_DASHBOARD_PACKAGE_NAME", "com.example.test")
    session, _ = scene.session()
    corners = ("top_left", "top_right", "bottom_left", "bottom_right")
    check(session.dashboard.system, *(f"set_{name}(text)" for name in corners))
    check(session.dashboard.system, "set_view_mode(mode)")


def test_simple_storage(session: AppSession):
    storage = session.simple_storage
    check(
        storage,
        "get(key, default=None)",
        "set(key, value)",
        "delete(key)",
        "clear()",
        "keys()",
        "size()",
        "has_key(key)",
        "get_all_data()",
        "set_multiple(mapping)",
        "flush()",
        "get_json(key, default=None)",
        "set_json(key, value)",
    )
    for operator in ("getitem", "setitem", "delitem", "contains", "len", "iter"):
        assert callable(getattr(type(storage), f"__{operator}__", None)), operator


def test_settings(session: AppSession):
    check(
        session.settings,
        "get(key, default=None)",
        "has(key)",
        "get_all()",
        "get_setting(key)",
        "on_change(handler)",
        "on_value_change(key, handler)",
        "get_mentraos(key, default=None)",
        "on_mentraos_change(key, handler)",
        "fetch()",
        "configure_subscriptions(update_on_change, handler)",
    )
    fields = {field.name for field in dataclasses.fields(mentra_sync.Setting)}
    assert {"key", "label", "type", "value", "default_value", "options"} <= fields
    check(mentra_sync.Setting, "to_dict(self)")
    change = mentra_sync.SettingChange(new=1, old=2)
    assert (change.new, change.old) == (1, 2)


def test_device(session: AppSession):
    observed = words(
        "wifi_connected wifi_ssid wifi_local_ip battery_level charging case_battery_level"
        " case_charging case_open case_removed hotspot_enabled hotspot_ssid connected model_name"
    )
    state = session.device.state
    assert set(state.snapshot()) == set(observed)
    for name in observed:
        observable = getattr(state, name)
        check(observable, "on_change(handler)")
        default = False if name in ("connected", "wifi_connected") else None
        assert observable.value is default, name


def test_users(session: AppSession):
    check(
        session.users,
        "discover(include_profiles=False)",
        "is_active(user_id)",
        "count()",
        "broadcast(payload)",
        "send(user_id, payload, timeout=15)",
        "join_room(room_id, *, max_users=None, is_private=None, metadata=None)",
        "leave_room(room_id)",
        "on_message(handler)",
        "on_joined(handler)",
        "on_left(handler)",
        "on_room_updated(handler)",
    )


# --- Modules -------------------------------------------------------------------------------------


def test_tokens_and_webview():
    check(
        mentra_sync.tokens,
        "create_token(payload, secret_key, expires_in=86400)",
        "validate_token(token, secret_key)",
        "generate_webview_url(base_url, token)",
        "extract_token_from_url(url)",
    )
    fields = [field.name for field in dataclasses.fields(mentra_sync.tokens.TokenValidation)]
    assert fields == ["valid", "payload", "error"]
    check(mentra_sync.webview, "current_user_id()", "current_session()", "login_required(view)")


def test_modules_need_no_import_of_their_own():
    code = "import mentra_sync; mentra_sync.{0}; print(mentra_sync.{0}.__name__)"
    for module in ("tokens", "webview", "display"):
        found = subprocess.run(
            [sys.executable, "-c", code.format(module)],
            cwd=Path(mentra_sync.__file__).parents[1],
            capture_output=True,
            text=True,
            check=True,
        )
        assert found.stdout.strip() == f"mentra_sync.{module}"
        assert module in dir(mentra_sync)


def test_display():
    display = mentra_sync.display
    for name in words("TextMeasurer wrap paginate truncate ScrollView G1 Z100 SIMULATED"):
        assert hasattr(display, name), name
    parameters = inspect.signature(display.wrap).parameters
    options = ["profile", "max_width_px", "max_lines", "max_bytes", "break_mode"]
    assert list(parameters) == ["text", *options]
    assert all(parameters[name].kind is inspect.Parameter.KEYWORD_ONLY for name in options)
    assert parameters["profile"].default is display.G1
    assert list(inspect.signature(display.TextMeasurer).parameters) == ["profile"]
    for name in ("load", "to_bmp", "pad", "validate"):
        assert callable(getattr(display.bitmap, name)), name
    for name in ("load_frames", "play"):
        assert callable(getattr(display.animation, name)), name


# --- Events, enums, errors -----------------------------------------------------------------------


def test_events_are_dataclasses_with_their_wire_form():
    classes = [
        one
        for one in vars(events).values()
        if isinstance(one, type) and one.__module__ == events.__name__ and one is not events.Event
    ]
    assert len(classes) >= 17
    for one in classes:
        assert getattr(mentra_sync, one.__name__) is one
        assert dataclasses.is_dataclass(one)
        if one is not mentra_sync.AudioChunk:  # a binary frame: it has no form in JSON
            assert callable(one.to_dict) and callable(one.to_json)
    said: Any = mentra_sync.TranscriptionData
    fields = {field.name for field in dataclasses.fields(said)}
    assert {"text", "is_final", "extra"} <= fields
    pressed = {field.name for field in dataclasses.fields(mentra_sync.ButtonPress)}
    assert {"button_id", "press_type"} <= pressed
    chunk = mentra_sync.AudioChunk(data=b"\x00\x10" * 16000)
    assert (chunk.sample_rate, chunk.duration, chunk.rms()) == (16000, 1.0, 0.125)


INSIDE = {"WireName", "CommandType", "NoticeType", "WebhookType"}
"""Words that scripts never meet."""


def test_enums():
    vocabularies = {
        name: one
        for name, one in vars(names).items()
        if isinstance(one, type) and issubclass(one, enum.Enum) and name not in INSIDE
    }
    vocabularies.pop("Enum", None)
    assert len(vocabularies) >= 20
    for name, one in vocabularies.items():
        assert getattr(mentra_sync, name, None) is one, name
    assert mentra_sync.StreamType.BUTTON_PRESS == "button_press"
    assert str(mentra_sync.LedColor.RED) == "red"


ERRORS: dict[str, tuple[str, type[BaseException]]] = {
    "MentraError": ("Exception", Exception),
    "ConfigurationError": ("MentraError", ValueError),
    "ConnectionFailed": ("MentraError", ConnectionError),
    "SessionEnded": ("MentraError", ConnectionError),
    "RequestTimeout": ("MentraError", TimeoutError),
    "RequestFailed": ("MentraError", RuntimeError),
    "PermissionDenied": ("RequestFailed", PermissionError),
    "PhotoError": ("RequestFailed", OSError),
    "StreamError": ("RequestFailed", OSError),
    "StorageError": ("RequestFailed", OSError),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name: str):
    base, builtin = ERRORS[name]
    error: type[BaseException] = getattr(mentra_sync, name)
    assert error.__bases__[0].__name__ == base
    assert issubclass(error, builtin)
    if issubclass(error, mentra_sync.RequestFailed):
        raised: Any = error("CODE", "what went wrong")
        assert (raised.code, raised.message) == ("CODE", "what went wrong")
        assert "what went wrong" in str(raised) and "CODE" in str(raised)


@pytest.mark.parametrize("name", ERRORS)
def test_errors_survive_a_copy_and_a_pickle(name: str):
    kind: type[BaseException] = getattr(mentra_sync, name)
    made_of = ("CODE", "what went wrong")[: 2 if issubclass(kind, mentra_sync.RequestFailed) else 1]
    error = kind(*made_of)
    error.where = "on stage"  # type: ignore[attr-defined]
    for again in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert type(again) is kind
        assert (str(again), vars(again)) == (str(error), vars(error))


def test_no_other_errors_are_raised_on_purpose():
    there = {n for n, one in vars(errors).items() if isinstance(one, type)}
    assert there == set(ERRORS)


def test_everything_public_can_be_imported():
    for name in mentra_sync.__all__:
        assert getattr(mentra_sync, name) is not None, name
    wanted = {"AppServer", "AppSession", "GIVE_APP_CONTROL_OF_TOOL_RESPONSE", *ERRORS}
    assert wanted <= set(mentra_sync.__all__)


# --- The tables' own test ------------------------------------------------------------------------


class Wrong:
    def a(self, x: int, y: int = 2, *, z: bool = False) -> None:
        """Stands for a method that differs."""


@pytest.mark.parametrize(
    "line",
    [
        "a(x, y=2)",
        "a(x, y=3, *, z=False)",
        "a(x, y=2, z=False)",
        "a(x=1, y=2, *, z=False)",
        "a(y, x=2, *, z=False)",
        "a(x, y=2, *, z=0)",
        "a(x, y=2, *, z=None)",
        "b()",
    ],
)
def test_differences_are_found(line: str):
    check(Wrong(), "a(x, y=2, *, z=False)")
    with pytest.raises(AssertionError):
        check(Wrong(), line)
