"""Makes the SavedModels that the contract is tested with: ``python -m tests.contract.served_models FOLDER``.

A program of its own, for TensorFlow stays out of the tests' process.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import tensorflow as tf

from penstock.models.pack import unpacked

ROOT = Path(__file__).parents[2]
#: Types of the contract.
TYPES = (
    *("float32", "float64", "float16", "int8", "int16", "int32", "int64"),
    *("uint8", "uint16", "uint32", "uint64", "bool", "string", "complex64"),
)
_MIB = 1 << 20


class Factor(tf.Module):
    """Multiplies, by another number in each version."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = tf.Variable(factor)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
    def times(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return the product, and what went in."""
        return {"y": x * self.factor, "x_again": x}

    @tf.function(input_signature=[tf.TensorSpec([2], tf.float32, name="x"), tf.TensorSpec([], tf.float32, name="by")])
    def pair(self, x: tf.Tensor, by: tf.Tensor) -> dict[str, tf.Tensor]:
        """A signature whose calls cannot be put together: sizes are fixed, one output is a single number."""
        return {"y": x * by, "sum": tf.reduce_sum(x)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
    def slow(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        """Something to do for about half a second."""
        many = tf.while_loop(
            lambda turn, _: turn < 60, lambda turn, m: (turn + 1, tf.tanh(m @ m)), [0, tf.ones([600, 600])]
        )
        return {"y": x + many[1][0, 0] * 0}


def _types(folder: Path) -> None:
    """A model that gives back what it gets, of every type."""
    module = tf.Module()
    specs = [tf.TensorSpec([None, 2], getattr(tf, name), name=name) for name in TYPES]

    @tf.function(input_signature=specs)
    def again(*arrays: tf.Tensor) -> dict[str, tf.Tensor]:
        return {f"{name}_again": tf.identity(array) for name, array in zip(TYPES, arrays, strict=True)}

    module.again = again
    tf.saved_model.save(module, str(folder), signatures={"serving_default": again})


def _examples(folder: Path) -> None:
    """A classifier and a regressor as TensorFlow 1 saved them: serialized examples in."""
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        serialized = v1.placeholder(tf.string, [None], name="examples")
        x = v1.parse_example(serialized, {"x": tf.io.FixedLenFeature([1], tf.float32)})["x"]
        classes = tf.tile([["small", "large"]], [tf.shape(x)[0], 1])
        scores = tf.concat([1 - x, x], 1)
        definitions: dict[str, Any] = {
            "serving_default": v1.saved_model.classification_signature_def(serialized, classes, scores),
            "double": v1.saved_model.regression_signature_def(serialized, 2 * x),
        }
        builder = v1.saved_model.Builder(str(folder))
        builder.add_meta_graph_and_variables(session, ["serve"], signature_def_map=definitions)
        builder.save()


def make(folder: Path) -> None:
    """Write all of them."""
    _types(folder / "types" / "1")
    _examples(folder / "examples" / "1")
    for number in (1, 2, 3):
        module = Factor(float(number))
        signatures = {"serving_default": module.times, "pair": module.pair, "slow": module.slow}
        tf.saved_model.save(module, str(folder / "factor" / str(number)), signatures=signatures)
    archive = ROOT / "models" / "image-classifier" / "1" / "model.zip"
    unpacked(archive, folder / "digits" / "1", 10 * _MIB)


if __name__ == "__main__":
    make(Path(sys.argv[1]))
