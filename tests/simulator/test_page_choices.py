"""What the wearer chooses for the app: its settings, and what it is allowed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import browser
import pytest
from browser import Locator, Page, enter, expect, go, not_in_firefox
from raw_app import RawApp

from mentra_sync.simulator.http import Simulator

pytestmark = pytest.mark.browser

chromium, opened, page = browser.chromium, browser.opened, browser.page  # the fixtures

Simulate = Callable[..., Simulator]

TONES = [{"label": "Friendly", "value": "friendly"}, {"label": "Formal", "value": 2}]
CITIES = [{"label": name, "value": name.lower()} for name in ("Berlin", "Bern", "Paris", "Tokyo")]


def opened_with(
    page: Page, simulate: Simulate, app: RawApp, *settings: dict[str, Any]
) -> Simulator:
    """The page of a running app with these settings, with its tab open."""
    simulator = simulate(config={"settings": list(settings)})
    assert simulator.start_app()
    assert simulator.wait_for_streams()
    go(page, simulator)
    page.get_by_role("tab", name="App").click()
    return simulator


def saved(app: RawApp, key: str, value: Any) -> None:
    """Wait until the app has been told of this value."""

    def told(frame: Any) -> bool:
        return frame["type"] == "settings_update" and {"key": key, "value": value} in [
            {"key": one["key"], "value": one["value"]} for one in frame["settings"]
        ]

    app.socket.seen.wait(told)


Change = Callable[[Page, Locator], None]


def type_and_save(page: Page, section: Locator) -> None:
    expect(section.get_by_role("button", name="Save")).to_be_hidden()
    section.get_by_label("It").fill("Grace")
    section.get_by_role("button", name="Save").click()
    expect(section.get_by_role("button", name="Save")).to_be_hidden()


def search_and_choose(page: Page, section: Locator) -> None:
    section.get_by_placeholder("Search").fill("be")
    expect(section.get_by_role("option")).to_have_text(["Berlin", "Bern"])
    section.get_by_role("listbox").select_option("Bern")


CHANGES: list[tuple[str, dict[str, Any], Change, Any]] = [
    (
        "toggle",
        {"defaultValue": True},
        lambda page, section: section.get_by_role("switch", name="It").uncheck(),
        False,
    ),
    ("text", {"defaultValue": "Ada"}, type_and_save, "Grace"),
    (
        "text_no_save_button",
        {},
        lambda page, section: section.get_by_label("It").press_sequentially("Grace"),
        "Grace",
    ),
    (
        "select",
        {"options": TONES, "defaultValue": "friendly"},
        lambda page, section: void(section.get_by_label("It").select_option("Formal")),
        2,
    ),
    ("select_with_search", {"options": CITIES}, search_and_choose, "bern"),
    (
        "multiselect",
        {"options": CITIES, "defaultValue": ["tokyo"]},
        lambda page, section: section.get_by_role("checkbox", name="Paris").check(),
        ["paris", "tokyo"],
    ),
    (
        "slider",
        {"min": 1, "max": 10, "defaultValue": 4},
        lambda page, section: section.get_by_role("slider", name="It").press("ArrowRight"),
        5,
    ),
    (
        "numeric_input",
        {"min": 0, "max": 20, "defaultValue": 3},
        lambda page, section: fill_and_leave(section.get_by_label("It"), "12"),
        12,
    ),
    (
        "time_picker",
        {"defaultValue": 27000, "showSeconds": False},
        lambda page, section: fill_and_leave(section.get_by_label("It"), "08:15"),
        8 * 3600 + 15 * 60,
    ),
]


def void(value: object) -> None:
    """Forget what a step returns."""


def fill_and_leave(field: Locator, text: str) -> None:
    enter(field, text)
    field.press("Tab")


@not_in_firefox("nobody tells of websockets")
def test_half_a_time_is_saved_and_the_rest_is_still_typed(
    page: Page, simulate: Simulate, app: RawApp
) -> None:
    setting = {"key": "it", "label": "It", "type": "time_picker", "showSeconds": False}
    sockets: list[Any] = []
    page.on("websocket", lambda socket: sockets.append(socket))
    simulator = opened_with(page, simulate, app, {**setting, "defaultValue": 27000})
    [socket] = [one for one in sockets if "simulator-ws" in one.url]
    field = page.get_by_role("region", name="Settings of the app").get_by_label("It")
    field.focus()
    with socket.expect_event("framereceived", lambda frame: str(8 * 3600 + 60) in frame):
        page.keyboard.type("08:1")
    page.keyboard.type("5")
    saved(app, "it", 8 * 3600 + 15 * 60)
    simulator.change_settings({"it": 9 * 3600})
    field.blur()
    expect(field).to_have_value("09:00:00")


@pytest.mark.parametrize(
    ("kind", "fields", "change", "value"), CHANGES, ids=[one[0] for one in CHANGES]
)
def test_each_type_of_setting_is_edited(
    page: Page,
    simulate: Simulate,
    app: RawApp,
    kind: str,
    fields: dict[str, Any],
    change: Change,
    value: Any,
) -> None:
    opened_with(page, simulate, app, {"key": "it", "label": "It", "type": kind, **fields})
    change(page, page.get_by_role("region", name="Settings of the app"))
    saved(app, "it", value)


def test_values_in_force_are_shown_and_follow_what_others_save(
    page: Page, simulate: Simulate, app: RawApp
) -> None:
    simulator = opened_with(
        page,
        simulate,
        app,
        {"type": "group", "title": "Greeting"},
        {"key": "name", "label": "Your name", "type": "text", "defaultValue": "Ada"},
        {"key": "wake", "label": "Wake me", "type": "time_picker", "defaultValue": 27000},
        {"key": "tone", "label": "Tone", "type": "select", "options": TONES, "defaultValue": 2},
        {"type": "titleValue", "label": "Version", "value": "1.2.3"},
        {"key": "odd", "label": "Odd", "type": "hologram"},
    )
    section = page.get_by_role("region", name="Settings of the app")
    expect(section.get_by_role("heading", name="Greeting")).to_be_visible()
    expect(section.get_by_label("Your name")).to_have_value("Ada")
    expect(section.get_by_label("Wake me")).to_have_value("07:30:00")
    expect(section.locator(":checked")).to_have_text("Formal")
    expect(section.locator(".fact")).to_have_text("Version1.2.3")
    expect(section).to_contain_text("Odd: nobody knows the type “hologram”.")
    section.get_by_label("Your name").fill("half a na")
    simulator.change_settings({"tone": "friendly", "name": "Grace"})
    expect(section.locator(":checked")).to_have_text("Friendly")
    expect(section.get_by_label("Your name")).to_have_value("half a na")
    page.reload()
    expect(section.get_by_label("Your name")).to_have_value("Grace")


def test_an_app_without_settings_is_no_fault(page: Page, simulator: Simulator) -> None:
    go(page, simulator)
    page.get_by_role("tab", name="App").click()
    expect(page.get_by_text("This app has no settings.")).to_be_visible()


def test_permissions_are_taken_and_given(page: Page, simulator: Simulator, app: RawApp) -> None:
    app.subscriptions = ["location_update"]
    assert simulator.start_app()
    assert simulator.wait_for_streams()
    go(page, simulator)
    page.get_by_role("tab", name="App").click()
    section = page.get_by_role("region", name="Permissions of the app")
    location = section.get_by_role("switch", name="Location")
    expect(location).to_be_checked()
    expect(section.locator(".needed:visible")).to_have_count(1)
    location.uncheck()
    expect(section.locator("[data-granted=false]")).to_have_count(1)
    assert simulator.glasses.move_to(1, 2) == 0
    location.check()
    expect(section.locator("[data-granted=false]")).to_have_count(0)
    assert simulator.glasses.move_to(1, 2) == 1
    simulator.deny("CAMERA")
    expect(section.get_by_role("switch", name="Camera")).not_to_be_checked()
