"""Simple storage beyond a session: every end, the next session, and the end of the server."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from cloud import USER, Calls, scene_fixture, wait_until
from storage_cloud import (
    Shelf,
    drips,
    hangs,
    says,
    shelf_fixture,
)

from mentra_sync import SessionEnded, StorageError, config
from mentra_sync.features.simple_storage import SimpleStorage

__all__ = ["scene_fixture", "shelf_fixture"]


# --- Beyond a session ----------------------------------------------------------------------------


def test_the_next_session_sees_what_is_unsent_even_when_the_cloud_is_away(shelf: Shelf) -> None:
    first = shelf.session()
    first.simple_storage["stored"] = "0"
    first.simple_storage.flush()
    shelf.cloud.always("PUT", says(503))
    first.simple_storage["a"] = "1"
    shelf.end(first)
    assert shelf.cloud.stored == {"stored": "0"}
    second = shelf.session()
    asked = len(shelf.cloud.seen("GET"))
    assert second.simple_storage["a"] == "1"
    assert len(shelf.cloud.seen("GET")) == asked  # at once
    shelf.cloud.always("GET", says(503))
    third = shelf.session(session_id="another")
    assert third.simple_storage["a"] == "1"
    assert third.simple_storage.get_all_data() == {"stored": "0", "a": "1"}
    shelf.cloud.heal()
    shelf.advance(31)
    assert shelf.cloud.stored == {"stored": "0", "a": "1"}


def test_what_is_unsent_goes_on_being_tried_without_a_session(shelf: Shelf) -> None:
    shelf.cloud.always("PUT", says(503))
    session = shelf.session()
    session.simple_storage["a"] = "1"
    shelf.end(session)
    shelf.advance(31)
    tried = len(shelf.cloud.seen("PUT"))
    assert tried >= 2
    shelf.cloud.heal()
    shelf.advance(31)
    assert shelf.cloud.stored == {"a": "1"}
    wait_until(lambda: not shelf.app._shared.storages._storages)  # nobody needs it any more


def test_each_session_asks_the_cloud_anew(shelf: Shelf) -> None:
    first = shelf.session()
    first.simple_storage["a"] = "1"
    shelf.end(first)
    shelf.cloud.of(USER).values = {"a": "from elsewhere"}
    second = shelf.session()
    assert second.simple_storage["a"] == "from elsewhere"
    shelf.end(second)
    shelf.cloud.always("GET", says(500))
    with pytest.raises(StorageError):
        shelf.session().simple_storage.get("a")


def test_sessions_of_a_user_share_and_those_of_others_do_not(shelf: Shelf) -> None:
    one = shelf.session().simple_storage
    two = shelf.session(session_id="on another phone").simple_storage
    other = shelf.session("bob@example.com").simple_storage
    assert [one.keys(), two.keys(), other.keys()] == [[], [], []]
    one["a"] = "1"
    two["b"] = "2"
    other["a"] = "bob's"
    assert one.get_all_data() == two.get_all_data() == {"a": "1", "b": "2"}
    shelf.advance(3.1)
    assert shelf.cloud.stored == {"a": "1", "b": "2"}
    assert shelf.cloud.of("bob@example.com").flat() == {"a": "bob's"}
    assert sorted(put.user for put in shelf.cloud.seen("PUT")) == [USER, "bob@example.com"]


def test_what_another_session_has_read_does_not_hide_a_failure(shelf: Shelf) -> None:
    first = shelf.session().simple_storage
    assert first.keys() == []
    shelf.cloud.always("GET", says(500))
    second = shelf.session(session_id="on another phone").simple_storage
    with pytest.raises(StorageError):
        second.keys()
    first["a"] = "1"
    assert second["a"] == "1"
    assert second.keys() == ["a"]


ENDS = {
    "disconnect": lambda shelf, session: session.disconnect(),
    "released": lambda shelf, session: session.disconnect(release_ownership="user_logout"),
    "stopped": lambda shelf, session: shelf.scene.stop_session(shelf.app, shelf.sockets[-1]),
    "glasses gone": lambda shelf, session: shelf.sockets[-1].close_with(1000, "User session ended"),
    "lost": lambda shelf, session: shelf.sockets[-1].drop(),
    "rejected": lambda shelf, session: shelf.sockets[-1].peer.refuse("INVALID_API_KEY"),
    "replaced": lambda shelf, session: shelf.session(),
    "server": lambda shelf, session: shelf.app.stop(),
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_every_end_sends_what_is_unsent(shelf: Shelf, end: Any) -> None:
    stored_at_stop: list[dict[str, str]] = []
    stopped = Calls(lambda *_: stored_at_stop.append(shelf.cloud.stored))
    shelf.app.stop_handler(stopped)
    session = shelf.session()
    session.simple_storage["a"] = "1"
    end(shelf, session)
    assert session.join(10)
    assert shelf.cloud.stored == {"a": "1"}
    stopped.wait()
    assert stored_at_stop == [{"a": "1"}]
    assert len(shelf.cloud.seen("PUT")) == 1


def test_disconnect_returns_when_it_is_stored(shelf: Shelf) -> None:
    session = shelf.session()
    session.simple_storage["a"] = "1"
    session.disconnect()
    assert shelf.cloud.stored == {"a": "1"}
    assert session.ended


def test_an_end_waits_no_longer_than_it_may(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "FLUSH_TIMEOUT", 0.3)
    stopped = Calls()
    shelf.app.stop_handler(stopped)
    session = shelf.session()
    session.simple_storage["a"] = "1"
    shelf.cloud.always("PUT", hangs)
    began = time.monotonic()
    session.disconnect()
    stopped.wait()
    assert 0.25 < time.monotonic() - began < 9
    shelf.cloud.heal()
    shelf.advance(31)
    shelf.advance(31)
    shelf.cloud.wait_stored({"a": "1"})


@pytest.mark.parametrize("fault", [says(500), hangs, drips])
def test_what_is_lost_at_the_servers_end_is_named(
    shelf: Shelf, fault: Any, logged: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(config, "FLUSH_TIMEOUT", 0.3)
    monkeypatch.setattr(config, "LAST_FLUSH", 0.3)
    shelf.cloud.always("PUT", fault)
    for user in (USER, "bob@example.com"):
        shelf.session(user).simple_storage.set_multiple({"key1": "secret1", "key2": "secret2"})
    began = time.monotonic()
    shelf.app.stop()
    assert time.monotonic() - began < 9
    [line] = logged.about("are lost")
    assert f"{USER}: 'key1', 'key2'" in line and "bob@example.com: 'key1', 'key2'" in line
    assert "secret" not in "".join(logged.lines)
    assert [r.levelname for r in logged.records if "are lost" in r.getMessage()] == ["ERROR"]
    assert not [t for t in threading.enumerate() if t.name.startswith("mentra-storage")]


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_the_servers_end_cuts_off_what_is_under_way(
    shelf: Shelf, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(config, "FLUSH_TIMEOUT", 0.3)
    monkeypatch.setattr(config, "LAST_FLUSH", 0.3)
    storage = shelf.session().simple_storage
    shelf.cloud.always(method, drips)
    ended = Calls()

    def ask() -> None:
        with pytest.raises(SessionEnded):
            storage.get("a")
        ended()

    asking = threading.Thread(target=ask)
    if method == "GET":
        asking.start()
    else:
        storage["a"] = "1"
        shelf.advance_without_calm(3.1)
    shelf.cloud.wait(method)
    began = time.monotonic()
    shelf.app.stop()
    assert time.monotonic() - began < 9
    assert not [t for t in threading.enumerate() if t.name.startswith("mentra-storage")]
    if method == "GET":
        ended.wait()
        asking.join()


def test_the_servers_end_tries_more_than_once(shelf: Shelf, logged: Any) -> None:
    shelf.session().simple_storage["a"] = "1"
    shelf.cloud.once("PUT", *[says(503)] * 3)
    shelf.app.stop()
    assert shelf.cloud.stored == {"a": "1"}
    assert not logged.about("are lost")


def test_a_server_that_starts_again_remembers(shelf: Shelf) -> None:
    shelf.session().simple_storage["a"] = "1"
    shelf.app.stop()
    shelf.app.start()
    session = shelf.session()
    assert session.simple_storage["a"] == "1"
    session.simple_storage["b"] = "2"
    shelf.advance(3.1)
    assert shelf.cloud.stored == {"a": "1", "b": "2"}


USES: dict[str, Callable[[SimpleStorage], object]] = {
    "get": lambda s: s.get("a"),
    "set": lambda s: s.set("a", "1"),
    "delete": lambda s: s.delete("a"),
    "clear": lambda s: s.clear(),
    "keys": lambda s: s.keys(),
    "size": lambda s: s.size(),
    "has_key": lambda s: s.has_key("a"),
    "get_all_data": lambda s: s.get_all_data(),
    "set_multiple": lambda s: s.set_multiple({}),
    "flush": lambda s: s.flush(),
    "get_json": lambda s: s.get_json("a"),
    "set_json": lambda s: s.set_json("a", 1),
    "[]": lambda s: s["a"],
    "[]=": lambda s: s.__setitem__("a", "1"),
    "del": lambda s: s.__delitem__("a"),
    "in": lambda s: "a" in s,
    "len": lambda s: len(s),
    "iter": lambda s: list(s),
}


@pytest.mark.parametrize("used_before", [True, False])
def test_after_the_end_every_call_says_so(
    shelf: Shelf, used_before: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(config, "ENDED_CALL_PAUSE", 0.0)
    session = shelf.session()
    if used_before:
        session.simple_storage["a"] = "1"
    session.disconnect()
    assert session.join(10)
    before = len(shelf.cloud.calls)
    for use in USES.values():
        with pytest.raises(SessionEnded):
            use(session.simple_storage)
    assert len(shelf.cloud.calls) == before
