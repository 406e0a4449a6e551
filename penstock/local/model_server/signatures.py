"""What a SavedModel's signatures take and give, read from its file without TensorFlow, and checks of inputs by it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from penstock.local.model_server.refusal import Code, Refusal
from penstock.remote.messages import message
from penstock.remote.tensors import word_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["CLASSIFY", "DEFAULT", "FILE", "PREDICT", "REGRESS", "Info", "Signature", "dtype_name", "read", "rows_of"]

FILE = "saved_model.pb"
DEFAULT = "serving_default"
"""The signature that is meant where a call names none."""
PREDICT = "tensorflow/serving/predict"
CLASSIFY = "tensorflow/serving/classify"
REGRESS = "tensorflow/serving/regress"
_TAG = "serve"


class Info(NamedTuple):
    """One input or output."""

    tensor: str
    """Its name in the graph."""
    dtype: int
    """As TensorFlow counts types."""
    shape: tuple[int, ...] | None
    """-1 for what may be any size; None where nothing is known."""

    @property
    def by_rows(self) -> bool:
        """Whether the first dimension counts rows, as many as the caller likes."""
        return bool(self.shape) and self.shape is not None and self.shape[0] < 0


class Signature(NamedTuple):
    """One way to call a model."""

    method: str
    inputs: Mapping[str, Info]
    outputs: Mapping[str, Info]
    definition: Any
    """The whole of it, as a message."""

    @property
    def by_rows(self) -> bool:
        """Whether calls can be put together: all inputs and outputs count rows."""
        return all(each.by_rows for each in (*self.inputs.values(), *self.outputs.values()))


def read(folder: Path) -> dict[str, Signature]:
    """Return the signatures of the SavedModel in a folder, by name.

    Raises `Refusal` where there is none that can be served.
    """
    path = folder / FILE
    try:
        model = message("tensorflow.SavedModel").FromString(path.read_bytes())
    except OSError as error:
        raise Refusal(Code.NOT_FOUND, f"Could not find SavedModel .pb at supplied path: {folder}: {error}") from error
    except Exception as error:  # whatever protobuf raises where bytes are no message of its
        raise Refusal(Code.INTERNAL, f"{path} is no SavedModel: {error}") from error
    graphs = [graph for graph in model.meta_graphs if list(graph.meta_info_def.tags) == [_TAG]]
    if not graphs:
        raise Refusal(Code.NOT_FOUND, f"Could not find meta graph def matching supplied tags: {{ {_TAG} }} in {path}")
    return {name: _signature(each) for name, each in graphs[0].signature_def.items() if not name.startswith("__")}


def rows_of(signature: Signature, inputs: Mapping[str, NDArray[Any]]) -> int | None:
    """Return how many rows the inputs have; None where they cannot be put together with those of other calls.

    Checks names first, then sizes; raises `Refusal` as the server does, INVALID_ARGUMENT.
    """
    _check_names(signature, inputs)
    for name, array in inputs.items():
        _check_shape(name, signature.inputs[name], array.shape)
    if not signature.by_rows:
        return None
    counts = {array.shape[0] for array in inputs.values()}
    return counts.pop() if len(counts) == 1 else None


def dtype_name(number: int) -> str:
    """Return TensorFlow's word for a type."""
    return word_of(number) or f"type number {number}"


def _signature(definition: Any) -> Signature:
    return Signature(
        method=definition.method_name,
        inputs={name: _info(each) for name, each in definition.inputs.items()},
        outputs={name: _info(each) for name, each in definition.outputs.items()},
        definition=definition,
    )


def _info(tensor: Any) -> Info:
    shape = tensor.tensor_shape
    return Info(tensor.name, tensor.dtype, None if shape.unknown_rank else tuple(each.size for each in shape.dim))


def _check_names(signature: Signature, inputs: Mapping[str, NDArray[Any]]) -> None:
    given, wanted = sorted(inputs), sorted(signature.inputs)
    if given == wanted:
        return
    extra = ",".join(name for name in given if name not in signature.inputs)
    missing = ",".join(name for name in wanted if name not in inputs)
    sizes = f"{len(given)}!={len(wanted)} len({{{','.join(given)}}}) != len({{{','.join(wanted)}}})"
    lacks = f"Sent extra: {{{extra}}}. Missing but required: {{{missing}}}."
    raise Refusal(Code.INVALID_ARGUMENT, f"input size does not match signature: {sizes}. {lacks}")


def _check_shape(name: str, info: Info, found: tuple[int, ...]) -> None:
    if info.shape is None:
        return
    fits = len(found) == len(info.shape) and all(
        wanted in (-1, size) for wanted, size in zip(info.shape, found, strict=True)
    )
    if not fits:
        expected = f"input {name!r} of shape {list(info.shape)}, -1 being any, got {list(found)}"
        raise Refusal(Code.INVALID_ARGUMENT, f"expected {expected}")
