"""Regressions by hand: normalisations, terms, general regressions with their links, and what targets do."""

from __future__ import annotations

import math
import re
from statistics import NormalDist
from typing import TYPE_CHECKING

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
    category,
    document,
    linear,
    number,
    output,
    outputs,
    ref,
    schema,
    tag,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.makers.document import Row

__all__ = ["MODELS"]


def _value(row: Row) -> float:
    """The sum of the first table's terms."""
    x, z = float(row["x"] or 0), float(row["z"] or 0)
    return 0.2 + 0.5 * x - 0.1 * z**2 + (0.7 if row["c"] == "a" else 0) + 0.3 * x * z


NORMALISATIONS: dict[str, Callable[[float], float]] = {
    "logit": lambda v: 1 / (1 + math.exp(-v)),
    "probit": NormalDist().cdf,
    "cloglog": lambda v: 1 - math.exp(-math.exp(v)),
    "loglog": lambda v: math.exp(-math.exp(-v)),
    "cauchit": lambda v: 0.5 + math.atan(v) / math.pi,
    "softmax": lambda v: math.exp(v) / (math.exp(v) + 1),
}


def _terms() -> tuple[str, ...]:
    return (
        tag("NumericPredictor", name="x", coefficient=0.5),
        tag("NumericPredictor", name="z", exponent=2, coefficient=-0.1),
        tag("CategoricalPredictor", name="c", value="a", coefficient=0.7),
        tag("PredictorTerm", ref("x"), ref("z"), coefficient=0.3),
    )


def _binary(method: str) -> Written:
    tables = (
        tag("RegressionTable", *_terms(), intercept=0.2, targetCategory="yes"),
        tag("RegressionTable", intercept=0, targetCategory="no"),
    )
    text = schema("x", "z", "c") + CLASSES + "".join(tables)
    model = tag("RegressionModel", text, functionName="classification", normalizationMethod=method)

    def answer(row: Row) -> Row:
        chance = NORMALISATIONS[method](_value(row))
        return {"py": "yes" if chance > 0.5 else "no", "p_yes": chance, "p_no": 1 - chance}  # noqa: PLR2004 (half)

    fields = (X, Z, C, LABEL)
    return Written(name=f"regression-{method}", text=document(fields, model), rows=ROWS, answer=answer)


def _three(method: str) -> Written:
    """A regression for three classes."""
    values = ("low", "mid", "high")
    result = outputs(
        output("py", "predictedValue", "string"), *(output(f"p_{v}", "probability", value=v) for v in values)
    )
    tables = [
        tag(
            "RegressionTable",
            tag("NumericPredictor", name="x", coefficient=slope),
            intercept=intercept,
            targetCategory=value,
        )
        for value, (intercept, slope) in zip(values, ((0.3, 0.2), (1.4, 0.1), (0.4, 0.25)), strict=True)
    ]
    text = schema("x") + result + "".join(tables)
    model = tag("RegressionModel", text, functionName="classification", normalizationMethod=method)
    fields = (X, category("y", *values))
    rows: tuple[Row, ...] = tuple({"x": value} for value in (0.5, 1.5, -0.5, 2.5))
    return Written(name=f"regression-three-{method}", text=document(fields, model), rows=rows)


def _plain(method: str, function: Callable[[float], float]) -> Written:
    """A regression of a number, with a normalisation."""
    table = tag("RegressionTable", *_terms(), intercept=0.2)
    text = schema("x", "z", "c") + PREDICTION + table
    model = tag("RegressionModel", text, functionName="regression", normalizationMethod=method)
    return Written(
        name=f"regression-number-{method}",
        text=document((X, Z, C, TARGET), model),
        rows=ROWS,
        answer=lambda row: {"py": function(_value(row))},
    )


PARAMETERS = ((None, None, "p0", 0.3), ("x", 1, "p1", 0.2), ("c", "a", "p2", -0.45))


def _general(kind: str, function: str = "regression", result: str = PREDICTION, **attributes: object) -> str:
    """A general regression model of x and c."""
    category_ = "yes" if function == "classification" else None
    cells = [
        tag("PPCell", value=value, predictorName=name, parameterName=parameter)
        for name, value, parameter, _ in PARAMETERS
        if name
    ]
    betas = [
        tag("PCell", targetCategory=category_, parameterName=parameter, df=1, beta=beta)
        for _, _, parameter, beta in PARAMETERS
    ]
    body = (
        tag("ParameterList", *(tag("Parameter", name=parameter) for _, _, parameter, _ in PARAMETERS))
        + tag("FactorList", tag("Predictor", name="c"))
        + tag("CovariateList", tag("Predictor", name="x"))
        + tag("PPMatrix", *cells)
        + tag("ParamMatrix", *betas)
    )
    mining = schema("x", "c")
    return tag("GeneralRegressionModel", mining + result + body, functionName=function, modelType=kind, **attributes)


