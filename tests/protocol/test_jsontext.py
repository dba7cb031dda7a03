"""JSON text is read and written the same with orjson and with the standard library."""

import dataclasses
import datetime
import enum
import json
import math
import uuid

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mentra_sync.protocol import jsontext
from mentra_sync.protocol.codec import (
    MalformedMessage,
    clean_text,
    dumps,
    iso_timestamp,
    parse,
    parse_value,
)
from mentra_sync.protocol.names import LocationRate

orjson = pytest.importorskip("orjson")

NOW = datetime.datetime.now(datetime.timezone.utc)
POINT = dataclasses.make_dataclass("Point", ["x"])(1)
ANY_TEXT = st.text(st.characters(), max_size=10)  # with unpaired surrogates
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4),
    max_leaves=12,
)


@pytest.fixture(params=["orjson", "json"])
def either(request, monkeypatch):
    """Runs a test once with orjson and once as if it weren't installed."""
    if request.param == "json":
        monkeypatch.setattr(jsontext, "_fast_loads", None)
        monkeypatch.setattr(jsontext, "_fast_dumps", None)
    else:
        assert jsontext._fast_loads is orjson.loads


def outcome(function, argument):
    """What a function makes of an argument, or the kind of its error."""
    try:
        return repr(function(argument))
    except (ValueError, TypeError) as error:
        return type(error).__mro__[-4:-2]


def with_both(function, argument):
    """What a function makes of an argument with orjson, and without."""
    with pytest.MonkeyPatch.context() as patch:
        first = outcome(function, argument)
        patch.setattr(jsontext, "_fast_loads", None)
        patch.setattr(jsontext, "_fast_dumps", None)
        return first, outcome(function, argument)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 1, "b": [true, null, "x"]}', {"a": 1, "b": [True, None, "x"]}),
        (b'{"a": "\xc3\xa9"}', {"a": "é"}),
        ('{"a": 1, "a": 2}', {"a": 2}),
        ('{"a": 18446744073709551615}', {"a": 2**64 - 1}),
        ('{"a": -9223372036854775808}', {"a": -(2**63)}),
        ('{"a": 1e3}', {"a": 1000.0}),
        (r'{"a": "\ud83d\ude00"}', {"a": "😀"}),
        (r'{"a": "x\ud800y"}', {"a": "x\ufffdy"}),
        (r'{"a": "\uDC00"}', {"a": "\ufffd"}),
        (r'{"\ud800": ["\udfff"]}', {"\ufffd": ["\ufffd"]}),
        ('{"a": "\ud800"}', {"a": "\ufffd"}),
        ('{"a": "\ud83d\ude00"}', {"a": "😀"}),
        (' {"a": "\\u0000"}\n', {"a": "\0"}),
    ],
)
def test_reads(either, text, value):
    assert parse(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [("null", None), (b"5", 5), ('"x\\ud800"', "x\ufffd"), ("[1, {}]", [1, {}]), ("{}", {})],
)
def test_reads_any_value(either, text, value):
    assert parse_value(text) == value


@pytest.mark.parametrize("text", ["", "NaN", "[1e999]", "1 2", "[" * 50_000, b"\xff"])
def test_no_value(either, text):
    with pytest.raises(MalformedMessage):
        parse_value(text)


@pytest.mark.parametrize(
    "digits", ["18446744073709551616", "-9223372036854775809", "1" * 40, "-" + "9" * 300]
)
def test_an_integer_beyond_64_bits_becomes_a_float(either, digits):
    number = parse(f'{{"a": {digits}}}')["a"]
    assert isinstance(number, float)
    assert number == float(digits)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "{",
        "null",
        "5",
        '"x"',
        "[1]",
        "{'a': 1}",
        '{"a": NaN}',
        '{"a": Infinity}',
        '{"a": -Infinity}',
        '{"a": 1e999}',
        '{"a": -1e999}',
        '{"a": ' + "1" * 400 + "}",
        '{"a": ' + "1" * 6000 + "}",
        '{"a": "\n"}',
        '{"a": 01}',
        '{"a": 1} x',
        "\ufeff{}",
        b"\xef\xbb\xbf{}",
        b'{"a": "\xff"}',
        b'{"a": "\xed\xa0\x80"}',
        '{"a": 1}'.encode("utf-16"),
        b"",
    ],
)
def test_malformed(either, text):
    with pytest.raises(MalformedMessage) as caught:
        parse(text)
    assert len(str(caught.value)) < 200
    str(caught.value).encode()


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_deep_nesting_is_malformed(either, opening):
    with pytest.raises(MalformedMessage):
        parse('{"a":' + opening * 100_000)
    closing = "]" if opening == "[" else "}"
    with pytest.raises(MalformedMessage, match="deep"):
        parse('{"a":' + opening * 100_000 + "1" + closing * 100_000 + "}")


