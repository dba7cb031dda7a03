"""Simple storage as an app uses it: a session, a server and a cloud, over real sockets."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from cloud import KEY, PACKAGE, USER, Calls, scene_fixture, wait_until
from storage_cloud import (
    Shelf,
    hangs,
    late,
    loses_its_answer,
    says,
    shelf_fixture,
)

from mentra_sync import AppServer, AppSession, SessionEnded, StorageError
from mentra_sync.simulator.http import Simulator

__all__ = ["scene_fixture", "shelf_fixture"]


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