def _eta(row: Row) -> float:
    return 0.3 + 0.2 * float(row["x"] or 0) + (-0.45 if row["c"] == "a" else 0)


LINKS: dict[str, tuple[dict[str, object], Callable[[float], float]]] = {
    "identity": ({"distribution": "normal"}, lambda e: e),
    "log": ({"distribution": "poisson"}, math.exp),
    "logit": ({"distribution": "binomial"}, lambda e: 1 / (1 + math.exp(-e))),
    "probit": ({"distribution": "binomial"}, NormalDist().cdf),
    "cloglog": ({"distribution": "binomial"}, lambda e: 1 - math.exp(-math.exp(e))),
    "loglog": ({"distribution": "binomial"}, lambda e: math.exp(-math.exp(-e))),
    "logc": ({"distribution": "binomial"}, lambda e: 1 - math.exp(e)),
    "power": ({"distribution": "gamma", "linkParameter": 3}, lambda e: math.copysign(abs(e) ** (1 / 3), e)),
}


def _link(link: str) -> Written:
    attributes, inverse = LINKS[link]
    model = _general("generalizedLinear", linkFunction=link, **attributes)
    rows = ROWS if link != "power" else tuple(row for row in ROWS if _eta(row) > 0)
    return Written(
        name=f"glm-{link}",
        text=document((X, C, TARGET), model),
        rows=rows,
        answer=lambda row: {"py": inverse(_eta(row))},
    )


MORE: dict[str, dict[str, object]] = {
    "negative-binomial": {"linkFunction": "negbin", "distribution": "negbin", "distParameter": -0.7},
    "odds-power": {"linkFunction": "oddspower", "distribution": "binomial", "linkParameter": 0.5},
    "power-negative": {"linkFunction": "power", "distribution": "gamma", "linkParameter": -1},
    "offset": {"linkFunction": "log", "distribution": "poisson", "offsetValue": 0.4},
    "offset-field": {"linkFunction": "log", "distribution": "poisson", "offsetVariable": "z"},
    "trials": {"linkFunction": "logit", "distribution": "binomial", "trialsValue": 5},
}


def _more(name: str) -> Written:
    """A generalized linear model with something beside its link."""
    model = _general("generalizedLinear", **MORE[name])
    text = document((X, Z, C, TARGET), model.replace(schema("x", "c"), schema("x", "z", "c")))
    return Written(name=f"glm-{name}", text=text, rows=ROWS)


def _linear(kind: str) -> Written:
    text = document((X, C, TARGET), _general(kind))
    return Written(name=f"glm-{kind.lower()}", text=text, rows=ROWS, answer=lambda row: {"py": _eta(row)})


def _event() -> Written:
    """The chance of one of two classes."""
    model = _general(
        "generalizedLinear",
        "classification",
        CLASSES,
        linkFunction="logit",
        distribution="binomial",
        targetReferenceCategory="no",
    )
    return Written(name="glm-label", text=document((X, C, LABEL), model), rows=ROWS)


def _ordinal(link: str) -> Written:
    """Three classes in order, with a threshold between each two."""
    values = ("low", "mid", "high")
    result = outputs(
        output("py", "predictedValue", "string"), *(output(f"p_{v}", "probability", value=v) for v in values)
    )
    cells = (("low", "p0", -1), ("mid", "p0", 1), (None, "p1", 0.4), (None, "p2", -0.3))
    matrix = tag(
        "ParamMatrix", *(tag("PCell", targetCategory=v, parameterName=name, df=1, beta=b) for v, name, b in cells)
    )
    kind = {"cumulativeLink": link, "targetReferenceCategory": "high"}
    model = _general("ordinalMultinomial", "classification", result, **kind)
    text = re.sub("<ParamMatrix>.*</ParamMatrix>", matrix, model)
    fields = (X, C, category("y", *values, optype="ordinal"))
    return Written(name=f"glm-ordinal-{link}", text=document(fields, text), rows=ROWS)


def _multinomial() -> Written:
    model = _general("multinomialLogistic", "classification", CLASSES, targetReferenceCategory="no")

    def answer(row: Row) -> Row:
        chance = 1 / (1 + math.exp(-_eta(row)))
        return {"py": "yes" if chance > 0.5 else "no", "p_yes": chance, "p_no": 1 - chance}  # noqa: PLR2004 (half)

    return Written(name="glm-multinomial", text=document((X, C, LABEL), model), rows=ROWS, answer=answer)


