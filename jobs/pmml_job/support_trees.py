"""What our engine does wrongly with trees, and with values that are missing or invalid."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs.pmml_job.rulebook import Rulebook

if TYPE_CHECKING:
    from jobs.pmml_job.survey import Breach, Node

__all__ = ["BOOK"]

_WITHOUT_SURROGATES = frozenset({"RuleSetModel", "Scorecard"})

BOOK = Rulebook()


@BOOK.rule("Node", says="a leaf of a tree has a score", advice="give the Node a score")
def _leaf(node: Node) -> Breach:
    return None if "Node" in node.first or "score" in node.attributes else "it has none, so there is no prediction"


@BOOK.note("MiningField")
def _treatments(node: Node) -> None:
    model = node.model()
    if model is not None:
        if node.get("invalidValueTreatment") == "asIs":
            model.mark(f"as it is {node.get('name')}")
        if (
            node.get("missingValueTreatment") == "asIs"
            or node.get("invalidValueTreatment") == "asMissing"
            or node.get("outliers") == "asMissingValues"
        ):
            model.mark("missing")


@BOOK.rule(
    "BayesInput",
    says="naive Bayes gets the categories that it counted",
    advice="use invalidValueTreatment 'asMissing' or 'returnInvalid'",
)
def _unknown_category(node: Node) -> Breach:
    model = node.model()
    name = node.get("fieldName")
    if model is None or "PairCounts" not in node.first or f"as it is {name}" not in model.marked("as it is "):
        return None
    return f"field {name!r} has invalidValueTreatment 'asIs': the engine takes an unknown category for another one"


@BOOK.note("SimplePredicate", "SimpleSetPredicate")
def _predicate(node: Node) -> None:
    parent = node.parent
    while parent is not None and parent.name == "CompoundPredicate":
        parent = parent.parent
    if parent is not None and parent.name == "Node":
        asks = node.get("operator") in ("isMissing", "isNotMissing")
        parent.mark("field (missing)" if asks else f"field {node.get('field')}")


@BOOK.note("Node")
def _children(node: Node) -> None:
    if node.parent is not None and node.parent.name == "Node":
        node.parent.mark(f"child {', '.join(node.marked('field '))}")
    shapes = node.marked("child ")
    if len(shapes) > 1 or any("(missing)" in shape for shape in shapes):
        tree = node.inside("TreeModel")
        if tree is not None and "mixed" not in tree.first:
            tree.first["mixed"] = node


def _may_be_missing(node: Node) -> bool:
    at: Node | None = node
    while at is not None:
        if at.marked("missing"):
            return True
        at = at.parent
    return False


@BOOK.rule("TreeModel", says="a tree says what a missing value leads to", advice="use missingValueStrategy 'none'")
def _missing_in_tree(node: Node) -> Breach:
    strategy = node.get("missingValueStrategy", "none")
    if strategy == "none" or not _may_be_missing(node):
        return None
    if strategy in ("weightedConfidence", "aggregateNodes"):
        return f"with {strategy!r} the engine gives no prediction, or no probabilities, where a value is missing"
    if strategy == "nullPrediction" and node.get("noTrueChildStrategy") == "returnLastPrediction":
        return "with 'nullPrediction' and 'returnLastPrediction' the engine gives a prediction where there is none"
    if "mixed" in node.first:
        text = (
            f"with {strategy!r} the first child that cannot be told decides, but the engine looks on to the others, "
            "which matters where children ask for different fields, or whether one is missing"
        )
        return node.first["mixed"], text
    return None


@BOOK.rule(
    "CompoundPredicate",
    says="surrogates stand in trees and segments",
    advice="write 'or' of both cases, with isMissing and isNotMissing",
)
def _surrogate(node: Node) -> Breach:
    model = node.model()
    if node.get("booleanOperator") != "surrogate" or model is None or model.name not in _WITHOUT_SURROGATES:
        return None
    return f"in a {model.name} the engine never asks the second condition" if _may_be_missing(node) else None
