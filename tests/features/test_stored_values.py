"""What a user has stored, held to a plain dict whatever happens between the app and the cloud."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from runtime.fake_cloud import wait_until
from stage import out_of_threads

from mentra_sync.clock import Clock
from mentra_sync.errors import ConnectionFailed, RequestFailed, RequestTimeout, StorageError
from mentra_sync.features.storage_register import StorageRegister
from mentra_sync.features.stored_values import StoredValues, flattened
from mentra_sync.features.user_storage import listed
from mentra_sync.runtime.calls import Call
from mentra_sync.runtime.identity import Identity
from mentra_sync.runtime.timers import Timers

IDENTITY = Identity("session", "ann@example.com", "com.example.test", "key")

FAILURES: dict[str, Callable[[], Exception]] = {
    "500": lambda: RequestFailed("HTTP_500", "broken"),
    "401": lambda: RequestFailed("HTTP_401", "wrong key"),
    "away": lambda: ConnectionFailed("away"),
    "slow": lambda: RequestTimeout("slow"),
    "worse": lambda: MemoryError("nobody expects this"),
}


class CloudApi:
    """Stands in for the REST calls: fails as it is told, and can hold a call up."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self.fails: list[str] = []
        self.done_all_the_same = False
        self.open = threading.Event()
        self.open.set()
        self.calls = 0

    def stored_values(self, base: str, identity: Identity, **_: Any) -> dict[str, Any]:
        self._go()
        return dict(self.values)

    def store_values(
        self, base: str, identity: Identity, values: Mapping[str, str], **_: Any
    ) -> None:
        if self.done_all_the_same:
            self.values.update(values)
        self._go()
        self.values.update(values)

    def delete_stored_value(self, base: str, identity: Identity, key: str, **_: Any) -> None:
        self._go()
        self.values.pop(key, None)

    def clear_stored_values(self, base: str, identity: Identity, **_: Any) -> bool:
        self._go()
        self.values.clear()
        return True

    def _go(self) -> None:
        self.calls += 1
        assert self.open.wait(10)
        if self.fails:
            raise FAILURES[self.fails.pop()]()


KEYS = st.sampled_from(["a", "b", "c", "d.e"])
VALUES = st.sampled_from(["", "1", "2", "3"])


class Interleavings(RuleBasedStateMachine):
    """Sets, deletions, failures, sessions and time in any order; what is seen is a dict's.

    A call to the cloud may be held up, and others come meanwhile: the model then knows what each
    deletion will have deleted when its turn has come.
    """

    @initialize(stored=st.dictionaries(KEYS, VALUES))
    def begin(self, stored: dict[str, str]) -> None:
        self.cloud = CloudApi()
        self.cloud.values = dict(stored)
        self.timers = Timers(Clock())
        self.register = StorageRegister(self.cloud, self.timers)  # type: ignore[arg-type]
        self.model = dict(stored)
        self.step = 0
        self.set_at: dict[str, int] = {}
        self.waiting: list[tuple[Future[Any], str | None, int]] = []
        self.storage = self.register.attach("http://cloud", IDENTITY, self.report)
        self.storage.fetch().result(10)

    def report(self, error: BaseException) -> None:
        raise AssertionError(f"nothing is refused here: {error}")

    @property
    def held(self) -> bool:
        return not self.cloud.open.is_set()

    # --- What an app does -----------------------------------------------------------------------

    @rule(values=st.dictionaries(KEYS, VALUES, min_size=1, max_size=3))
    def set(self, values: dict[str, str]) -> None:
        self.step += 1
        self.storage.set(values)
        self.model.update(values)
        self.set_at.update(dict.fromkeys(values, self.step))

    @rule(key=KEYS)
    def delete(self, key: str) -> None:
        self._deleting(self.storage.delete(key), key)

    @rule()
    def clear(self) -> None:
        self._deleting(self.storage.clear(), None)

    @rule()
    def flush(self) -> None:
        future = self.storage.flush()
        if not self.held:
            failed = future.exception(10)
            assert failed is not None or self.storage.unsent_keys == []

    @rule(seconds=st.sampled_from([1, 3, 10, 40]))
    def time_passes(self, seconds: float) -> None:
        self.timers.clock.advance_to(self.timers.clock.now() + seconds)
        self._calm()

    @rule()
    def another_session(self) -> None:
        before = self.storage
        # What this one has not sent goes on to the next.
        self.register.detach(before, self.report)
        self.storage = self.register.attach("http://cloud", IDENTITY, self.report)
        if not self.held:
            while self.storage.fetch().exception(10) is not None:
                pass  # a failure is an error, and the next try asks again
        elif self.storage is not before:
            raise AssertionError("a storage with something under way was given up")

    # --- What the cloud does --------------------------------------------------------------------

    @rule(
        failures=st.lists(st.sampled_from(sorted(FAILURES)), min_size=1, max_size=4),
        done=st.booleans(),
    )
    def things_go_wrong(self, failures: list[str], done: bool) -> None:
        self.cloud.done_all_the_same = done
        self.cloud.fails = failures

    @rule(key=KEYS)
    @precondition(lambda self: not self.held)
    def a_write_is_held_up(self, key: str) -> None:
        self.set({key: f"held up in step {self.step}"})
        self.cloud.open.clear()
        calls = self.cloud.calls
        self.storage.flush()
        wait_until(lambda: self.cloud.calls > calls)

    @rule()
    @precondition(lambda self: self.held)
    def it_goes_on(self) -> None:
        self.cloud.open.set()
        for future, key, step in self.waiting:
            self._deleted(future, key, step)
        self.waiting.clear()
        self._calm()

    # --- What must hold -------------------------------------------------------------------------

    @invariant()
    def what_is_seen_is_what_a_dict_would_have(self) -> None:
        if hasattr(self, "model") and not self.waiting:
            assert self.storage.view() == self.model

    def teardown(self) -> None:
        if not hasattr(self, "model"):
            return
        self.cloud.fails = []
        if self.held:
            self.it_goes_on()
        self.storage.flush().result(10)
        assert self.storage.view() == self.cloud.values == self.model
        self.register.stop(1)
        self.timers.stop()

    def _deleting(self, future: Future[Any], key: str | None) -> None:
        self.step += 1
        if self.held:
            self.waiting.append((future, key, self.step))
        else:
            self._deleted(future, key, self.step)

    def _deleted(self, future: Future[Any], key: str | None, step: int) -> None:
        error = future.exception(10)
        assert error is None or isinstance(error, StorageError)
        if error is not None:
            return
        for name in [key] if key is not None else list(self.model):
            if self.set_at.get(name, 0) <= step:
                self.model.pop(name, None)

    def _calm(self) -> None:
        if not self.held:
            wait_until(lambda: not self.timers.busy and not self.storage.busy)


