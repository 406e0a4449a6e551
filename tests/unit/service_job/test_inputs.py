"""Requests become rows: JSON by name or in order, bytes as they are, and references that are still to be fetched."""

from __future__ import annotations

import base64
from typing import Any

import msgspec
import numpy as np
import pytest
from msgspec import UNSET

from jobs.service_job.fields import ImageField, NumberField, Reference, TextField
from jobs.service_job.inputs import RequestReader
from penstock.errors import DecodeError, InputError
from penstock.event import CSV, JSON, OCTETS, REQUEST, TEXT

IRIS = RequestReader([NumberField("length", "float", ()), NumberField("count", "int32", ())])
TWEETS = RequestReader([TextField("text", ())])


class Lengths:
    """Stands where images are decoded: the first number is how many bytes came."""

    def read(self, data: bytes) -> np.ndarray[Any, Any]:
        """Refuse what begins with x."""
        if data.startswith(b"x"):
            raise InputError("no image")
        return np.full((2, 2, 1), len(data), dtype=np.float32)


IMAGES = RequestReader([ImageField("image", Lengths(), 16)])


def encoded(tree: object) -> bytes:
    """As JSON."""
    return msgspec.json.encode(tree)


def read(reader: RequestReader, tree: object) -> Any:
    """The row of an event in JSON."""
    return reader.read(encoded(tree), JSON).row


def test_object_is_read_by_names() -> None:
    """What the model does not know is left alone, and stays in the event."""
    value = b'{"count": 3, "length": 1.50, "user": "u1"}'
    found = IRIS.read(value, None)

    assert found.row == (1.5, 3)
    assert bytes(found.input or b"") == value


def test_list_is_read_in_order() -> None:
    """All of the inputs."""
    assert read(IRIS, [1.5, 3]) == (1.5, 3)


def test_only_input_may_come_alone() -> None:
    """A text is a text, a list is a list."""
    vectors = RequestReader([NumberField("x", "double", (2,))])

    assert read(TWEETS, "hello") == read(TWEETS, {"text": "hello"}) == (b"hello",)
    assert read(vectors, [1, 2]) == read(vectors, {"x": [1, 2]}) == ([1, 2],)


@pytest.mark.parametrize("word", ["float", "uint64", "int8", "bool"])
@pytest.mark.parametrize("wrong", ["a", 1e300, [], [1, 2], [[1]], {}, None])
def test_only_number_may_come_in_any_form(word: str, wrong: object) -> None:
    """Alone, in a list, or in an object; what is wrong with it is told in each, whatever its bounds."""
    reader = RequestReader([NumberField("x", word, ())])
    one = word == "bool" or 1

    assert read(reader, one) == read(reader, [one]) == read(reader, {"x": one}) == (one,)
    for tree in (wrong, [wrong], {"x": wrong}):
        with pytest.raises(InputError, match=r"field 'x' is|expected a list of 1 values"):
            read(reader, tree)


def test_whole_number_may_be_written_with_a_fraction() -> None:
    """As in all jobs: JSON has one kind of number."""
    assert read(IRIS, {"length": 1.5, "count": 3.0}) == (1.5, 3)


def test_envelope_has_event_and_data() -> None:
    """The event goes into the result, the data to the model."""
    found = IRIS.read(b'{"input":"1.5,3","data":{"length":1.5,"count":3}}', REQUEST)

    assert found.row == (1.5, 3)
    assert bytes(found.input or b"") == b'"1.5,3"'


def test_envelope_of_bytes_has_no_event() -> None:
    """JSON cannot have it."""
    assert IRIS.read(b'{"data":[1.5,3]}', REQUEST).input is UNSET


