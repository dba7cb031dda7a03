"""The controls of the page, pressed as a person does, and what of it reaches the app."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import browser
import pytest
from browser import (
    Browser,
    Locator,
    Page,
    enter,
    expect,
    fits,
    go,
    not_in_firefox,
    open_page,
    said_to,
    stop_time,
)
from raw_app import RawApp

from mentra_sync.simulator.http import Simulator

pytestmark = pytest.mark.browser

chromium, opened, page = browser.chromium, browser.opened, browser.page  # the fixtures

Simulate = Callable[..., Simulator]

STREAMS = [
    "button_press",
    "touch_event",
    "head_position",
    "VAD",
    "glasses_battery_update",
    "phone_battery_update",
    "phone_notification",
    "phone_notification_dismissed",
    "calendar_event",
    "glasses_connection_state",
    {"stream": "location_stream", "rate": "high"},
]


def listening(page: Page, simulator: Simulator, app: RawApp, streams: list[Any] = STREAMS) -> None:
    """Open the page of an app that listens to these streams."""
    app.subscriptions = streams
    assert simulator.start_app()
    assert simulator.wait_for_streams()
    go(page, simulator)
    page.locator("#control-tabs [role=tab]").first.wait_for()


def control(page: Page, control_id: str, tab: str) -> Locator:
    """A control, with its tab open."""
    page.get_by_role("tab", name=tab).click()
    return page.locator(f"[data-control={control_id}]")


def events(app: RawApp, stream: str) -> list[dict[str, Any]]:
    """All events of a stream so far."""
    frames = app.socket.seen.all()
    return [frame["data"] for frame in frames if frame.get("streamType") == stream]


def wait_events(app: RawApp, stream: str, count: int) -> list[dict[str, Any]]:
    """The events of a stream, when there are so many."""
    app.socket.seen.wait_count(lambda frame: frame.get("streamType") == stream, count)
    return events(app, stream)


# --- Hands ---------------------------------------------------------------------------------------


def test_taps_and_swipes_on_the_touch_pad(page: Page, simulator: Simulator, app: RawApp) -> None:
    page.clock.install()
    listening(page, simulator, app)
    stop_time(page)
    pad = page.get_by_role("button", name="Touch pad of the glasses")
    pad.click()
    page.clock.run_for(300)
    said_to(app, gesture_name="single_tap", device_model="Simulated Glasses")
    pad.dblclick()
    page.clock.run_for(300)
    said_to(app, gesture_name="double_tap")
    pad.click(click_count=3)
    said_to(app, gesture_name="triple_tap")
    box = pad.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    ways = {"forward_swipe": (60, 0), "backward_swipe": (-60, 0)}
    ways |= {"up_swipe": (0, -60), "down_swipe": (0, 60)}
    for gesture, (across, down) in ways.items():
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + across, y + down)
        page.clock.run_for(1000)  # a slow one
        page.mouse.up()
        said_to(app, gesture_name=gesture)
    pad.hover()
    page.mouse.down()
    page.clock.run_for(600)
    said_to(app, gesture_name="long_press")
    page.mouse.up()
    assert len(events(app, "touch_event")) == 8


def test_gestures_by_name_and_by_keyboard(page: Page, simulator: Simulator, app: RawApp) -> None:
    listening(page, simulator, app)
    pad = control(page, "touch_event", "Hands")
    pad.get_by_role("button", name="Triple tap").click()
    said_to(app, gesture_name="triple_tap")
    touch = page.get_by_role("button", name="Touch pad of the glasses")
    touch.press("ArrowRight")
    said_to(app, gesture_name="forward_swipe")
    touch.press("Enter")
    said_to(app, gesture_name="single_tap")


def test_looking_up_and_down(page: Page, simulator: Simulator, app: RawApp) -> None:
    listening(page, simulator, app)
    head = control(page, "head_position", "Hands")
    head.get_by_role("button", name="Look up").click()
    said_to(app, position="up")
    expect(head.get_by_role("button", name="Look up")).to_have_attribute("aria-pressed", "true")
    head.get_by_role("button", name="Look down").click()
    said_to(app, position="down")


# --- Senses, battery, phone ----------------------------------------------------------------------


def test_voice_activity(page: Page, simulator: Simulator, app: RawApp) -> None:
    listening(page, simulator, app)
    speaks = control(page, "VAD", "Senses").get_by_role("switch", name="Somebody speaks")
    speaks.check()
    said_to(app, status=True)
    speaks.uncheck()
    said_to(app, status=False)


@pytest.mark.parametrize(
    ("stream", "tab"), [("glasses_battery_update", "Glasses"), ("phone_battery_update", "Phone")]
)
def test_a_battery_and_its_charger(
    page: Page, simulator: Simulator, app: RawApp, stream: str, tab: str
) -> None:
    listening(page, simulator, app)
    battery = control(page, stream, tab)
    level = battery.get_by_role("slider", name="Charge")
    level.fill("15")
    said_to(app, type=stream, level=15, charging=False)
    expect(battery.locator("output")).to_have_text("15%")
    level.press("ArrowLeft")
    said_to(app, type=stream, level=14, charging=False)
    battery.get_by_role("switch", name="Charging").check()
    said_to(app, type=stream, level=14, charging=True)


def test_a_notification_is_sent_and_dismissed(
    page: Page, simulator: Simulator, app: RawApp
) -> None:
    listening(page, simulator, app)
    phone = control(page, "phone_notification", "Phone")
    phone.get_by_role("button", name="Missed call").click()
    phone.get_by_label("Text").fill("Grandpa called.")
    phone.get_by_role("button", name="Send").click()
    first = said_to(app, type="phone_notification")
    assert (first["app"], first["title"], first["content"], first["priority"]) == (
        *("Phone", "Missed call"),
        *("Grandpa called.", "high"),
    )
    phone.get_by_role("button", name="Message").click()
    phone.get_by_label("Title").press("Enter")
    second = said_to(app, type="phone_notification", title="Ada")
    assert second["notificationId"] != first["notificationId"]
    expect(phone.locator(".sent-words")).to_have_text(["Messages Ada", "Phone Missed call"])
    phone.get_by_role("button", name="Dismiss “Missed call” of Phone").click()
    gone = said_to(app, type="phone_notification_dismissed")
    assert gone["notificationId"] == first["notificationId"]
    expect(phone.locator(".sent-words")).to_have_text(["Messages Ada"])


def test_a_calendar_event_in_ten_minutes(page: Page, simulator: Simulator, app: RawApp) -> None:
    listening(page, simulator, app)
    calendar = control(page, "calendar_event", "Phone")
    calendar.get_by_label("Title").fill("Chess club")
    calendar.get_by_role("button", name="Send").click()
    event = said_to(app, title="Chess club")
    begins, ends = (datetime.fromisoformat(event[name][:-1]) for name in ("dtStart", "dtEnd"))
    from_now = begins.replace(tzinfo=timezone.utc) - datetime.now(timezone.utc)
    assert timedelta(minutes=8) < from_now <= timedelta(minutes=10)
    assert ends - begins == timedelta(minutes=45)
    assert event["timezone"]
    assert event["eventId"]


# --- Place ---------------------------------------------------------------------------------------


def test_being_somewhere(page: Page, simulator: Simulator, app: RawApp) -> None:
    listening(page, simulator, app)
    place = control(page, "location_update", "Place")
    place.get_by_role("button", name="Tokyo").click()
    enter(place.get_by_label("Accuracy"), "12")
    place.get_by_role("button", name="Be here").click()
    said_to(app, lat=35.6595, lng=139.7005, accuracy=12)
    enter(place.get_by_label("Latitude"), "99")
    place.get_by_role("button", name="Be here").click()
    enter(place.get_by_label("Latitude"), "-33.9")
    place.get_by_label("Longitude").press("Enter")
    said_to(app, lat=-33.9, lng=139.7005)
    assert len(events(app, "location_update")) == 2


def test_a_walk_goes_on_at_the_pace_of_a_walker(
    page: Page, simulator: Simulator, app: RawApp
) -> None:
    page.clock.install()
    listening(page, simulator, app)
    stop_time(page)
    place = control(page, "location_update", "Place")
    place.get_by_role("button", name="Take a walk").click()
    said_to(app, lat=52.5163, lng=13.3777)
    page.clock.run_for(10_000)
    places = wait_events(app, "location_update", 11)
    north = (places[10]["lat"] - places[0]["lat"]) * 111_320
    assert north == pytest.approx(14, abs=0.5)
    page.clock.run_for(50_000)  # around the first corner, at 60 m
    last = wait_events(app, "location_update", 61)[60]
    east = (last["lng"] - 13.3777) * 111_320 * math.cos(math.radians(52.5163))
    assert east == pytest.approx(24, abs=0.5)
    expect(place.locator(".place-said")).to_have_text("84 m walked")
    place.get_by_role("button", name="Stop walking").click()
    page.clock.run_for(5_000)
    place.get_by_role("button", name="Berlin").click()
    place.get_by_role("button", name="Be here").click()
    assert wait_events(app, "location_update", 62)[61]["lat"] == 52.5163


# --- Which glasses -------------------------------------------------------------------------------


def test_g1_offer_no_camera_and_live_do(page: Page, simulate: Simulate, app: RawApp) -> None:
    listening(page, simulate(glasses="g1"), app)
    button = control(page, "button_press", "Hands")
    expect(button).to_contain_text("Even Realities G1 have no button")
    expect(button.get_by_role("button")).to_have_count(0)
    glasses = control(page, "glasses_connection_state", "Glasses")
    wifi = page.locator("[data-control=wifi]")
    expect(wifi).to_contain_text("Even Realities G1 have no wifi; Mentra Live do.")
    glasses.get_by_label("Model").select_option("Mentra Live")
    said_to(app, modelName="Mentra Live", status="CONNECTED")
    assert app.socket.wait("capabilities_update")["capabilities"]["hasCamera"] is True
    expect(page.locator("#model")).to_have_text("Mentra Live")
    wifi.get_by_label("Network").fill("School")
    wifi.get_by_role("switch", name="Connected").uncheck()
    said_to(app, wifi={"connected": False, "ssid": "School"}, modelName="Mentra Live")
    wifi.get_by_role("switch", name="Connected").check()
    said_to(app, wifi={"connected": True, "ssid": "School"}, modelName="Mentra Live")
    button = control(page, "button_press", "Hands")
    button.get_by_role("button", name="Long press").click()
    said_to(app, pressType="long")


def test_glasses_out_of_reach(page: Page, simulator: Simulator, app: RawApp) -> None:
    listening(page, simulator, app)
    glasses = control(page, "glasses_connection_state", "Glasses")
    glasses.get_by_role("button", name="Out of reach").click()
    said_to(app, status="DISCONNECTED")
    expect(page.locator("#model")).to_have_text("No glasses connected")
    button = control(page, "button_press", "Hands")
    expect(button).to_contain_text("No glasses are connected.")
    page.reload()
    expect(page.locator("#model")).to_have_text("No glasses connected")
    glasses = control(page, "glasses_connection_state", "Glasses")
    glasses.get_by_role("button", name="Connected").click()
    said_to(app, status="CONNECTED")
    expect(page.locator("#model")).to_have_text("Simulated Glasses")


def test_the_name_of_the_glasses_leads_to_the_choice_of_others(
    page: Page, simulator: Simulator, app: RawApp
) -> None:
    listening(page, simulator, app)
    page.get_by_title("Choose other glasses").click()
    expect(page.get_by_label("Model")).to_be_focused()


def test_the_head_follows_whoever_moves_it(page: Page, simulator: Simulator, app: RawApp) -> None:
    listening(page, simulator, app)
    up = control(page, "head_position", "Hands").get_by_role("button", name="Look up")
    simulator.glasses.head("up")
    expect(up).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Main view").click()
    expect(up).to_have_attribute("aria-pressed", "false")
    up.click()
    expect(page.get_by_role("button", name="Dashboard")).to_have_attribute("aria-pressed", "true")


# --- The page around them ------------------------------------------------------------------------


def test_it_says_what_the_app_listens_to(page: Page, simulator: Simulator, app: RawApp) -> None:
    listening(page, simulator, app, ["touch_event:double_tap"])
    touch = page.locator("[data-control=touch_event] .uses")
    head = page.locator("[data-control=head_position] .uses")
    expect(touch).to_have_text("The app listens")
    expect(head).to_have_text("Nobody listens")
    expect(page.get_by_role("tab", name="Hands")).to_have_class("tab used")
    expect(page.get_by_role("tab", name="Phone")).to_have_class("tab")
    page.get_by_role("button", name="Look up").click()
    expect(head).to_have_text("Sent, nobody listens")
    app.subscribe(app.socket, "", ["head_position", "phone_notification"])
    expect(touch).to_have_text("Nobody listens")
    expect(head).to_have_text("The app listens")
    expect(page.get_by_role("tab", name="Phone")).to_have_class("tab used")


def test_tabs_by_keyboard_are_remembered(page: Page, simulator: Simulator, app: RawApp) -> None:
    listening(page, simulator, app)
    hands = page.get_by_role("tab", name="Hands")
    hands.focus()
    hands.press("ArrowRight")
    expect(page.get_by_role("tab", name="Senses")).to_be_focused()
    page.keyboard.press("End")
    expect(page.get_by_role("tab", name="App")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowRight")
    expect(hands).to_be_focused()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Tab")
    expect(page.get_by_role("switch", name="Somebody speaks")).to_be_focused()
    page.keyboard.press("Space")
    said_to(app, status=True)
    page.reload()
    expect(page.get_by_role("tab", name="Senses")).to_have_attribute("aria-selected", "true")


def test_controls_rest_while_nobody_is_there(
    opened: tuple[Page, browser.QuietPage], simulate: Simulate, app: RawApp
) -> None:
    page, quiet = opened
    quiet.expect_complaints()
    simulator = simulate()
    listening(page, simulator, app)
    expect(page.get_by_role("button", name="Look up")).to_be_enabled()
    simulator.stop()
    expect(page.get_by_role("button", name="Look up")).to_be_disabled()


@not_in_firefox("touches from outside make no clicks")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_controls_fit_a_phone(
    chromium: Browser, simulate: Simulate, app: RawApp, scheme: str
) -> None:
    viewport = {"width": 390, "height": 844}
    simulator = simulate(glasses="live")
    with open_page(chromium, viewport=viewport, color_scheme=scheme, has_touch=True) as (page, _):
        listening(page, simulator, app)
        for tab in page.locator("#control-tabs").get_by_role("tab").all():
            tab.tap()
            expect(tab).to_have_attribute("aria-selected", "true")
            assert fits(page)
            beyond = page.locator("#control-panels .tab-panel:visible").evaluate(
                "panel => Math.max(...[...panel.querySelectorAll('*')]"
                ".map(one => one.getBoundingClientRect().right))"
            )
            assert beyond <= 390
        page.get_by_role("tab", name="Hands").tap()
        page.get_by_role("button", name="Button of the glasses").tap()
        said_to(app, pressType="short")
