"""``session.settings``: the values in force, and handlers that fire once for each real change."""

from __future__ import annotations

import json
from typing import Any

import pytest
from background import Call
from cloud import (
    PACKAGE,
    USER,
    AppSocket,
    Calls,
    Scene,
    http_answer,
    quick_fixture,
    scene_fixture,
    wait_until,
)
from end_to_end import ended, no_call_left, settle

from mentra_sync import (
    AppServer,
    AppSession,
    ConnectionFailed,
    RequestFailed,
    SessionEnded,
    SettingChange,
)

__all__ = ["quick_fixture", "scene_fixture"]

LEVEL = {"type": "slider", "key": "level", "label": "Level", "defaultValue": 3, "min": 0, "max": 9}
NAME = {"type": "text", "key": "name", "label": "Name", "defaultValue": "anon"}
LANGUAGE = {
    "type": "select",
    "key": "lang",
    "defaultValue": "en",
    "options": [{"label": "English", "value": "en"}, {"label": "French", "value": "fr"}],
}
GROUP = {"type": "group", "title": "Looks"}
SHOWN = {"type": "titleValue", "key": "version", "title": "Version", "value": "1.0"}
CONFIG = {"name": "Test", "settings": [GROUP, LEVEL, NAME, LANGUAGE, SHOWN]}
PATH = f"/appsettings/user/{PACKAGE}"


def ack(settings: Any = None, config: Any = None, system: Any = None) -> dict[str, Any]:
    fields = {"settings": settings, "config": config, "augmentosSettings": system}
    return {name: value for name, value in fields.items() if value is not None}


def update(there: AppSocket, *settings: dict[str, Any], **values: Any) -> None:
    saved = [{"key": key, "value": value} for key, value in values.items()]
    there.send({"type": "settings_update", "settings": [*settings, *saved]})


def values(session: AppSession) -> dict[str, Any]:
    return {setting.key: setting.value for setting in session.settings.get_all()}


class Heard:
    """All that a session says of its settings."""

    def __init__(self, session: AppSession) -> None:
        self.changes, self.updates, self.level, self.name = Calls(), Calls(), Calls(), Calls()
        session.settings.on_change(self.changes.one)
        session.events.on_settings_update(self.updates.one)
        session.settings.on_value_change("level", lambda new, old: self.level(new, old))
        session.events.on_setting_change("name", lambda new, old: self.name(new, old))

    @property
    def counts(self) -> tuple[int, int, int, int]:
        calls = (self.changes, self.updates, self.level, self.name)
        return tuple(len(one.all) for one in calls)  # type: ignore[return-value]


# --- The values in force ----------------------------------------------------------------------


def test_what_was_never_saved_has_its_default(scene: Scene) -> None:
    session, _ = scene.session(ack=ack([GROUP, LEVEL, {**NAME, "value": "ann"}, SHOWN]))
    settings = session.settings
    assert settings.get("level") == 3
    assert settings.get("name", "nobody") == "ann"
    assert settings.get("nothing") is None
    assert settings.get("nothing", 5) == 5
    assert settings.get("version") is None, "only shown"
    assert (settings.has("level"), settings.has("nothing"), settings.has("version")) == (
        True,
        False,
        False,
    )
    assert values(session) == {"level": 3, "name": "ann"}
    level = settings.get_setting("level")
    assert level is not None
    assert (level.label, level.type, level.value, level.default_value) == ("Level", "slider", 3, 3)
    assert (level.min, level.max) == (0, 9)
    assert settings.get_setting("nothing") is None


@pytest.mark.parametrize("settings", [None, []])
def test_defaults_come_from_the_configuration_where_there_are_no_settings(
    scene: Scene, settings: Any
) -> None:
    session, _ = scene.session(ack=ack(settings, CONFIG))
    assert values(session) == {"level": 3, "name": "anon", "lang": "en"}
    assert session.config is not None
    assert session.config.name == "Test"
    language = session.settings.get_setting("lang")
    assert language is not None
    assert [option.value for option in language.options or ()] == ["en", "fr"]


def test_saved_pairs_over_the_configuration(scene: Scene) -> None:
    session, _ = scene.session(ack=ack([{"key": "level", "value": 7}], CONFIG))
    assert values(session) == {"level": 7, "name": "anon", "lang": "en"}
    level = session.settings.get_setting("level")
    assert level is not None
    assert (level.label, level.default_value, level.to_dict()["value"]) == ("Level", 3, 7)


