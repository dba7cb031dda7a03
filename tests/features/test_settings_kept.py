"""``session.settings``: values in force, changes told once, and a cloud that answers nonsense."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from cloud import PACKAGE, USER, AppSocket, Calls, Scene, http_answer, scene_fixture  # noqa: F401

from mentra_sync import AppSession, ConnectionFailed, RequestFailed, RequestTimeout, config
from mentra_sync.features.settings import SettingChange

FULL = [
    {"key": "title", "type": "titleValue", "label": "T", "value": 1},
    {"type": "group", "title": "Looks"},
    {"key": "size", "type": "slider", "label": "Size", "defaultValue": 10, "min": 1, "max": 99},
    {"key": "loud", "type": "toggle", "label": "Loud", "defaultValue": False, "value": True},
    {"key": "lang", "type": "select", "options": [{"label": "E", "value": "en"}]},
]


def update(there: AppSocket, **values: Any) -> None:
    settings = [{"key": key, "value": value} for key, value in values.items()]
    there.send({"type": "settings_update", "settings": settings})


def test_values_in_force(scene: Scene):
    session, _ = scene.session(ack={"settings": FULL})
    settings = session.settings
    assert settings.get("size") == 10 and settings.get("loud") is True
    assert settings.get("lang") is None and settings.get("lang", "de") == "de"
    assert settings.get("nothing", 7) == 7
    assert settings.has("lang") and not settings.has("nothing") and not settings.has("title")
    assert [s.key for s in settings.get_all()] == ["size", "loud", "lang"]
    size = settings.get_setting("size")
    assert size is not None
    assert (size.value, size.default_value, size.label, size.type) == (10, 10, "Size", "slider")
    assert (size.min, size.max) == (1, 99)
    lang = settings.get_setting("lang")
    assert lang is not None and lang.options is not None and lang.options[0].value == "en"
    assert settings.get_setting("nothing") is None


def test_what_is_only_shown_stays_so_when_an_update_leaves_out_its_type(scene: Scene):
    session, there = scene.session(ack={"settings": [], "config": {"name": "a", "settings": FULL}})
    told = Calls()
    session.settings.on_change(told)
    there.wait_streams()
    update(there, title=2)
    update(there, size=11)
    (changes,) = told.wait()
    assert changes == {"size": SettingChange(11, 10)}
    assert not session.settings.has("title")
    assert [s.key for s in session.settings.get_all()] == ["size", "loud", "lang"]


def test_a_list_that_was_read_and_changed_changes_no_setting(scene: Scene):
    langs = {"key": "langs", "type": "multiselect", "value": ["en"], "options": [{"label": "E"}]}
    ack = {"settings": [langs], "mentraosSettings": {"apps": {"a": 1}}}
    session, there = scene.session(ack=ack)
    settings = session.settings
    told = Calls()
    settings.on_value_change("langs", told)
    settings.on_mentraos_change("apps", told)

    def spoil(new: Any, _: Any) -> None:
        new.clear()

    settings.on_value_change("langs", spoil)
    settings.on_mentraos_change("apps", spoil)
    there.wait_streams("augmentos:apps")
    settings.get("langs").append("fr")
    setting = settings.get_setting("langs")
    assert setting is not None and setting.options is not None
    setting.options.clear()
    settings.get_mentraos("apps").clear()
    assert settings.get_all()[0].options and settings.get("langs") == ["en"]
    update(there, langs=["en", "fr"])
    told.wait(1)
    there.send({"type": "augmentos_settings_update", "settings": {"apps": {"b": 2}}})
    told.wait(2)
    assert settings.get("langs") == ["en", "fr"] and settings.get_mentraos("apps") == {"b": 2}


def test_defaults_from_the_configuration(scene: Scene):
    session, _ = scene.session(ack={"settings": [], "config": {"name": "a", "settings": FULL}})
    assert session.settings.get("size") == 10


def test_what_was_saved_keeps_its_label_and_default(scene: Scene):
    ack = {"settings": [{"key": "size", "value": 5}], "config": {"name": "a", "settings": FULL}}
    session, there = scene.session(ack=ack)
    size = session.settings.get_setting("size")
    assert size is not None
    assert (size.value, size.label, size.default_value) == (5, "Size", 10)
    assert session.settings.get("loud") is True, "a key that is absent is as configured"
    there.wait_streams()
    update(there, size=6)
    there.settle()
    size = session.settings.get_setting("size")
    assert size is not None
    assert (size.value, size.label) == (6, "Size")
    assert session.settings.has("loud")


def test_changes_are_told_once_by_whatever_way_they_come(scene: Scene):
    changes, size, everything, same = Calls(), Calls(), Calls(), Calls()

    def main(session: AppSession) -> None:
        session.settings.on_change(changes.one)
        session.settings.on_value_change("size", size)
        session.events.on_setting_change("size", lambda new: same(new))
        session.events.on_settings_update(everything.one)
        session.settings.on_value_change("loud", size)

    app = scene.app(main)
    there = scene.start(app, ack={"settings": FULL})
    there.wait_streams()

    def push(value: int) -> None:
        body = {"userIdForSettings": USER, "settings": [{"key": "size", "value": value}]}
        assert scene.post(app, "/settings", body).json["sessionsUpdated"] == 1

    update(there, size=20)
    there.settle()
    push(20)
    push(30)
    update(there, size=30, loud=True)
    update(there, size=30)
    there.settle()
    assert size.wait(2) == [(20, 10), (30, 20)]
    assert changes.wait(2) == [{"size": SettingChange(20, 10)}, {"size": SettingChange(30, 20)}]
    assert same.wait(2) == [20, 30]
    assert [s.key for s in everything.wait(2)[0]] == ["size", "loud", "lang"]
    update(there, loud=False)
    assert size.wait(3)[2] == (False, True)
    assert len(changes.wait(3)) == 3


def test_a_handler_that_is_stopped_and_decorators(scene: Scene):
    session, there = scene.session(ack={"settings": FULL})
    there.wait_streams()
    heard = Calls()

    @session.settings.on_value_change("size")
    def changed(new: Any) -> None:
        heard(new)

    stopped = session.settings.on_change(heard.one)
    stopped()
    update(there, size=11)
    assert heard.wait() == [11]
    with pytest.raises(TypeError):
        session.settings.on_value_change("size", lambda a, b, c: None)
    with pytest.raises(TypeError):
        session.settings.on_change(lambda a, b: None)


@pytest.mark.parametrize("name", ["augmentosSettings", "mentraosSettings"])
def test_settings_of_the_glasses(scene: Scene, name: str):
    heard = Calls()
    session, there = scene.session(ack={name: {"metric": False, "brightness": 5}})
    there.wait_streams()
    assert session.settings.get_mentraos("metric") is False
    assert session.settings.get_mentraos("other", 3) == 3
    stop = session.settings.on_mentraos_change("metric", heard)
    there.wait_streams("augmentos:metric")
    there.send({"type": "augmentos_settings_update", "settings": {"brightness": 6}})
    there.send({"type": "augmentos_settings_update", "settings": {"metric": True}})
    there.send({"type": "augmentos_settings_update", "settings": {"metric": True, "x": 1}})
    there.settle()
    assert heard.wait() == [(True, False)]
    assert session.settings.get_mentraos("brightness") == 6, "merged, not replaced"
    stop()
    there.wait_streams()


def test_a_setting_of_the_glasses_that_was_not_known(scene: Scene):
    heard = Calls()
    session, there = scene.session()
    there.wait_streams()
    session.settings.on_mentraos_change("metric", heard)
    there.send({"type": "augmentos_settings_update", "settings": {"metric": True}})
    assert heard.wait() == [(True, None)]


def test_streams_chosen_by_settings(scene: Scene):
    def choose(settings: list[Any]) -> list[str]:
        (lang,) = [s.value for s in settings if s.key == "lang"]
        return [f"transcription:{lang}"] if lang else []

    session, there = scene.session(ack={"settings": [{"key": "lang", "value": "en-US"}]})
    stop = session.settings.configure_subscriptions(["lang"], choose)
    there.wait_streams("transcription:en-US")
    update(there, lang="fr-FR")
    there.wait_streams("transcription:fr-FR")
    update(there, other=1)
    stop()
    there.wait_streams()
    with pytest.raises(TypeError, match="list"):
        session.settings.configure_subscriptions("lang", choose)


# --- Asking the cloud ----------------------------------------------------------------------------

PATH = f"/appsettings/user/{PACKAGE}"


def test_fetching(scene: Scene):
    changed = Calls()
    session, there = scene.session(ack={"settings": FULL})
    there.wait_streams()
    session.settings.on_value_change("size", changed)
    scene.cloud.rest[PATH] = b'{"settings": [{"key": "size", "value": 12}, {"type": "group"}]}'
    fetched = session.settings.fetch()
    assert {s.key: s.value for s in fetched} == {"size": 12, "loud": True, "lang": None}
    assert changed.wait() == [(12, 10)]
    request = next(r for r in scene.cloud.requests if PATH.encode() in r)
    assert f"Authorization: Bearer {USER}".encode() in request


HTML = b"<html><body>Bad gateway</body></html>"
NONSENSE: dict[str, tuple[Callable[[Any], Any] | bytes, type[Exception], str]] = {
    "missing": (
        lambda p: p.sock.sendall(http_answer(b"no", "404 Not Found")),
        RequestFailed,
        "404",
    ),
    "html": (HTML, RequestFailed, "JSON"),
    "500": (lambda p: p.sock.sendall(http_answer(HTML, "500 Oops")), RequestFailed, "refused"),
    "refused": (
        lambda p: p.sock.sendall(http_answer(b'{"error": "who are you"}', "401 No")),
        RequestFailed,
        "who are you",
    ),
    "half a body": (
        lambda p: p.sock.sendall(http_answer(b'{"settings": [', length=500)),
        ConnectionFailed,
        "network",
    ),
    "no http": (lambda p: p.sock.sendall(b"hello\r\n\r\n"), ConnectionFailed, "network"),
    "nothing": (lambda p: None, ConnectionFailed, "network"),
    "wrong type": (b'{"settings": {"size": 1}}', RequestFailed, "settings"),
    "no settings": (b"{}", RequestFailed, "settings"),
    "a list": (b"[1, 2]", RequestFailed, "JSON"),
    "redirect": (
        lambda p: p.sock.sendall(http_answer(b"", "302 Found", "Location: http://evil.example/")),
        RequestFailed,
        "JSON",
    ),
    "bad gzip": (
        lambda p: p.sock.sendall(http_answer(b"no gzip", "200 OK", "Content-Encoding: gzip")),
        ConnectionFailed,
        "network",
    ),
}


@pytest.mark.parametrize("kind", NONSENSE)
def test_a_cloud_that_answers_nonsense(scene: Scene, kind: str):
    answer, error, words = NONSENSE[kind]
    session, there = scene.session(ack={"settings": FULL})

    def send(peer: Any) -> None:
        assert callable(answer)
        answer(peer)
        peer.close()

    scene.cloud.rest[PATH] = send if callable(answer) else answer
    with pytest.raises(error) as raised:
        session.settings.fetch()
    assert words in f"{raised.value} {getattr(raised.value, 'code', '')}"
    assert session.settings.get("size") == 10, "what is known stays known"
    assert not there.gone


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"])
def test_a_cloud_that_is_slow(scene: Scene, said: bytes, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(config, "HTTP_TIMEOUT", (1.0, 0.1))
    session, _ = scene.session()
    scene.cloud.rest[PATH] = lambda peer: peer.sock.sendall(said)
    began = time.monotonic()
    with pytest.raises(RequestTimeout):
        session.settings.fetch()
    assert time.monotonic() - began < 9


def test_instructions(scene: Scene):
    session, _ = scene.session()
    assert session.get_instructions() is None, "a cloud without them"
    scene.cloud.rest["/api/instructions"] = b'{"instructions": "Be brief."}'
    assert session.get_instructions() == "Be brief."
    assert any(b"/api/instructions?userId=ann%40example.com" in r for r in scene.cloud.requests)
    scene.cloud.rest["/api/instructions"] = b'{"instructions": 5}'
    assert session.get_instructions() is None


def test_fetching_from_many_threads(scene: Scene):
    session, _ = scene.session()
    scene.cloud.rest[PATH] = b'{"settings": [{"key": "size", "value": 12}]}'
    got = Calls()
    threads = [threading.Thread(target=lambda: got(session.settings.fetch())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got.all) == 8