@pytest.mark.parametrize(
    ("tree", "said"),
    [
        ({"length": 1.5}, "field 'count' is missing, expected a whole number (int32)"),
        ({"length": "1.5", "count": 3}, "field 'length' is the string '1.5', expected a number (float, up to 3.4e+38)"),
        ({"length": 1.5, "count": 3.5}, "field 'count' is the number 3.5, expected a whole number (int32)"),
        ({"length": 1.5, "count": True}, "field 'count' is true, expected a whole number (int32)"),
        ({"length": None, "count": 3}, "field 'length' is null, expected a number"),
        ({"length": 1e39, "count": 3}, "field 'length' is the number 1e+39, expected a number (float, up to 3.4e+38)"),
        ({"length": 1.5, "count": 2**31}, "field 'count' is the number 2147483648, expected a whole number (int32)"),
        ([1.5], "expected a list of 2 values (length, count), got a list of 1"),
        ("1.5", "expected a JSON object or list of length, count, got the string '1.5'"),
    ],
)
def test_what_does_not_fit_is_told(tree: object, said: str) -> None:
    """In the words of every job: the field's name, what came and what was expected."""
    with pytest.raises(InputError) as told:
        read(IRIS, tree)

    assert said in str(told.value)


@pytest.mark.parametrize(
    ("value", "content_type"),
    [
        (b'{"length": 1.5, "count": 3, "other": NaN}', JSON),
        (b'{"length": 1.5', JSON),
        (b"", JSON),
        (b'{"length": 1.5, "count": 3, "user": "\xff"}', JSON),
        (b'{"input": 1}', REQUEST),
        (b'{"user": ' + b"[" * 100_000, JSON),
    ],
)
def test_what_is_no_json_is_told(value: bytes, content_type: str) -> None:
    """The bytes are at fault, not the row."""
    with pytest.raises(DecodeError):
        IRIS.read(value, content_type)


def test_request_without_a_value_is_refused() -> None:
    """With what the model takes."""
    with pytest.raises(InputError, match="length, count"):
        IRIS.read(None, None)


def test_widest_whole_numbers_are_bounded() -> None:
    """Beyond 64 bits there is nothing."""
    reader = RequestReader([NumberField("n", "uint64", ())])

    assert reader.tensors([read(reader, {"n": 2**64 - 1})])["n"].tolist() == [2**64 - 1]
    with pytest.raises(InputError, match=r"expected a whole number \(uint64\)"):
        read(reader, {"n": 2**64})


@pytest.mark.parametrize("word", ["half", "float", "double", "int8", "int64", "uint8", "uint32", "bool"])
def test_rows_become_a_tensor_of_the_type(word: str) -> None:
    """One for each input, a row for each request."""
    reader = RequestReader([NumberField("x", word, (2, 1))])
    none, one = (False, True) if word == "bool" else (0, 1)
    rows = [read(reader, {"x": [[none], [one]]}), read(reader, {"x": [[one], [one]]})]
    found = reader.tensors(rows)["x"]

    assert (found.shape, found.tolist()) == ((2, 2, 1), [[[0], [1]], [[1], [1]]])
    assert found.dtype == NumberField("x", word, ())._dtype


def test_shapes_are_checked() -> None:
    """All sizes that the model fixes; those that it leaves open have to be even in each request."""
    reader = RequestReader([NumberField("x", "float", (-1, 2))])

    assert reader.ragged
    assert reader.shapes(read(reader, {"x": [[1, 2], [3, 4], [5, 6]]})) == ((3, 2),)
    with pytest.raises(InputError, match=r"field 'x'\[0\] is a list of 3, expected a list of 2"):
        read(reader, {"x": [[1, 2, 3]]})
    uneven = RequestReader([NumberField("x", "float", (-1, -1))])
    with pytest.raises(InputError, match="lists of one length"):
        read(uneven, {"x": [[1, 2], [3]]})


def test_missing_values_have_stand_ins() -> None:
    """Absent or null."""
    reader = RequestReader(
        [NumberField("x", "float", ()), NumberField("n", "int32", ()), TextField("t", ())], {"n": 7, "t": "none"}
    )

    assert read(reader, {"x": 1.5}) == read(reader, {"x": 1.5, "n": None, "t": None}) == (1.5, 7, b"none")
    assert read(reader, {"x": 1.5, "n": 1, "t": "a"}) == (1.5, 1, b"a")
    with pytest.raises(InputError, match="stands in for a missing 'n'"):
        RequestReader([NumberField("n", "int32", ())], {"n": "seven"})