@pytest.mark.parametrize("value", [False, 0, "", []])
def test_values_that_are_false_are_values(scene: Scene, value: Any) -> None:
    session, _ = scene.session(ack=ack([{"key": "x", "value": value, "defaultValue": 1}]))
    assert session.settings.get("x", "fallback") == value


def test_what_is_given_out_can_be_changed_without_harm(scene: Scene) -> None:
    session, _ = scene.session(ack=ack([LEVEL]))
    session.settings.get_all()[0].value = 99
    assert session.settings.get("level") == 3


# --- Changes ----------------------------------------------------------------------------------


def test_the_first_settings_are_no_change(scene: Scene) -> None:
    heard: list[Heard] = []
    session, there = scene.session(lambda s: heard.append(Heard(s)), ack=ack([LEVEL], CONFIG))
    settle(session, there)
    assert heard[0].counts == (0, 0, 0, 0)


def test_a_change_is_told_once_in_every_way(scene: Scene) -> None:
    session, there = scene.session(ack=ack([LEVEL, NAME]))
    heard = Heard(session)
    update(there, level=7)
    changes = heard.changes.wait()[0]
    assert changes == {"level": SettingChange(7, 3)}
    assert (changes["level"].new, changes["level"].old) == (7, 3)
    assert heard.level.wait() == [(7, 3)]
    assert {setting.key: setting.value for setting in heard.updates.wait()[0]} == {
        "level": 7,
        "name": "anon",
    }
    settle(session, there)
    assert heard.counts == (1, 1, 1, 0)
    update(there, level=7)
    update(there, {**LEVEL, "value": 7}, NAME)
    settle(session, there)
    assert heard.counts == (1, 1, 1, 0), "nothing has changed"
    update(there, level=8, name="zed")
    assert heard.name.wait() == [("zed", "anon")]
    settle(session, there)
    assert heard.changes.values[1] == {
        "level": SettingChange(8, 7),
        "name": SettingChange("zed", "anon"),
    }
    assert heard.counts == (2, 2, 2, 1)


def test_a_key_that_is_absent_is_unchanged_and_labels_stay(scene: Scene) -> None:
    session, there = scene.session(ack=ack([LEVEL, NAME, LANGUAGE]))
    update(there, level=7)
    update(there, level=7, lang="fr")
    settle(session, there)
    assert values(session) == {"level": 7, "name": "anon", "lang": "fr"}
    level = session.settings.get_setting("level")
    assert level is not None
    assert (level.label, level.type, level.default_value) == ("Level", "slider", 3)


def test_back_to_the_default(scene: Scene) -> None:
    session, there = scene.session(ack=ack([{**LEVEL, "value": 7}]))
    heard = Heard(session)
    update(there, level=None)
    assert heard.level.wait() == [(3, 7)]
    update(there, level=3)
    settle(session, there)
    assert (session.settings.get("level"), heard.counts[2]) == (3, 1)


def test_the_frame_and_the_post_are_one_change(scene: Scene) -> None:
    app = scene.app()
    there = scene.start(app, ack=ack([LEVEL, NAME]))
    session = app.session_for(USER)
    assert session is not None
    heard = Heard(session)
    push = {"userIdForSettings": USER, "settings": [{"key": "level", "value": 7}]}
    update(there, level=7)
    assert scene.post(app, "/settings", push).json["sessionsUpdated"] == 1
    assert scene.post(app, "/settings", push).json["sessionsUpdated"] == 1
    heard.level.wait()
    settle(session, there)
    assert heard.counts == (1, 1, 1, 0)
    push["settings"] = [{"key": "name", "value": "zed"}]
    scene.post(app, "/settings", push)
    assert heard.name.wait() == [("zed", "anon")]
    assert values(session) == {"level": 7, "name": "zed"}


def test_the_server_is_told_of_every_push(scene: Scene) -> None:
    told = Calls()
    app = scene.make()
    app.settings_handler(lambda user_id, settings: told(user_id, [s.value for s in settings]))
    scene.serve(app)
    push = {"userIdForSettings": "bob@example.com", "settings": [{"key": "x", "value": 1}]}
    assert scene.post(app, "/settings", push).json["sessionsUpdated"] == 0
    assert told.wait() == [("bob@example.com", [1])]

    class Subclass(AppServer):
        def on_settings_update(self, user_id: str, settings: list[Any]) -> None:
            told(user_id, settings[0].key)

    other = scene.serve(Subclass(PACKAGE, "key", port=0, host="127.0.0.1"))
    scene.post(other, "/settings", push)
    assert told.wait(2)[1] == ("bob@example.com", "x")


