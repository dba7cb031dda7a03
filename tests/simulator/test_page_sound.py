"""What the page hears and says: the browser's speech recognition and its voices."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from typing import Any

import browser
import pytest
from browser import Page, expect, go, go_with_app, not_in_firefox, said_to, say
from raw_app import RawApp

from mentra_sync.simulator.glasses import Glasses
from mentra_sync.simulator.http import Simulator
from mentra_sync.simulator.speech import silence

pytestmark = pytest.mark.browser

chromium, opened, page = browser.chromium, browser.opened, browser.page  # the fixtures

Simulate = Callable[..., Simulator]

# A voice that speaks as fast as the test wants to wait, since headless browsers have none.
VOICE = """
window.said = [];
const voices = [{ name: "Test", lang: "en-US", default: true, localService: true }];
const later = (utterance, name, event) => setTimeout(() => utterance[name]?.(event), 0);
const show = (text) => { document.documentElement.dataset.voice = text; };
Object.defineProperty(window, "speechSynthesis", { value: {
  speaking: false, pending: false, mute: MUTE, current: null,
  getVoices: () => voices,
  addEventListener() {},
  speak(utterance) {
    if (this.mute) return;
    this.current = utterance;
    this.speaking = true;
    said.push({ text: utterance.text, volume: utterance.volume });
    show(utterance.text);
    later(utterance, "onstart", {});
  },
  finish() {
    const utterance = this.current;
    this.current = null;
    this.speaking = false;
    show("");
    later(utterance, "onend", {});
  },
  cancel() {
    const utterance = this.current;
    this.current = null;
    this.speaking = false;
    show("");
    if (utterance) later(utterance, "onerror", { error: "interrupted" });
  },
}});
"""

RECOGNITION = """
window.SpeechRecognition = class {
  constructor() { window.recognition = this; }
  start() {}
  stop() { this.onend(); }
  hear(text, isFinal) {
    const result = Object.assign([{ transcript: text }], { isFinal });
    this.onresult({ resultIndex: 0, results: [result] });
  }
};
window.webkitSpeechRecognition = window.SpeechRecognition;
"""


def with_voice(page: Page, *, mute: bool = False) -> None:
    """Give the browser a voice; a mute one never begins."""
    page.add_init_script(VOICE.replace("MUTE", json.dumps(mute)))


def said(page: Page, text: str) -> None:
    """Wait until the voice is speaking this text (or nothing)."""
    expect(page.locator("html")).to_have_attribute("data-voice", text)


def speak(app: RawApp, text: str, request_id: str = "r1", **fields: Any) -> None:
    """Have a text spoken."""
    url = f"https://api.example.com/api/tts?text={text.replace(' ', '%20')}"
    app.send("audio_play_request", requestId=request_id, audioUrl=url, **fields)


def test_the_microphone_passes_on_what_the_browser_recognises(
    page: Page, simulator: Simulator, app: RawApp
) -> None:
    page.add_init_script(RECOGNITION)
    go_with_app(page, simulator, app)
    microphone = page.get_by_role("button", name="Speak with the microphone")
    expect(microphone).to_have_accessible_name(re.compile("online speech service"))
    microphone.click()
    expect(page.locator("#microphone")).to_have_attribute("aria-pressed", "true")
    page.evaluate("recognition.hear('good', false)")
    expect(page.locator(".entry.you.interim .entry-words")).to_have_text("good")
    page.evaluate("recognition.hear('good morning', true)")
    assert said_to(app, isFinal=True)["text"] == "good morning"
    page.evaluate("recognition.onerror({ error: 'network' })")
    expect(page.locator("#microphone-note")).to_contain_text("needs the internet")
    expect(page.locator("#microphone")).to_have_attribute("aria-pressed", "false")


def test_no_microphone_button_where_the_browser_recognises_nothing(
    page: Page, simulator: Simulator
) -> None:
    gone = "window.SpeechRecognition = window.webkitSpeechRecognition = undefined;"
    page.add_init_script(gone)
    go(page, simulator)
    expect(page.locator("#microphone")).to_be_hidden()


def test_text_is_spoken_by_the_browser(page: Page, simulate: Simulate, app: RawApp) -> None:
    with_voice(page)
    go_with_app(page, simulate(realistic=True), app)
    speak(app, "Hello from your app", volume=0.5)
    expect(page.locator(".entry.app")).to_have_attribute("data-sound", "speaking")
    expect(page.locator(".entry.app .entry-words")).to_have_text("Hello from your app")
    said(page, "Hello from your app")
    assert page.evaluate("said") == [{"text": "Hello from your app", "volume": 0.5}]
    page.evaluate("speechSynthesis.finish()")
    answer = app.socket.wait("audio_play_response")
    assert answer["requestId"] == "r1"
    assert answer["success"] is True
    assert answer["duration"] >= 0
    expect(page.locator(".entry.app")).to_have_attribute("data-sound", "spoken")
    expect(page.locator(".entry-note")).to_have_count(0)
    expect(page.locator("#sound")).to_be_hidden()


def test_what_was_said_is_there_again_when_the_page_is_reloaded(
    page: Page, simulator: Simulator, app: RawApp
) -> None:
    go_with_app(page, simulator, app)
    say(page, "good morning")
    expect(page.locator(".entry.you:not(.interim) .entry-words")).to_have_text("good morning")
    speak(app, "one")
    app.socket.wait("audio_play_response")
    simulator.glasses.hear("guten Tag", final=True, language="de-DE")
    simulator.glasses.hear("good even", final=False)
    words = page.locator(".entry-words")
    expect(words).to_have_text(["good morning", "one", "guten Tag", "good even"])
    page.reload()
    expect(words).to_have_text(["good morning", "one", "guten Tag"])
    expect(page.locator(".entry-note")).to_have_text("not heard: the app isn\u2019t listening")
    simulator.glasses.hear("good evening", final=True)
    expect(words).to_have_text(["good morning", "one", "guten Tag", "good evening"])
    expect(page.locator("#playing")).to_be_hidden()


def test_speaking_stops_when_it_is_told_to(page: Page, simulate: Simulate, app: RawApp) -> None:
    with_voice(page)
    go_with_app(page, simulate(realistic=True), app)
    speak(app, "one", "r1")
    said(page, "one")
    speak(app, "two", "r2", stopOtherAudio=True)
    said(page, "two")
    app.send("audio_stop_request")
    said(page, "")
    expect(page.locator(".entry.app .entry-note")).to_have_text(["stopped", "stopped"])


def test_a_page_that_is_opened_meanwhile_can_stop_what_is_spoken(
    page: Page, simulate: Simulate, app: RawApp
) -> None:
    go_with_app(page, simulate(realistic=True), app)
    speak(app, "word " * 100)
    bar = page.locator("#playing")
    expect(bar).to_be_visible()
    page.reload()
    expect(bar).to_contain_text("word word")
    expect(page.locator(".entry.app")).to_contain_text("word word")
    bar.get_by_role("button").click()
    assert app.socket.wait("audio_play_response")["error"] == "stopped"
    expect(bar).to_be_hidden()


def test_a_browser_that_keeps_silent_shows_the_words_and_offers_sound(
    page: Page, simulate: Simulate, app: RawApp
) -> None:
    with_voice(page, mute=True)
    go_with_app(page, simulate(realistic=True), app)
    speak(app, "Hi")
    assert app.socket.wait("audio_play_response")["success"] is True
    expect(page.locator(".entry.app .entry-words")).to_have_text("Hi")
    expect(page.locator(".entry.app .entry-note")).to_have_text("shown instead of spoken")
    offer = page.get_by_role("button", name="Turn sound on")
    expect(offer).to_be_visible()
    page.evaluate("speechSynthesis.mute = false")
    offer.click()
    expect(offer).to_be_hidden()
    assert page.evaluate("said.map((one) => one.text)") == ["Hi"]


def test_a_browser_without_voices_says_so_quietly(
    page: Page, simulate: Simulate, app: RawApp
) -> None:
    page.add_init_script("Object.defineProperty(window, 'speechSynthesis', { value: undefined })")
    go_with_app(page, simulate(realistic=True), app)
    speak(app, "Hi")
    assert app.socket.wait("audio_play_response")["success"] is True
    expect(page.locator("#sound-note")).to_contain_text("no voices")
    expect(page.locator("#sound")).to_be_hidden()


@not_in_firefox("it needs a sound card")
def test_sound_files_are_played(page: Page, simulate: Simulate, app: RawApp) -> None:
    go_with_app(page, simulate(realistic=True), app)
    page.get_by_role("button", name="Got it").click()  # browsers play nothing before a click
    file = "data:audio/wav;base64," + base64.b64encode(silence(0.2)).decode()
    app.send("audio_play_request", requestId="r1", audioUrl=file, volume=0.5)
    answer = app.socket.wait("audio_play_response", requestId="r1")
    assert answer["success"] is True
    assert answer["duration"] == pytest.approx(200, abs=50)
    app.send("audio_play_request", requestId="r2", audioUrl="data:audio/wav;base64,AAAA")
    assert app.socket.wait("audio_play_response", requestId="r2")["success"] is False
    expect(page.locator("#sound")).to_be_hidden()


@not_in_firefox("it needs a sound card")
def test_the_simulator_is_told_how_long_a_file_is(
    page: Page, simulate: Simulate, app: RawApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[float | None] = []

    def began(glasses: Glasses, request_id: str, seconds: float | None = None) -> None:
        told.append(seconds)
        really_began(glasses, request_id, seconds)

    really_began = Glasses.speech_began
    monkeypatch.setattr(Glasses, "speech_began", began)
    go_with_app(page, simulate(realistic=True), app)
    page.get_by_role("button", name="Got it").click()
    file = "data:audio/wav;base64," + base64.b64encode(silence(0.5)).decode()
    app.send("audio_play_request", requestId="r1", audioUrl=file)
    assert app.socket.wait("audio_play_response", requestId="r1")["success"] is True
    assert told == [pytest.approx(0.5, abs=0.05)]


def test_speech_recognition_that_is_not_allowed_is_switched_off(
    page: Page, simulator: Simulator
) -> None:
    page.add_init_script(RECOGNITION)
    go(page, simulator)
    page.locator("#microphone").click()
    page.evaluate("recognition.onerror({ error: 'service-not-allowed' })")
    expect(page.locator("#microphone-note")).to_contain_text("Typing always works")
    expect(page.locator("#microphone")).to_be_disabled()
