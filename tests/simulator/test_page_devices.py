"""Another device's page in a browser: invited with a code, let in, and told what it cannot do."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import browser
import pytest
from browser import Browser, Page, QuietPage, expect, go, open_page
from networks import free_port, network_address
from raw_app import RawApp

from mentra_sync.simulator import qr_code
from mentra_sync.simulator.http import Simulator
from mentra_sync.simulator.network import reachable_name

pytestmark = pytest.mark.browser

chromium, opened, page = browser.chromium, browser.opened, browser.page  # the fixtures

PHONE = {"width": 390, "height": 844}


@pytest.fixture
def open_simulator(simulate: Callable[..., Simulator]) -> Simulator:
    """A simulator that other devices reach."""
    network_address()
    return simulate(host="0.0.0.0", port=free_port())


@pytest.fixture
def phone(chromium: Browser, open_simulator: Simulator) -> Iterator[tuple[Page, QuietPage]]:
    with open_page(chromium, viewport=PHONE) as opened:
        yield opened


def test_a_code_lets_a_phone_in(
    page: Page, phone: tuple[Page, QuietPage], open_simulator: Simulator, app: RawApp
) -> None:
    go(page, open_simulator)
    page.get_by_role("button", name="Add a device").click()
    address = page.locator("#invite-address")
    expect(address).to_contain_text("?token=")
    invitation = address.inner_text()
    # What is drawn is the code of that address: one square for each dark module.
    dark = "".join(qr_code.modules(invitation)).count("1")
    drawn = page.locator("#invite-code path").get_attribute("d") or ""
    assert drawn.count("M") == dark
    page.get_by_role("button", name="Close").click()
    expect(page.locator("#invite-code path")).to_have_count(0)
    assert invitation not in page.content()

    other = phone[0]
    other.goto(invitation)
    other.locator("body[data-connection=connected]").wait_for()
    assert other.url == f"http://{reachable_name()}:{open_simulator.port}/"
    assert open_simulator.start_app()
    app.wait_connected()
    other.locator(".glasses:not(.booting)").wait_for()
    app.show("on both of them")
    for one in (page, other):
        expect(one.locator("#lens")).to_contain_text("on both of them")
    assert other.evaluate("document.cookie") == ""
    expect(other.locator("#microphone")).to_be_hidden()
    if not browser.FIREFOX:  # which recognizes no speech
        expect(other.locator("#microphone-label")).to_contain_text("only over https")
        expect(page.locator("#microphone")).to_be_visible()


def test_a_phone_invites_the_next_one(
    phone: tuple[Page, QuietPage], chromium: Browser, open_simulator: Simulator
) -> None:
    phone[0].goto(open_simulator.invite())
    phone[0].get_by_role("button", name="Add a device").click()
    address = phone[0].locator("#invite-address")
    expect(address).to_contain_text("?token=")
    with open_page(chromium, viewport=PHONE) as (next_one, _):
        next_one.goto(address.inner_text())
        next_one.locator("body[data-connection=connected]").wait_for()


def test_a_link_on_another_site_lets_in_too(
    phone: tuple[Page, QuietPage], open_simulator: Simulator
) -> None:
    """A strict cookie is not sent along with such a link: the page goes on once by itself."""
    other, invitation = phone[0], open_simulator.invite()
    other.route(
        "http://chat.example/",
        lambda route: route.fulfill(
            body=f"<a href='{invitation}'>come in</a>", content_type="text/html"
        ),
    )
    other.goto("http://chat.example/")
    other.get_by_text("come in").click()
    other.locator("body[data-connection=connected]").wait_for()
    assert other.url == f"http://{reachable_name()}:{open_simulator.port}/"


def test_a_device_without_an_invitation_is_told_so(
    phone: tuple[Page, QuietPage], open_simulator: Simulator
) -> None:
    phone[1].expect_complaints()  # of the status, 401
    phone[0].goto(f"http://{reachable_name()}:{open_simulator.port}/?token=old")
    expect(phone[0].locator("body")).to_contain_text("not invited")


def test_a_device_of_an_earlier_run_is_told_so(
    phone: tuple[Page, QuietPage], open_simulator: Simulator, simulate: Callable[..., Simulator]
) -> None:
    other, quiet = phone
    quiet.expect_complaints()  # of the lost connection
    other.goto(open_simulator.invite())
    other.locator("body[data-connection=connected]").wait_for()
    open_simulator.stop()
    simulate(host="0.0.0.0", port=open_simulator.port, port_may_move=False)
    expect(other.locator("#notices")).to_contain_text("no longer invited")


def test_a_page_of_this_machine_only_offers_no_invitation(page: Page, simulator: Simulator) -> None:
    go(page, simulator)
    expect(page.get_by_role("button", name="Add a device")).to_be_hidden()
