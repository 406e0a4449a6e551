"""What our engine does wrongly with models of models, and with outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs.pmml_job.rulebook import Rulebook

if TYPE_CHECKING:
    from jobs.pmml_job.survey import Breach, Node

__all__ = ["BOOK"]

_FAILING_FEATURES = {
    "ruleValue": "it fails on every row",
    "standardDeviation": "it fails on every row",
    "confidenceIntervalLower": "it fails on every row",
    "confidenceIntervalUpper": "it fails on every row",
    "residual": "it needs the true value, which nobody has while events flow",
}
_AVERAGING = frozenset({"average", "weightedAverage", "max", "median", "weightedMedian", "x-weightedMedian"})
_TARGETS = frozenset({"target", "predicted"})

BOOK = Rulebook()


@BOOK.rule(
    "Regression",
    "DecisionTree",
    says="a model inside a MiningModel stands in a Segment",
    advice="write it as a Segment with a RegressionModel or a TreeModel (PMML 4.2 and later)",
)
def _composition(node: Node) -> Breach:
    return f"the engine fails on every row where {node.name} is a part of the model"


@BOOK.rule(
    "MiningModel",
    says="a MiningModel has segments",
    advice="write its parts as the segments of a Segmentation",
)
def _segments(node: Node) -> Breach:
    return None if "Segmentation" in node.first else "it has no Segmentation"


@BOOK.rule(
    "MiningModel",
    says="votes that are weighted give a label only",
    advice="declare an Output without probability and confidence, or let the segments vote by 'weightedAverage'",
)
def _weighted_votes(node: Node) -> Breach:
    segmentation = node.first.get("Segmentation")
    if segmentation is None or segmentation.get("multipleModelMethod") != "weightedMajorityVote":
        return None
    if "Output" not in node.first:
        return segmentation, "there is no Output, so that the engine adds probabilities, which do not sum up to 1"
    at = node.features.get("probability") or node.features.get("confidence")
    return None if at is None else (at, "the engine's probabilities do not sum up to 1")


@BOOK.rule(
    "MiningModel",
    says="the segments of 'selectFirst' have the Output of their MiningModel",
    advice="declare the same Output, in the same order, in the MiningModel and in each segment, or none anywhere",
)
def _selected_outputs(node: Node) -> Breach:
    segmentation = node.first.get("Segmentation")
    if segmentation is None or segmentation.get("multipleModelMethod") != "selectFirst":
        return None
    if segmentation.marked("outputs: ") == [_outputs(node)]:
        return None
    return node.first.get("Output", segmentation), "they differ: the engine gives the segment's values by its own names"


@BOOK.note("OutputField")
def _note_output(node: Node) -> None:
    model = node.model()
    if model is not None:
        facts = (node.get("name"), node.get("feature", "predictedValue"), node.get("value"))
        model.mark(f"output: {len(model.marked('output: ')):04} {facts}")
        if node.get("feature") == "probability" and "value" in node.attributes:
            model.mark(f"class {len(model.marked('class ')):04} {node.get('value')}")


@BOOK.note("Segment")
def _note_segment(node: Node) -> None:
    for model in node.first.values():
        if node.parent is not None and "MiningSchema" in model.first:
            node.parent.mark(_outputs(model))
            node.parent.mark("classes: " + "\x1f".join(mark.split(" ", 2)[2] for mark in model.marked("class ")))


def _outputs(model: Node) -> str:
    return f"outputs: {model.marked('output: ')}"


@BOOK.rule("MiningModel", says="a row has one answer", advice="use 'selectFirst', or a way to join the answers")
def _several_answers(node: Node) -> Breach:
    segmentation = node.first.get("Segmentation")
    if segmentation is None or segmentation.get("multipleModelMethod") != "selectAll":
        return None
    return segmentation, "'selectAll' gives several, of which the engine tells the first, or none"


@BOOK.rule(
    "Segment",
    says="classes that are averaged have probabilities in every segment",
    advice="declare probability outputs for every class in the segment's Output, or leave its Output out",
)
def _averaged(node: Node) -> Breach:
    segmentation = node.parent
    ensemble = None if segmentation is None else segmentation.parent
    if segmentation is None or ensemble is None or ensemble.get("functionName") != "classification":
        return None
    if segmentation.get("multipleModelMethod") not in _AVERAGING:
        return None
    for model in node.first.values():
        if "Output" in model.first and "probability" not in model.features:
            return model.first["Output"], "without them the engine averages nothing"
    return None


@BOOK.rule(
    "MiningModel",
    says="segments that are averaged tell the probabilities of all classes alike",
    advice="let every segment have probability outputs for all classes in the same order, or none an Output; "
    "and every leaf of a tree a ScoreDistribution for each class",
)
def _alike(node: Node) -> Breach:
    segmentation = node.first.get("Segmentation")
    if segmentation is None or node.get("functionName") != "classification":
        return None
    if segmentation.get("multipleModelMethod") not in _AVERAGING:
        return None
    named, counted = segmentation.marked("classes: "), segmentation.marked("counts: ")
    if len(named) > 1:
        return segmentation, "the outputs of its segments differ, but the engine joins them by their places"
    if len(counted) > 1 or counted == [_counts([])]:
        return segmentation, "leaves of its trees count different classes, and the engine averages nothing then"
    every = _classes(node)
    if any(every - set(_shown(mark)) for mark in [*counted, *named] if _shown(mark)):
        return segmentation, "a class is missing in all its segments: the engine makes it the answer"
    return None


def _counts(classes: list[str]) -> str:
    return "counts: " + "\x1f".join(sorted(classes))


def _shown(mark: str) -> list[str]:
    return [it for it in mark.partition(": ")[2].split("\x1f") if it]


def _classes(node: Node) -> set[str]:
    """The values that the data dictionary lists for the target."""
    starts = [f"value {mark.partition(' ')[2]} " for mark in node.marked("target ")]
    return {mark.removeprefix(start) for start in starts for mark in node.root().marked(start)}


@BOOK.note("MiningField")
def _note_target(node: Node) -> None:
    model = node.model()
    if model is not None and node.get("usageType") in _TARGETS:
        model.mark(f"target {node.get('name')}")


@BOOK.note("ScoreDistribution")
def _note_count(node: Node) -> None:
    if node.parent is not None:
        node.parent.mark(f"count {node.get('value')}")


@BOOK.note("Node")
def _note_leaf(node: Node) -> None:
    tree, segmentation = node.inside("TreeModel"), node.inside("Segmentation")
    if tree is None or segmentation is None or "Node" in node.first or tree.get("functionName") != "classification":
        return
    segmentation.mark(_counts([mark.removeprefix("count ") for mark in node.marked("count ")]))


@BOOK.rule("OutputField", says="an output tells what the engine can compute", advice="remove this output")
def _feature(node: Node) -> Breach:
    wrong = _FAILING_FEATURES.get(node.get("feature"))
    return None if wrong is None else f"feature {node.get('feature')!r}: {wrong}"


@BOOK.rule(
    "OutputField",
    says="a decision has its own expression",
    advice="write the decision as an expression, or remove this output",
)
def _decision(node: Node) -> Breach:
    if node.get("feature") != "decision" or "segmentId" not in node.attributes:
        return None
    return f"it is taken from segment {node.get('segmentId')!r}, on which the engine fails"


@BOOK.rule(
    "OutputField",
    says="an output tells the first value",
    advice="remove this output",
)
def _ranked(node: Node) -> Breach:
    model = node.model()
    if model is None or model.name in ("NearestNeighborModel", "AssociationModel"):
        return None
    if node.get("feature", "predictedValue") not in ("predictedValue", "probability") or node.get("rank", "1") == "1":
        return None
    return f"rank {node.get('rank')!r}: the engine passes over it and gives the first value again"
