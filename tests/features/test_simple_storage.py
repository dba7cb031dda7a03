"""Simple storage as an app uses it: a session, a server and a cloud, over real sockets."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from cloud import KEY, PACKAGE, USER, Calls, Scene, scene_fixture, wait_until
from storage_cloud import (
    FAULTS,
    Shelf,
    drips,
    hangs,
    late,
    loses_its_answer,
    says,
    shelf_fixture,
)

from mentra_sync import AppServer, AppSession, SessionEnded, StorageError, config
from mentra_sync.features.simple_storage import SimpleStorage
from mentra_sync.simulator.http import Simulator

__all__ = ["scene_fixture", "shelf_fixture"]

every_fault = pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)


# --- Reading and setting -------------------------------------------------------------------------


def test_first_access_asks_for_everything_once(shelf: Shelf) -> None:
    shelf.cloud.of(USER).values = {"a": "1", "b": {"c": "2", "d": {"e": "3"}}, "n": 5, "x": None}
    storage = shelf.session().simple_storage
    assert shelf.cloud.calls == []
    assert storage.get("a") == "1"
    assert storage.get_all_data() == {"a": "1", "b.c": "2", "b.d.e": "3", "n": "5"}
    assert [storage.get("b"), storage.get("b.c"), storage.get("zzz", "?")] == [None, "2", "?"]
    [call] = shelf.cloud.calls
    assert (call.method, call.user) == ("GET", USER)
    assert call.headers["Authorization"] == f"Bearer {PACKAGE}:{KEY}"


def test_it_is_like_a_dict(shelf: Shelf) -> None:
    storage = shelf.session().simple_storage
    storage["a"] = "1"
    storage.set_multiple({"b": "2", "c.d": "3"})
    assert storage["c.d"] == "3"
    assert "a" in storage and "zzz" not in storage and 5 not in storage
    assert storage.has_key("a") and not storage.has_key("c")
    assert list(storage) == storage.keys() == ["a", "b", "c.d"]
    assert len(storage) == storage.size() == 3
    assert dict(storage.get_all_data()) == {"a": "1", "b": "2", "c.d": "3"}
    del storage["a"]
    for wrong in (lambda: storage["a"], lambda: storage.__delitem__("a")):
        with pytest.raises(KeyError, match="a"):
            wrong()
    assert "'ann@example.com'" in repr(storage)


def test_json(shelf: Shelf) -> None:
    storage = shelf.session().simple_storage
    for value in ({"a": [1, 2.5, None, True, "ü"]}, [], 7, "text", False):
        storage.set_json("k", value)
        assert storage.get_json("k") == value
    assert storage.get_json("none", "default") == "default"
    storage["k"] = "{not json"
    with pytest.raises(ValueError, match=r"'k' was not stored with set_json"):
        storage.get_json("k")
    with pytest.raises(TypeError):
        storage.set_json("k", {1, 2})
    with pytest.raises(ValueError, match="JSON"):
        storage.set_json("k", float("nan"))
    assert storage["k"] == "{not json"


@pytest.mark.parametrize("value", [5, None, b"bytes", ["a"], {"a": 1}, True])
def test_values_are_strings(shelf: Shelf, value: Any) -> None:
    storage = shelf.session().simple_storage
    with pytest.raises(TypeError, match=r"set_json\(key, value\)"):
        storage.set("a", value)
    with pytest.raises(TypeError, match="set_json"):
        storage.set_multiple({"good": "x", "bad": value})
    assert shelf.cloud.calls == []
    assert storage.keys() == []


def test_keys(shelf: Shelf) -> None:
    storage = shelf.session().simple_storage
    for key in ("", ".", "..", "a.", ".a", "a..b", "x" * 1001, "\0", "\ud800"):
        for use in (lambda key=key: storage.set(key, "v"), lambda key=key: storage.delete(key)):
            with pytest.raises(ValueError, match="key"):
                use()
    for use in (storage.get, storage.delete, storage.has_key, lambda key: storage.set(key, "v")):
        with pytest.raises(TypeError, match="a key must be a string, got 5"):
            use(5)
    odd = ["$bad", "with space", "a/b", "ü", "100%", "a?b=c&d#e", "a.b.c", "x" * 1000, "\n", '"']
    storage.set_multiple(dict.fromkeys(odd, "v"))
    storage.flush()
    assert sorted(shelf.cloud.stored) == sorted(odd)
    for key in odd:
        assert storage.delete(key) is True
        assert shelf.cloud.calls[-1].key == key
    assert shelf.cloud.stored == {}


def test_a_key_cannot_be_inside_another(shelf: Shelf) -> None:
    storage = shelf.session().simple_storage
    storage["a.b.c"] = "1"
    for wrong in ("a", "a.b", "a.b.c.d"):
        with pytest.raises(ValueError, match=r"there cannot be both"):
            storage[wrong] = "x"
    with pytest.raises(ValueError, match="both"):
        storage.set_multiple({"x.y": "1", "x": "1"})
    storage.set_multiple({"a.b.d": "2", "ab": "3", "a.bc": "4"})
    storage.flush()
    # Deleting what is not there must not delete what is inside of it.
    assert storage.delete("a") is False
    assert storage.delete("a.b") is False
    assert shelf.cloud.stored == storage.get_all_data()
    assert len(storage) == 4


def test_sizes(shelf: Shelf) -> None:
    storage = shelf.session().simple_storage
    storage["a"] = "x" * 100_000
    with pytest.raises(ValueError, match=r"'b' has 100001 characters"):
        storage["b"] = "x" * 100_001
    storage["ü"] = "ü" * 100_000
    for index in range(7):
        storage[f"more{index}"] = "x" * 100_000
    with pytest.raises(ValueError, match=r"takes 1048576 of each user"):
        storage.set_multiple({"small": "x", "big": "x" * 100_000})
    assert "small" not in storage
    storage["a"] = "x"
    storage["big"] = "x" * 100_000
    storage.flush()
    assert shelf.cloud.stored == storage.get_all_data()


def test_more_than_allowed_may_become_less(shelf: Shelf) -> None:
    shelf.cloud.of(USER).values = {f"k{i}": "x" * 100_000 for i in range(12)}
    storage = shelf.session().simple_storage
    with pytest.raises(ValueError, match="1048576"):
        storage["new"] = "x"
    storage["k0"] = "less"
    assert storage["k0"] == "less"


def test_unpaired_surrogates_are_replaced_here_as_there(shelf: Shelf) -> None:
    storage = shelf.session().simple_storage
    storage["a"] = "\ud800 \U0001f600"
    assert storage["a"] == "\ufffd \U0001f600"
    storage.flush()
    assert shelf.cloud.stored == storage.get_all_data()


# --- When it is sent -----------------------------------------------------------------------------


def test_writes_are_sent_together_after_three_idle_seconds(shelf: Shelf) -> None:
    storage = shelf.session().simple_storage
    storage["a"] = "1"
    shelf.advance(2.5)
    storage["b"] = "2"
    storage["a"] = "3"
    shelf.advance(2.5)
    assert shelf.cloud.seen("PUT") == []
    shelf.advance(1)
    [put] = shelf.cloud.seen("PUT")
    assert put.data == {"a": "3", "b": "2"}
    assert put.headers["Authorization"] == f"Bearer {PACKAGE}:{KEY}"
    shelf.advance(100)
    assert len(shelf.cloud.seen("PUT")) == 1


@pytest.mark.parametrize("one_key", [True, False])
def test_writes_wait_ten_seconds_at_most(shelf: Shelf, one_key: bool) -> None:
    storage = shelf.session().simple_storage
    for second in range(9):
        storage["k" if one_key else f"k{second}"] = str(second)
        shelf.advance(1.05)
    assert shelf.cloud.seen("PUT") == []
    storage["k" if one_key else "k9"] = "9"
    shelf.advance(0.7)
    assert len(shelf.cloud.seen("PUT")) == 1
    assert shelf.cloud.stored == storage.get_all_data()


def test_flush_sends_now_and_only_what_there_is(shelf: Shelf) -> None:
    storage = shelf.session().simple_storage
    storage.flush()
    assert shelf.cloud.calls == []
    storage["a"] = "1"
    storage.flush()
    assert shelf.cloud.stored == {"a": "1"}
    storage.flush()
    shelf.advance(20)
    assert len(shelf.cloud.seen("PUT")) == 1


def test_the_thread_is_there_only_while_there_is_something_to_do(shelf: Shelf) -> None:
    def threads() -> list[str]:
        return [t.name for t in threading.enumerate() if t.name.startswith("mentra-storage")]

    storage = shelf.session().simple_storage
    assert threads() == []
    storage["a"] = "1"
    wait_until(lambda: threads() == [])
    shelf.cloud.once("PUT", late())
    shelf.advance_without_calm(3.1)
    shelf.cloud.wait("PUT")
    assert threads() == [f"mentra-storage-{USER}"]
    shelf.cloud.released.set()
    wait_until(lambda: threads() == [])


# --- Deleting ------------------------------------------------------------------------------------


def test_delete_and_clear_tell_whether_there_was_something(shelf: Shelf) -> None:
    storage = shelf.session().simple_storage
    assert storage.delete("a") is False  # 404: this user never had any storage
    assert storage.clear() is False
    storage["a"] = "1"
    assert storage.delete("a") is True  # it was not even sent
    storage.set_multiple({"a": "1", "b.c": "2", "d": "3"})
    storage.flush()
    assert storage.delete("zzz") is False
    assert storage.delete("b.c") is True
    assert storage.delete("b.c") is False
    assert shelf.cloud.stored == storage.get_all_data() == {"a": "1", "d": "3"}
    assert storage.clear() is True
    assert storage.clear() is False
    assert shelf.cloud.stored == storage.get_all_data() == {}


def test_deleting_beats_what_is_still_to_be_sent(shelf: Shelf) -> None:
    storage = shelf.session().simple_storage
    shelf.cloud.always("PUT", says(500))
    storage.set_multiple({"a": "1", "b": "2", "c": "3"})
    with pytest.raises(StorageError):
        storage.flush()
    assert storage.delete("a") is True
    shelf.cloud.heal()
    storage.flush()
    assert shelf.cloud.stored == storage.get_all_data() == {"b": "2", "c": "3"}
    storage["d"] = "4"
    assert storage.clear() is True
    shelf.advance(60)
    assert shelf.cloud.stored == storage.get_all_data() == {}


@pytest.mark.parametrize("arrives", [True, False])
@pytest.mark.parametrize("what", ["delete", "clear"])
@pytest.mark.parametrize("set_again", [True, False])
def test_deleting_beats_what_is_on_its_way_and_nothing_newer(
    shelf: Shelf, arrives: bool, what: str, set_again: bool
) -> None:
    storage = shelf.session().simple_storage
    storage["a"] = "1"
    shelf.cloud.once("PUT", late(None if arrives else says(500)))
    shelf.advance_without_calm(3.1)
    shelf.cloud.wait("PUT")
    deleting = Calls(lambda: storage.delete("a") if what == "delete" else storage.clear())
    thread = threading.Thread(target=deleting)
    thread.start()
    wait_until(lambda: shelf.waiting(storage))
    assert shelf.cloud.seen("DELETE") == []  # one request at a time
    newer = {"a": "newer than that", "b": "too"} if set_again else {"b": "newer"}
    storage.set_multiple(newer)
    shelf.cloud.released.set()
    thread.join()
    assert deleting.all
    shelf.advance(60)
    assert storage.get_all_data() == newer
    shelf.cloud.wait_stored(newer)


# --- Failures ------------------------------------------------------------------------------------


@every_fault
def test_a_failed_first_fetch_is_an_error_and_no_empty_storage(shelf: Shelf, fault: Any) -> None:
    shelf.cloud.of(USER).values = {"a": "1"}
    storage = shelf.session().simple_storage
    shelf.cloud.always("GET", fault)
    uses: list[Callable[[], object]] = [
        lambda: storage.get("a"), storage.keys, lambda: storage.set("a", "2"),
        lambda: storage.delete("a"), storage.clear,
    ]  # fmt: skip
    for use in uses:
        with pytest.raises(StorageError, match="could not be read") as caught:
            use()
        assert KEY not in str(caught.value)
    shelf.cloud.heal()
    assert storage.get_all_data() == {"a": "1"}
    assert {call.method for call in shelf.cloud.calls} == {"GET"}


@every_fault
def test_a_failed_write_is_kept_and_tried_again(shelf: Shelf, fault: Any, logged: Any) -> None:
    storage = shelf.session().simple_storage
    shelf.cloud.always("PUT", fault)
    storage["key1"] = "value1"
    with pytest.raises(StorageError, match="could not be written") as caught:
        storage.flush()
    assert isinstance(caught.value, OSError)
    storage["key2"] = "value2"
    shelf.advance(40)
    shelf.advance(40)
    assert len(shelf.cloud.seen("PUT")) >= 3
    shelf.cloud.heal()
    storage["key1"] = "newer"
    shelf.advance(40)
    assert shelf.cloud.stored == storage.get_all_data() == {"key1": "newer", "key2": "value2"}
    [line] = logged.about("will be tried again")
    assert "'key1'" in line and "value1" not in line and KEY not in line


@every_fault
def test_a_failed_deletion_is_an_error(shelf: Shelf, fault: Any) -> None:
    storage = shelf.session().simple_storage
    storage.set_multiple({"a": "1", "b": "2"})
    storage.flush()
    storage["a"] = "3"
    shelf.cloud.always("DELETE", fault)
    with pytest.raises(StorageError, match="could not delete 'a'"):
        storage.delete("a")
    with pytest.raises(StorageError, match="could not be cleared"):
        storage.clear()
    assert storage.get_all_data() == {"a": "3", "b": "2"}
    shelf.cloud.heal()
    assert storage.delete("a") is True
    assert storage.clear() is True
    shelf.advance(60)
    assert shelf.cloud.stored == storage.get_all_data() == {}


def test_the_errors_have_the_clouds_code_and_words(shelf: Shelf) -> None:
    storage = shelf.session().simple_storage
    shelf.cloud.always("GET", says(401, {"error": "Invalid API key"}))
    with pytest.raises(StorageError, match="Invalid API key") as caught:
        storage.get("a")
    assert caught.value.code == "HTTP_401"
    shelf.cloud.always("GET", FAULTS["reset"])
    with pytest.raises(StorageError, match="check the network") as caught:
        storage.get("a")
    assert caught.value.code == "UNREACHABLE"


def test_a_redirect_is_not_followed(shelf: Shelf, scene: Scene) -> None:
    elsewhere = scene.another_cloud()
    location = f"Location: http://127.0.0.1:{elsewhere.port}/"
    shelf.cloud.always("GET", says(302, b"{}", location))
    with pytest.raises(StorageError):
        shelf.session().simple_storage.get("a")
    assert elsewhere.nobody_comes(0.1)


@pytest.mark.parametrize("fault", [hangs, drips])
def test_calls_end_however_slow_the_cloud_is(
    shelf: Shelf, fault: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(config, "STORAGE_PATIENCE", 0.3)
    storage = shelf.session().simple_storage
    for method, use in (
        ("GET", storage.keys),
        ("PUT", storage.flush),
        ("DELETE", lambda: storage.delete("a")),
    ):
        shelf.cloud.always(method, fault)
        if method == "PUT":
            storage["a"] = "1"
        began = time.monotonic()
        with pytest.raises(StorageError, match="in time") as caught:
            use()
        assert caught.value.code == "TIMEOUT"
        assert time.monotonic() - began < 3
        shelf.cloud.heal()
    assert storage["a"] == "1"


def test_a_newer_value_is_never_overwritten(shelf: Shelf) -> None:
    storage = shelf.session().simple_storage
    for fault in (late(), late(says(500)), late(loses_its_answer)):
        shelf.cloud.released.clear()
        before = len(shelf.cloud.seen("PUT"))
        storage["a"] = "old"
        shelf.cloud.once("PUT", fault)
        shelf.advance_without_calm(31)
        shelf.cloud.wait("PUT", before + 1)
        storage["a"] = "new"
        shelf.cloud.released.set()
        shelf.advance(31)
        shelf.advance(31)
        shelf.cloud.wait_stored({"a": "new"})
        assert storage["a"] == "new"
        assert shelf.cloud.seen("PUT")[-1].data == {"a": "new"}


def test_too_many_requests_are_waited_out(shelf: Shelf) -> None:
    storage = shelf.session().simple_storage
    shelf.cloud.of(USER).values = {"a": "1"}
    for method in ("GET", "PUT", "DELETE"):
        shelf.cloud.once(
            method, says(429, None, "Retry-After: 0"), says(429, b"", "Retry-After: 0")
        )
    assert storage["a"] == "1"
    storage["b"] = "2"
    storage.flush()
    assert storage.delete("a") is True
    assert shelf.cloud.stored == {"b": "2"}
    assert [len(shelf.cloud.seen(method)) for method in ("GET", "PUT", "DELETE")] == [3, 3, 3]


def test_a_long_wait_that_the_cloud_wants_is_kept(shelf: Shelf) -> None:
    storage = shelf.session().simple_storage
    storage["b"] = "2"
    shelf.cloud.once("PUT", says(429, None, "Retry-After: 60"))
    with pytest.raises(StorageError, match="fewer calls") as caught:
        storage.flush()
    assert caught.value.code == "HTTP_429"
    shelf.advance(50)
    assert len(shelf.cloud.seen("PUT")) == 1
    shelf.advance(11)
    shelf.cloud.wait_stored({"b": "2"})


# --- What the cloud will never take --------------------------------------------------------------


def refuses(status: int, *keys: str) -> Any:
    """A cloud that takes no batch with one of these keys."""

    def fault(cloud: Any, peer: Any, request: Any) -> None:
        if request.data.keys() & set(keys):
            says(status)(cloud, peer, request)
        else:
            cloud.answer(peer, *cloud.apply(request))
            peer.close()

    return fault


@pytest.mark.parametrize("status", [400, 413])
def test_what_is_refused_is_reported_once_and_holds_nothing_up(
    shelf: Shelf, status: int, logged: Any
) -> None:
    session = shelf.session()
    storage, errors = session.simple_storage, Calls()
    session.events.on_error(errors.one)
    storage.set_multiple({"bad": "before"})
    storage.flush()
    shelf.cloud.always("PUT", refuses(status, "bad", "worse"))
    storage.set_multiple({"good1": "secret1", "bad": "secret2", "good2": "x", "worse": "y"})
    shelf.advance(3.1)
    assert shelf.cloud.stored == {"bad": "before", "good1": "secret1", "good2": "x"}
    assert storage.get_all_data() == shelf.cloud.stored
    [error] = errors.wait()
    assert isinstance(error, StorageError) and error.code == f"HTTP_{status}"
    [line] = logged.about("will not store")
    assert "'bad', 'worse'" in line and "good" not in line and "secret" not in line
    storage["later"] = "z"
    storage.flush()
    shelf.advance(100)
    assert shelf.cloud.stored["later"] == "z"
    assert len(logged.about("will not store")) == len(errors.values) == 1


def test_flush_says_what_is_refused(shelf: Shelf) -> None:
    storage = shelf.session().simple_storage
    storage.set_multiple({"good": "1", "bad": "2"})
    shelf.cloud.always("PUT", refuses(400, "bad"))
    with pytest.raises(StorageError, match=r"given up: 'bad' "):
        storage.flush()
    storage.flush()
    assert shelf.cloud.stored == {"good": "1"}


def test_flush_hears_of_a_refusal_that_came_meanwhile(shelf: Shelf) -> None:
    storage = shelf.session().simple_storage
    storage["bad"] = "2"
    shelf.cloud.once("PUT", late(says(413)))
    shelf.advance_without_calm(3.1)
    shelf.cloud.wait("PUT")
    outcome = Calls(storage.flush)
    thread = threading.Thread(target=lambda: expect_error(outcome))
    thread.start()
    wait_until(lambda: shelf.waiting(storage))
    shelf.cloud.released.set()
    thread.join()
    assert outcome.all


def expect_error(function: Callable[[], object]) -> None:
    with pytest.raises(StorageError):
        function()


def test_a_value_that_breaks_the_cloud_takes_no_others_with_it(shelf: Shelf) -> None:
    storage = shelf.session().simple_storage
    shelf.cloud.always("PUT", refuses(500, "bad", "bad2", "bad3", "bad4"))
    storage.set_multiple({"bad": "0", "bad2": "0", "bad3": "0", "bad4": "0", "good": "1"})
    for _ in range(5):
        shelf.advance(31)
    assert shelf.cloud.stored == {"good": "1"}
    assert len(storage) == 5
    shelf.cloud.heal()
    shelf.advance(31)
    assert shelf.cloud.stored == storage.get_all_data()


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
    assert second.simple_storage["a"] == "1"
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
    assert 0.25 < time.monotonic() - began < 2
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
    assert time.monotonic() - began < 5
    [line] = logged.about("are lost")
    assert f"{USER}: 'key1', 'key2'" in line and "bob@example.com: 'key1', 'key2'" in line
    assert "secret" not in "".join(logged.lines)
    assert not [t for t in threading.enumerate() if t.name.startswith("mentra-storage")]


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


# --- Threads -------------------------------------------------------------------------------------


def test_one_request_answers_the_first_access_of_many_threads(shelf: Shelf) -> None:
    shelf.cloud.of(USER).values = {"a": "1"}
    shelf.cloud.once("GET", late())
    storage = shelf.session().simple_storage
    found = Calls(lambda: storage["a"])
    threads = [threading.Thread(target=found) for _ in range(20)]
    for thread in threads:
        thread.start()
    wait_until(lambda: shelf.waiting(storage, 20))
    shelf.cloud.released.set()
    for thread in threads:
        thread.join()
    assert len(found.all) == 20
    assert len(shelf.cloud.calls) == 1


def test_other_callbacks_run_while_one_waits_for_the_cloud(shelf: Shelf) -> None:
    session = shelf.session()
    shelf.cloud.once("GET", late())
    order: list[Any] = []
    pressed, heard = Calls(), Calls()

    def on_press() -> None:
        order.append("asks")
        order.append(session.simple_storage.get("a", "nothing"))
        pressed()

    session.events.on_button_press(on_press)
    session.events.on_transcription(lambda: (order.append("hears"), heard()))
    there = shelf.sockets[-1]
    there.wait_streams("button_press", "transcription:en-US")
    there.press()
    shelf.cloud.wait("GET")
    there.say("hello")
    heard.wait()
    shelf.cloud.released.set()
    pressed.wait()
    assert order == ["asks", "hears", "nothing"]


def test_callbacks_that_count_do_not_get_into_each_others_way(shelf: Shelf) -> None:
    session = shelf.session()
    shelf.cloud.of(USER).values = {"n": "0"}
    shelf.cloud.once("GET", late())
    counted = Calls()

    def on_press() -> None:
        storage = session.simple_storage
        storage["n"] = str(int(storage["n"]) + 1)
        counted()

    session.events.on_button_press(on_press)
    there = shelf.sockets[-1]
    there.wait_streams("button_press")
    for _ in range(10):
        there.press()
    shelf.cloud.wait("GET")
    shelf.cloud.released.set()
    counted.wait(10)
    assert session.simple_storage["n"] == "10"


def test_the_end_wakes_a_call_that_waits_for_the_cloud(shelf: Shelf) -> None:
    session = shelf.session()
    shelf.cloud.once("GET", hangs)
    ended = Calls()

    def wait() -> None:
        with pytest.raises(SessionEnded):
            session.simple_storage.get("a")
        ended()

    thread = threading.Thread(target=wait)
    thread.start()
    shelf.cloud.wait("GET")
    session.disconnect()
    ended.wait()
    thread.join()


def test_many_threads_write_and_delete(shelf: Shelf) -> None:
    storage = shelf.session().simple_storage
    faults = iter([says(500), loses_its_answer, says(429, None, "Retry-After: 0")] * 5)

    def work(name: str) -> None:
        for step in range(30):
            storage[f"{name}.{step % 7}"] = f"{step}"
            if step % 10 == 5:
                shelf.cloud.once("PUT", next(faults))
                shelf.app._clock.advance_to(shelf.app._clock.now() + 3)
            if step % 10 == 9:
                storage.delete(f"{name}.0")

    threads = [threading.Thread(target=work, args=(f"t{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = storage.get_all_data()
    assert len(expected) >= 4 * 6
    shelf.cloud.heal()
    storage.flush()
    shelf.advance(60)
    assert shelf.cloud.stored == storage.get_all_data() == expected


# --- The simulator -------------------------------------------------------------------------------


def test_the_simulator_keeps_it(app_name: str = "com.example.kept") -> None:
    seen: list[Any] = []
    done = Calls()

    def main(session: AppSession) -> None:
        storage = session.simple_storage
        seen.append(storage.get_all_data())
        storage.set_multiple({"a.b": "1", "100% ü/x": "2"})
        storage.set_json("list", [1, 2])
        storage.flush()
        seen.append([storage.delete("100% ü/x"), storage.delete("zzz")])
        storage["count"] = str(int(storage.get("count", "0")) + 1)
        done()

    app = AppServer(app_name, port=0, host="127.0.0.1", on_session=main)
    simulator: Simulator = app.start_simulated()
    with simulator:
        for times in (1, 2):
            assert simulator.start_app()
            done.wait(times)
            simulator.stop_app()
            wait_until(lambda: not app.sessions)
        app.stop()
        kept = simulator.cloud.storage.everything(app_name, simulator.user_id)[1]["data"]
    assert kept == {"a": {"b": "1"}, "list": "[1,2]", "count": "2"}
    assert seen == [{}, [True, False], {"a.b": "1", "list": "[1,2]", "count": "1"}, [True, False]]
