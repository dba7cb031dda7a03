"""Faults at a click: begun and ended on the page, and met by the app."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable

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
    go_with_app,
    not_in_firefox,
    open_page,
    stop_time,
)
from raw_app import RawApp

from mentra_sync.simulator.faults import KINDS
from mentra_sync.simulator.http import Simulator

pytestmark = pytest.mark.browser

chromium, opened, page = browser.chromium, browser.opened, browser.page  # the fixtures


def look(page: Page) -> None:
    """Open the faults."""
    page.get_by_role("tab", name="Faults").click()
    expect(page.locator(".fault")).to_have_count(len(KINDS))


def fault(page: Page, title: str) -> Locator:
    """The row of a fault."""
    return page.locator(".fault").filter(has=page.get_by_role("heading", name=title))


def test_one_that_is_over_at_once(page: Page, simulator: Simulator, app: RawApp) -> None:
    page.clock.install()
    go_with_app(page, simulator, app)
    look(page)
    stop_time(page)
    drop = page.get_by_role("button", name="Drop the connection")
    drop.click()
    assert app.socket.wait_closed() == (None, "")
    expect(drop).to_have_text("Done")
    page.clock.run_for(1500)
    expect(drop).to_have_text("Now")
    expect(page.locator(".notice[data-key^=fault]")).to_have_count(0)


def test_one_that_lasts_says_so_until_it_is_ended(
    page: Page, simulator: Simulator, app: RawApp
) -> None:
    go_with_app(page, simulator, app)
    look(page)
    row = fault(page, "Slow network")
    enter(row.get_by_label("Slow network, delay in seconds"), "0.2")
    row.get_by_role("button", name="Slow network").click()
    notice = page.locator(".notice[data-key=fault-slow_network]")
    expect(notice).to_contain_text("Slow network: this fault is on.")
    expect(row).to_have_attribute("data-active", "true")
    assert simulator.faults_of().active == ["slow_network"]
    assert simulator.cloud.find_wearer("runner@example.com") is not None
    assert simulator.session_of().delay == 0.2
    page.get_by_role("tab", name="Log").click()
    expect(page.get_by_role("tab", name="Faults")).to_have_class(re.compile(r"\bused\b"))
    notice.get_by_role("button", name="End it").click()
    expect(notice).to_have_count(0)
    assert simulator.faults_of().active == []
    expect(page.get_by_role("tab", name="Faults")).not_to_have_class(re.compile(r"\bused\b"))


def test_one_ends_where_it_was_begun_and_others_go_on(page: Page, simulator: Simulator) -> None:
    go(page, simulator)
    look(page)
    for title in ("Photos never come", "Speech fails"):
        fault(page, title).get_by_role("button", name=title).click()
    expect(page.locator(".notice[data-key^=fault]")).to_have_count(2)
    page.get_by_role("button", name="End: Speech fails").click()
    expect(page.locator(".notice[data-key^=fault]")).to_have_count(1)
    assert simulator.faults_of().active == ["no_photos"]


def test_one_with_a_time_ends_by_itself(
    page: Page, simulator: Simulator, app: RawApp, wait_until: Callable[..., None]
) -> None:
    go_with_app(page, simulator, app)
    look(page)
    row = fault(page, "Refuse connections")
    enter(row.get_by_label("Refuse connections, seconds in seconds"), "0.5")
    row.get_by_role("button", name="Refuse connections").click()
    app.socket.wait_closed()
    wait_until(lambda: not simulator.faults_of().active)
    # What the page is told comes in order: it has heard of the beginning and of the end.
    simulator.log_handler.handle(logging.makeLogRecord({"msg": "afterwards"}))
    page.get_by_role("tab", name="Log").click()
    expect(page.locator(".log-message")).to_have_text(["afterwards"])
    look(page)
    expect(row).to_have_attribute("data-active", "false")
    expect(page.locator(".notice[data-key^=fault]")).to_have_count(0)


def test_a_page_that_comes_later_knows(page: Page, simulator: Simulator) -> None:
    with simulator.faults_of().out_of_reach():
        go(page, simulator)
        expect(page.locator(".notice[data-key=fault-out_of_reach]")).to_be_visible()
        look(page)
        expect(fault(page, "Glasses out of reach")).to_have_attribute("data-active", "true")
    expect(page.locator(".notice[data-key^=fault]")).to_have_count(0)


@pytest.mark.parametrize("number", ["0", "-1", "", "1e9"])
def test_a_number_that_makes_no_sense_begins_nothing(
    page: Page, simulator: Simulator, number: str
) -> None:
    go(page, simulator)
    look(page)
    row = fault(page, "Slow network")
    box = row.get_by_label("Slow network, delay in seconds")
    enter(box, number)
    row.get_by_role("button", name="Slow network").click()
    expect(box).to_be_focused()
    assert box.evaluate("(box) => box.validity.valid") is False
    fault(page, "Photos never come").get_by_role("button").click()
    expect(page.locator(".notice[data-key^=fault]")).to_have_count(1)
    assert simulator.faults_of().active == ["no_photos"]


def test_one_that_cannot_be_says_why(page: Page, simulator: Simulator) -> None:
    go(page, simulator)
    look(page)
    fault(page, "Webhook twice").get_by_role("button").click()
    expect(page.locator(".notice[data-key=problem]")).to_contain_text("the app is not running")


def test_the_keyboard_is_enough(page: Page, simulator: Simulator) -> None:
    go(page, simulator)
    page.get_by_role("tab", name="Log").focus()
    page.keyboard.press("End")
    expect(page.get_by_role("tab", name="Faults")).to_be_focused()
    page.get_by_label("Slow network, delay in seconds").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".notice[data-key=fault-slow_network]")).to_be_visible()


@not_in_firefox("touches from outside make no clicks")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_they_fit_a_phone(
    chromium: Browser, simulate: Callable[..., Simulator], scheme: str
) -> None:
    simulator = simulate()
    viewport = {"width": 390, "height": 844}
    with open_page(chromium, viewport=viewport, color_scheme=scheme, has_touch=True) as (page, _):
        go(page, simulator)
        page.get_by_role("tab", name="Faults").tap()
        page.get_by_role("button", name="End of the session").scroll_into_view_if_needed()
        fault(page, "Speech fails").get_by_role("button").tap()
        expect(page.locator(".notice[data-key=fault-failing_tts]")).to_have_count(1)
        fault(page, "Webhook twice").get_by_role("button").tap()
        problem = page.locator(".notice[data-key=problem]")
        expect(problem).to_contain_text("the app is not running")
        expect(problem).to_be_in_viewport(ratio=1)
        assert fits(page)
