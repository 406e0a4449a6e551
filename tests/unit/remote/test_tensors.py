"""Arrays to TensorFlow's tensors and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from penstock.remote.messages import message
from penstock.remote.tensors import WORDS, from_proto, number_of, numpy_type, objects, to_proto, word_of

SHAPES = arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5)


def proto(**fields: Any) -> Any:
    """An empty or a given TensorProto."""
    shape = fields.pop("shape", ())
    made = message("tensorflow.TensorProto")(**fields)
    for size in shape:
        made.tensor_shape.dim.add(size=size)
    return made


def any_array(word: str) -> st.SearchStrategy[np.ndarray]:
    """Arrays of one of the types."""
    if word == "string":
        return SHAPES.flatmap(
            lambda shape: st.lists(
                st.binary(max_size=9), min_size=int(np.prod(shape)), max_size=int(np.prod(shape))
            ).map(lambda values: objects(values, shape))
        )
    return arrays.arrays(numpy_type(word), SHAPES)


@pytest.mark.parametrize("word", WORDS)
@given(data=st.data())
def test_arrays_come_back_as_they_went(word: str, data: st.DataObject) -> None:
    """Of every type and shape, empty ones and single values included, bit for bit, over the wire."""
    array = data.draw(any_array(word))
    sent = proto()
    to_proto(array, sent)

    found = from_proto(proto().FromString(sent.SerializeToString()))

    assert (found.shape, found.dtype) == (array.shape, array.dtype)
    assert sent.dtype == number_of(word)
    assert found.tolist() == array.tolist() if word == "string" else found.tobytes() == array.tobytes()


@pytest.mark.parametrize(
    ("given", "word"),
    [
        (np.arange(6, dtype=">f4").reshape(2, 3), "float"),
        (np.arange(12, dtype="f8")[::2].reshape(2, 3).T, "double"),
        (np.array(["größe", "b"]), "string"),
        (np.array([b"a", b"\x00b"]), "string"),
    ],
)
def test_what_lies_otherwise_in_memory_is_put_in_order(given: np.ndarray, word: str) -> None:
    """Other byte orders, views with steps, numpy's own strings."""
    sent = proto()
    to_proto(given, sent)
    found = from_proto(sent)

    assert word_of(sent.dtype) == word
    expected = [each.encode() if isinstance(each, str) else each for each in given.ravel().tolist()]
    assert found.ravel().tolist() == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"dtype": 1, "shape": (3,), "float_val": [1.5, 2.5]}, [1.5, 2.5, 2.5]),
        ({"dtype": 9, "shape": (2, 2), "int64_val": [7]}, [7, 7, 7, 7]),
        ({"dtype": 4, "shape": (2,), "int_val": [1, 255]}, [1, 255]),
        ({"dtype": 3, "shape": (2,)}, [0, 0]),
        ({"dtype": 10, "shape": (2,), "bool_val": [True]}, [True, True]),
        ({"dtype": 7, "shape": (2,), "string_val": [b"a"]}, [b"a", b"a"]),
        ({"dtype": 7, "shape": (1,)}, [b""]),
        ({"dtype": 19, "shape": (2,), "half_val": [0x3C00, 0xC000]}, [1.0, -2.0]),
        ({"dtype": 8, "shape": (1,), "scomplex_val": [1, 2]}, [1 + 2j]),
        ({"dtype": 18, "shape": (1,), "dcomplex_val": [1, 2]}, [1 + 2j]),
        ({"dtype": 14, "shape": (2,), "half_val": [0x3F80]}, [1.0, 1.0]),
        ({"dtype": 14, "shape": (1,), "tensor_content": b"\x20\xc1"}, [-10.0]),
        ({"dtype": 22, "shape": (), "uint32_val": [2**32 - 1]}, [2**32 - 1]),
    ],
)
def test_lists_by_type_are_read(fields: dict[str, Any], expected: list[Any]) -> None:
    """As servers may answer: the last value stands for all that follow, none for zeros."""
    assert from_proto(proto(**fields)).ravel().tolist() == expected


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"dtype": 1, "shape": (3,), "tensor_content": b"1234"}, "has 12 bytes, got 4"),
        ({"dtype": 1, "shape": (1,), "float_val": [1, 2]}, "has 1 values, got 2"),
        ({"dtype": 20, "shape": (1,)}, "type number 20 cannot be read; expected one of float, double"),
        ({"dtype": 1, "shape": (-1,)}, "shape must be known"),
    ],
)
def test_tensors_that_contradict_themselves_are_refused(fields: dict[str, Any], fault: str) -> None:
    """Nobody guesses what was meant."""
    with pytest.raises(ValueError, match=fault):
        from_proto(proto(**fields))


def test_types_that_no_tensor_has_are_refused() -> None:
    """Such as times."""
    with pytest.raises(ValueError, match="no tensor can have the type datetime64"):
        to_proto(np.array(["2026-01-01"], dtype="datetime64[D]"), proto())


def test_unknown_types_have_no_word() -> None:
    """A resource is none of ours."""
    assert (word_of(20), word_of(1)) == ("", "float")
