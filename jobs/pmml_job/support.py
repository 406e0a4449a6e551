"""What our engine (PMML4S 1.5.8) does not do, or does wrong without a word: each a rule, with the trial that showed it.

The engine refuses little: an element that it does not know is passed over, and what it has not written yet fails on
every row. So each rule here names something that loads and then gives no answer, or a wrong one; tests/pmml compares
the engine with other evaluators, and what it gets wrong there has a rule here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs.pmml_job import support_ensembles, support_fields, support_trees
from jobs.pmml_job.rulebook import Rulebook

if TYPE_CHECKING:
    from jobs.pmml_job.survey import Breach, Node

__all__ = ["FUNCTIONS", "RULES"]

_FUNCTIONS = """
+ - * / min max sum avg median product log10 ln sqrt abs exp pow threshold floor ceil round rint modulo x-modulo
isMissing isNotMissing isValid isNotValid equal notEqual lessThan lessOrEqual greaterThan greaterOrEqual isIn isNotIn
and or not if uppercase lowercase stringLength substring trimBlanks concat replace matches expm1 hypot ln1p
sin asin sinh cos acos cosh tan atan tanh normalCDF normalIDF normalPDF stdNormalCDF stdNormalIDF stdNormalPDF erf
formatNumber formatDatetime dateDaysSinceYear dateSecondsSinceYear dateSecondsSinceMidnight
"""
FUNCTIONS = frozenset(_FUNCTIONS.split())
"""Functions that the engine has, those among them that `RULES` refuses."""

_WRONG_FUNCTIONS = {
    "formatNumber": "it fails on every row",
    "formatDatetime": "it does not know the patterns of PMML and gives another text",
    "dateDaysSinceYear": "it gives nothing, or days that depend on the time of day",
    "dateSecondsSinceYear": "it gives nothing, or seconds that depend on the time of day",
    "dateSecondsSinceMidnight": "it gives nothing",
}
_WRONG_WEIGHTS = {
    "logarithmic": "the engine takes another logarithm",
    "augmentedNormalizedTermFrequency": "the engine fails on every row",
}
_ASSOCIATION_FEATURES = frozenset({"entityId", "ruleId", "confidence"})
_UNSCORED_MODELS = (
    "BaselineModel",
    "BayesianNetworkModel",
    "GaussianProcessModel",
    "SequenceModel",
    "TextModel",
    "TimeSeriesModel",
)
_ELSEWHERE = "score this model with another engine, or export another kind of model"
_CUMULATIVE = frozenset({"logit", "probit", "cloglog", "loglog", "cauchit"})
_BINARY = 2

BOOK = Rulebook()


@BOOK.rule(*_UNSCORED_MODELS, says="the engine can score this kind of model", advice=_ELSEWHERE)
def _kind(node: Node) -> Breach:
    return f"it cannot score a {node.name}"


@BOOK.rule("Aggregate", "Lag", says="an expression looks at one row", advice="compute it before the event is sent")
def _several_rows(node: Node) -> Breach:
    return f"the engine has no {node.name}, which looks at several rows"


@BOOK.rule(
    "Apply",
    says="a function gives what PMML says",
    advice="compute it before the event is sent, as with a transform of the route",
)
def _function(node: Node) -> Breach:
    wrong = _WRONG_FUNCTIONS.get(node.get("function"))
    return None if wrong is None else f"the engine's {node.get('function')!r} is wrong: {wrong}"


@BOOK.rule(
    "Discretize",
    says="every value has a bin of its own",
    advice="give the values outside of the bins a DiscretizeBin, and missing ones a missingValueReplacement",
)
def _discretize(node: Node) -> Breach:
    for attribute in ("defaultValue", "mapMissingTo"):
        if attribute in node.attributes:
            return f"the engine passes over {attribute} {node.get(attribute)!r} and gives nothing"
    return None


@BOOK.rule(
    "TextIndex", says="a term is counted as PMML says", advice="use termFrequency or binary, with tokenize='true'"
)
def _term_weight(node: Node) -> Breach:
    weights = node.get("localTermWeights")
    if weights in _WRONG_WEIGHTS:
        return f"localTermWeights {weights!r}: {_WRONG_WEIGHTS[weights]}"
    return "tokenize 'false': the engine gives 0" if node.get("tokenize") == "false" else None


@BOOK.rule(
    "CompoundPredicate", says="predicates are joined by and, or, surrogate", advice="write 'xor' with the others"
)
def _xor(node: Node) -> Breach:
    return "the engine's 'xor' is never true" if node.get("booleanOperator") == "xor" else None


@BOOK.rule("NearestNeighborModel", says="all neighbours count alike", advice=_ELSEWHERE)
def _neighbours(node: Node) -> Breach:
    for attribute, wrong in (
        ("continuousScoringMethod", "weightedAverage"),
        ("categoricalScoringMethod", "weightedMajorityVote"),
    ):
        if node.get(attribute) == wrong:
            return f"the engine computes {attribute} {wrong!r} wrongly"
    return None


@BOOK.rule(
    "NearestNeighborModel",
    says="nearest neighbours give a label or a number",
    advice="remove these outputs",
)
def _neighbour_probability(node: Node) -> Breach:
    at = node.features.get("probability")
    return None if at is None else (at, "the engine gives no probabilities here")


@BOOK.rule("PoissonDistribution", says="naive Bayes is of counts or normal distributions", advice=_ELSEWHERE)
def _poisson(node: Node) -> Breach:
    return f"the engine's chance of the value 0 is wrong for a {node.name}"


@BOOK.rule("RuleSetModel", says="a rule set tells its score and confidence", advice="remove this output")
def _rule_set(node: Node) -> Breach:
    for feature in ("entityId", "ruleId"):
        if feature in node.features:
            return node.features[feature], f"the engine does not say which rule fired: {feature!r} is always null"
    return None


@BOOK.rule(
    "MiningField",
    says="a row is complete in itself",
    advice="declare an active field of type string for each item, and name it in the Item's field",
)
def _group(node: Node) -> Breach:
    return "it is a group field: the engine keeps items from row to row" if node.get("usageType") == "group" else None


@BOOK.rule(
    "AssociationModel",
    says="an association model tells the rule's identifier and confidence",
    advice="declare outputs with the features entityId and confidence only",
)
def _association_outputs(node: Node) -> Breach:
    if "Output" not in node.first:
        return "it has no Output, and the engine's own fail on every row"
    for feature, at in node.features.items():
        if feature not in _ASSOCIATION_FEATURES:
            return at, f"the engine fails on every row where feature {feature!r} is asked for"
    return None


@BOOK.rule("GeneralRegressionModel", says="a general regression is no survival model", advice=_ELSEWHERE)
def _cox(node: Node) -> Breach:
    kind = node.get("modelType")
    return f"modelType {kind!r} is computed wrongly on every row" if kind == "CoxRegression" else None


@BOOK.rule(
    "GeneralRegressionModel",
    says="classes and cells of a general regression belong together",
    advice="name the targetCategory of every PCell, or export a RegressionModel",
)
def _cells(node: Node) -> Breach:
    kind = node.get("modelType")
    if kind == "ordinalMultinomial" and node.get("cumulativeLink") == "loglog":
        return "with cumulativeLink 'loglog' the engine's probabilities are below 0"
    if kind == "generalizedLinear" and node.get("functionName") == "classification" and node.marked("plain cell"):
        return "there is a PCell without targetCategory: the classes' probabilities change places"
    return None


@BOOK.note("PCell")
def _note_cell(node: Node) -> None:
    model = node.model()
    if model is not None and "targetCategory" not in node.attributes:
        model.mark("plain cell")


@BOOK.rule("KNNInput", says="distances are between numbers", advice="turn categories into numbers (NormDiscrete)")
def _category_of_neighbours(node: Node) -> Breach:
    if f"category {node.get('field')}" not in (node.root().marks or ()):
        return None
    return f"field {node.get('field')!r} is a category, which the engine does not compare"


@BOOK.note("DataField", "DerivedField")
def _note_category(node: Node) -> None:
    if node.get("optype") != "continuous":
        node.root().mark(f"category {node.get('name')}")


@BOOK.rule("RegressionModel", says="a regression has a table", advice="add a RegressionTable")
def _table(node: Node) -> Breach:
    return None if "RegressionTable" in node.first else "it has none"


@BOOK.rule(
    "RegressionModel",
    says="classes are normalised as they are counted",
    advice="use normalizationMethod 'softmax' or 'simplemax', or score this model with another engine",
)
def _normalisation(node: Node) -> Breach:
    method = node.get("normalizationMethod", "none")
    if node.get("functionName") == "regression":
        return "with 'loglog' the engine gives no prediction on any row" if method == "loglog" else None
    if method in _CUMULATIVE and len(node.marked("table ")) > _BINARY:
        return f"with {method!r} the engine is right for two classes only: the last one's probability is wrong"
    return None


@BOOK.note("RegressionTable")
def _tables(node: Node) -> None:
    if node.parent is not None:
        node.parent.mark(f"table {node.get('targetCategory')}")


RULES = (*BOOK.rules, *support_ensembles.BOOK.rules, *support_fields.BOOK.rules, *support_trees.BOOK.rules)
"""All of them."""
