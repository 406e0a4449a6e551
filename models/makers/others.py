"""Other kinds of models by hand: scorecards, rule sets, associations, naive Bayes."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from models.makers.document import (
    AS_IS,
    CLASSES,
    LABEL,
    ROWS,
    TARGET,
    WITH_MISSING,
    C,
    Written,
    X,
    apply,
    array,
    category,
    constant,
    derived,
    document,
    field,
    output,
    outputs,
    ref,
    schema,
    simple,
    tag,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.makers.document import Row

__all__ = ["MODELS"]

TRUE = tag("True")
NUMBER_AND_TEXT: tuple[Row, ...] = tuple({"x": row["x"], "c": row["c"]} for row in WITH_MISSING)
KNOWN: tuple[Row, ...] = tuple({"x": row["x"], "c": row["c"]} for row in ROWS)
PAIRS: tuple[Row, ...] = tuple({"x": row["x"], "z": row["z"]} for row in ROWS)


def _scorecard(name: str, algorithm: str, *, is_complex: bool = False) -> Written:
    def attribute(score: float | None, predicate: str, *more: str) -> str:
        return tag("Attribute", predicate, *more, partialScore=score)

    above = simple("x", "greaterOrEqual", 0)
    tripled = tag("ComplexPartialScore", apply("*", ref("x"), constant(3)))
    listed = tag("SimpleSetPredicate", array("string", "a", "b"), field="c", booleanOperator="isIn")
    characteristics = (
        tag(
            "Characteristic",
            attribute(-1, simple("x", "isMissing")),
            attribute(5, simple("x", "lessThan", 0)),
            attribute(None, above, tripled) if is_complex else attribute(15, above),
            name="of x",
            reasonCode="RX",
            baselineScore=20 if algorithm == "pointsBelow" else -5,
        ),
        tag(
            "Characteristic",
            attribute(0, simple("c", "isMissing")),
            attribute(7, listed),
            attribute(25, TRUE),
            name="of c",
            reasonCode="RC",
            baselineScore=30 if algorithm == "pointsBelow" else -2,
        ),
    )
    result = outputs(
        output("py", "predictedValue"),
        output("r1", "reasonCode", "string", rank=1),
        output("r2", "reasonCode", "string", rank=2),
    )
    model = tag(
        "Scorecard",
        schema("x", "c", all_=AS_IS) + result + tag("Characteristics", *characteristics),
        functionName="regression",
        initialScore=10,
        useReasonCodes=True,
        reasonCodeAlgorithm=algorithm,
        baselineMethod="other",
    )
    text = document((X, C, TARGET), model)
    return Written(name=f"scorecard-{name}", text=text, rows=KNOWN if is_complex else NUMBER_AND_TEXT)


def _rules(criterion: str) -> Written:
    both = tag("CompoundPredicate", simple("x", "greaterThan", 0), simple("c", "equal", "a"), booleanOperator="and")
    rules = (
        tag("SimpleRule", both, id="R1", score="yes", weight=0.6, confidence=0.9),
        tag(
            "CompoundRule",
            simple("x", "greaterThan", 1),
            tag("SimpleRule", TRUE, id="R2", score="no", weight=0.7, confidence=0.8),
        ),
        tag("SimpleRule", simple("x", "lessThan", 2), id="R3", score="yes", weight=0.2, confidence=0.7),
    )
    chosen = tag("RuleSelectionMethod", criterion=criterion)
    result = outputs(output("py", "predictedValue", "string"), output("sure", "confidence"))
    body = tag("RuleSet", chosen, *rules, defaultScore="no", defaultConfidence=0.1)
    text = schema("x", "c", all_=AS_IS) + result + body
    model = tag("RuleSetModel", text, functionName="classification")
    name = {"firstHit": "first-hit", "weightedSum": "weighted-sum", "weightedMax": "weighted-max"}[criterion]

    def answer(row: Row) -> Row:
        fired = _fired(row)
        if not fired:
            return {"py": "no", "sure": 0.1}
        if criterion == "weightedSum":
            sums = {label: sum(w for each, w, _ in fired if each == label) for label, _, _ in fired}
            label = max(sums, key=lambda each: sums[each])
            return {"py": label, "sure": sums[label] / len(fired)}
        label, _, sure = fired[0] if criterion == "firstHit" else max(fired, key=lambda rule: rule[1])
        return {"py": label, "sure": sure}

    text = document((X, C, LABEL), model)
    return Written(name=f"rule-set-{name}", text=text, rows=NUMBER_AND_TEXT, answer=answer)


def _fired(row: Row) -> list[tuple[str, float, float]]:
    """Label, weight and confidence of the rules above that fire; one that asks for a missing value does not."""
    x, c = row["x"], row["c"]
    if x is None:
        return []
    rules = (
        (float(x) > 0 and c == "a", "yes", 0.6, 0.9),
        (float(x) > 1, "no", 0.7, 0.8),
        (float(x) < 2, "yes", 0.2, 0.7),  # noqa: PLR2004 (R3's threshold)
    )
    return [(label, weight, sure) for is_true, label, weight, sure in rules if is_true]


GOODS = ("beer", "chips", "bread")
RULES = (
    ("A", ("beer",), ("chips",), 0.5, 0.8),
    ("B", ("chips",), ("bread",), 0.5, 0.6),
    ("C", ("beer", "chips"), ("bread",), 0.25, 0.9),
)


def _association() -> Written:
    """Each good is a column that says 1 where it was bought; the answer is the best rule of those whose goods were."""
    sets = {goods: f"s{i}" for i, goods in enumerate(dict.fromkeys(side for r in RULES for side in r[1:3]))}
    items = (tag("Item", id=i, value=1, field=name, category=1) for i, name in enumerate(GOODS))
    itemsets = (
        tag("Itemset", *(tag("ItemRef", itemRef=GOODS.index(good)) for good in goods), id=name)
        for goods, name in sets.items()
    )
    rules = (
        tag(
            "AssociationRule",
            id=name,
            antecedent=sets[left],
            consequent=sets[right],
            support=support,
            confidence=confidence,
        )
        for name, left, right, support, confidence in RULES
    )
    best = {"algorithm": "recommendation", "rank": 1}
    result = outputs(output("rule", "entityId", "string", **best), output("sure", "confidence", **best))
    model = tag(
        "AssociationModel",
        schema(*GOODS, target=None) + result + "".join((*items, *itemsets, *rules)),
        functionName="associationRules",
        numberOfTransactions=4,
        numberOfItems=len(GOODS),
        minimumSupport=0.25,
        minimumConfidence=0.5,
        numberOfItemsets=len(sets),
        numberOfRules=len(RULES),
    )

    def answer(row: Row) -> Row:
        bought = {good for good in GOODS if row[good] == "1"}
        fitting = [(confidence, name) for name, left, _, _, confidence in RULES if bought.issuperset(left)]
        sure, name = max(fitting, default=(None, None))
        return {"rule": name, "sure": sure}

    rows = tuple(dict(zip(GOODS, values, strict=True)) for values in product("01", repeat=3))
    text = document(tuple(category(good, "0", "1") for good in GOODS), model)
    return Written(name="association", text=text, rows=rows, answer=answer)


def _bayes(name: str, rows: tuple[Row, ...]) -> Written:
    def counts(yes: float, no: float) -> str:
        each = (tag("TargetValueCount", value=value, count=count) for value, count in (("yes", yes), ("no", no)))
        return tag("TargetValueCounts", *each)

    def normal(value: str, mean: float, variance: float) -> str:
        return tag("TargetValueStat", tag("GaussianDistribution", mean=mean, variance=variance), value=value)

    of_c = tag(
        "BayesInput",
        *(tag("PairCounts", counts(yes, no), value=v) for v, yes, no in (("a", 30, 10), ("b", 20, 0), ("d", 5, 35))),
        fieldName="c",
    )

    of_x = tag("BayesInput", tag("TargetValueStats", normal("yes", 1, 2), normal("no", -1, 1)), fieldName="x")
    if name == "binned":
        of_x = tag("BayesInput", _bins(), *_pairs(counts, (("low", 10, 30), ("high", 45, 15))), fieldName="x")
    body = tag("BayesInputs", of_c, of_x) + tag("BayesOutput", counts(55, 45), fieldName="y")
    text = schema("c", "x", all_=AS_IS) + CLASSES + body
    model = tag("NaiveBayesModel", text, functionName="classification", threshold=0.001)
    return Written(name=f"naive-bayes-{name}", text=document((C, X, LABEL), model), rows=rows)


def _pairs(counts: Callable[[float, float], str], found: tuple[tuple[str, float, float], ...]) -> list[str]:
    """How often each value was seen with yes and with no."""
    return [tag("PairCounts", counts(yes, no), value=value) for value, yes, no in found]


def _bins() -> str:
    """A number as one of two words."""
    low = tag("DiscretizeBin", tag("Interval", closure="openClosed", rightMargin=0), binValue="low")
    high = tag("DiscretizeBin", tag("Interval", closure="openOpen", leftMargin=0), binValue="high")
    return derived("size", field("x", "Discretize", low, high), "string")


MODELS = (
    _scorecard("points-below", "pointsBelow"),
    _scorecard("points-above", "pointsAbove"),
    _scorecard("complex", "pointsBelow", is_complex=True),
    *map(_rules, ("firstHit", "weightedSum", "weightedMax")),
    _association(),
    _bayes("counts-and-normal", KNOWN),
    _bayes("missing", ({"x": 1.0, "c": None}, {"x": None, "c": "a"})),
    _bayes("binned", KNOWN),
)
