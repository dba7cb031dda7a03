"""What the app brings about, as the page shows it: lights, photos, sound; and what it asks for."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import browser
import pytest
from browser import Locator, Page, expect, go, not_in_firefox, said_to, say, stop_time, text_box
from PIL import Image
from raw_app import RawApp

from mentra_sync.simulator.http import Simulator
from mentra_sync.simulator.speaker import STOPPED
from mentra_sync.simulator.speech import silence

pytestmark = pytest.mark.browser

chromium, opened, page = browser.chromium, browser.opened, browser.page  # the fixtures

Simulate = Callable[..., Simulator]

WITHOUT_WEBCAM = "Object.defineProperty(navigator, 'mediaDevices', { value: undefined })"
REFUSING = """
const refuse = async () => { throw new DOMException("", "NotAllowedError") };
if (navigator.mediaDevices) navigator.mediaDevices.getUserMedia = refuse;
"""


def with_app(
    page: Page, simulate: Simulate, app: RawApp, glasses: str = "live", **options: Any
) -> Simulator:
    """The page of a running app."""
    app.subscriptions = ["location_update", "glasses_connection_state"]
    simulator = simulate(glasses=glasses, **options)
    assert simulator.start_app()
    assert simulator.wait_for_streams()
    go(page, simulator)
    page.locator("#control-tabs [role=tab]").first.wait_for()
    return simulator


# --- Lights --------------------------------------------------------------------------------------


def lamp(page: Page, light: str = "user_feedback") -> Locator:
    """A light of the glasses."""
    return page.locator(f"[data-light={light}]")


def test_a_light_blinks_as_the_app_says(page: Page, simulate: Simulate, app: RawApp) -> None:
    page.clock.install()
    with_app(page, simulate, app)
    stop_time(page)
    expect(lamp(page)).to_have_attribute("data-lit", "")
    blink = {"action": "on", "color": "orange", "ontime": 300, "offtime": 200, "count": 2}
    app.send("rgb_led_control", requestId="r1", **blink)
    expect(lamp(page)).to_have_attribute("data-lit", "orange")
    expect(lamp(page)).to_have_accessible_name("Light for the wearer: orange")
    expect(lamp(page, "privacy")).to_have_attribute("data-lit", "")
    for milliseconds, lit in ((310, ""), (200, "orange"), (300, ""), (300, ""), (5000, "")):
        page.clock.run_for(milliseconds)
        expect(lamp(page)).to_have_attribute("data-lit", lit)


def test_a_light_goes_on_when_the_page_is_opened_late_and_can_be_switched_off(
    page: Page, simulate: Simulate, app: RawApp
) -> None:
    with_app(page, simulate, app)
    solid = {"action": "on", "color": "blue", "ontime": 600_000, "offtime": 0, "count": 1}
    app.send("rgb_led_control", requestId="r1", **solid)
    expect(lamp(page)).to_have_attribute("data-lit", "blue")
    page.reload()
    expect(lamp(page)).to_have_attribute("data-lit", "blue")
    app.send("rgb_led_control", requestId="r2", action="off")
    expect(lamp(page)).to_have_attribute("data-lit", "")


def test_glasses_without_a_light_say_so(page: Page, simulate: Simulate, app: RawApp) -> None:
    with_app(page, simulate, app, "g1")
    app.send("rgb_led_control", requestId="r1", action="on", color="red", ontime=100, count=1)
    expect(page.get_by_text("Even Realities G1 have none.")).to_be_visible()
    expect(page.locator(".lamp")).to_have_count(0)


# --- The camera ----------------------------------------------------------------------------------


def uploaded(app: RawApp, number: int) -> Image.Image:
    """The photo that the app has got as number so-and-so."""
    app.photos.wait_count(lambda body: True, number)
    body = app.photos.all()[number - 1]
    image = Image.open(io.BytesIO(body[body.index(b"\xff\xd8\xff") :]))
    return image.convert("RGB")


def take_photo(app: RawApp, number: int) -> Image.Image:
    """Ask for a photo, and wait for it."""
    app.send("photo_request", requestId=f"photo-{number}", size="small")
    return uploaded(app, number)


def red_picture(folder: Path) -> Path:
    """A file with a large red picture."""
    Image.new("RGB", (3000, 1500), "red").save(folder / "red.png")
    return folder / "red.png"


def test_photos_of_the_test_card_are_shown(page: Page, simulate: Simulate, app: RawApp) -> None:
    with_app(page, simulate, app)
    page.get_by_role("tab", name="Senses").click()
    assert take_photo(app, 1).size == (640, 360)
    photos = page.get_by_role("list", name="Photos taken").locator("img")
    expect(photos).to_have_count(1)
    take_photo(app, 2)
    expect(photos).to_have_count(2)
    width = photos.first.evaluate("async (image) => (await image.decode(), image.naturalWidth)")
    assert width == 256
    page.reload()
    expect(photos).to_have_count(2)


@not_in_firefox("nobody tells of file choosers")
def test_a_picture_before_the_camera_is_what_photos_show(
    page: Page, simulate: Simulate, app: RawApp, tmp_path: Path
) -> None:
    with_app(page, simulate, app)
    page.get_by_role("tab", name="Senses").click()
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Picture").click()
    chooser.value.set_files(red_picture(tmp_path))
    expect(page.get_by_alt_text("The picture before the camera")).to_be_visible()
    photo = take_photo(app, 1)
    assert photo.size == (1920, 960)
    red, green, blue = photo.getpixel((900, 500))
    assert red > 240 > 20 > max(green, blue)
    page.get_by_role("button", name="Test card").click()
    expect(page.locator(".test-card")).to_be_visible()
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"this is no picture")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Picture").click()
    chooser.value.set_files(broken)
    expect(page.locator(".camera-note")).to_have_text(re.compile("cannot read broken.png"))
    assert take_photo(app, 2).size == (640, 360)


def test_each_photo_is_what_the_webcam_sees_at_that_moment(
    page: Page, simulate: Simulate, app: RawApp
) -> None:
    with_app(page, simulate, app)
    page.get_by_role("tab", name="Senses").click()
    with page.expect_response(re.compile("/api/sim/camera")) as answer:
        page.get_by_role("button", name="Webcam").click()
    assert answer.value.status == 200
    expect(page.get_by_role("button", name="Webcam")).to_have_attribute("aria-pressed", "true")
    first = take_photo(app, 1)
    red, green, blue = first.getpixel((first.width // 2, 10))
    assert green > max(red, blue) + 50  # Chromium's own moving picture is green
    # Its clock has gone on.
    page.wait_for_function("() => document.querySelector('video').currentTime > 1")
    assert take_photo(app, 2).tobytes() != first.tobytes()


def test_a_page_that_is_gone_holds_up_no_photo(page: Page, simulate: Simulate, app: RawApp) -> None:
    with_app(page, simulate, app)
    page.get_by_role("tab", name="Senses").click()
    with page.expect_response(re.compile("/api/sim/camera")):
        page.get_by_role("button", name="Webcam").click()
    page.goto("about:blank")
    assert take_photo(app, 1).size == (1280, 720)  # what was seen last


def test_no_webcam_where_there_is_none(page: Page, simulate: Simulate, app: RawApp) -> None:
    page.add_init_script(WITHOUT_WEBCAM)
    with_app(page, simulate, app)
    page.get_by_role("tab", name="Senses").click()
    expect(page.get_by_role("button", name="Picture")).to_be_visible()
    expect(page.get_by_role("button", name="Webcam")).to_have_count(0)


def test_a_webcam_that_is_refused_is_explained(page: Page, simulate: Simulate, app: RawApp) -> None:
    page.add_init_script(REFUSING)
    with_app(page, simulate, app)
    page.get_by_role("tab", name="Senses").click()
    page.get_by_role("button", name="Webcam").click()
    expect(page.locator(".camera-note")).to_contain_text("The browser may not use the webcam.")
    expect(page.locator(".test-card")).to_be_visible()


def test_the_camera_light_is_on_while_it_works(page: Page, simulate: Simulate, app: RawApp) -> None:
    simulator = with_app(page, simulate, app)
    simulator.glasses.camera.silent = True  # never done
    privacy, state = lamp(page, "privacy"), page.locator("#camera-state")
    app.send("photo_request", requestId="p1", size="small")
    expect(privacy).to_have_attribute("data-lit", "white")
    expect(state).to_have_text("Taking a photo")
    app.send("rtmp_stream_request", rtmpUrl="rtmp://127.0.0.1/live")
    expect(state).to_have_text("Streaming")
    page.reload()
    expect(state).to_have_text("Streaming")
    expect(privacy).to_have_attribute("data-lit", "white")
    app.send("rtmp_stream_stop")
    expect(state).to_be_hidden()
    expect(privacy).to_have_attribute("data-lit", "")


# --- Sound ---------------------------------------------------------------------------------------

SPEECH = "http://127.0.0.1/api/tts?text=a+long+story+that+goes+on+and+on"


def test_the_wearer_stops_what_is_playing(page: Page, simulate: Simulate, app: RawApp) -> None:
    page.add_init_script("Object.defineProperty(window, 'speechSynthesis', { value: undefined })")
    with_app(page, simulate, app, realistic=True)
    page.locator(".glasses:not(.booting)").wait_for()
    app.send("audio_play_request", requestId="r1", audioUrl=SPEECH)
    playing = page.locator("#playing")
    expect(playing).to_contain_text("a long story")
    playing.get_by_role("button", name="Stop what is playing").click()
    answer = app.socket.wait("audio_play_response", requestId="r1")
    assert (answer["success"], answer["error"]) == (False, STOPPED)
    expect(playing).to_be_hidden()
    expect(page.locator(".entry.app .entry-note")).to_have_text("stopped")


def test_the_volume_is_the_page_s_own_and_is_remembered(
    page: Page, simulate: Simulate, app: RawApp
) -> None:
    page.add_init_script(
        """
        window.volumes = [];
        HTMLMediaElement.prototype.play = function () {
            volumes.push(this.volume);
            window.playing = this;
            return new Promise(() => {});
        };
        """
    )
    with_app(page, simulate, app, realistic=True)
    volume = page.get_by_role("slider", name="Volume")
    volume.fill("50")
    sound = "data:audio/wav;base64," + base64.b64encode(silence(5)).decode()
    app.send("audio_play_request", requestId="r1", audioUrl=sound, volume=0.4)
    page.wait_for_function("() => volumes.length === 1")
    assert page.evaluate("volumes") == [0.2]
    volume.fill("100")
    assert page.evaluate("playing.volume") == 0.4
    volume.fill("0")
    page.reload()
    expect(volume).to_have_value("0")
    expect(page.locator(".volume")).to_have_class("volume muted")


# --- What the app asks for -----------------------------------------------------------------------


def test_a_wifi_that_the_app_asks_for_is_one_click_away(
    page: Page, simulate: Simulate, app: RawApp
) -> None:
    with_app(page, simulate, app)
    app.send("request_wifi_setup", reason="It streams video.")
    notice = page.locator("[data-key=wifi]")
    expect(notice).to_contain_text("It says: It streams video.")
    notice.get_by_role("button", name="Connect to “Home”").click()
    said_to(app, wifi={"connected": True, "ssid": "Home"})
    expect(notice).to_have_count(0)
    app.send("request_wifi_setup")
    notice.get_by_role("button", name="Not now").click()
    expect(notice).to_have_count(0)


def test_a_place_that_the_app_asks_for_is_one_click_away(
    page: Page, simulate: Simulate, app: RawApp
) -> None:
    with_app(page, simulate, app)
    app.send("location_poll_request", correlationId="c1", accuracy="high")
    notice = page.locator("[data-key=place]")
    notice.get_by_role("button", name="Say 52.5163, 13.3777").click()
    assert said_to(app, correlationId="c1")["lat"] == 52.5163
    expect(notice).to_have_count(0)


def test_a_page_that_is_opened_late_is_asked_too(
    page: Page, simulate: Simulate, app: RawApp
) -> None:
    app.subscriptions = ["location_update"]
    simulator = simulate()
    assert simulator.start_app()
    app.send("location_poll_request", correlationId="c1", accuracy="high")
    simulator.glasses.location_requests.wait_for("high")
    go(page, simulator)
    page.get_by_role("button", name="Say 52.5163, 13.3777").click()
    assert said_to(app, correlationId="c1")["lat"] == 52.5163
    page.reload()
    page.locator("body[data-connection=connected]").wait_for()
    expect(page.locator("[data-key=place]")).to_have_count(0)


def test_what_is_said_is_translated_by_whoever_types_it(
    page: Page, simulate: Simulate, app: RawApp
) -> None:
    with_app(page, simulate, app)
    expect(page.get_by_label("In de-DE")).to_have_count(0)
    app.subscribe(app.socket, "", ["translation:en-US-to-de-DE", "translation:fr-FR-to-es-ES"])
    page.get_by_label("In de-DE").fill("Guten Morgen")
    expect(page.get_by_label("In es-ES")).to_have_count(0)
    text_box(page).fill("Good morning")
    page.get_by_label("In de-DE").press("Enter")
    translation = said_to(app, translateLanguage="de-DE")
    assert (translation["text"], translation["originalText"]) == ("Guten Morgen", "Good morning")
    assert translation["didTranslate"] is True
    expect(page.get_by_label("In de-DE")).to_have_value("")
    page.get_by_label("Language you speak").select_option("fr-FR")
    expect(page.get_by_label("In es-ES")).to_be_visible()
    say(page, "Bonjour")
    assert said_to(app, translateLanguage="es-ES")["didTranslate"] is False
