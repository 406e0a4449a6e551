"""Arrays to the tensors of the Open Inference Protocol and back."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from penstock.remote.messages import message
from penstock.remote.oip_tensors import (
    datatype_of,
    from_contents,
    from_list,
    from_raw,
    to_list,
    to_raw,
    word_of_datatype,
)
from penstock.remote.tensors import numpy_type, objects

DATATYPES = (
    "BOOL UINT8 UINT16 UINT32 UINT64 INT8 INT16 INT32 INT64 FP16 FP32 FP64".split()  # noqa: SIM905 (reads better)
)
SHAPES = arrays.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=4)


def any_array(datatype: str) -> st.SearchStrategy[np.ndarray]:
    """Arrays of a type, of numbers that JSON has."""
    kind = numpy_type(word_of_datatype(datatype))
    finite = {"allow_nan": False, "allow_infinity": False} if kind.kind == "f" else {}
    return arrays.arrays(kind, SHAPES, elements=finite or None)


@pytest.mark.parametrize("datatype", DATATYPES)
@given(data=st.data())
def test_numbers_come_back_as_they_went(datatype: str, data: st.DataObject) -> None:
    """Raw and as JSON, of every type and shape."""
    array = data.draw(any_array(datatype))
    assert datatype_of(array) == datatype

    raw = from_raw(to_raw(array), datatype, array.shape)
    listed = from_list(msgspec.json.decode(msgspec.json.encode(to_list(array))), datatype, array.shape)

    for found in (raw, listed):
        assert (found.shape, found.dtype, found.tobytes()) == (array.shape, array.dtype, array.tobytes())


@given(st.lists(st.binary(max_size=300), max_size=5))
def test_strings_come_back_as_they_went(values: list[bytes]) -> None:
    """Any bytes, each after its length."""
    array = objects(values)

    assert from_raw(to_raw(array), "BYTES", array.shape).tolist() == values


def test_raw_strings_are_as_the_protocol_says() -> None:
    """Four bytes of length, the lowest first, then the string."""
    assert to_raw(objects(["ab", ""])) == b"\x02\x00\x00\x00ab\x00\x00\x00\x00"


def test_strings_of_json_are_text() -> None:
    """Nested lists are read as flat ones are."""
    array = objects(["ä", "b"], (2, 1))

    assert to_list(array) == ["ä", "b"]
    assert from_list([["ä"], ["b"]], "BYTES", (2, 1)).tolist() == [["ä".encode()], [b"b"]]


def test_bytes_that_are_no_text_cannot_be_json() -> None:
    """An image goes by gRPC."""
    with pytest.raises(ValueError, match="codec can't decode"):
        to_list(objects([b"\xff"]))


@pytest.mark.parametrize(
    ("field", "datatype", "values"),
    [
        ("fp32_contents", "FP32", [1.5]),
        ("int_contents", "INT8", [-3]),
        ("uint_contents", "UINT16", [65535]),
        ("bool_contents", "BOOL", [True]),
        ("bytes_contents", "BYTES", [b"x"]),
    ],
)
def test_lists_by_type_are_read(field: str, datatype: str, values: list[Any]) -> None:
    """Servers need not answer raw."""
    contents = message("inference.InferTensorContents")(**{field: values})

    assert from_contents(contents, datatype, (1,)).tolist() == values


@pytest.mark.parametrize(
    ("content", "datatype", "fault"),
    [
        (b"123", "FP32", "4 bytes for each value, got 3"),
        (b"1234", "FP32", "has 2 values, got 1"),
        (b"\x05\x00\x00\x00ab", "BYTES", "ends within a value of 5 bytes"),
        (b"\x05\x00", "BYTES", "ends within a length"),
        (b"", "BF16", "tensors of BF16 cannot be read; expected one of BOOL"),
    ],
)
def test_raw_contents_that_do_not_fit_are_refused(content: bytes, datatype: str, fault: str) -> None:
    """Nobody guesses what was meant."""
    with pytest.raises(ValueError, match=fault):
        from_raw(content, datatype, (2,))


@pytest.mark.parametrize(
    ("data", "datatype"), [(["a"], "FP32"), ([300], "UINT8"), ([{}], "BYTES"), ([None], "INT32"), ([1, 2], "FP32")]
)
def test_lists_of_other_values_are_refused(data: list[Any], datatype: str) -> None:
    """Values of another type, too large ones, too many."""
    with pytest.raises(ValueError, match=r"."):
        from_list(data, datatype, (1,))


def test_half_precision_comes_raw_only() -> None:
    """There is no list for it."""
    with pytest.raises(ValueError, match="FP16 come raw only"):
        from_contents(message("inference.InferTensorContents")(), "FP16", (1,))


def test_types_that_no_tensor_has_are_refused() -> None:
    """Complex numbers, here."""
    with pytest.raises(ValueError, match="no tensor can have the type complex64"):
        datatype_of(np.zeros(1, dtype="c8"))
