"""What a descriptor says has to be so at its server; what it leaves open the server says."""

from __future__ import annotations

from typing import Any

import pytest

from jobs.service_job.client import Signature, TensorSpec
from jobs.service_job.matching import match
from penstock.errors import ModelLoadError
from penstock.models.descriptor import ModelDescriptor

SIGNATURE = Signature(
    inputs={"image": TensorSpec("float", (-1, 8, 8, 1)), "text": TensorSpec("string", (-1,))},
    outputs={"label": TensorSpec("int64", (-1,)), "scores": TensorSpec("float", (-1, 10))},
)
ONE = Signature(inputs={"x": TensorSpec("float", (-1,))}, outputs={"y": TensorSpec("float", (-1,))})
GREY = {"width": 8, "height": 8, "mode": "L"}


def described(**keys: Any) -> ModelDescriptor:
    """A descriptor of a model that its server owns."""
    return ModelDescriptor.parse(
        {"name": "a", "version": 1, "job": "service", "format": "tensorflow-serving", **keys}, "test"
    )


def test_descriptor_may_leave_all_to_the_server() -> None:
    """If one output only can be the prediction."""
    found = match(described(), ONE, 100)

    assert found.reader.read(b'{"x": 1}', None).row == (1.0,)
    assert (found.answers.names, found.primary) == (("y",), 0)


def test_descriptor_says_the_order_and_the_prediction() -> None:
    """Of inputs and outputs; outputs that it leaves out are in no result."""
    inputs = [{"name": "text", "type": "string"}, {"name": "image", "type": "float", "image": GREY}]
    found = match(
        described(inputs=inputs, outputs=[{"name": "scores", "type": "float"}], prediction="scores"), SIGNATURE, 100
    )

    assert found.reader._names == "text, image"
    assert (found.answers.names, found.primary) == (("scores",), 0)


def test_shapes_meet() -> None:
    """Where one leaves a size open the other's counts."""
    signature = Signature(inputs={"x": TensorSpec("float", (-1, -1))}, outputs=ONE.outputs)
    found = match(described(inputs=[{"name": "x", "type": "float", "shape": [-1, 3]}]), signature, 100)
    unknown = Signature(inputs={"x": TensorSpec("float", None)}, outputs={"y": TensorSpec("float", None)})

    assert not found.reader.ragged
    assert match(described(inputs=[{"name": "x", "type": "float", "shape": [-1]}]), unknown, 100).primary == 0


@pytest.mark.parametrize(
    ("keys", "signature", "said"),
    [
        ({"inputs": [{"name": "z", "type": "float"}]}, ONE, r"the inputs z, its server x"),
        ({"inputs": [{"name": "x", "type": "double"}]}, ONE, r"'double' in its descriptor, 'float' at its server"),
        ({"inputs": [{"name": "x", "type": "float", "shape": [-1, 2]}]}, ONE, r"shape \[-1, 2\] in its descriptor"),
        ({"outputs": [{"name": "z", "type": "float"}]}, ONE, "the outputs z, its server y"),
        ({"outputs": [{"name": "y", "type": "int64"}]}, ONE, "'int64' in its descriptor"),
        ({"prediction": "z"}, ONE, "is to be output 'z'; its outputs: y"),
        ({}, SIGNATURE, "several outputs: set 'prediction' to one of label, scores"),
        ({"inputs": [{"name": "x", "type": "float", "image": GREY}]}, ONE, r"for each row, its image \[8, 8, 1\]"),
        ({"inputs": [{"name": "x", "type": "float", "required": False}]}, ONE, "nothing stands in for it"),
        ({"inputs": [{"name": "x", "type": "float", "missing": "a"}]}, ONE, "stands in for a missing 'x'"),
        ({"server": {"method": "classify"}}, ONE, "takes features"),
        (
            {"server": {"method": "regress"}, "inputs": [{"name": "x", "type": "uint8"}]},
            ONE,
            "expected one of bool, double",
        ),
        ({}, Signature(inputs={}, outputs=ONE.outputs), "takes no input"),
        ({}, Signature(inputs=ONE.inputs, outputs={}), "gives no output"),
        ({}, Signature(inputs={"x": TensorSpec("float", None)}, outputs=ONE.outputs), "give its 'shape'"),
        ({}, Signature(inputs={"x": TensorSpec("float", (1, 3))}, outputs=ONE.outputs), "for a batch of any size"),
        ({}, Signature(inputs={"x": TensorSpec("float", ())}, outputs=ONE.outputs), "for a batch of any size"),
        ({}, Signature(inputs={"x": TensorSpec("", (-1,))}, outputs=ONE.outputs), "type 'unknown'"),
    ],
)
def test_disagreements_are_told(keys: dict[str, Any], signature: Signature, said: str) -> None:
    """With both sides."""
    with pytest.raises(ModelLoadError, match=said):
        match(described(**keys), signature, 100)


def test_methods_with_examples_have_answers_of_their_own() -> None:
    """Their signatures speak of Examples as bytes only."""
    inputs = [{"name": "age", "type": "int64"}, {"name": "words", "type": "string", "shape": [-1, 2]}]
    examples = Signature(inputs={"inputs": TensorSpec("string", (-1,))}, outputs={})

    classified = match(described(server={"method": "classify"}, inputs=inputs), examples, 100)
    regressed = match(described(server={"method": "regress"}, inputs=inputs), examples, 100)
    assert classified.reader.read(b'{"age": 5, "words": ["a", "b"]}', None).row[0] == 5
    assert (classified.answers.names, classified.primary) == (("class", "classes", "scores"), 0)
    assert (regressed.answers.names, regressed.primary) == (("value",), 0)


def test_label_tells_the_version() -> None:
    """It is not the prediction because of that."""
    found = match(described(server={"label": "stable"}), ONE, 100)

    assert (found.answers.names, found.primary) == (("y", "model_version"), 0)
