"""Neural networks by hand: every activation function, and inputs that are normalised or one-hot."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from models.makers.document import (
    CLASSES,
    LABEL,
    PREDICTION,
    ROWS,
    TARGET,
    C,
    Written,
    X,
    Z,
    document,
    field,
    ref,
    schema,
    tag,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.makers.document import Row

__all__ = ["MODELS"]

THRESHOLD = 0.1
NEURONS = ((0.1, 0.4), (-0.2, 0.25))
"""Bias, and the weight that all the neuron's weights are made of."""

ACTIVATIONS: dict[str, Callable[[float], float]] = {
    "threshold": lambda v: 1.0 if v > THRESHOLD else 0.0,
    "logistic": lambda v: 1 / (1 + math.exp(-v)),
    "tanh": math.tanh,
    "identity": lambda v: v,
    "exponential": math.exp,
    "reciprocal": lambda v: 1 / v,
    "square": lambda v: v * v,
    "Gauss": lambda v: math.exp(-v * v),
    "sine": math.sin,
    "cosine": math.cos,
    "Elliott": lambda v: v / (1 + abs(v)),
    "arctan": lambda v: 2 * math.atan(v) / math.pi,
    "rectifier": lambda v: max(0.0, v),
}


def _input(number: int, expression: str) -> str:
    derived = tag("DerivedField", expression, optype="continuous", dataType="double")
    return tag("NeuralInput", derived, id=f"0,{number}")


def _points(*points: tuple[float, float]) -> str:
    return "".join(tag("LinearNorm", orig=orig, norm=norm) for orig, norm in points)


INPUTS = tag(
    "NeuralInputs",
    _input(0, ref("x")),
    _input(1, field("z", "NormContinuous", _points((-2, 0), (4, 1)))),
    _input(2, field("c", "NormDiscrete", value="a")),
)


def _network(activation: str, *, is_scaled: bool = False) -> Written:
    """A network of two hidden neurons; its answer is scaled where that is said."""
    weights = [{"0,0": weight, "0,1": weight * 2, "0,2": -0.3} for _, weight in NEURONS]
    hidden = [
        tag("Neuron", *(tag("Con", from_=name, weight=w) for name, w in each.items()), id=f"1,{i}", bias=NEURONS[i][0])
        for i, each in enumerate(weights)
    ]
    last = tag("Neuron", tag("Con", from_="1,0", weight=1.5), tag("Con", from_="1,1", weight=-0.7), id="2,0", bias=0.5)
    shown = field("y", "NormContinuous", _points((0, 0), (10, 1))) if is_scaled else ref("y")
    target = tag("DerivedField", shown, optype="continuous", dataType="double")
    body = (
        schema("x", "z", "c")
        + PREDICTION
        + INPUTS
        + tag("NeuralLayer", *hidden)
        + tag("NeuralLayer", last, activationFunction="identity")
        + tag("NeuralOutputs", tag("NeuralOutput", target, outputNeuron="2,0"))
    )
    model = tag("NeuralNetwork", body, functionName="regression", activationFunction=activation, threshold=THRESHOLD)

    def answer(row: Row) -> Row:
        inputs = (float(row["x"] or 0), (float(row["z"] or 0) + 2) / 6, float(row["c"] == "a"))
        sums = [bias + w * inputs[0] + 2 * w * inputs[1] - 0.3 * inputs[2] for bias, w in NEURONS]
        first, second = map(ACTIVATIONS[activation], sums)
        return {"py": (10 if is_scaled else 1) * (0.5 + 1.5 * first - 0.7 * second)}

    name = "network-target-scaled" if is_scaled else f"network-{activation.lower()}"
    return Written(name=name, text=document((X, Z, C, TARGET), model), rows=ROWS, answer=answer)


def _labels(method: str) -> Written:
    """A network with an output neuron for each label."""
    weights = (0.1, 0.5)
    neurons = (
        tag(
            "Neuron",
            tag("Con", from_="0,0", weight=weight),
            tag("Con", from_="0,1", weight=-0.3),
            tag("Con", from_="0,2", weight=0.2),
            id=f"1,{i}",
            bias=weight / 4,
        )
        for i, weight in enumerate(weights)
    )
    labels = (
        tag(
            "NeuralOutput",
            tag("DerivedField", field("y", "NormDiscrete", value=label), optype="categorical", dataType="string"),
            outputNeuron=f"1,{i}",
        )
        for i, label in enumerate(("yes", "no"))
    )
    layer = tag("NeuralLayer", *neurons, normalizationMethod=method)
    body = schema("x", "z", "c") + CLASSES + INPUTS + layer + tag("NeuralOutputs", *labels)
    model = tag("NeuralNetwork", body, functionName="classification", activationFunction="logistic")
    return Written(name=f"network-label-{method}", text=document((X, Z, C, LABEL), model), rows=ROWS)


def _radial() -> Written:
    """Neurons that answer to how near an input is to their weights."""
    text = _network("tanh").text.replace(
        'activationFunction="tanh"', 'activationFunction="radialBasis" width="0.8" altitude="1.2"'
    )
    return Written(name="network-radialbasis", text=text, rows=ROWS)


MODELS = (
    *map(_network, ACTIVATIONS),
    _network("tanh", is_scaled=True),
    _radial(),
    *map(_labels, ("none", "simplemax", "softmax")),
)
