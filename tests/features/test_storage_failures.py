"""Simple storage when the cloud fails, is slow, refuses, or has had too many requests."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from cloud import KEY, USER, Calls, Scene, scene_fixture, wait_until
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

from mentra_sync import StorageError, config

__all__ = ["scene_fixture", "shelf_fixture"]

every_fault = pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)


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
        with monkeypatch.context() as impatient, pytest.raises(StorageError) as caught:
            impatient.setattr(config, "STORAGE_PATIENCE", 0.3)
            use()
        assert "in time" in str(caught.value)
        assert caught.value.code == "TIMEOUT"
        assert time.monotonic() - began < 9
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
