"""Text on the lens in Python: where each letter stands, what is cut, and which view is seen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from raw_app import RawApp, RawSocket
from still_clock import StillClock

from mentra_sync.display import G1, SIMULATED, Profile, TextMeasurer, wrap
from mentra_sync.simulator.http import Simulator
from mentra_sync.simulator.lens import Lens, Shown
from mentra_sync.simulator.typesetting import Typeset, set_columns, set_text

ARABIC = "\u0645\u0631\u062d\u0628\u0627"
DEVANAGARI = "\u0928\u092e\u0938\u094d\u0924\u0947"


def shown(layout: dict[str, Any], model: str = "Even Realities G1") -> Shown:
    lens = Lens(StillClock().now, lambda message: None, G1)
    lens.show({"view": "main", "layout": layout}, model, has_display=True)
    return lens.main


def wall(text: str, model: str = "Even Realities G1") -> Shown:
    return shown({"layoutType": "text_wall", "text": text}, model)


def units(typeset: Typeset, line: int = 0) -> list[str]:
    """What stands in places of its own in a line."""
    return [piece.text for piece in typeset.lines[line].pieces]


# --- Places --------------------------------------------------------------------------------------


def test_every_letter_stands_where_those_before_it_end() -> None:
    [line] = wall("Hello").placed
    # Glyphs of 5, 4, 1, 1 and 4 px, each with one of space, and everything doubled.
    assert [(piece.text, piece.x, piece.width_px) for piece in line.pieces] == [
        ("H", 0, 12),
        ("e", 12, 10),
        ("l", 22, 4),
        ("l", 26, 4),
        ("o", 30, 10),
    ]
    assert (line.row, line.x, line.width_px) == (0, 0, 40)


@pytest.mark.parametrize("profile", [G1, SIMULATED], ids=["g1", "simulated"])
def test_places_are_those_of_the_measurer(profile: Profile) -> None:
    text = f"Mixed: \u00fc e\u0301 \u65e5\u672c \U0001f642 {ARABIC} 12 {DEVANAGARI} end. " * 3
    measurer = TextMeasurer(profile)
    lines = set_text(text, profile).lines
    assert tuple(line.text for line in lines) == wrap(text, profile=profile).lines
    for line in lines:
        assert "".join(piece.text for piece in line.pieces) == line.text
        before = ""
        for piece in line.pieces:
            assert piece.x == line.x + measurer.measure(before)
            assert piece.width_px == measurer.measure(piece.text)
            before += piece.text


def test_graphemes_and_joined_words_stand_as_one() -> None:
    assert units(set_text("ae\u0301\U0001f469\u200d\U0001f467", G1)) == [
        "a",
        "e\u0301",
        "\U0001f469\u200d\U0001f467",
    ]
    assert units(set_text(f"a {DEVANAGARI} {DEVANAGARI}b", G1)) == [
        "a",
        " ",
        DEVANAGARI,
        " ",
        DEVANAGARI,
        "b",
    ]


def test_what_goes_leftwards_keeps_its_numbers() -> None:
    run = f"{ARABIC}, {ARABIC} 12"
    assert units(set_text(f"a {run} b", G1)) == ["a", " ", run, " ", "b"]
    assert units(set_text(f"1 {ARABIC}.", G1)) == [f"1 {ARABIC}."]


def test_a_line_from_right_to_left_stands_at_the_right() -> None:
    left, right = set_text(f"left\n{ARABIC}", G1).lines
    assert (left.rtl, left.x) == (False, 0)
    assert (right.rtl, right.x + right.width_px) == (True, 576)


def test_the_right_column_is_brought_into_line_with_spaces() -> None:
    lines = set_columns("a\nlonger", "one\ntwo\nthree", G1).lines
    places = {(line.column, line.row): line.x for line in lines}
    space = TextMeasurer(G1).measure(" ")
    assert [places[0, row] for row in range(2)] == [0, 0]
    for row, left in enumerate(["a", "longer", ""]):
        x = places[1, row]
        assert 0.55 * 576 - 1 < x < 0.55 * 576 + space
        assert (x - TextMeasurer(G1).measure(left)) % space == 0


def test_no_line_of_two_columns_runs_off_the_lens() -> None:
    for profile in (G1, SIMULATED):
        for text in ("W" * 99, "l" * 300, "iW" * 80, "word " * 40):
            for line in set_columns(text[1:], text, profile).lines:
                assert line.x + line.width_px <= profile.width_px


# --- What is cut ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("model", "rows"), [("Even Realities G1", 5), ("Simulated Glasses", 7)])
def test_lines_beyond_the_last_are_cut_and_counted(model: str, rows: int) -> None:
    fits = wall("\n".join("abcdefg"[:rows]), model)
    assert (fits.lines, fits.cut) == (tuple("abcdefg"[:rows]), 0)
    cut = wall("\n".join("abcdefghij"), model)
    assert (cut.lines, cut.cut) == (tuple("abcdefghij"[:rows]), 10 - rows)
    assert cut.text == "\n".join("abcdefghij")


def test_bytes_beyond_the_limit_are_cut_as_on_the_glasses() -> None:
    text = "l" * 660  # as many lines as the lens has, but too many bytes
    whole = wall(text[:384])
    assert (len("\n".join(whole.lines)), whole.cut) == (388, 0)
    cut = wall(text)
    assert cut.lines == wrap(text, profile=G1).lines
    assert len("\n".join(cut.lines)) <= 390
    assert (len(cut.lines), cut.cut) == (2, 3)
    # Those of the Z100 take more.
    assert wall("i" * 500, "Vuzix Z100").cut == 0


def test_a_title_takes_lines_of_the_text() -> None:
    card = shown({"layoutType": "reference_card", "title": "T", "text": "a\nb\nc\nd\ne\nf"})
    assert (card.lines, card.cut) == (("T", "a", "b", "c", "d"), 2)
    assert [line.title for line in card.placed] == [True, False, False, False, False]


def test_columns_are_cut_row_by_row() -> None:
    layout = {"layoutType": "double_text_wall", "topText": "a", "bottomText": "1\n2\n3\n4\n5\n6\n7"}
    assert shown(layout).columns == (("a",), ("1", "2", "3", "4", "5"))
    assert shown(layout).cut == 2
    many_bytes = shown({**layout, "topText": "l" * 216, "bottomText": "l" * 260})
    assert many_bytes.columns is not None
    assert len(many_bytes.columns[0]) == 2
    assert many_bytes.cut == 3


def test_an_endless_text_is_no_trouble() -> None:
    endless = wall("word " * 200_000)
    assert len(endless.lines) == 5
    assert endless.cut > 30


# --- Looking up ----------------------------------------------------------------------------------


def test_looking_up_shows_the_dashboard(running: Simulator, app: RawApp) -> None:
    glasses = running.glasses
    app.show("on the main view")
    app.show("up there", view="dashboard")
    assert glasses.lens.wait_for("up there")
    assert (glasses.lens.head, glasses.lens.view) == ("down", "main")
    assert glasses.lens.seen.text == "on the main view"
    glasses.head("up")
    assert (glasses.lens.head, glasses.lens.view) == ("up", "dashboard")
    assert glasses.lens.seen.text == "up there"
    assert glasses.lens.text == "on the main view"
    glasses.head("down")
    assert glasses.lens.seen.text == "on the main view"


def test_the_head_of_a_phone_is_that_of_the_glasses_and_of_every_page(
    running: Simulator, app: RawApp, open_socket: Callable[..., RawSocket]
) -> None:
    address = running.url.replace("http", "ws")
    page = open_socket(f"{address}simulator-ws")
    assert page.wait("hello")["head"] == "down"
    app.send("subscription_update", subscriptions=["head_position"])
    page.wait("listening", streams=["head_position"])
    phone = open_socket(f"{address}glasses-ws?token={running.token_of()}")
    for nonsense in ("sideways", None, ["up"], {}):
        phone.send({"type": "head_position", "position": nonsense})
    phone.send({"type": "head_position", "position": "up"})
    assert page.wait("head") == {"kind": "head", "position": "up"}
    app.socket.seen.wait(
        lambda frame: frame["type"] == "data_stream" and frame["data"]["position"] == "up"
    )
    assert running.glasses.lens.view == "dashboard"
    assert open_socket(f"{address}simulator-ws").wait("hello")["head"] == "up"
    running.glasses.head("up")
    running.glasses.head("down")
    page.wait("head", position="down")
    heads = [frame["position"] for frame in page.seen.all() if frame.get("kind") == "head"]
    assert heads == ["up", "down"]


def test_a_page_is_told_for_how_long_something_has_been_shown() -> None:
    clock = StillClock()
    told: list[dict[str, Any]] = []
    lens = Lens(clock.now, told.append, G1)
    clock.advance_to(3)
    lens.show({"layout": {"layoutType": "text_wall", "text": "x"}}, "Even Realities G1", True)
    assert told[-1]["age"] == 0
    clock.advance_to(5.5)
    assert lens.message()["main"]["age"] == 2.5


def test_a_page_is_told_where_everything_stands() -> None:
    message = wall("Hi\n\n" + ARABIC).message()
    assert message["size"] == (576, 135)
    assert message["cut"] == 0
    assert message["placed"][0] == {
        "text": "Hi",
        "row": 0,
        "x": 0,
        "width": 16,
        "column": 0,
        "title": False,
        "rtl": False,
        "pieces": [["H", 0, 12, False], ["i", 12, 4, False]],
    }
    assert [line["row"] for line in message["placed"]] == [0, 1, 2]
    assert message["placed"][2]["pieces"] == [[ARABIC, 496, 80, True]]


@pytest.mark.parametrize(
    ("model", "size"), [("g1", (576, 135)), ("simulated", (390, 189)), ("live", None)]
)
def test_the_size_of_the_lens_is_that_of_the_model(
    simulate: Callable[..., Simulator], model: str, size: tuple[int, int] | None
) -> None:
    assert simulate(glasses=model).glasses.display_size == size
