"""Trees by hand: every strategy for missing values, every operator, and trees put together in every way."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from models.makers.document import (
    AS_IS,
    CLASSES,
    LABEL,
    PREDICTION,
    ROWS,
    TARGET,
    WITH_MISSING,
    C,
    Written,
    X,
    Z,
    array,
    category,
    document,
    number,
    output,
    outputs,
    schema,
    simple,
    tag,
)

if TYPE_CHECKING:
    from models.makers.document import Row

__all__ = ["MODELS"]

TRUE, FALSE = tag("True"), tag("False")


def node(name: str, predicate: str, counts: tuple[int, int], *children: str, default: str | None = None) -> str:
    """A node of the tree that says yes or no, with how many of each it was trained on."""
    yes, no = counts
    score = tag("ScoreDistribution", value="yes", recordCount=yes) + tag(
        "ScoreDistribution", value="no", recordCount=no
    )
    label = "yes" if yes > no else "no"
    return tag("Node", predicate, score, *children, id=name, score=label, recordCount=yes + no, defaultChild=default)


def inside(operator: str) -> str:
    """Whether c is a, or is not."""
    return tag("SimpleSetPredicate", array("string", "a"), field="c", booleanOperator=operator)


def _tree(low: str, high: str, **attributes: object) -> str:
    grown = node(
        "0",
        TRUE,
        (40, 60),
        node("1", low, (20, 10)),
        node(
            "2",
            high,
            (20, 50),
            node("3", inside("isIn"), (18, 12)),
            node("4", inside("isNotIn"), (2, 38)),
            default="4",
        ),
        default="2",
    )
    text = schema("x", "c", all_=AS_IS) + CLASSES + grown
    return tag("TreeModel", text, functionName="classification", splitCharacteristic="multiSplit", **attributes)


LOW, HIGH = simple("x", "lessOrEqual", 0.9), simple("x", "greaterThan", 0.9)
STRATEGIES: dict[str, dict[str, object]] = {
    "none": {},
    "last-prediction": {"missingValueStrategy": "lastPrediction"},
    "null-prediction": {"missingValueStrategy": "nullPrediction"},
    "default-child": {"missingValueStrategy": "defaultChild"},
    "return-last": {"missingValueStrategy": "none", "noTrueChildStrategy": "returnLastPrediction"},
}


def _missing(name: str) -> Written:
    model = _tree(LOW, HIGH, **STRATEGIES[name])
    return Written(name=f"tree-{name}", text=document((X, C, LABEL), model), rows=_ABSENT)


_ABSENT: tuple[Row, ...] = tuple({"x": row["x"], "c": row["c"]} for row in WITH_MISSING)


def _surrogate() -> Written:
    low = tag("CompoundPredicate", LOW, simple("c", "equal", "a"), FALSE, booleanOperator="surrogate")
    high = tag("CompoundPredicate", HIGH, simple("c", "notEqual", "a"), TRUE, booleanOperator="surrogate")
    return Written(name="tree-surrogate", text=document((X, C, LABEL), _tree(low, high)), rows=_ABSENT)


def _operators() -> Written:
    """One leaf for each operator, asked in turn."""
    asked = (
        simple("x", "isMissing"),
        simple("x", "lessThan", -2),
        simple("x", "equal", -1),
        tag("CompoundPredicate", simple("x", "lessOrEqual", 0), inside("isNotIn"), booleanOperator="and"),
        tag("CompoundPredicate", simple("z", "isMissing"), simple("z", "greaterThan", 3), booleanOperator="or"),
        tag("CompoundPredicate", simple("x", "greaterOrEqual", 2), inside("isNotIn"), booleanOperator="or"),
        tag("CompoundPredicate", simple("z", "isNotMissing"), simple("c", "notEqual", "b"), booleanOperator="and"),
        TRUE,
    )
    leaves = (tag("Node", predicate, id=i, score=i) for i, predicate in enumerate(asked, 1))
    grown = tag("Node", TRUE, *leaves, id=0)
    text = schema("x", "z", "c", all_=AS_IS) + PREDICTION + grown
    model = tag("TreeModel", text, functionName="regression", splitCharacteristic="multiSplit")
    values = (None, -3.0, -1.0, -0.5, 1.0, 2.5)
    rows: tuple[Row, ...] = tuple(
        {"x": x, "z": z, "c": c} for x in values for z in (None, 1.0, 4.0) for c in ("a", "b", "d")
    )

    def answer(row: Row) -> Row:
        if row["x"] is None:
            return {"py": 1.0}
        x, z, c = float(row["x"]), row["z"], row["c"]
        asked = (
            x < -2,  # noqa: PLR2004 (the thresholds are those of the tree above)
            x == -1,
            x <= 0 and c != "a",
            z is None or float(z) > 3,  # noqa: PLR2004
            x >= 2 or c != "a",  # noqa: PLR2004
            z is not None and c != "b",
            True,
        )
        return {"py": 2.0 + asked.index(True)}

    return Written(name="tree-operators", text=document((X, Z, C, TARGET), model), rows=rows, answer=answer)


def _ordinal() -> Written:
    grown = node(
        "0",
        TRUE,
        (8, 6),
        node("1", simple("o", "lessThan", "high"), (7, 3)),
        node("2", simple("o", "equal", "high"), (1, 3)),
    )
    model = tag("TreeModel", schema("o") + CLASSES + grown, functionName="classification")
    fields = (category("o", "low", "mid", "high", optype="ordinal"), LABEL)
    rows: tuple[Row, ...] = ({"o": "low"}, {"o": "mid"}, {"o": "high"})
    return Written(name="tree-ordinal", text=document(fields, model), rows=rows)


def _arrays() -> Written:
    """Sets of whole numbers and of texts with blanks, and a truth value."""

    def among(name: str, values: str) -> str:
        return tag("SimpleSetPredicate", values, field=name, booleanOperator="isIn")

    asked = (
        among("n", array("int", 1, 3, 5)),
        among("t", tag("Array", '"two words" one', n=2, type="string")),
        simple("b", "equal", "true"),
        TRUE,
    )
    leaves = (tag("Node", predicate, id=i, score=i) for i, predicate in enumerate(asked, 1))
    grown = tag("Node", TRUE, *leaves, id=0)
    model = tag("TreeModel", schema("n", "t", "b") + PREDICTION + grown, functionName="regression")
    fields = (
        number("n", "integer"),
        category("t", "two words", "one", "two"),
        category("b", data_type="boolean"),
        TARGET,
    )
    rows: tuple[Row, ...] = tuple(
        {"n": n, "t": t, "b": b} for n in (1, 2, 5) for t in ("two words", "one", "two") for b in (True, False)
    )

    def answer(row: Row) -> Row:
        found = (row["n"] in (1, 3, 5), row["t"] in ("two words", "one"), row["b"], True)
        return {"py": 1.0 + found.index(True)}

    return Written(name="tree-sets", text=document(fields, model), rows=rows, answer=answer)


def _node_outputs() -> Written:
    """The leaf's name, its confidence, and the second best label."""
    result = outputs(
        output("py", "predictedValue", "string"),
        output("leaf", "entityId", "string"),
        output("sure", "probability"),
        output("p_no", "probability", value="no"),
    )
    return Written(
        name="tree-outputs",
        text=document((X, C, LABEL), _tree(LOW, HIGH).replace(CLASSES, result)),
        rows=tuple({"x": row["x"], "c": row["c"]} for row in ROWS),
    )


