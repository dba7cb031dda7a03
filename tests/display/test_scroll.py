"""A window on a long text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mentra_sync.display import G1, Z100, ScrollView
from mentra_sync.display.measure import byte_count

TEN = "\n".join(f"line {number}" for number in range(10))


def test_the_window_has_the_lines_of_the_display() -> None:
    view = ScrollView(TEN)
    assert view.lines == [f"line {number}" for number in range(5)]
    assert view.text == "\n".join(view.lines)
    assert len(view.all_lines) == 10
    assert len(ScrollView(TEN, profile=Z100).lines) == 7
    assert len(ScrollView(TEN, visible_lines=2).lines) == 2


def test_scrolling_stops_at_both_ends() -> None:
    view = ScrollView(TEN)
    assert (view.at_top, view.at_bottom, view.percent) == (True, False, 0)
    view.scroll_up()
    assert view.offset == 0
    view.scroll_down(2)
    assert (view.lines[0], view.percent) == ("line 2", 40)
    view.scroll_down(100)
    assert (view.offset, view.at_bottom, view.percent) == (view.max_offset, True, 100)
    assert view.lines[-1] == "line 9"
    view.to_top()
    assert view.at_top
    view.to_bottom()
    assert view.at_bottom
    view.scroll_to(3)
    assert view.lines[0] == "line 3"


def test_pages_follow_each_other() -> None:
    view = ScrollView(TEN, visible_lines=4)
    view.page_down()
    assert view.lines[0] == "line 4"
    view.page_up()
    assert view.at_top
    view.to_bottom()
    view.page_up()
    assert view.lines == ["line 2", "line 3", "line 4", "line 5"]


def test_a_window_at_the_bottom_follows_what_is_added() -> None:
    view = ScrollView()
    assert (view.lines, view.text, view.at_bottom, view.percent) == ([], "", True, 100)
    for number in range(8):
        view.append(f"said {number}")
    assert view.lines[-1] == "said 7"
    view.to_top()
    view.append("more")
    assert view.at_top
    view.set_text("new")
    assert view.lines == ["new"]


def test_a_window_holds_as_many_bytes_as_the_display_takes() -> None:
    full = "\n".join(["i" * 77] * 4 + ["i" * 78])
    assert byte_count(full) == 390
    assert len(ScrollView(full).lines) == 5
    assert len(ScrollView("i" + full).lines) == 4


def test_no_window_has_fewer_than_one_line() -> None:
    with pytest.raises(ValueError, match="visible_lines must be at least 1, got 0"):
        ScrollView("a", visible_lines=0)


@given(st.text(st.sampled_from("a 中👍\n"), max_size=400), st.integers(1, 7))
def test_every_line_can_be_reached_within_the_bytes(text: str, visible: int) -> None:
    view = ScrollView(text, visible_lines=visible, max_width_px=400)
    seen: list[str] = []
    while True:
        assert byte_count(view.text) <= G1.max_bytes
        assert len(view.lines) <= visible
        seen[view.offset :] = view.lines
        if view.at_bottom:
            break
        before = view.offset
        view.page_down()
        assert view.offset > before
    assert seen == view.all_lines
    view.to_top()
    assert view.at_top
