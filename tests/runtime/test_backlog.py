"""A bounded queue that gives up the least dear."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mentra_sync.runtime.backlog import AUDIO, KEEP, SUPERSEDED, Backlog

ranks = st.sampled_from([AUDIO, SUPERSEDED, KEEP])


@given(
    size=st.integers(1, 5),
    steps=st.lists(st.one_of(ranks, st.sampled_from(["take", "clear"])), max_size=60),
)
def test_it_behaves_like_a_list_from_which_the_oldest_least_dear_goes(
    size: int, steps: list[int | str]
) -> None:
    backlog: Backlog[int] = Backlog(size)
    model: list[tuple[int, int]] = []
    for number, step in enumerate(steps):
        if step == "clear":
            assert backlog.clear() == len(model)
            model.clear()
        elif step == "take":
            if model:
                assert backlog.take() == model.pop(0)[1]
        else:
            rank = int(step)
            room = len(backlog) < backlog.size or backlog.make_room(rank)
            if room:
                backlog.add(number, rank)
            model.append((rank, number))
            if len(model) > size:
                model.remove(min(model))
            assert room == ((rank, number) in model)
        assert len(backlog) == len(model)
    assert [backlog.take() for _ in model] == [number for _, number in model]


def test_more_than_its_size_may_be_added() -> None:
    backlog: Backlog[int] = Backlog(1)
    for number in range(3):
        backlog.add(number, KEEP)
    assert backlog.make_room(KEEP)
    assert [backlog.take(), backlog.take()] == [1, 2]