def stump(threshold: float, low: float, high: float, result: str = "") -> str:
    """A tree of one split that gives a number."""
    leaves = tag("Node", simple("x", "lessThan", threshold), id=1, score=low) + tag(
        "Node", simple("x", "greaterOrEqual", threshold), id=2, score=high
    )
    text = schema("x", "z") + result + tag("Node", TRUE + leaves, id=0)
    return tag("TreeModel", text, functionName="regression")


def _voter(threshold: float) -> str:
    grown = node(
        "0",
        TRUE,
        (8, 12),
        node("1", simple("x", "lessThan", threshold), (7, 3)),
        node("2", simple("x", "greaterOrEqual", threshold), (1, 9)),
    )
    return tag("TreeModel", schema("x", "z") + grown, functionName="classification")


def segment(number: int, predicate: str, model: str, weight: float = 1) -> str:
    """A segment."""
    return tag("Segment", predicate, model, id=number, weight=weight)


def mining(method: str, function: str, *segments: str, result: str = PREDICTION, **more: object) -> str:
    """A mining model of segments."""
    parts = tag("Segmentation", *segments, multipleModelMethod=method, **more)
    return tag("MiningModel", schema("x", "z", all_=AS_IS) + result + parts, functionName=function)


PAIRS: tuple[Row, ...] = tuple({"x": row["x"], "z": row["z"]} for row in ROWS)


