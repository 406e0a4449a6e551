"""Requests: from a record's bytes to the event's own text and a checked row."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from jobs.pmml_job.mining_schema import InputField, Interval, Invalid, Missing, Outliers
from jobs.pmml_job.requests import RequestReader, Row
from penstock.errors import DecodeError, ErrorCode, InputError, RecordError
from penstock.event import CSV, JSON, OCTETS, REQUEST, TEXT

Field = Callable[..., InputField]

UNIT = (Interval(0.0, 1.0, low_open=False, high_open=True),)
FIELDS = (
    InputField(name="plain", data_type="double"),
    InputField(name="in range", data_type="double", intervals=UNIT, invalid=Invalid.AS_MISSING),
    InputField(name="count", data_type="integer", outliers=Outliers.AS_EXTREME_VALUES, low=-2.5, high=2.5),
    InputField(name="single", data_type="float", missing=Missing.PASS),
    InputField(name="colour", data_type="string", valid_values=("red", "green"), missing=Missing.PASS),
    InputField(name="flag", data_type="boolean"),
)
GOOD = {"plain": 1.5, "in range": 0.5, "count": 1, "single": 2, "colour": "red", "flag": True}


@pytest.fixture
def reader(field: Field) -> RequestReader:
    """A reader for two numbers ``a`` and ``b``."""
    return RequestReader([field("a"), field("b")])


@pytest.mark.parametrize("content_type", [JSON, None, "application/json; charset=utf-8", "Application/JSON"])
@pytest.mark.parametrize("value", [b'{"a":1,"b":2.5}', b'{"b": 2.5, "x": {"y": [null]}, "a": 1}', b" [1, 2.5]\n"])
def test_event_as_it_is(reader: RequestReader, value: bytes, content_type: str | None) -> None:
    """An object of named features or a list in the model's order; other fields do not matter."""
    request = reader.read(value, content_type)
    assert (bytes(request.input), request.row) == (value, (1.0, 2.5))


@pytest.mark.parametrize("data", ['{"a":1,"b":2.5,"c":null}', "[1,2.5]"])
@pytest.mark.parametrize("content_type", [REQUEST, f"{REQUEST}; charset=utf-8"])
def test_transformed_event(reader: RequestReader, data: str, content_type: str) -> None:
    """The model gets the data; the input stays as the user wrote it, to the last digit."""
    event = '{"z": 1.0, "n": 123456789012345678901234567890, "a":{ }}'
    request = reader.read(f'{{"input":{event},"data":{data}}}'.encode(), content_type)
    assert bytes(request.input) == event.encode()
    assert request.row == (1.0, 2.5)


def test_transformed_bytes_have_no_event(reader: RequestReader) -> None:
    """JSON cannot have it, so the request leaves it out, and the result will."""
    for data in ("[1,2]", "[1,2.0]"):
        assert reader.read(f'{{"data":{data}}}'.encode(), REQUEST) == (UNSET, (1.0, 2.0))


def test_text_of_other_fields_does_not_matter(reader: RequestReader) -> None:
    """What the model does not read need not be ASCII."""
    assert reader.read('{"a":1,"b":2,"name":"Jürgen"}'.encode(), JSON).row == (1.0, 2.0)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (b'{"a":1}', "field 'b' is missing, expected a number (double)"),
        (b'{"a":1,"b":null}', "field 'b' is null, which means missing, expected a number (double)"),
        (b'{"a":"1","b":2}', "field 'a' is the string '1', expected a number (double)"),
        (b'{"a":true,"b":2}', "field 'a' is true, expected a number (double)"),
        (b'{"a":1,"b":[2]}', "field 'b' is a list of 1, expected a number (double)"),
        (b'{"a":1,"b":NaN}', "field 'b' is the number nan, expected a number (double)"),
        (b'{"a":1,"b":-Infinity}', "field 'b' is the number -inf, expected a number (double)"),
        (b'{"a":1,"b":1e999}', "field 'b' is the number inf, expected a number (double)"),
        (b"[1,2,3]", "expected a list of 2 values (a, b), got a list of 3"),
        (b"[]", "expected a list of 2 values (a, b), got a list of 0"),
        (b'[1,"2"]', "field 'b' is the string '2', expected a number (double)"),
        (b"5", "expected a JSON object or list of a, b, got the number 5"),
        (b"null", "expected a JSON object or list of a, b, got null"),
        (b'"a"', "expected a JSON object or list of a, b, got the string 'a'"),
        (None, "the request has no value, expected a JSON object or list of a, b"),
    ],
)
def test_wrong_row(reader: RequestReader, value: bytes | None, message: str) -> None:
    """The message names the field, what came and what was expected; in an envelope it is the same."""
    with pytest.raises(InputError) as caught:
        reader.read(value, JSON)
    assert caught.value.reason == message
    assert caught.value.code is ErrorCode.INPUT
    if value is not None:
        with pytest.raises(InputError) as caught:
            reader.read(b'{"input":{},"data":' + value + b"}", REQUEST)
        assert caught.value.reason == message


@pytest.mark.parametrize(
    "value",
    [b"", b" ", b"{", b'{"a":1,"b":2} x', b'{"a":1,"b":2,"c":"\xff"}', b"\x00\x01", b"[" * 100_000, b"iris###5.1,3.5"],
)
@pytest.mark.parametrize("content_type", [JSON, REQUEST])
def test_poison_bytes(reader: RequestReader, value: bytes, content_type: str) -> None:
    """What is no JSON is told as such, however it is broken."""
    with pytest.raises(DecodeError, match=r"^the value is not JSON: "):
        reader.read(value, content_type)