TARGETS: dict[str, tuple[dict[str, object], Callable[[float], float]]] = {
    "rescale": ({"rescaleConstant": 10, "rescaleFactor": 3}, lambda v: v * 3 + 10),
    "limits": (
        {"rescaleConstant": 10, "rescaleFactor": 3, "min": -1, "max": 2},
        lambda v: min(max(v, -1), 2) * 3 + 10,
    ),
    "round": ({"rescaleFactor": 1.5, "castInteger": "round"}, lambda v: math.floor(v * 1.5 + 0.5)),
    "floor": ({"rescaleFactor": 1.5, "castInteger": "floor"}, lambda v: math.floor(v * 1.5)),
    "ceiling": ({"rescaleFactor": 1.5, "castInteger": "ceiling"}, lambda v: math.ceil(v * 1.5)),
}


def _target(name: str) -> Written:
    attributes, function = TARGETS[name]
    targets = tag("Targets", tag("Target", field="y", **attributes))
    text = document((X, TARGET), linear(schema("x"), "x", result=PREDICTION + targets))
    rows: tuple[Row, ...] = tuple({"x": row["x"]} for row in ROWS)
    return Written(
        name=f"target-{name}",
        text=text,
        rows=rows,
        answer=lambda row: {"py": float(function(1 + float(row["x"] or 0)))},
    )


def _target_default() -> Written:
    targets = tag("Targets", tag("Target", tag("TargetValue", defaultValue=42), field="y"))
    text = document((X, Z, C, TARGET), linear(schema("x", "z", "c", all_=AS_IS), "x", result=PREDICTION + targets))
    return Written(
        name="target-default",
        text=text,
        rows=WITH_MISSING,
        answer=lambda row: {"py": 42.0 if row["x"] is None else 1 + float(row["x"])},
    )


def _target_label() -> Written:
    """Labels that are shown in other words, and chances where the model has no answer."""
    values = (("yes", 0.3), ("no", 0.7))
    target = tag(
        "Target",
        *(tag("TargetValue", value=v, displayValue=f"{v.title()}!", priorProbability=p) for v, p in values),
        field="y",
    )
    shown = output("shown", "predictedDisplayValue", "string")
    text = _binary("logit").text.replace("</Output>", f"{shown}</Output>{tag('Targets', target)}")
    return Written(name="target-label", text=text, rows=ROWS)


def _categories() -> list[Written]:
    """Categorical inputs of every type, and what becomes of a category that no one told of."""

    def predictor(name: str, value: object, coefficient: float) -> str:
        return tag("CategoricalPredictor", name=name, value=value, coefficient=coefficient)

    whole = tag("RegressionTable", predictor("i", 1, 10), predictor("i", 2, 20), predictor("b", "true", 5), intercept=0)
    fields = (category("i", 1, 2, 3, data_type="integer"), category("b", data_type="boolean"), TARGET)
    model = tag("RegressionModel", schema("i", "b") + PREDICTION + whole, functionName="regression")
    rows: tuple[Row, ...] = ({"i": 1, "b": True}, {"i": 2, "b": False}, {"i": 3, "b": True})
    found = [Written(name="categories-whole-and-boolean", text=document(fields, model), rows=rows)]
    treatments = {
        "as-is": 'invalidValueTreatment="asIs"',
        "as-missing": 'invalidValueTreatment="asMissing" missingValueReplacement="b"',
        "as-value": 'invalidValueTreatment="asValue" invalidValueReplacement="a"',
    }
    table = tag("RegressionTable", predictor("c", "a", 10), predictor("c", "b", 20), intercept=0.5)
    strange: tuple[Row, ...] = ({"c": "a"}, {"c": "b"}, {"c": "d"}, {"c": "strange"})
    for name, treatment in treatments.items():
        text = schema("c", c=treatment) + PREDICTION + table
        model = tag("RegressionModel", text, functionName="regression")
        found.append(Written(name=f"categories-{name}", text=document((C, TARGET), model), rows=strange))
    return found


def _version(version: str) -> Written:
    text = document((X, number("y")), linear(schema("x"), "x"), version=version)
    rows: tuple[Row, ...] = ({"x": 0.5}, {"x": -3.0})
    name = f"version-{version.replace('.', '-')}"
    return Written(name=name, text=text, rows=rows, answer=lambda row: {"py": 1 + float(row["x"] or 0)})


MODELS = (
    *map(_binary, NORMALISATIONS),
    *map(_three, ("softmax", "simplemax", "none")),
    _plain("none", lambda v: v),
    _plain("exp", math.exp),
    *(_plain(method, NORMALISATIONS[method]) for method in ("logit", "probit", "cloglog", "cauchit", "softmax")),
    *map(_link, LINKS),
    *map(_more, MORE),
    *map(_linear, ("regression", "generalLinear")),
    _event(),
    *map(_ordinal, ("logit", "probit", "cloglog", "cauchit")),
    _multinomial(),
    *map(_target, TARGETS),
    _target_default(),
    _target_label(),
    *_categories(),
    *map(_version, ("3.2", "4.0", "4.1", "4.2", "4.3")),
)