def test_bytes_are_the_input_that_takes_them() -> None:
    """Whatever they are called, and no event is in the result."""
    for content_type in (OCTETS, "image/png", "audio/x"):
        found = TWEETS.read(b"\x89PNG", content_type)
        assert found == (UNSET, (b"\x89PNG",))


def test_text_is_an_input_and_an_event() -> None:
    """In UTF-8."""
    found = TWEETS.read("Zürich".encode(), TEXT)

    assert found.row == ("Zürich".encode(),)
    assert bytes(found.input or b"") == '"Zürich"'.encode()
    with pytest.raises(DecodeError, match="UTF-8"):
        TWEETS.read(b"\xff", TEXT)


@pytest.mark.parametrize(("reader", "content_type"), [(IRIS, OCTETS), (IRIS, TEXT), (TWEETS, CSV)])
def test_bytes_that_no_input_takes_are_refused(reader: RequestReader, content_type: str) -> None:
    """A transform has to make something of them."""
    with pytest.raises(InputError, match="give the route a transform"):
        reader.read(b"1.5,3", content_type)


def test_bytes_stand_in_json_in_base_64() -> None:
    """As TensorFlow Serving's own REST interface has them."""
    assert read(TWEETS, {"text": {"b64": base64.b64encode(b"\xff\x00").decode()}}) == (b"\xff\x00",)
    with pytest.raises(InputError, match="field 'text' is an object, expected a string, or an object with"):
        read(TWEETS, {"text": {"b64": "!"}})
    with pytest.raises(InputError, match="an object with either 'b64'"):
        read(TWEETS, {"text": {}})


def test_image_is_decoded_as_it_is_read() -> None:
    """So that a bad one is an error of its own row."""
    assert IMAGES.read(b"abc", "image/png").row[0][0, 0, 0] == 3
    assert read(IMAGES, {"image": {"b64": base64.b64encode(b"abcd").decode()}})[0][0, 0, 0] == 4
    with pytest.raises(InputError, match="field 'image': no image"):
        IMAGES.read(b"x", "image/png")
    with pytest.raises(InputError, match="field 'image' is the string 'abc', expected an object with either"):
        read(IMAGES, {"image": "abc"})


@pytest.mark.parametrize("reader", [TWEETS, IMAGES], ids=["text", "image"])
def test_whole_event_may_be_a_reference(reader: RequestReader) -> None:
    """Or one input of it."""
    name = "text" if reader is TWEETS else "image"
    for tree in ({"uri": "s3://a/b", "id": 5}, {name: {"uri": "s3://a/b"}}):
        row = read(reader, tree)
        assert row == (Reference("s3://a/b"),)
        assert reader.references(row)
        (found,) = reader.resolved(row, lambda uri: uri.encode())
        assert found == b"s3://a/b" if reader is TWEETS else found[0, 0, 0] == 8


def test_reference_is_no_part_of_a_value() -> None:
    """Of a list of texts it would be one."""
    reader = RequestReader([TextField("texts", (-1,))])

    assert reader.tensors([read(reader, {"texts": ["a", "b"]})])["texts"].tolist() == [[b"a", b"b"]]
    with pytest.raises(InputError, match="not for a part of one"):
        read(reader, {"texts": ["a", {"uri": "s3://a/b"}]})


def test_sizes_are_about_right() -> None:
    """Calls are bounded by them."""
    reader = RequestReader([NumberField("x", "double", (3,)), TextField("t", ()), NumberField("r", "float", (-1,))])
    row = read(reader, {"x": [1, 2, 3], "t": "abcd", "r": [1, 2]})

    assert reader.size(row) == 24 + 4 + 8
