"""SavedModels in TensorFlow: the only module that imports it.

A model is a graph with a session of its own, as in TensorFlow Serving: all signatures of SavedModels can be called,
those of version 1 too, and closing a session gives its memory back.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from penstock.local.model_server.refusal import Code, Refusal
from penstock.local.model_server.signatures import read

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from penstock.local.model_server.signatures import Signature

__all__ = ["SavedModel", "load", "prepare"]

_QUIET = {"TF_CPP_MIN_LOG_LEVEL": "2", "CUDA_VISIBLE_DEVICES": "-1"}
#: A warm-up call of more elements than that is left out.
_MOST_WARM = 1_000_000
#: Of what TensorFlow says about a failure so much is told; the rest is its stack.
_MOST_TOLD = 1_000


def prepare() -> str:
    """Import TensorFlow, which takes seconds, and return its version."""
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    import tensorflow as tf

    tf.get_logger().setLevel("ERROR")
    return str(tf.__version__)


def load(folder: Path) -> SavedModel:
    """Open the SavedModel in a folder, and call each signature once, for the first call takes longest.

    Raises `Refusal`.
    """
    model = SavedModel(folder, read(folder))
    model.warm_up()
    return model


class SavedModel:
    """A loaded model. One thread at a time computes."""

    def __init__(self, folder: Path, signatures: Mapping[str, Signature]) -> None:
        import tensorflow as tf

        self._errors = tf.errors
        self.signatures = signatures
        v1 = tf.compat.v1
        options = v1.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
        self._session = v1.Session(graph=tf.Graph(), config=options)
        try:
            v1.saved_model.loader.load(self._session, ["serve"], str(folder))
            self._calls = {name: self._prepared(each) for name, each in signatures.items()}
        except Exception as error:  # TensorFlow raises whatever its Python parts do: the folder is to blame
            self._session.close()
            raise self._refusal(error) from error

    def run(self, name: str, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Compute the outputs of a signature; the inputs are of its names, types and sizes.

        Raises `Refusal` as TensorFlow does: INVALID_ARGUMENT where an input is to blame.
        """
        signature = self.signatures[name]
        try:
            arrays = self._calls[name](*(inputs[each] for each in signature.inputs))
        except self._errors.OpError as error:
            raise self._refusal(error) from error
        except (TypeError, ValueError) as error:  # TensorFlow's Python parts look at what goes in, too
            raise Refusal(Code.INVALID_ARGUMENT, str(error)[:_MOST_TOLD]) from error
        return dict(zip(signature.outputs, arrays, strict=True))

    def warm_up(self) -> None:
        """Call each signature with one row of nothing; what it says of that does not matter."""
        import tensorflow as tf

        for name, signature in self.signatures.items():
            sizes = {each: [abs(size) for size in info.shape or ()] for each, info in signature.inputs.items()}
            if sum(int(np.prod(size)) for size in sizes.values()) > _MOST_WARM:
                continue
            kinds = {each: tf.as_dtype(info.dtype).as_numpy_dtype for each, info in signature.inputs.items()}
            rows = {
                each: np.full(size, b"", object) if kinds[each] is object else np.zeros(size, kinds[each])
                for each, size in sizes.items()
            }
            with suppress(Refusal):
                self.run(name, rows)

    def close(self) -> None:
        """Give the memory back."""
        self._session.close()
        self._calls = {}

    def _prepared(self, signature: Signature) -> Callable[..., list[NDArray[Any]]]:
        graph = self._session.graph
        inputs = [graph.get_tensor_by_name(each.tensor) for each in signature.inputs.values()]
        outputs = [graph.get_tensor_by_name(each.tensor) for each in signature.outputs.values()]
        made: Callable[..., list[NDArray[Any]]] = self._session.make_callable(outputs, inputs)
        return made

    def _refusal(self, error: Any) -> Refusal:
        """What TensorFlow says, without the stack that follows."""
        if not isinstance(error, self._errors.OpError):
            return Refusal(Code.INTERNAL, f"{type(error).__name__}: {error}"[:_MOST_TOLD])
        text = str(error.message).split("\n\nOriginal stack trace", maxsplit=1)[0].strip()
        return Refusal(int(error.error_code), text[:_MOST_TOLD])
