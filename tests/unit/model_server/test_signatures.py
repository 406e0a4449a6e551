"""What is read of a SavedModel without TensorFlow, and which inputs it takes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from penstock.local.model_server.refusal import Code, Refusal
from penstock.local.model_server.signatures import Info, Signature, dtype_name, read, rows_of
from penstock.models.pack import unpacked

MODEL = Path(__file__).parents[3] / "models" / "image-classifier" / "1" / "model.zip"
SIGNATURE = Signature(
    "tensorflow/serving/predict",
    {"a": Info("a:0", 1, (-1, 2)), "b": Info("b:0", 1, None)},
    {"y": Info("y:0", 1, (-1,))},
    None,
)
ROWS = SIGNATURE._replace(inputs={"a": Info("a:0", 1, (-1, 2)), "b": Info("b:0", 1, (-1,))})


def test_signatures_of_a_sample_are_read(tmp_path: Path) -> None:
    """Names, types and sizes; what TensorFlow needs for itself is left out."""
    found = read(unpacked(MODEL, tmp_path / "model", 1 << 20))

    assert set(found) == {"serving_default", "png"}
    assert found["png"].inputs["image_bytes"][1:] == (7, (-1,))
    assert found["serving_default"].inputs["image"][1:] == (1, (-1, 8, 8, 1))
    assert found["png"].outputs["scores"][1:] == (1, (-1, 10))
    assert found["png"].by_rows


@pytest.mark.parametrize(
    ("content", "code"), [(None, Code.NOT_FOUND), (b"\xff\xff", Code.INTERNAL), (b"", Code.NOT_FOUND)]
)
def test_folder_without_a_model_is_refused(tmp_path: Path, content: bytes | None, code: Code) -> None:
    """No file, no message, and a model with nothing to serve."""
    if content is not None:
        (tmp_path / "saved_model.pb").write_bytes(content)
    with pytest.raises(Refusal, match=r"saved_model\.pb|SavedModel") as caught:
        read(tmp_path)
    assert caught.value.code == code


def test_rows_are_counted() -> None:
    """Where all inputs have as many."""
    assert rows_of(ROWS, {"a": np.zeros((3, 2)), "b": np.zeros(3)}) == 3
    assert rows_of(ROWS, {"a": np.zeros((3, 2)), "b": np.zeros(4)}) is None


def test_inputs_of_unknown_sizes_are_never_put_together() -> None:
    """Nobody knows what their first dimension is."""
    assert rows_of(SIGNATURE, {"a": np.zeros((3, 2)), "b": np.zeros(3)}) is None


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({"a": np.zeros((1, 2))}, r"1!=2 .* Sent extra: \{\}. Missing but required: \{b\}"),
        ({"a": np.zeros((1, 2)), "b": np.zeros(1), "c": np.zeros(1)}, r"3!=2 .* Sent extra: \{c\}"),
        ({"a": np.zeros((1, 3)), "b": np.zeros(1)}, r"input 'a' of shape \[-1, 2\], -1 being any, got \[1, 3\]"),
        ({"a": np.zeros(2), "b": np.zeros(1)}, r"got \[2\]"),
    ],
)
def test_wrong_inputs_are_told(inputs: dict[str, np.ndarray], said: str) -> None:
    """Names first, in TensorFlow Serving's words; then sizes."""
    with pytest.raises(Refusal, match=said) as caught:
        rows_of(ROWS, inputs)
    assert caught.value.code == Code.INVALID_ARGUMENT


def test_types_have_names() -> None:
    """Also those that nobody can send."""
    assert (dtype_name(1), dtype_name(7), dtype_name(20)) == ("float", "string", "type number 20")