def test_handlers_of_each_form(scene: Scene) -> None:
    session, there = scene.session(ack=ack([LEVEL]))
    seen = Calls()

    @session.settings.on_change
    def changed() -> None:
        seen("nothing")

    @session.settings.on_value_change("level")
    def new_level(new: Any) -> None:
        seen("new", new)

    @session.events.on_setting_change("level")
    def both(new: Any, old: Any) -> None:
        seen("both", new, old)

    update(there, level=4)
    assert sorted(map(str, seen.wait(3))) == ["('both', 4, 3)", "('new', 4)", "nothing"]
    for subscription in (changed, new_level, both):
        subscription()
    update(there, level=5)
    settle(session, there)
    assert len(seen.all) == 3


def test_handlers_that_could_never_be_called(scene: Scene) -> None:
    session, _ = scene.session()
    settings = session.settings
    with pytest.raises(TypeError, match=r"key must be a text.*\(key, handler\)"):
        settings.on_value_change(lambda new, old: None)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="key must be a text"):
        session.events.on_setting_change(lambda new, old: None)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="key must be a text"):
        settings.on_mentraos_change(lambda new, old: None)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="key must not be empty"):
        settings.on_value_change("", print)
    with pytest.raises(TypeError, match="f\\(new, old\\)"):
        settings.on_value_change("level", lambda a, b, c: None)
    with pytest.raises(TypeError, match="function"):
        settings.on_change(5)  # type: ignore[arg-type]


def test_nonsense_changes_nothing(scene: Scene) -> None:
    session, there = scene.session(ack=ack([LEVEL]))
    errors, heard = Calls(), Heard(session)
    session.events.on_error(errors.one)
    there.send({"type": "settings_update", "settings": "all"})
    assert "settings" in str(errors.wait()[0])
    update(there, {"value": 5}, {"key": 7, "value": 5}, GROUP, {"key": "version", **SHOWN})
    settle(session, there)
    assert values(session) == {"level": 3}
    assert heard.counts == (0, 0, 0, 0)


def test_settings_after_a_reconnection(scene: Scene, quick: None) -> None:
    session, there = scene.session(ack=ack([LEVEL, NAME], system={"metricSystemEnabled": False}))
    heard, metric = Heard(session), Calls()
    session.settings.on_mentraos_change("metricSystemEnabled", lambda n, o: metric(n, o))
    there.drop()
    scene.accept(**ack([{"key": "level", "value": 9}], system={"metricSystemEnabled": True}))
    assert heard.level.wait() == [(9, 3)]
    assert metric.wait() == [(True, False)]
    assert values(session) == {"level": 9, "name": "anon"}


# --- Asking the cloud -------------------------------------------------------------------------


def test_fetching(scene: Scene) -> None:
    session, _ = scene.session(ack=ack([LEVEL, NAME]))
    heard = Heard(session)
    found = {"success": True, "settings": [{"key": "level", "value": 6}]}
    scene.cloud.rest[PATH] = json.dumps(found).encode()
    settings = session.settings.fetch()
    assert {setting.key: setting.value for setting in settings} == {"level": 6, "name": "anon"}
    assert heard.level.wait() == [(6, 3)]
    assert f"Authorization: Bearer {USER}".encode() in scene.cloud.requests[-1]


@pytest.mark.parametrize(
    ("found", "status", "code"),
    [
        (b"<html>", "200 OK", "BAD_ANSWER"),
        (b'{"success": true}', "200 OK", "BAD_ANSWER"),
        (b'{"settings": {"a": 1}}', "200 OK", "BAD_ANSWER"),
        (b'{"settings": ["a"]}', "200 OK", "BAD_ANSWER"),
        (b'{"error": "who are you"}', "401 Unauthorized", "HTTP_401"),
    ],
)
def test_fetching_nonsense(scene: Scene, found: bytes, status: str, code: str) -> None:
    session, _ = scene.session(ack=ack([LEVEL]))

    def send(peer: Any) -> None:
        peer.sock.sendall(http_answer(found, status))
        peer.close()

    scene.cloud.rest[PATH] = send
    with pytest.raises(RequestFailed) as caught:
        session.settings.fetch()
    assert caught.value.code == code
    assert values(session) == {"level": 3}


def test_fetching_from_a_cloud_that_is_gone(scene: Scene) -> None:
    session, _ = scene.session()
    scene.cloud.rest[PATH] = lambda peer: peer.reset()
    with pytest.raises(ConnectionFailed):
        session.settings.fetch()