def test_nan_outside_of_the_features(reader: RequestReader) -> None:
    """NaN is no JSON: an event with it cannot be passed on, even where the model does not read it."""
    with pytest.raises(DecodeError, match=r"^the value is not JSON: "):
        reader.read(b'{"a":1,"b":2,"c":NaN}', JSON)
    with pytest.raises(DecodeError, match=r"^the value is not JSON: "):
        reader.read(b'{"input":NaN,"data":[1,2]}', REQUEST)


@pytest.mark.parametrize("value", [b'{"input":{}}', b"[1,2]", b"5"])
def test_envelope_with_a_part_missing(reader: RequestReader, value: bytes) -> None:
    """An envelope has both parts, or it is none."""
    with pytest.raises(DecodeError, match=r"^expected an object with 'input' and 'data'"):
        reader.read(value, REQUEST)


@pytest.mark.parametrize("content_type", [TEXT, CSV, OCTETS, "image/png", ""])
def test_other_content(reader: RequestReader, content_type: str) -> None:
    """Text and bytes are no features, and the message says what to do about it."""
    with pytest.raises(InputError) as caught:
        reader.read(b"5.1,3.5", content_type)
    assert caught.value.reason == (
        f"the request is {content_type!r}, expected a JSON object or list of a, b;"
        " give the route a transform that makes one"
    )


def test_treatments_apply_by_name_and_by_place() -> None:
    """Treatments change values; missing ones are None."""
    reader = RequestReader(FIELDS)
    expected = (1.5, None, 2.5, None, None, True)
    assert (
        reader.read(json.dumps({"plain": 1.5, "in range": 2, "count": 9, "flag": True}).encode(), JSON).row == expected
    )
    assert reader.read(b'[1.5, "x", 9, null, null, true]', JSON).row == expected


def test_all_fields_may_be_missing(field: Field) -> None:
    """A row without any field is a row of missing values where the model takes it."""
    assert RequestReader([field("a", missing=Missing.PASS)]).read(b"{}", JSON).row == (None,)


def test_model_without_fields() -> None:
    """A model that needs nothing gets an empty row."""
    assert RequestReader([]).read(b'{"a":1}', JSON).row == ()


def _outcome(reader: RequestReader, value: bytes) -> Row | str:
    """Read a request: its row, or the reason why there is none."""
    try:
        return reader.read(value, JSON).row
    except RecordError as error:
        return error.reason


NUMBERS = st.one_of(
    st.integers(-4, 4),
    st.sampled_from([2**53, 2**53 + 1, -(2**53) - 1, 10**25, 10**400, -0.0, 1e39, 0.999, 1.0, -1e-300]),
    st.floats(allow_nan=True, allow_infinity=True),
)
VALUES = st.one_of(
    NUMBERS, st.none(), st.booleans(), st.sampled_from(["red", "green", "blue", "1", "ä", ""]), st.just([])
)


@given(st.data())
def test_quick_and_slow_reading_agree(data: st.DataObject) -> None:
    """Whatever the quick decoder takes, the field checks would have taken, and made the same row of it."""
    event = {name: data.draw(st.just(good) | VALUES) for name, good in GOOD.items()}
    for name in data.draw(st.sets(st.sampled_from(sorted(GOOD)), max_size=2)):
        del event[name]
    value = json.dumps(data.draw(st.sampled_from([event, list(event.values())]))).encode()
    quick, slow = RequestReader(FIELDS), RequestReader(FIELDS)
    slow._event = None
    assert quick._event is not None
    found, expected = _outcome(quick, value), _outcome(slow, value)
    assert found == expected
    assert list(map(type, found)) == list(map(type, expected))


def test_quick_decoder_takes_good_rows() -> None:
    """Rows that need no treatment are decoded in one go: the slow way costs ten times as much."""
    reader = RequestReader(FIELDS)
    assert reader._event is not None
    decoded = reader._event.decode(json.dumps(GOOD).encode())
    assert (decoded.f0, decoded.f1, decoded.f4) == (1.5, 0.5, "red")


@pytest.mark.parametrize(
    "changes",
    [
        {"valid_values": (1.0,)},
        {"intervals": (*UNIT, *UNIT)},
        {"missing_values": frozenset({-999.0})},
        {"invalid_values": frozenset({-999.0})},
        {"data_type": "dateDaysSince[1970]"},
    ],
)
def test_rules_that_no_type_can_tell(field: Field, changes: dict[str, object]) -> None:
    """A model with such a field is read slowly, and rightly."""
    reader = RequestReader([field(**changes)])
    assert reader._event is None
    with pytest.raises(InputError, match="field 'x' is the string 'x'"):
        reader.read(b'["x"]', JSON)


@pytest.mark.parametrize(
    ("low", "high", "open_margins", "inside", "outside"),
    [
        (0.5, 3.5, False, (1, 3), (0, 4)),
        (1.0, 3.0, False, (1, 3), (0, 4)),
        (1.0, 3.0, True, (2,), (1, 3)),
        (0.5, 3.5, True, (1, 3), (0, 4)),
    ],
)
def test_margins_of_integers(
    field: Field, *, low: float, high: float, open_margins: bool, inside: tuple[int, ...], outside: tuple[int, ...]
) -> None:
    """Margins between whole numbers, or at open ones, are rounded the right way."""
    interval = Interval(low, high, low_open=open_margins, high_open=open_margins)
    reader = RequestReader([field(data_type="integer", intervals=(interval,))])
    for value in inside:
        assert reader.read(f"[{value}]".encode(), JSON).row == (value,)
    for value in outside:
        with pytest.raises(InputError, match=f"field 'x' is the number {value}, expected"):
            reader.read(f"[{value}]".encode(), JSON)
