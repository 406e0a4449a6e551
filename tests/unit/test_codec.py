"""Formats of sources: what is read from good bytes, and what is said of bad ones."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.codec import BytesCodec, Codec, CsvCodec, JsonCodec, TaggedCodec, TextCodec
from penstock.errors import DecodeError, RecordError, TypeMissingError

MESSAGES = Path(__file__).parents[1] / "data" / "messages"

FEATURES = ["sepal_length", "sepal_width", "petal_length", "petal_width"]
IRIS = {"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}

JSON: Codec[Any] = JsonCodec("type")
TAGGED: Codec[Any] = TaggedCodec("###")
CSV: Codec[Any] = CsvCodec(["type", "n"], ",", "int", type_column="type")
ALL: list[Codec[Any]] = [JSON, JsonCodec(), TextCodec(), BytesCodec(), TAGGED, CSV]


def sample(name: str) -> bytes:
    """A sample message without the line end that editors want at the end of a file."""
    return (MESSAGES / name).read_bytes().removesuffix(b"\n")


def test_json_says_its_type_in_a_field() -> None:
    """The input stays the very text, the data is decoded."""
    value = sample("event.json")
    event_type, body = JSON.read(value)

    assert event_type == "iris"
    assert JSON.payload(body) is None
    assert JSON.input(body) == value
    assert JSON.data(body) == {"type": "iris", "id": 1, **IRIS, "user": "u1", "ts": 1_700_000_000_000}


def test_tagged_text_says_its_type_before_the_separator() -> None:
    """The payload is what the model gets, and the input of its result."""
    event_type, body = TAGGED.read(sample("event.tagged"))

    assert event_type == "iris"
    assert TAGGED.payload(body) == b"5.1,3.5,1.4,0.2"
    assert TAGGED.data(body) == "5.1,3.5,1.4,0.2"
    assert TAGGED.input(body) == b'"5.1,3.5,1.4,0.2"'


def test_csv_names_and_converts_its_cells() -> None:
    """The input is the row as it was sent."""
    codec = CsvCodec(FEATURES, ",", "float", type_column=None)
    event_type, body = codec.read(sample("event.csv"))

    assert event_type == ""
    assert codec.data(body) == IRIS
    assert codec.input(body) == b'"5.1,3.5,1.4,0.2"'


def test_csv_cells_may_be_quoted() -> None:
    """Separators and quotes inside a cell are kept; only the columns named in the cast are converted."""
    codec = CsvCodec(["city", "weather", "degrees"], ",", {"degrees": "float"}, type_column=None)
    _, body = codec.read(sample("event-quoted.csv"))

    assert codec.data(body) == {"city": "Zürich", "weather": 'rainy, "heavy"', "degrees": 7.5}


def test_csv_can_say_its_type_in_a_column() -> None:
    """That column stays text when one cast counts for all."""
    event_type, body = CSV.read(b"iris,5")

    assert event_type == "iris"
    assert CSV.data(body) == {"type": "iris", "n": 5}


def test_text_is_decoded() -> None:
    """Text carries no type of its own."""
    codec: Codec[Any] = TextCodec()
    event_type, body = codec.read(sample("event.txt"))

    assert event_type == ""
    assert codec.payload(body) is None
    assert codec.data(body) == "What a lovely day in Zürich"
    assert codec.input(body) == '"What a lovely day in Zürich"'.encode()


def test_bytes_are_left_alone() -> None:
    """Bytes have no input in JSON."""
    codec: Codec[Any] = BytesCodec()
    event_type, body = codec.read(sample("event.png"))

    assert event_type == ""
    assert codec.payload(body) is None
    assert codec.input(body) is None
    assert codec.data(body) == sample("event.png")


@pytest.mark.parametrize("codec", ALL, ids=lambda codec: type(codec).__name__)
def test_a_null_value_is_no_event(codec: Codec[Any]) -> None:
    """A tombstone is poison in every format, and the reason calls it by its name."""
    with pytest.raises(DecodeError, match=r"^expected \w+, got a null value \(a tombstone\)$"):
        codec.read(None)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (b"", "^expected JSON, got b'': Input data was truncated$"),
        (b"iris", r"^expected JSON, got b'iris': JSON is malformed: invalid character \(byte 0\)$"),
        (b'{"type":"iris"', "Input data was truncated"),
        (b'{"type":"iris"} x', "trailing characters"),
        (b'{"type":"iris","x":NaN}', "invalid character"),
        (b'{"type":"iris","x":Infinity}', "invalid character"),
        (b'{"type":"iris","x":01}', "invalid number"),
        (b'{"type":"iris","x":"\xff"}', r"expected JSON, got .*: 'utf-8' codec can't decode byte 0xff"),
        (b'{"type":"\xff"}', "can't decode byte 0xff"),
        (b'\xef\xbb\xbf{"type":"iris"}', "invalid character"),
        (b'{"type":"iris","x":' + b"[" * 100_000, "maximum recursion depth"),
        (b"[1]", "^expected a JSON object with field 'type', got array$"),
        (b"5", "^expected a JSON object with field 'type', got int$"),
        (b"null", "^expected a JSON object with field 'type', got null$"),
    ],
)
def test_what_is_not_the_json_declared_is_refused(value: bytes, message: str) -> None:
    """The reason says what was found and where it breaks; a megabyte of poison is quoted in part."""
    with pytest.raises(DecodeError, match=message) as caught:
        JSON.read(value)

    assert len(caught.value.reason) < 250


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (b"{}", "^the event has no field 'type' that says its type$"),
        (b'{"type":""}', "^the event has no field 'type' that says its type$"),
        (b'{"type":5}', "^the event's type in field 'type' must be text, got int$"),
        (b'{"type":null}', "^the event's type in field 'type' must be text, got null$"),
        (b'{"type":{"a":1}}', "^the event's type in field 'type' must be text, got object$"),
    ],
)
def test_json_without_a_type_is_refused(value: bytes, message: str) -> None:
    """Good JSON whose type cannot be told has a code of its own."""
    with pytest.raises(TypeMissingError, match=message):
        JSON.read(value)


def test_json_of_any_kind_is_an_event_where_its_type_stands_elsewhere() -> None:
    """Without a type field a list is as good as an object, but poison stays poison."""
    codec = JsonCodec()

    assert codec.data(codec.read(b"[1, 2]")[1]) == [1, 2]
    with pytest.raises(DecodeError, match="invalid character"):
        codec.read(b"[1, NaN]")


def test_a_type_field_may_have_any_name() -> None:
    """Names that are no identifiers are fields too."""
    assert JsonCodec("event-type").read(b'{"event-type":"a"}')[0] == "a"


def test_json_beyond_what_numbers_hold_is_refused_when_it_is_decoded() -> None:
    """As-is such an event passes untouched: only who looks into it can mind."""
    _, body = JSON.read(b'{"type":"a","x":1e999}')

    with pytest.raises(DecodeError, match=r"^expected JSON, got .*: Number out of range"):
        JSON.data(body)


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (b"5.1,3.5", TypeMissingError, "^expected 'type###payload', got '5.1,3.5'$"),
        (b"###5.1", TypeMissingError, "^nothing stands before the separator '###', got '###5.1'$"),
        (b"iris###\xff", DecodeError, r"^expected text in UTF-8, got b'iris###\\xff': invalid start byte \(byte 7\)$"),
    ],
)
def test_tagged_text_without_a_type_is_refused(value: bytes, error: type[RecordError], message: str) -> None:
    """The reason shows the form that was expected."""
    with pytest.raises(error, match=message):
        TAGGED.read(value)


@pytest.mark.parametrize("separator", ["###", "|", ".*", "\\", "äö", " "])
@given(event_type=st.text(min_size=1), payload=st.text())
def test_any_separator_is_taken_literally(separator: str, event_type: str, payload: str) -> None:
    """The first one ends the type; the payload keeps all that follow."""
    text = f"{event_type.replace(separator, '')}x{separator}{payload}{separator}"
    try:
        value = text.encode()
    except UnicodeEncodeError:
        return  # lone surrogates are no text that a producer could send
    found, body = TaggedCodec(separator).read(value)

    assert separator not in found
    assert f"{found}{separator}{body}" == text
    assert msgspec.json.decode(TaggedCodec(separator).input(body)) == body


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (b"iris", DecodeError, r"^expected 2 cells \(type, n\), found 1 in 'iris'$"),
        (b"iris,1,2", DecodeError, r"^expected 2 cells \(type, n\), found 3 in 'iris,1,2'$"),
        (b"iris,wide", DecodeError, r"^field 'n': expected int, got 'wide' \(text\)$"),
        (b"iris,", DecodeError, r"^field 'n': expected int, got '' \(text\)$"),
        (b"", DecodeError, "^expected a row of cells, got empty text$"),
        (b'"iris,1', DecodeError, "unexpected end of data"),
        (b",1", TypeMissingError, "^the event's type in column 'type' is empty$"),
        (b"\xff,1", DecodeError, "^expected text in UTF-8"),
    ],
)
def test_rows_that_do_not_fit_are_refused(value: bytes, error: type[RecordError], message: str) -> None:
    """The reason says expected and found."""
    with pytest.raises(error, match=message):
        CSV.read(value)


@pytest.mark.parametrize("codec", ALL, ids=lambda codec: type(codec).__name__)
@given(value=st.binary() | st.text().map(lambda text: text.encode(errors="replace")))
def test_any_bytes_are_an_event_or_a_fault(codec: Codec[Any], value: bytes) -> None:
    """No bytes make any exception but those in the contract, and the input of an event is always JSON."""
    try:
        event_type, body = codec.read(value)
        codec.data(body)
    except (DecodeError, TypeMissingError):
        return

    assert isinstance(event_type, str)
    told = codec.input(body)
    if told is not None:
        msgspec.json.decode(told)