def test_the_end_of_the_session_ends_fetching(scene: Scene) -> None:
    held: list[Any] = []
    scene.cloud.rest[PATH] = held.append
    session, _ = scene.session()
    asked = Call(session.settings.fetch)
    wait_until(lambda: held)
    session.disconnect()
    assert isinstance(asked.outcome, SessionEnded)
    wait_until(no_call_left, 3)  # long before its timeout
    held[0].close()
    for call in (session.settings.fetch, session.get_instructions):
        with ended(session):
            call()


def test_instructions(scene: Scene) -> None:
    session, _ = scene.session()
    assert session.get_instructions() is None, "a cloud without them says 404"
    scene.cloud.rest["/api/instructions"] = b'{"instructions": "Speak slowly."}'
    assert session.get_instructions() == "Speak slowly."
    assert f"userId={USER.replace('@', '%40')}".encode() in scene.cloud.requests[-1]
    scene.cloud.rest["/api/instructions"] = b'{"instructions": 5}'
    assert session.get_instructions() is None


# --- The glasses' own settings ----------------------------------------------------------------


@pytest.mark.parametrize("name", ["augmentosSettings", "mentraosSettings"])
def test_the_glasses_settings(scene: Scene, name: str) -> None:
    session, _ = scene.session(ack={name: {"metricSystemEnabled": True, "brightness": 50}})
    assert session.settings.get_mentraos("metricSystemEnabled") is True
    assert session.settings.get_mentraos("brightness") == 50
    assert session.settings.get_mentraos("nothing") is None
    assert session.settings.get_mentraos("nothing", 5) == 5


def test_their_changes_are_merged_and_told_while_somebody_listens(scene: Scene) -> None:
    system = {"metricSystemEnabled": False, "brightness": 50}
    session, there = scene.session(ack={"augmentosSettings": system})
    metric, brightness = Calls(), Calls()
    stop = session.settings.on_mentraos_change("metricSystemEnabled", lambda n, o: metric(n, o))
    there.wait_streams("augmentos:metricSystemEnabled")

    @session.settings.on_mentraos_change("brightness")
    def bright(new: Any) -> None:
        brightness(new)

    there.wait_streams("augmentos:metricSystemEnabled", "augmentos:brightness")
    there.send({"type": "augmentos_settings_update", "settings": {"metricSystemEnabled": True}})
    assert metric.wait() == [(True, False)]
    assert session.settings.get_mentraos("brightness") == 50, "absent is unchanged"
    everything = {"metricSystemEnabled": True, "brightness": 60, "headUpAngle": 20}
    there.send({"type": "augmentos_settings_update", "settings": everything})
    assert brightness.wait() == [60]
    stop()
    there.wait_streams("augmentos:brightness")
    there.send({"type": "augmentos_settings_update", "settings": {"metricSystemEnabled": False}})
    settle(session, there)
    assert metric.values == [(True, False)]
    assert session.settings.get_mentraos("metricSystemEnabled") is False
    bright()
    there.wait_streams()


# --- Streams chosen by settings ---------------------------------------------------------------


def test_subscriptions_by_settings(scene: Scene) -> None:
    session, there = scene.session(ack=ack([LANGUAGE, LEVEL]))
    seen = Calls()

    def choose(settings: list[Any]) -> list[str]:
        found = {setting.key: setting.value for setting in settings}
        seen(found["lang"])
        return [f"transcription:{found['lang']}-{found['lang'].upper()}", "button_press"]

    stop = session.settings.configure_subscriptions(["lang"], choose)
    there.wait_streams("transcription:en-EN", "button_press")
    update(there, level=9)
    settle(session, there)
    assert seen.values == ["en"], "of no interest"
    update(there, lang="fr")
    there.wait_streams("transcription:fr-FR", "button_press")
    stop()
    there.wait_streams()
    update(there, lang="en")
    settle(session, there)
    assert seen.values == ["en", "fr"]


def test_subscriptions_by_settings_that_make_no_sense(scene: Scene) -> None:
    session, there = scene.session(ack=ack([LANGUAGE]))
    errors = Calls()
    session.events.on_error(errors.one)
    with pytest.raises(TypeError, match=r"like \['lang'\]"):
        session.settings.configure_subscriptions("lang", list)
    session.settings.configure_subscriptions(["lang"], lambda settings: "button_press")
    assert "['button_press']" in str(errors.wait()[0])
    session.settings.configure_subscriptions(["lang"], lambda settings: None)
    settle(session, there)
    assert len(errors.all) == 1
    assert all(frame["subscriptions"] == [] for frame in there.all("subscription_update"))