@pytest.mark.filterwarnings("ignore")
def test_it_is_a_dict_whatever_happens() -> None:
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        Interleavings,
        settings=settings(
            max_examples=150,
            stateful_step_count=25,
            suppress_health_check=list(HealthCheck),
        ),
    )


# --- The register --------------------------------------------------------------------------------


def test_a_storage_lives_as_long_as_it_is_needed() -> None:
    cloud, timers = CloudApi(), Timers(Clock())
    register = StorageRegister(cloud, timers)  # type: ignore[arg-type]

    def report(error: BaseException) -> None: ...

    one = register.attach("http://cloud", IDENTITY, report)
    assert register.attach("http://cloud", IDENTITY, report) is one
    assert register.attach("http://another", IDENTITY, report) is not one
    register.detach(one, report)
    one.set({"a": "1"})
    register.detach(one, report)
    assert register.attach("http://cloud", IDENTITY, report) is one
    one.flush().result(10)
    register.detach(one, report)
    # Nobody needs it: the next one begins anew, and this one takes nothing that would be lost.
    wait_until(lambda: not one.busy)
    assert register.attach("http://cloud", IDENTITY, report) is not one
    with pytest.raises(ConnectionError):
        one.set({"a": "2"})
    register.stop(1)
    timers.stop()
    with pytest.raises(ConnectionError):
        register.attach("http://cloud", IDENTITY, report)


@pytest.mark.parametrize("deletion", ["delete", "clear"])
def test_what_is_set_after_a_deletion_was_asked_for_is_sent_after_it(deletion: str) -> None:
    cloud, timers = CloudApi(), Timers(Clock())
    register = StorageRegister(cloud, timers)  # type: ignore[arg-type]
    storage = register.attach("http://cloud", IDENTITY, print)
    storage.fetch().result(10)
    storage.set({"a": "old"})
    cloud.open.clear()
    first = storage.flush()
    wait_until(lambda: cloud.calls == 2)  # it is on its way
    second = storage.flush()
    deleted = storage.delete("a") if deletion == "delete" else storage.clear()
    storage.set({"a": "new"})
    cloud.open.set()
    assert [first.result(10), second.result(10), deleted.result(10)] == [None, None, True]
    assert storage.view() == {"a": "new"}
    storage.flush().result(10)
    assert cloud.values == {"a": "new"}
    register.stop(1)
    timers.stop()


def test_without_a_thread_the_caller_does_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    cloud, timers = CloudApi(), Timers(Clock())
    register = StorageRegister(cloud, timers)  # type: ignore[arg-type]
    storage = register.attach("http://cloud", IDENTITY, print)

    out_of_threads(monkeypatch)
    storage.fetch().result(0)
    storage.set({"a": "1"})
    storage.flush().result(0)
    assert storage.delete("a").result(0) is True
    storage.set({"b": "2"})
    register.stop(1)
    assert cloud.values == {"b": "2"}


# --- Values --------------------------------------------------------------------------------------


def test_flattening() -> None:
    data = {
        "a": "1",
        "b": {"c": "2", "d": {"e": "3", "f": {}}},
        "n": [1, None],
        "t": True,
        "x": None,
    }
    assert flattened(data) == {"a": "1", "b.c": "2", "b.d.e": "3", "n": "[1,null]", "t": "true"}
    deep: dict[str, Any] = {}
    inner = deep
    for _ in range(5000):
        inner["a"] = inner = {}
    inner["b"] = "end"
    assert list(flattened(deep).values()) == ["end"]


def test_setting_is_all_or_nothing() -> None:
    values = StoredValues()
    values.load({"a": "1"})
    with pytest.raises(ValueError, match="both"):
        values.set({"b": "2", "a.c": "3"}, 0)
    assert values.view() == {"a": "1"}
    assert values.unsent_keys == []


def test_only_what_was_sent_is_confirmed() -> None:
    values = StoredValues()
    values.load({})
    values.set({"a": "old", "b": "1"}, 5)
    batch = values.unsent(values.number)
    values.set({"a": "new"}, 7)
    values.confirm(batch)
    assert values.view() == {"a": "new", "b": "1"}
    assert {key: write.value for key, write in values.unsent(values.number).items()} == {"a": "new"}
    assert values.unsent_since == 5


def test_a_message_names_some_of_many_keys() -> None:
    assert listed(["a", "b\n"]) == r"'a', 'b\n'"
    many = listed(f"k{n}" for n in range(25))
    assert many.endswith("'k19' and 5 more")
    assert len(listed(["x" * 1000])) < 100


def test_a_call_that_was_cut_off_never_begins() -> None:
    call = Call()
    call.cut_off()
    with call, pytest.raises(ConnectionError):
        call.uses(object(), kept=False)
