"""``session.location``: rates on the wire, positions by any way, and asking once."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from background import Call
from cloud import USER, AppSocket, Calls, Scene, http_answer, scene_fixture
from end_to_end import body, ended, refused, settle

from mentra_sync import LocationRate, LocationUpdate, RequestTimeout, SessionEnded

__all__ = ["scene_fixture"]


def rate(value: str) -> dict[str, str]:
    return {"stream": "location_stream", "rate": value}


def here(there: AppSocket, lat: float = 1.5, lng: float = 2.5, **more: Any) -> None:
    stream = more.pop("stream", "location_update")
    there.event(stream, type="location_update", lat=lat, lng=lng, **more)


# --- A stream of positions --------------------------------------------------------------------


@pytest.mark.parametrize("accuracy", LocationRate.values())
def test_every_rate_goes_over_the_wire(scene: Scene, accuracy: str) -> None:
    session, there = scene.session()
    session.location.subscribe_to_stream(lambda: None, accuracy)
    there.wait_streams(rate(accuracy))


def test_the_rate_is_standard_unless_told(scene: Scene) -> None:
    session, there = scene.session()
    session.location.subscribe_to_stream(lambda: None)
    there.wait_streams(rate("standard"))


def test_of_several_rates_the_finest_is_sent_while_somebody_needs_it(scene: Scene) -> None:
    session, there = scene.session()
    slow = session.location.subscribe_to_stream(lambda: None, "kilometer")
    there.wait_streams(rate("kilometer"))
    fine = session.location.subscribe_to_stream(lambda: None, "realtime")
    there.wait_streams(rate("realtime"))
    middle = session.location.subscribe_to_stream(lambda: None, accuracy=LocationRate.TEN_METERS)
    settle(session, there)
    there.wait_streams(rate("realtime"))
    fine()
    there.wait_streams(rate("tenMeters"))
    middle.unsubscribe()
    there.wait_streams(rate("kilometer"))
    slow()
    there.wait_streams()


def test_positions_come_by_either_stream_to_all_handlers(scene: Scene) -> None:
    session, there = scene.session()
    streamed, heard = Calls(), Calls()
    session.location.subscribe_to_stream(streamed.one, "high")
    session.events.on_location(heard.one)
    there.wait_streams(rate("high"), "location_update")
    here(there, 1, 2, accuracy=4.2, altitude=35)
    here(there, 3, 4, stream="location_stream")
    for calls in (streamed, heard):
        first, second = calls.wait(2)
        assert isinstance(first, LocationUpdate)
        assert (first.lat, first.lng, first.accuracy, first.altitude) == (1, 2, 4.2, 35)
        assert (second.lat, second.lng, second.accuracy) == (3, 4, None)


def test_unsubscribing_from_the_stream_stops_all_its_handlers_and_no_others(scene: Scene) -> None:
    session, there = scene.session()
    streamed, heard = Calls(), Calls()
    subscriptions = [session.location.subscribe_to_stream(streamed.one) for _ in range(3)]
    session.events.on_location(heard.one)
    session.location.unsubscribe_from_stream()
    assert not any(subscription.active for subscription in subscriptions)
    there.wait_streams("location_update")
    here(there)
    heard.wait()
    settle(session, there)
    assert streamed.all == []
    session.location.unsubscribe_from_stream()  # nothing to do
    for subscription in subscriptions:
        subscription()
    again = session.location.subscribe_to_stream(streamed.one)
    with again:
        there.wait_streams("location_update", rate("standard"))
    there.wait_streams("location_update")


def test_a_stream_can_be_listened_to_by_name(scene: Scene) -> None:
    session, there = scene.session()
    with session.events.stream("location_stream") as places:
        there.wait_streams(rate("standard"))
        here(there, 7, 8)
        assert next(places).lat == 7
        session.location.subscribe_to_stream(lambda: None, "high")
        there.wait_streams(rate("high"))


def test_wrong_arguments(scene: Scene) -> None:
    session, there = scene.session()
    location = session.location
    with refused(session, there, "accuracy", "realtime", "'exact'"):
        location.subscribe_to_stream(lambda: None, "exact")
    with refused(session, there, "a function", error=TypeError):
        location.subscribe_to_stream(None)  # type: ignore[arg-type]
    with refused(session, there, "accuracy", "tenMeters", "'precise'"):
        location.get_latest_location("precise")
    with refused(session, there, "accuracy", "None"):
        location.get_latest_location(None)  # type: ignore[arg-type]


# --- Asking once ------------------------------------------------------------------------------


def test_a_poll_is_answered(scene: Scene) -> None:
    session, there = scene.session()
    asked = Call(lambda: session.location.get_latest_location("high"))
    poll = there.wait("location_poll_request")
    assert body(poll) == {"correlationId": poll["correlationId"], "accuracy": "high"}
    here(there, 48.8, 2.3, accuracy=3, correlationId=poll["correlationId"])
    place = asked.outcome
    assert (place.lat, place.lng, place.accuracy) == (48.8, 2.3, 3)
    streams = [frame["subscriptions"] for frame in there.all("subscription_update")]
    assert streams in ([], [[]]), "a poll needs no subscription"


def test_the_accuracy_of_a_poll_is_standard_unless_told(scene: Scene) -> None:
    session, there = scene.session()
    asked = Call(session.location.get_latest_location)
    poll = there.wait("location_poll_request")
    assert poll["accuracy"] == "standard"
    here(there, correlationId=poll["correlationId"])
    assert asked.outcome.lat == 1.5


def test_only_its_own_answer_ends_a_poll(scene: Scene) -> None:
    session, there = scene.session()
    heard = Calls()
    session.events.on_location(heard.one)
    polls = []
    for number in (1, 2):
        asked = Call(session.location.get_latest_location)
        polls.append((asked, there.wait("location_poll_request", number)["correlationId"]))
    here(there, 0, 0)
    here(there, 0, 0, correlationId="somebody else's")
    settle(session, there)
    assert all(asked.pending for asked, _ in polls)
    here(there, 2, 2, correlationId=polls[1][1])
    assert polls[1][0].outcome.lat == 2
    assert polls[0][0].pending
    here(there, 1, 1, correlationId=polls[0][1], stream="location_stream")
    assert polls[0][0].outcome.lat == 1
    assert [place.lat for place in heard.wait(4)] == [0, 0, 2, 1], "handlers get answers too"


def test_a_poll_that_nobody_answers(scene: Scene) -> None:
    session, there = scene.session()
    listeners = len(session._link.router._listeners)
    with pytest.raises(RequestTimeout, match=r"0\.05 s.*LOCATION permission") as caught:
        session.location.get_latest_location(timeout=0.05)
    assert isinstance(caught.value, TimeoutError)
    late = there.wait("location_poll_request")["correlationId"]
    here(there, correlationId=late)
    asked = Call(lambda: session.location.get_latest_location(timeout=None))
    second = there.wait("location_poll_request", 2)["correlationId"]
    assert asked.pending
    here(there, 9, 9, correlationId=second)
    assert asked.outcome.lat == 9
    assert len(session._link.router._listeners) == listeners, "nobody listens any more"


def test_other_callbacks_run_while_one_polls(scene: Scene) -> None:
    session, there = scene.session()
    pressed, places = Calls(), Calls()
    session.events.on_button_press(
        lambda: (
            places.one(session.location.get_latest_location())
            if not pressed(None) and len(pressed.all) == 1
            else None
        )
    )
    there.wait_streams("button_press")
    there.press()
    poll = there.wait("location_poll_request")
    there.press()
    pressed.wait(2)
    assert places.all == []
    here(there, 5, 6, correlationId=poll["correlationId"])
    assert places.wait()[0].lng == 6


def test_the_end_of_the_session_ends_a_poll(scene: Scene) -> None:
    session, there = scene.session()
    asked = Call(lambda: session.location.get_latest_location(timeout=None))
    there.wait("location_poll_request")
    session.disconnect()
    assert isinstance(asked.outcome, SessionEnded)
    with ended(session):
        session.location.get_latest_location()
    with ended(session):
        session.location.subscribe_to_stream(lambda: None)


def test_a_missing_permission_is_told_once_and_only_to_who_lacks_it(
    scene: Scene, logged: Any
) -> None:
    answered = threading.Event()

    def permissions(peer: Any) -> None:
        found = b'{"success": true, "permissions": [{"type": "MICROPHONE"}]}'
        peer.sock.sendall(http_answer(found))
        peer.close()
        answered.set()

    scene.cloud.rest["/api/public/permissions/com.example.test"] = permissions
    session, there = scene.session()
    session.location.subscribe_to_stream(lambda: None)
    logged.wait_for("LOCATION")
    session.location.subscribe_to_stream(lambda: None)
    with pytest.raises(RequestTimeout):
        session.location.get_latest_location(timeout=0.01)
    settle(session, there)
    assert len(logged.about("needs the permission LOCATION")) == 1
    assert USER not in logged.about("needs the permission LOCATION")[0]
