"""Names of streams, parsed and built."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mentra_sync.protocol.names import LocationRate, TouchGesture
from mentra_sync.protocol.streams import StreamName

LANGUAGE = st.from_regex(r"[a-z]{2,3}-[A-Z]{2}", fullmatch=True)
HINTS = st.lists(st.from_regex(r"[a-z]{2,3}(-[A-Z]{2})?", fullmatch=True), max_size=3)
STREAMS = st.one_of(
    st.builds(
        StreamName.transcription,
        LANGUAGE | st.just("auto"),
        disable_language_identification=st.booleans(),
        hints=st.none() | HINTS,
    ),
    st.builds(
        StreamName.translation,
        LANGUAGE | st.just("all"),
        LANGUAGE,
        disable_language_identification=st.booleans(),
    ),
    st.builds(StreamName.touch, st.none() | st.sampled_from(TouchGesture)),
    st.builds(StreamName.location, st.sampled_from(LocationRate)),
    st.builds(
        StreamName.setting,
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="?"), min_size=1),
    ),
)


@given(STREAMS)
def test_what_was_built_is_parsed_again(stream):
    assert StreamName.parse(stream.wire) == stream


@given(
    st.text(st.characters()) | st.from_regex(r"(transcription:en-US|translation:all-to-en-US)\?.*")
)
def test_parsing_never_raises_and_settles(text):
    stream = StreamName.parse(text)
    assert StreamName.parse(stream.wire) == stream
    assert StreamName.parse(stream.wire).wire == stream.wire
    stream.name.encode()
    assert stream.same_listening(stream.without_options())
    assert not stream.without_options().has_options


@pytest.mark.parametrize(
    ("stream", "wire"),
    [
        (StreamName.transcription(), "transcription:en-US"),
        (StreamName.transcription("auto"), "transcription:auto"),
        (StreamName.transcription("es-ES", hints=["en", "fr"]), "transcription:es-ES?hints=en,fr"),
        (
            StreamName.transcription("es-ES", disable_language_identification=True, hints=["en"]),
            "transcription:es-ES?no-language-identification=true&hints=en",
        ),
        (StreamName.translation("all", "en-US"), "translation:all-to-en-US"),
        (
            StreamName.translation("es-ES", "en-US", disable_language_identification=True),
            "translation:es-ES-to-en-US?no-language-identification=true",
        ),
        (StreamName.touch(), "touch_event"),
        (StreamName.touch("single_tap"), "touch_event:single_tap"),
        (StreamName.location("tenMeters"), {"stream": "location_stream", "rate": "tenMeters"}),
        (StreamName.setting("brightness"), "augmentos:brightness"),
    ],
)
def test_built(stream, wire):
    assert stream.wire == wire
    if isinstance(wire, str):
        assert str(stream) == stream.name == wire


@pytest.mark.parametrize(
    ("wire", "expected"),
    [
        ("transcription", StreamName.transcription("en-US")),
        ("transcription:en-US", StreamName.transcription("en-US")),
        (
            "transcription:es-ES?hints=en%2Cfr",
            StreamName.transcription("es-ES", hints=["en", "fr"]),
        ),
        ("transcription:es-ES?hints=en,fr", StreamName.transcription("es-ES", hints=["en", "fr"])),
        ("transcription?hints=en", StreamName.transcription(hints=["en"])),
        ("transcription:es-ES?hints=", StreamName.transcription("es-ES")),
        ("transcription:es-ES?no-language-identification=no", StreamName.transcription("es-ES")),
        (
            "translation:es-ES-to-en-US?no-language-identification=true",
            StreamName.translation("es-ES", "en-US", disable_language_identification=True),
        ),
        ("touch_event:new_gesture", StreamName("touch_event", gesture="new_gesture")),
        ({"stream": "location_stream", "rate": "high"}, StreamName.location("high")),
        ({"stream": "location_stream"}, StreamName("location_stream")),
        ({"stream": "location_stream", "rate": [1]}, StreamName("location_stream")),
        ({"stream": "button_press", "rate": "high"}, StreamName("button_press")),
        ({"stream": "transcription"}, StreamName.transcription()),
        ("location_stream", StreamName("location_stream")),
        ("*", StreamName("*")),
    ],
)
def test_parsed(wire, expected):
    assert StreamName.parse(wire) == expected


@pytest.mark.parametrize(
    "name",
    [
        "",
        ":",
        "?",
        "transcription:",
        "transcription:english",
        "transcription:en-US\n",
        "translation:all",
        "translation:es-ES-to-all",
        "translation",
        "touch_event:",
        "touch_event:single_tap?x=1",
        "augmentos:",
        "button_press:main",
        "bogus_event",
        "a" * 10_000,
        "transcription:" + "en-US" * 2_000,
        "\0\n\ud7ff",
    ],
)
def test_a_name_that_is_not_understood_is_just_itself(name):
    assert StreamName.parse(name) == StreamName(name)
    assert StreamName.parse(name).wire == name


@pytest.mark.parametrize("junk", [None, 5, [], {}, {"stream": 5}, {"rate": "high"}, True])
def test_junk_in_place_of_a_name_is_a_stream_that_nobody_has(junk):
    stream = StreamName.parse(junk)
    assert isinstance(stream.wire, str)
    assert stream.language is stream.rate is stream.gesture is None


def test_unknown_options_are_kept():
    stream = StreamName.parse("transcription:en-US?model=big%20one&hints=en")
    assert stream.other_options == (("model", "big one"),)
    assert stream.wire == "transcription:en-US?hints=en&model=big%20one"


def test_odd_characters_in_options_survive():
    stream = StreamName.parse("transcription:en-US?hints=a%26b,%C3%A9&x%3D=%3F")
    assert (stream.hints, stream.other_options) == (("a&b", "é"), (("x=", "?"),))
    assert StreamName.parse(stream.wire) == stream


def test_same_listening_ignores_options():
    plain = StreamName.transcription("es-ES")
    assert plain.same_listening(StreamName.transcription("es-ES", hints=["en"]))
    assert not plain.same_listening(StreamName.transcription("es-MX"))
    assert StreamName.parse("transcription").key == "transcription:en-US"
    assert not StreamName.touch().same_listening(StreamName.touch("single_tap"))
    assert StreamName.location("high").same_listening(StreamName.parse("location_update"))
    assert StreamName.location("high").key == "location_update"


@pytest.mark.parametrize(
    "language", ["english", "en", "en-us", "EN-US", "en-US\n", "", "all", 5, None]
)
def test_a_bad_language_shows_a_good_one(language):
    with pytest.raises(ValueError, match='must look like "en-US" or "auto", got '):
        StreamName.transcription(language)
    if language != "all":
        with pytest.raises(ValueError, match=r'source .* "es-ES" or "all", got '):
            StreamName.translation(language, "en-US")
    with pytest.raises(ValueError, match=r'target .* "en-US", got '):
        StreamName.translation("es-ES", language)


def test_errors_show_the_value():
    with pytest.raises(ValueError, match='got "english"'):
        StreamName.transcription("english")
    with pytest.raises(ValueError, match="auto"):
        StreamName.translation("auto", "en-US")


@pytest.mark.parametrize("gesture", ["tap", "", 5, ["single_tap"]])
def test_a_bad_gesture_shows_the_valid_ones(gesture):
    with pytest.raises(ValueError, match=r"single_tap, double_tap, .* down_swipe; got "):
        StreamName.touch(gesture)


def test_other_bad_arguments():
    with pytest.raises(ValueError, match=r"standard, high, .* reduced; got"):
        StreamName.location("fast")
    with pytest.raises(ValueError, match="brightness"):
        StreamName.setting("")
    with pytest.raises(ValueError, match=r'a list like .* got "en,fr"'):
        StreamName.transcription("es-ES", hints="en,fr")
    for hint in ("en,fr", "", 5, "english"):
        with pytest.raises(ValueError, match='hint must look like "en"'):
            StreamName.transcription("es-ES", hints=[hint])