def _numbers(method: str) -> Written:
    segments = (
        segment(1, TRUE, stump(0, 1, 2)),
        segment(2, simple("x", "greaterThan", -2), stump(1, 3, 7), 3),
        segment(3, TRUE, stump(2, 5, 11), 2),
    )
    text = document((X, Z, TARGET), mining(method, "regression", *segments))
    return Written(name=f"mining-number-{_dashed(method)}", text=text, rows=PAIRS)


def _labels(method: str) -> Written:
    segments = (segment(i, TRUE, _voter(t), weight) for i, (weight, t) in enumerate(((1, 0), (3, 1), (1, 2))))
    text = document((X, Z, LABEL), mining(method, "classification", *segments, result=CLASSES))
    return Written(name=f"mining-label-{_dashed(method)}", text=text, rows=PAIRS)


def _first(function: str) -> Written:
    """The first segment whose predicate is true answers. Its Output has to be that of the whole."""
    is_label = function == "classification"
    result = CLASSES if is_label else PREDICTION
    models = (_voter(-2), _voter(1), _voter(2)) if is_label else (stump(-2, 1, 2), stump(1, 3, 7), stump(2, 5, 11))
    named = [model.replace("</MiningSchema>", f"</MiningSchema>{result}") for model in models]
    asked = (simple("x", "lessThan", 0), simple("z", "lessThan", 0), TRUE)
    segments = (segment(i, predicate, named[i]) for i, predicate in enumerate(asked))
    text = document((X, Z, LABEL if is_label else TARGET), mining("selectFirst", function, *segments, result=result))
    return Written(name=f"mining-{'label' if is_label else 'number'}-select-first", text=text, rows=PAIRS)


def _chain() -> Written:
    last = tag(
        "RegressionModel",
        schema("first", "z"),
        tag(
            "RegressionTable",
            tag("NumericPredictor", name="first", coefficient=10),
            tag("NumericPredictor", name="z", coefficient=1),
            intercept=5,
        ),
        functionName="regression",
    )
    segments = (
        segment(1, TRUE, stump(0, 1, 2, outputs(output("first", "predictedValue")))),
        segment(2, TRUE, last),
    )
    text = document((X, Z, TARGET), mining("modelChain", "regression", *segments))

    def answer(row: Row) -> Row:
        return {"py": 5 + 10 * (1.0 if float(row["x"] or 0) < 0 else 2.0) + float(row["z"] or 0)}

    return Written(name="mining-chain", text=text, rows=PAIRS, answer=answer)


def _dashed(method: str) -> str:
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in method)


NUMBER_METHODS = ("average", "weightedAverage", "median", "weightedMedian", "sum", "weightedSum")
LABEL_METHODS = ("majorityVote", "average", "weightedAverage", "max", "median")


def _isolation() -> Written:
    """How soon a row stands alone, as a score between 0 and 1: the leaves' scores are depths."""
    sample = 20
    trees = (segment(i, TRUE, stump(t, a, b)) for i, (t, a, b) in enumerate(((0, 2, 5), (1, 3, 6), (2, 6, 4))))
    depth = outputs(output("depth", "predictedValue"))
    inner = mining("average", "regression", *trees, result=depth).replace(
        '<MiningField name="y" usageType="target"/>', ""
    )
    text = schema("x", "z", target=None) + outputs(output("score", "predictedValue")) + inner
    model = tag(
        "AnomalyDetectionModel", text, functionName="regression", algorithmType="iforest", sampleDataSize=sample
    )

    def answer(row: Row) -> Row:
        x = float(row["x"] or 0)
        deep = ((2 if x < 0 else 5) + (3 if x < 1 else 6) + (6 if x < 2 else 4)) / 3  # noqa: PLR2004 (the stumps)
        normal = 2 * (math.log(sample - 1) + np.euler_gamma) - 2 * (sample - 1) / sample
        return {"score": 2 ** (-deep / normal)}

    return Written(name="anomaly-isolation", text=document((X, Z), model), rows=PAIRS, answer=answer)


MODELS = (
    *map(_missing, STRATEGIES),
    _surrogate(),
    _operators(),
    _ordinal(),
    _arrays(),
    _node_outputs(),
    *map(_numbers, NUMBER_METHODS),
    *map(_labels, LABEL_METHODS),
    *map(_first, ("classification", "regression")),
    _chain(),
    _isolation(),
)