@settings(max_examples=300)
@given(VALUES)
@example({"a": float("nan")})
@example({"a": 2**64, "\udc00": "x\ud800"})
@example({"text": "null", "also": None})
def test_both_read_the_same(value):
    for text in (json.dumps({"a": value}), json.dumps({"a": value}, ensure_ascii=False)):
        first, second = with_both(parse, text)
        assert first == second


@settings(max_examples=300)
@given(VALUES)
@example([float("nan")])
@example(float("nan"))
@example([1, float("nan")])
@example({"a": float("-inf")})
@example({"a": None, "b": "null"})
@example({"a": 2**64, "\udc00": "x\ud800"})
def test_both_write_the_same(value):
    first, second = with_both(lambda value: json.loads(dumps(value)), value)
    assert first == second
    first, second = with_both(lambda value: dumps(value).encode() and None, value)
    assert first == second


@settings(max_examples=300)
@given(st.binary(max_size=30) | ANY_TEXT | st.binary(max_size=20).map(lambda b: b'{"a":' + b))
def test_any_text_is_an_object_or_malformed(text):
    first, second = with_both(parse, text)
    assert first == second


@settings(max_examples=200)
@given(st.dictionaries(ANY_TEXT, VALUES, max_size=4))
def test_what_was_written_is_read_again(value):
    try:
        text = dumps(value)
    except ValueError:
        return
    text.encode()
    again = parse(text)
    assert parse(dumps(again)) == again


@pytest.mark.parametrize("value", [math.nan, math.inf, [-math.inf], {"a": {"b": math.nan}}])
def test_numbers_that_json_lacks_are_not_written(either, value):
    with pytest.raises(ValueError, match="JSON"):
        dumps(value)


@pytest.mark.parametrize("value", [object(), {1, 2}, b"x", {"a": 1j}, NOW, POINT])
def test_values_that_json_lacks_are_not_written(either, value):
    with pytest.raises(TypeError, match="JSON has no"):
        dumps(value)


def test_writing(either):
    class Plain(enum.Enum):
        ONE = 1

    some_id = uuid.UUID(int=5)
    assert dumps({"a": [1, None, "é\ud800"]}) == '{"a":[1,null,"é\ufffd"]}'
    assert dumps({"r": LocationRate.TEN_METERS}) == '{"r":"tenMeters"}'
    assert dumps([Plain.ONE, some_id, (1, 2)]) == f'[1,"{some_id}",[1,2]]'
    assert dumps({1: "x"}) == '{"1":"x"}'
    deep = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(ValueError, match="nested too deeply"):
        dumps(deep)
    while deep:
        deep = deep.pop()


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("plain", "plain"),
        ("é😀", "é😀"),
        ("\ud800", "\ufffd"),
        ("a\udfffb\ud800", "a\ufffdb\ufffd"),
        ("\ud800\ud800", "\ufffd\ufffd"),
        ("\ufeff\ud800", "\ufeff\ufffd"),
    ],
)
def test_clean_text(text, clean):
    assert clean_text(text) == clean


@given(ANY_TEXT)
def test_clean_text_keeps_all_else(text):
    cleaned = clean_text(text)
    cleaned.encode()
    assert clean_text(cleaned) == cleaned
    if not any("\ud800" <= letter <= "\udfff" for letter in text):
        assert cleaned == text


def test_timestamps():
    assert iso_timestamp(0) == "1970-01-01T00:00:00.000Z"
    assert iso_timestamp(1795336945.9174) == "2026-11-22T08:42:25.917Z"
    assert iso_timestamp(1.9999) == "1970-01-01T00:00:01.999Z"
    assert iso_timestamp()[-5:-1].startswith(".")
    assert iso_timestamp() > "2026-01-01"
