"""The compiled codec does what dataclasses-json would do, for every message class."""

import copy
import dataclasses
import warnings

import pytest
from dataclasses_json import DataClassJsonMixin, LetterCase
from dataclasses_json.core import _asdict, _decode_dataclass
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wire_samples import CLASSES, JSON, MODULES, objects, optional_names, wire_names

from mentra_sync.protocol import codec, compiler
from mentra_sync.protocol.events import ButtonPress, TranscriptionData, VoiceActivity
from mentra_sync.protocol.message import Message
from mentra_sync.protocol.settings import SettingOption

FEW = settings(max_examples=12, suppress_health_check=list(HealthCheck))

every_class = pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)


def test_every_message_class_of_the_package_is_tested():
    public = {
        value
        for module in MODULES
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Message) and value is not Message
    }
    assert set(CLASSES) == public
    assert len(CLASSES) > 80


@every_class
def test_agrees_with_dataclasses_json(cls):
    @FEW
    @given(objects(cls))
    def agrees(sent):
        before = copy.deepcopy(sent)
        ours, reference = codec.decode(cls, sent), _decode_dataclass(cls, sent, False)
        assert ours == reference
        assert codec.encode(reference) == reference.to_dict() == _asdict(reference)
        assert ours.to_dict() == before
        assert codec.parse(ours.to_json()) == before
        assert sent == before, "decoding changed its input"

    agrees()


@settings(FEW, max_examples=300)
@given(data=st.data(), cls=st.sampled_from(CLASSES))
def test_gives_back_nulls_and_mistyped_fields_as_they_came(data, cls):
    sent = data.draw(objects(cls))
    for name in optional_names(cls):
        if data.draw(st.booleans()):
            sent[name] = data.draw(JSON)
    assert codec.decode(cls, sent).to_dict() == sent


@every_class
def test_wire_names_are_those_of_dataclasses_json(cls):
    assert compiler.wire_names(cls) == wire_names(cls)


def test_camel_case_is_that_of_dataclasses_json():
    names = {field.name for cls in CLASSES for field in dataclasses.fields(cls)}
    assert {name: compiler.camel_case(name) for name in names} == {
        name: LetterCase.CAMEL(name) for name in names
    }


def test_dataclasses_json_reads_strings_as_bools_and_we_do_not():
    sent = {"text": "x", "isFinal": "false"}
    assert _decode_dataclass(TranscriptionData, sent, False).is_final is True
    ours = codec.decode(TranscriptionData, sent)
    assert ours.is_final is None
    assert ours.to_dict() == sent


@pytest.mark.parametrize("name", ["extra", "button_id"])
def test_a_field_sent_under_a_python_name_is_unknown(name):
    sent = {"buttonId": "main", name: "other"}
    press = codec.decode(ButtonPress, sent)
    assert (press.button_id, press.extra) == ("main", {name: "other"})
    assert press.to_dict() == sent


def test_schema_is_that_of_dataclasses_json():
    assert issubclass(ButtonPress, DataClassJsonMixin)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # marshmallow has no type for unions
        assert {"button_id", "press_type"} <= set(ButtonPress.schema().fields)
        assert {"status"} <= set(VoiceActivity.schema().fields)
        with pytest.raises(TypeError, match="SettingOption has a field of any type"):
            SettingOption.schema()
