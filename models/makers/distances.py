"""Models that measure distances, by hand: clusters, nearest neighbours, support vectors."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from models.makers.document import (
    AS_IS,
    LABEL,
    PREDICTION,
    ROWS,
    TARGET,
    WITH_MISSING,
    Row,
    Written,
    X,
    Z,
    array,
    category,
    document,
    field,
    output,
    outputs,
    ref,
    schema,
    tag,
)

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["MODELS"]

PAIRS: tuple[Row, ...] = tuple({"x": row["x"], "z": row["z"]} for row in ROWS)

CENTRES = {"A": (1.0, 1.0), "B": (-2.0, 0.0)}
DISTANCES: dict[str, tuple[dict[str, object], Callable[[float, float], float]]] = {
    "euclidean": ({}, math.hypot),
    "squaredEuclidean": ({}, lambda a, b: a * a + b * b),
    "chebychev": ({}, max),
    "cityBlock": ({}, lambda a, b: a + b),
    "minkowski": ({"p-parameter": 3}, lambda a, b: (a**3 + b**3) ** (1 / 3)),
}


def _clusters(measure: str) -> Written:
    attributes, distance = DISTANCES[measure]
    result = outputs(
        output("py", "predictedValue", "string"),
        *(output(f"to_{name}", "clusterAffinity", value=name) for name in CENTRES),
    )
    centres = (tag("Cluster", array("real", *centre), id=name) for name, centre in CENTRES.items())
    body = (
        schema("x", "z", target=None)
        + result
        + tag("ComparisonMeasure", tag(measure, **attributes), kind="distance", compareFunction="absDiff")
        + "".join(field(name, "ClusteringField", compareFunction="absDiff") for name in ("x", "z"))
        + "".join(centres)
    )
    model = tag(
        "ClusteringModel", body, functionName="clustering", modelClass="centerBased", numberOfClusters=len(CENTRES)
    )

    def answer(row: Row) -> Row:
        x, z = float(row["x"] or 0), float(row["z"] or 0)
        found = {name: distance(abs(x - a), abs(z - b)) for name, (a, b) in CENTRES.items()}
        return {"py": min(found, key=lambda name: found[name])} | {f"to_{name}": each for name, each in found.items()}

    return Written(name=f"clusters-{measure.lower()}", text=document((X, Z), model), rows=PAIRS, answer=answer)


SIMILARITIES = {
    "simpleMatching": {},
    "jaccard": {},
    "tanimoto": {},
    "binarySimilarity": {
        "c00-parameter": 1,
        "c01-parameter": 2,
        "c10-parameter": 3,
        "c11-parameter": 4,
        "d00-parameter": 4,
        "d01-parameter": 3,
        "d10-parameter": 2,
        "d11-parameter": 1,
    },
}


def _alike(measure: str) -> Written:
    """Clusters by how alike yes-or-no values are."""
    attributes: dict[str, object] = dict(SIMILARITIES[measure])
    compare = tag("ComparisonMeasure", tag(measure, **attributes), kind="similarity", compareFunction="absDiff")
    text = _clusters("euclidean").text.replace("-2.0 0.0", "0.0 1.0")
    text = re.sub("<ComparisonMeasure.*</ComparisonMeasure>", compare, text).replace("clusterAffinity", "affinity")
    rows: tuple[Row, ...] = tuple({"x": float(a), "z": float(b)} for a in range(2) for b in range(2))
    return Written(name=f"clusters-alike-{measure.lower()}", text=text, rows=rows)


COMPARED = {
    "weighted": ({"fieldWeight": 0.3}, {"fieldWeight": 2}),
    "gaussian": (
        {"compareFunction": "gaussSim", "similarityScale": 2},
        {"compareFunction": "gaussSim", "similarityScale": 1},
    ),
    "delta": ({"compareFunction": "delta"}, {}),
    "equal": ({"compareFunction": "equal"}, {}),
    "missing": ({}, {}),
}


def _compared(name: str) -> Written:
    """Clusters whose fields are compared in ways of their own, or are missing."""
    of_x, of_z = COMPARED[name]
    fields = field("x", "ClusteringField", **dict(of_x)) + field("z", "ClusteringField", **dict(of_z))
    text = re.sub("<ClusteringField.*</ClusteringField>", fields, _clusters("squaredEuclidean").text)
    text = re.sub("<MiningSchema>.*</MiningSchema>", schema("x", "z", target=None, all_=AS_IS), text)
    rows: tuple[Row, ...] = tuple({"x": row["x"], "z": row["z"]} for row in WITH_MISSING)
    return Written(name=f"clusters-{name}", text=text, rows=rows[:-1] if name == "missing" else PAIRS)


NEIGHBOURS = ((0, 1, 1), (1, -1, 2), (2, 3.5, 4), (-3, 0, 8), (1.7, 2, 16))


def _neighbours(name: str, function: str, measure: str = "euclidean", **method: object) -> Written:
    """The three nearest of five, by two numbers of which one counts less."""
    is_label = function == "classification"
    columns = tag("InstanceFields", *(field(each, "InstanceField", column=each) for each in ("x", "z", "y")))
    given = [(x, z, ("yes" if y in (1, 4) else "no") if is_label else y) for x, z, y in NEIGHBOURS]
    table = tag("InlineTable", *(f"<row><x>{x}</x><z>{z}</z><y>{y}</y></row>" for x, z, y in given))
    nearest = (output(f"nearest_{i}", "entityId", "integer", rank=i) for i in (1, 2, 3))
    result = outputs(output("py", "predictedValue", "string" if is_label else "double"), *nearest)
    body = (
        schema("x", "z")
        + result
        + tag("TrainingInstances", columns, table, recordCount=len(given), fieldCount=3)
        + tag("ComparisonMeasure", tag(measure), kind="distance", compareFunction="absDiff")
        + tag("KNNInputs", field("x", "KNNInput"), field("z", "KNNInput", fieldWeight=0.4))
    )
    model = tag("NearestNeighborModel", body, functionName=function, numberOfNeighbors=3, **method)
    text = document((X, Z, LABEL if is_label else TARGET), model)
    return Written(name=f"neighbours-{name}", text=text, rows=PAIRS)


KERNELS: dict[str, tuple[dict[str, object], Callable[[float, tuple[float, float], tuple[float, float]], float]]] = {
    "LinearKernelType": ({}, lambda dot, a, b: dot),
    "PolynomialKernelType": ({"gamma": 0.5, "coef0": 1, "degree": 2}, lambda dot, a, b: (0.5 * dot + 1) ** 2),
    "RadialBasisKernelType": ({"gamma": 0.3}, lambda dot, a, b: math.exp(-0.3 * math.dist(a, b) ** 2)),
    "SigmoidKernelType": ({"gamma": 0.2, "coef0": 0.1}, lambda dot, a, b: math.tanh(0.2 * dot + 0.1)),
}
VECTORS = (((1.0, 2.0), 0.75), ((-1.0, 0.5), -0.5), ((0.5, -1.0), 0.25))


def _machine(kernel: str) -> Written:
    """A support vector machine that gives a number."""
    attributes, function = KERNELS[kernel]
    instances = (
        tag(
            "VectorInstance", tag("REAL-SparseArray", tag("Indices", "1 2"), tag("REAL-Entries", f"{a} {b}"), n=2), id=i
        )
        for i, ((a, b), _) in enumerate(VECTORS)
    )
    dictionary = tag(
        "VectorDictionary",
        tag("VectorFields", ref("x"), ref("z"), numberOfFields=2),
        *instances,
        numberOfVectors=len(VECTORS),
    )
    vectors = tag(
        "SupportVectors",
        *(tag("SupportVector", vectorId=i) for i in range(len(VECTORS))),
        numberOfSupportVectors=len(VECTORS),
        numberOfAttributes=2,
    )
    weights = tag(
        "Coefficients",
        *(tag("Coefficient", value=alpha) for _, alpha in VECTORS),
        absoluteValue=0.4,
        numberOfCoefficients=len(VECTORS),
    )
    body = tag(kernel, **attributes) + dictionary + tag("SupportVectorMachine", vectors, weights)
    text = schema("x", "z") + PREDICTION + body
    model = tag("SupportVectorMachineModel", text, functionName="regression", svmRepresentation="SupportVectors")

    def answer(row: Row) -> Row:
        point = (float(row["x"] or 0), float(row["z"] or 0))
        kernels = (
            alpha * function(vector[0] * point[0] + vector[1] * point[1], vector, point) for vector, alpha in VECTORS
        )
        return {"py": 0.4 + sum(kernels)}

    name = f"support-vectors-{kernel.removesuffix('KernelType').lower()}"
    return Written(name=name, text=document((X, Z, TARGET), model), rows=PAIRS, answer=answer)


def _one_against_all() -> Written:
    """Three classes: the machine with the smallest value has the say."""
    text = _machine("RadialBasisKernelType").text
    found = re.search("<SupportVectorMachine>.*</SupportVectorMachine>", text)
    machine = found.group() if found else ""
    machines = (
        machine.replace("<SupportVectorMachine>", f'<SupportVectorMachine targetCategory="{label}">').replace(
            'absoluteValue="0.4"', f'absoluteValue="{constant}"'
        )
        for label, constant in (("a", 0.1), ("b", -0.3), ("d", 0.2))
    )
    kind = 'functionName="classification" classificationMethod="OneAgainstAll"'
    text = text.replace(machine, "".join(machines)).replace('functionName="regression"', kind)
    text = text.replace(PREDICTION, outputs(output("py", "predictedValue", "string")))
    target = category("y", "a", "b", "d")
    return Written(name="support-vectors-one-against-all", text=text.replace(TARGET, target), rows=PAIRS)


MODELS = (
    *map(_clusters, DISTANCES),
    *map(_alike, SIMILARITIES),
    *map(_compared, COMPARED),
    _neighbours("majority", "classification", categoricalScoringMethod="majorityVote"),
    _neighbours("average", "regression", continuousScoringMethod="average"),
    _neighbours("median", "regression", continuousScoringMethod="median"),
    *(
        _neighbours(measure.lower(), "regression", measure, continuousScoringMethod="average")
        for measure in ("squaredEuclidean", "cityBlock", "chebychev")
    ),
    *map(_machine, KERNELS),
    _one_against_all(),
)
