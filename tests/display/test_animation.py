"""Frames, and the clockwork that shows them."""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from mentra_sync.display import animation
from mentra_sync.display.animation import Animation, load_frames, play
from mentra_sync.display.bitmap import to_bmp


class Clock:
    """A scheduler whose time goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0
        self.due: list[tuple[float, int, Task]] = []
        self._numbers = count()

    def after(self, seconds: float, function: Callable[[], None]) -> Task:
        task = Task(function)
        heapq.heappush(self.due, (self.now + seconds, next(self._numbers), task))
        return task

    def advance(self, seconds: float) -> None:
        end = self.now + seconds
        while self.due and self.due[0][0] <= end:
            self.now, _, task = heapq.heappop(self.due)
            if not task.cancelled:
                task.function()
        self.now = end


class Task:
    def __init__(self, function: Callable[[], None]) -> None:
        self.function = function
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


@pytest.fixture
def clock() -> Clock:
    return Clock()


# --- Playing ---------------------------------------------------------------------------------


def test_frames_come_one_by_one_and_the_last_has_its_time(clock: Clock) -> None:
    shown: list[str] = []
    playing = play(["a", "b", "c"], shown.append, after=clock.after, interval_ms=500)
    assert (shown, playing.running) == (["a"], True)
    clock.advance(0.49)
    assert shown == ["a"]
    clock.advance(0.01)
    assert shown == ["a", "b"]
    clock.advance(0.5)
    assert (shown, playing.running) == (["a", "b", "c"], True)
    clock.advance(0.5)
    assert (shown, playing.running, clock.due) == (["a", "b", "c"], False, [])


def test_the_default_interval_is_that_of_bluetooth(clock: Clock) -> None:
    shown: list[int] = []
    play([1, 2], shown.append, after=clock.after)
    clock.advance(1.64)
    assert shown == [1]
    clock.advance(0.02)
    assert shown == [1, 2]


def test_repeat_starts_again_without_end(clock: Clock) -> None:
    shown: list[int] = []
    playing = play([1, 2], shown.append, after=clock.after, interval_ms=1000, repeat=True)
    clock.advance(6)
    assert shown == [1, 2, 1, 2, 1, 2, 1]
    assert playing.running


def test_stop_ends_it_and_tells_once(clock: Clock) -> None:
    shown: list[str] = []
    playing = play(
        ["a", "b"], shown.append, after=clock.after, on_stop=lambda: shown.append("cleared")
    )
    playing.stop()
    playing.stop()
    assert (shown, playing.running) == (["a", "cleared"], False)
    assert all(task.cancelled for _, _, task in clock.due)
    clock.advance(10)
    assert shown == ["a", "cleared"]


def test_an_animation_that_came_to_its_end_clears_nothing(clock: Clock) -> None:
    shown: list[str] = []
    playing = play(["a"], shown.append, after=clock.after, on_stop=lambda: shown.append("cleared"))
    clock.advance(10)
    playing.stop()
    assert shown == ["a"]


def test_a_stop_while_a_frame_is_being_shown_clears_after_it(clock: Clock) -> None:
    shown: list[str] = []

    def show(frame: str) -> None:
        if frame == "b":
            playing.stop()
        shown.append(frame)

    playing = play(["a", "b", "c"], show, after=clock.after, on_stop=lambda: shown.append("clear"))
    clock.advance(100)
    assert shown == ["a", "b", "clear"]


def test_a_stop_from_another_thread_while_a_frame_is_being_shown(clock: Clock) -> None:
    shown: list[str] = []
    in_show, stopped = threading.Event(), threading.Event()

    def show(frame: str) -> None:
        in_show.set()
        assert stopped.wait(5)
        shown.append(frame)

    playing: Animation[str] = Animation(
        ["a", "b"], show, after=clock.after, on_stop=lambda: shown.append("cleared")
    )
    player = threading.Thread(target=playing.start)
    player.start()
    assert in_show.wait(5)
    playing.stop()
    assert shown == []
    stopped.set()
    player.join(5)
    assert shown == ["a", "cleared"]


def test_a_stop_while_the_next_frame_is_being_scheduled(clock: Clock) -> None:
    shown: list[str] = []

    def after(seconds: float, function: Callable[[], None]) -> Task:
        playing.stop()
        return clock.after(seconds, function)

    playing: Animation[str] = Animation(["a", "b"], shown.append, after=after)
    playing.start()
    assert [task.cancelled for _, _, task in clock.due] == [True]


def test_a_frame_that_cannot_be_shown_ends_it(clock: Clock) -> None:
    def show(frame: int) -> None:
        if frame == 2:
            raise ConnectionError("gone")

    playing = play([1, 2, 3], show, after=clock.after, repeat=True)
    with pytest.raises(ConnectionError):
        clock.advance(100)
    assert not playing.running
    clock.advance(100)
    assert clock.due == []


def test_it_starts_once(clock: Clock) -> None:
    shown: list[int] = []
    playing = play([1], shown.append, after=clock.after)
    playing.start()
    clock.advance(10)
    playing.start()
    assert shown == [1]


@pytest.mark.parametrize(
    ("frames", "options", "message"),
    [
        ([], {}, "at least one frame"),
        ([1], {"interval_ms": 0}, "interval_ms must be above 0, got 0"),
        ([1] * (animation.MAX_FRAMES + 1), {}, "1000 frames at most, got 1001"),
    ],
)
def test_arguments_that_make_no_sense(
    clock: Clock, frames: list[int], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        play(frames, print, after=clock.after, **options)


# --- Frames ----------------------------------------------------------------------------------


def picture(column: int) -> Image.Image:
    """A picture with one column of light, so that frames can be told apart."""
    image = Image.new("L", (526, 100))
    image.paste(255, (column, 0, column + 1, 100))
    return image


def columns(frames: list[bytes]) -> list[int]:
    by_frame = {to_bmp(picture(column)): column for column in range(15)}
    return [by_frame[frame] for frame in frames]


def test_frames_from_a_list() -> None:
    assert columns(load_frames([picture(3), to_bmp(picture(1))])) == [3, 1]
    assert columns(load_frames(picture(column) for column in (2, 5))) == [2, 5]


def test_frames_from_a_pattern_come_by_number(tmp_path: Path) -> None:
    for column in (10, 2, 1):
        picture(column).save(tmp_path / f"step{column}.png")
    (tmp_path / "notes.txt").write_text("not a frame")
    assert columns(load_frames(str(tmp_path / "step*.png"))) == [1, 2, 10]
    assert columns(load_frames(tmp_path / "step?.png")) == [1, 2]


@pytest.mark.parametrize("first", [0, 1])
def test_frames_from_numbers_end_at_the_first_gap(tmp_path: Path, first: int) -> None:
    for column in (first, first + 1, first + 2, first + 4):
        picture(column).save(tmp_path / f"{column}.png")
    expected = [first, first + 1, first + 2]
    assert columns(load_frames(str(tmp_path / "{i}.png"))) == expected


@pytest.mark.parametrize("kind", ["gif", "png", "webp"])
def test_frames_of_a_moving_picture(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"moving.{kind}"
    options = {"lossless": True} if kind == "webp" else {}
    others = [picture(4), picture(6)]
    picture(2).save(path, save_all=True, append_images=others, duration=100, **options)
    assert columns(load_frames(path)) == [2, 4, 6]


def test_a_still_picture_is_one_frame_and_brackets_may_be_in_its_name(tmp_path: Path) -> None:
    picture(7).save(tmp_path / "a[1].png")
    assert columns(load_frames(tmp_path / "a[1].png")) == [7]


def test_the_options_of_pictures_are_passed_on() -> None:
    grey = Image.new("L", (60, 30), 100)
    options: dict[str, Any] = {"padding": (0, 0), "dither": True, "invert": True}
    assert load_frames([grey], **options) == [to_bmp(grey, **options)]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ([], "no frames"),
        ("nowhere/*.png", "no frames"),
        ("nowhere/{i}.png", r"neither 'nowhere.0.png' nor 'nowhere.1.png'"),
        ("nowhere.gif", "cannot read the picture 'nowhere.gif'"),
        ([picture(1), b"broken"], "frame 2: these 6 bytes are not a picture"),
    ],
    ids=range(5),
)
def test_bad_frames_are_refused_by_name(source: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        load_frames(source)


def test_a_moving_picture_that_breaks_off_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "moving.gif"
    noise = [Image.effect_noise((200, 100), 50 + step) for step in range(3)]
    noise[0].save(path, save_all=True, append_images=noise[1:], duration=100)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    with pytest.raises(ValueError, match=r"moving.gif.* broken"):
        load_frames(path)


def test_bytes_are_not_taken_for_a_list() -> None:
    with pytest.raises(TypeError, match="put bytes into a list"):
        load_frames(b"GIF89a")  # type: ignore[arg-type]


def test_too_many_frames_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(animation, "MAX_FRAMES", 2)
    with pytest.raises(ValueError, match="more than 2 frames"):
        load_frames([picture(1)] * 3)
