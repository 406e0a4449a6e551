"""What the engine does wrongly: each rule finds its fault, where it stands, and leaves the right form alone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from jobs.pmml_job import check
from penstock.models.findings import Severity

MODELS = Path(__file__).parents[3] / "models"
BREADTH = Path(__file__).parents[2] / "data" / "pmml" / "breadth"
HEAD = """<PMML xmlns="http://www.dmg.org/PMML-4_4" version="4.4">
<Header/>
<DataDictionary>
<DataField name="x" optype="continuous" dataType="double"/>
<DataField name="c" optype="categorical" dataType="string"/>
<DataField name="y" optype="categorical" dataType="string"><Value value="a"/><Value value="b"/></DataField>
</DataDictionary>
"""
SCHEMA = """<MiningSchema><MiningField name="x" missingValueTreatment="asIs"/><MiningField name="c"/>
<MiningField name="y" usageType="target"/></MiningSchema>"""
LEAVES = """<Node><True/>
<Node score="a"><SimplePredicate field="x" operator="lessThan" value="1"/></Node>
<Node score="b"><SimplePredicate field="x" operator="greaterOrEqual" value="1"/></Node>
</Node>"""
MIXED = LEAVES.replace('field="x" operator="greaterOrEqual"', 'field="c" operator="equal"')
TREE = f'<TreeModel functionName="classification">{SCHEMA}{LEAVES}</TreeModel>'
COUNTS = '<ScoreDistribution value="a" recordCount="1"/><ScoreDistribution value="b" recordCount="2"/>'
COUNTED = TREE.replace("/></Node>", f"/>{COUNTS}</Node>")


def output(*outputs: str) -> str:
    """An Output of fields of these features, with further attributes."""
    fields = "".join(f'<OutputField name="o{i}" dataType="string" feature={it}/>' for i, it in enumerate(outputs))
    return f"<Output>{fields}</Output>"


def regression(expression: str, attributes: str = 'functionName="regression"') -> str:
    """A regression with an expression of its own."""
    return f"""<RegressionModel {attributes}>{SCHEMA}<LocalTransformations>
<DerivedField name="d" optype="continuous" dataType="double">{expression}</DerivedField>
</LocalTransformations><RegressionTable intercept="0"/></RegressionModel>"""


def mining(method: str, outputs: str = "", tree: str = TREE) -> str:
    """A MiningModel with one segment."""
    return f"""<MiningModel functionName="classification">{SCHEMA}{outputs}
<Segmentation multipleModelMethod="{method}"><Segment><True/>{tree}</Segment></Segmentation></MiningModel>"""


def asked(operator: str, optype: str, data_type: str, values: str = "") -> str:
    """A tree with a condition on a field of this type, which stands in a dictionary of its own."""
    declared = f'<DerivedField name="d" optype="{optype}" dataType="{data_type}"><FieldRef field="x"/>{values}'
    nodes = f'<Node score="a">\n<SimplePredicate field="d" operator="{operator}" value="1"/></Node>'
    return tree(
        "", f"<LocalTransformations>{declared}</DerivedField></LocalTransformations><Node><True/>{nodes}</Node>"
    )


def tree(attributes: str, nodes: str = LEAVES) -> str:
    """A tree with attributes."""
    return f'<TreeModel functionName="classification" {attributes}>{SCHEMA}{nodes}</TreeModel>'


def neighbours(attributes: str = "", outputs: str = "") -> str:
    """Nearest neighbours."""
    return f'<NearestNeighborModel functionName="classification" {attributes}>{SCHEMA}{outputs}</NearestNeighborModel>'


def model(name: str, inside: str = "", attributes: str = "", schema: str = SCHEMA) -> str:
    """Any model."""
    return f'<{name} functionName="classification" {attributes}>{schema}{inside}</{name}>'


SURROGATE = '\n<CompoundPredicate booleanOperator="surrogate"><True/><False/></CompoundPredicate>'
ONE = '<Constant dataType="integer">1</Constant>'
ALIKE = "Segmentation", "probabilities of all classes alike"
PROBABILITIES, SECOND = ('"probability" value="a"', '"probability" value="b"'), "</Segment><Segment><True/>"
TABLES = "".join(f'<RegressionTable intercept="0" targetCategory="{name}"/>' for name in "abc")
GROUP = '<MiningSchema><MiningField name="x" usageType="group"/>\n<MiningField name="c"/></MiningSchema>'

FAULTS = {
    **{
        name: (model(name), name, "the engine can score this kind of model")
        for name in ("BaselineModel", "GaussianProcessModel", "TimeSeriesModel", "TextModel", "SequenceModel")
    },
    "composition": (model("MiningModel", "<Regression/>"), "Regression", "stands in a Segment"),
    "no segments": (model("MiningModel"), "MiningModel", "a MiningModel has segments"),
    "Aggregate": (regression('<Aggregate field="x" function="sum"/>'), "Aggregate", "looks at one row"),
    "Lag": (regression('<Lag field="x"/>'), "Lag", "looks at one row"),
    **{
        name: (regression(f'<Apply function="{name}"><FieldRef field="x"/></Apply>'), "Apply", "gives what PMML says")
        for name in (
            "formatNumber",
            "formatDatetime",
            "dateDaysSinceYear",
            "dateSecondsSinceYear",
            "dateSecondsSinceMidnight",
        )
    },
    **{
        name: (regression(f'<Apply function="{name}"><FieldRef field="x"/>{ONE}</Apply>'), "Apply", "of one type")
        for name in ("equal", "isNotIn")
    },
    "unknown function": (regression('<Apply function="sine"><FieldRef field="x"/></Apply>'), "Apply", "is built in"),
    "unknown field": (regression('<FieldRef field="z"/>'), "FieldRef", "every field is declared"),
    "default bin": (regression('<Discretize field="x" defaultValue="1"/>'), "Discretize", "a bin of its own"),
    "missing bin": (regression('<Discretize field="x" mapMissingTo="1"/>'), "Discretize", "a bin of its own"),
    "term weight": (
        regression('<TextIndex textField="c" localTermWeights="logarithmic"/>'),
        "TextIndex",
        "is counted",
    ),
    "weighted neighbours": (
        neighbours('continuousScoringMethod="weightedAverage"'),
        "NearestNeighborModel",
        "count alike",
    ),
    "weighted votes of neighbours": (
        neighbours('categoricalScoringMethod="weightedMajorityVote"'),
        "NearestNeighborModel",
        "count alike",
    ),
    "probability of neighbours": (neighbours("", output('"probability"')), "OutputField", "a label or a number"),
    "weighted votes": (
        mining("weightedMajorityVote", output('"predictedValue"', '"probability" value="a"')),
        "OutputField",
        "give a label only",
    ),
    "weighted votes without outputs": (mining("weightedMajorityVote"), "Segmentation", "give a label only"),
    "selectFirst": (mining("selectFirst", output('"predictedValue"')), "Output", "have the Output of"),
    "selectFirst of segments": (
        mining("selectFirst", "", TREE.replace(SCHEMA, SCHEMA + output('"predictedValue"'))),
        "Segmentation",
        "have the Output of",
    ),
    "selectAll": (mining("selectAll"), "Segmentation", "a row has one answer"),
    "xor": (
        tree("", '<Node><CompoundPredicate booleanOperator="xor"><True/><False/></CompoundPredicate></Node>'),
        "CompoundPredicate",
        "are joined by",
    ),
    "surrogate": (model("RuleSetModel", SURROGATE), "CompoundPredicate", "surrogates stand in trees"),
    "surrogate of points": (model("Scorecard", SURROGATE), "CompoundPredicate", "surrogates stand in trees"),
    "term frequency": (
        regression('<TextIndex textField="c" localTermWeights="augmentedNormalizedTermFrequency"/>'),
        "TextIndex",
        "is counted",
    ),
    "tokens": (regression('<TextIndex textField="c" tokenize="false"/>'), "TextIndex", "is counted"),
    "constant": (regression("<Constant>R&amp;D</Constant>"), "Constant", "is plain text"),
    "constant of CDATA": (regression("<Constant><![CDATA[R&D]]></Constant>"), "Constant", "is plain text"),
    "category of neighbours": (
        neighbours("", '<KNNInputs><KNNInput field="c"/></KNNInputs>'),
        "KNNInput",
        "between numbers",
    ),
    "cells": (
        model(
            "GeneralRegressionModel", '<ParamMatrix><PCell beta="1"/></ParamMatrix>', 'modelType="generalizedLinear"'
        ),
        "GeneralRegressionModel",
        "belong together",
    ),
    "ordinal loglog": (
        model("GeneralRegressionModel", "", 'modelType="ordinalMultinomial" cumulativeLink="loglog"'),
        "GeneralRegressionModel",
        "belong together",
    ),
    "averaged labels": (
        mining("average", "", TREE.replace(SCHEMA, SCHEMA + output('"predictedValue"'))),
        "Output",
        "classes that are averaged",
    ),
    "averaged without counts": (mining("average"), *ALIKE),
    "averaged with other counts": (
        mining("max", tree=COUNTED.replace(COUNTS, COUNTS.replace('"b"', '"c"'), 1)),
        *ALIKE,
    ),
    "averaged without a class": (mining("average", tree=COUNTED.replace('value="b"', 'value="a"')), *ALIKE),
    "averaged outputs": (
        mining("median", tree=f"{COUNTED.replace(SCHEMA, SCHEMA + output(*PROBABILITIES))}{SECOND}{COUNTED}"),
        *ALIKE,
    ),
    **{
        feature: (model("RegressionModel", output(f'"{feature}"') + TABLES), "OutputField", "what the engine can")
        for feature in ("ruleValue", "standardDeviation", "confidenceIntervalLower", "residual")
    },
    "decision of a segment": (
        mining("modelChain", output('"decision" segmentId="1"')),
        "OutputField",
        "its own expression",
    ),
    "rank": (tree("").replace(SCHEMA, SCHEMA + output('"probability" rank="2"')), "OutputField", "the first value"),
    "rule set": (model("RuleSetModel", output('"entityId"')), "OutputField", "its score and confidence"),
    "group": (
        model("AssociationModel", output('"entityId"'), schema=GROUP),
        "MiningField",
        "a row is complete in itself",
    ),
    "association": (model("AssociationModel", output('"support"')), "OutputField", "the rule's identifier"),
    "association without outputs": (model("AssociationModel"), "AssociationModel", "the rule's identifier"),
    "survival": (
        model("GeneralRegressionModel", attributes='modelType="CoxRegression"'),
        "GeneralRegressionModel",
        "no survival model",
    ),
    "leaf": (TREE.replace(' score="a"', ""), "Node", "a leaf of a tree has a score"),
    "no table": (model("RegressionModel"), "RegressionModel", "a regression has a table"),
    "three classes": (
        model("RegressionModel", TABLES, 'normalizationMethod="probit"'),
        "RegressionModel",
        "normalised as they are counted",
    ),
    "loglog": (
        regression('<FieldRef field="x"/>', 'functionName="regression" normalizationMethod="loglog"'),
        "RegressionModel",
        "normalised as they are counted",
    ),
    "unknown category": (
        model(
            "NaiveBayesModel",
            '<BayesInputs><BayesInput fieldName="c"><PairCounts value="a"/></BayesInput></BayesInputs>',
            schema=SCHEMA.replace('name="c"', 'name="c" invalidValueTreatment="asIs"'),
        ),
        "BayesInput",
        "the categories that it counted",
    ),
    "poisson": (
        model(
            "NaiveBayesModel",
            '<BayesInputs><BayesInput fieldName="x"><TargetValueStats><TargetValueStat value="a">'
            '\n<PoissonDistribution mean="1"/></TargetValueStat></TargetValueStats></BayesInput></BayesInputs>',
        ),
        "PoissonDistribution",
        "naive Bayes is of counts",
    ),
    "missing: confidence": (tree('missingValueStrategy="weightedConfidence"'), "TreeModel", "what a missing value"),
    "missing: aggregate": (tree('missingValueStrategy="aggregateNodes"'), "TreeModel", "what a missing value"),
    "missing: null": (
        tree('missingValueStrategy="nullPrediction" noTrueChildStrategy="returnLastPrediction"'),
        "TreeModel",
        "what a missing value",
    ),
    "missing: last": (tree('missingValueStrategy="lastPrediction"', MIXED), "Node", "what a missing value"),
    "missing: default": (tree('missingValueStrategy="defaultChild"', MIXED), "Node", "what a missing value"),
    **{
        data_type: (
            regression('<FieldRef field="x"/>').replace('dataType="double"', f'dataType="{data_type}"'),
            "DerivedField",
            "values are numbers, text",
        )
        for data_type in ("date", "time", "dateTime")
    },
    **{
        " ".join(case): (asked(*case), "SimplePredicate", "fits the field's optype")
        for case in (
            ("equal", "categorical", "double"),
            ("notEqual", "ordinal", "float"),
            ("lessThan", "categorical", "integer"),
            ("greaterOrEqual", "ordinal", "string"),
            ("equal", "continuous", "boolean"),
            ("equal", "continuous", "string"),
        )
    },
    "order of categories": (
        asked("lessOrEqual", "categorical", "string", '<Value value="1"/>'),
        "SimplePredicate",
        "fits the field's optype",
    ),
    "undeclared input": (TREE.replace('name="c"', 'name="k"'), "MiningField", "every field is declared"),
}


def write(folder: Path, body: str) -> Path:
    """Write a file of a model's XML."""
    path = folder / "model.pmml"
    path.write_text(f"{HEAD}{body}\n</PMML>", encoding="utf-8")
    return path


@pytest.mark.parametrize(("body", "element", "rule"), FAULTS.values(), ids=FAULTS)
def test_fault_is_found_where_it_is(tmp_path: Path, body: str, element: str, rule: str) -> None:
    """The finding points at the start of the element that it is about, and says what to do."""
    path = write(tmp_path, body)
    (found,) = [finding for finding in check.read(path).findings if rule in finding.rule]

    assert (found.element, found.severity) == (element, Severity.ERROR)
    assert found.line is not None
    assert found.column is not None
    line = path.read_text(encoding="utf-8").splitlines()[found.line - 1]
    assert re.match(rf"<{element}\b", line[found.column - 1 :])
    assert found.found
    assert found.advice


@pytest.mark.parametrize(
    "body",
    [
        TREE,
        asked("equal", "categorical", "integer"),
        asked("equal", "ordinal", "string"),
        asked("notEqual", "categorical", "boolean"),
        asked("isMissing", "categorical", "double"),
        asked("lessThan", "ordinal", "string", '<Value value="1"/>'),
        asked("lessThan", "continuous", "integer"),
        asked("equal", "continuous", "float"),
        tree('missingValueStrategy="defaultChild"'),
        tree('missingValueStrategy="lastPrediction"', MIXED).replace('missingValueTreatment="asIs"', ""),
        mining("majorityVote", output('"predictedValue"', '"probability" value="a"')),
        mining("average", tree=COUNTED),
        mining("average", tree=COUNTED.replace(SCHEMA, SCHEMA + output(*PROBABILITIES))),
        mining("majorityVote"),
        model("TreeModel", SURROGATE),
        model("RuleSetModel", SURROGATE).replace('missingValueTreatment="asIs"', ""),
        model("Scorecard", SURROGATE.replace("surrogate", "or")),
        mining("selectFirst"),
        mining("selectFirst", output('"predictedValue"'), TREE.replace(SCHEMA, SCHEMA + output('"predictedValue"'))),
        regression("<Constant>plain</Constant>"),
        regression(f'<Apply function="lessThan"><FieldRef field="x"/>{ONE}</Apply>'),
        regression(f'<Apply function="equal"><FieldRef field="x"/>{ONE.replace("integer", "float")}</Apply>'),
        regression(f'<Apply function="isIn"><FieldRef field="c"/>{ONE.replace("integer", "string")}</Apply>'),
        neighbours("", '<KNNInputs><KNNInput field="x"/></KNNInputs>'),
        mining("weightedMajorityVote", output('"predictedValue"')),
        neighbours("", output('"predictedValue"', '"entityId" rank="2"')),
        regression('<Apply function="abs"><FieldRef field="x"/></Apply>'),
        model("RegressionModel", TABLES, 'normalizationMethod="softmax"'),
        model("AssociationModel", output('"entityId"', '"confidence"')),
        model("RuleSetModel", output('"predictedValue"', '"confidence"')),
    ],
)
def test_right_form_is_left_alone(tmp_path: Path, body: str) -> None:
    """What the engine does well is not refused with what it does badly."""
    assert check.read(write(tmp_path, body)).findings == ()


@pytest.mark.parametrize("path", sorted(MODELS.glob("*/*/model.pmml")), ids=lambda path: path.parts[-3])
def test_sample_models_are_left_alone(path: Path) -> None:
    """The models that we ship have nothing against them."""
    assert check.read(path).findings == ()


@pytest.mark.parametrize("path", sorted(BREADTH.glob("*.pmml")), ids=lambda path: path.stem)
def test_what_is_shown_to_be_right_is_left_alone(path: Path) -> None:
    """The files of which tests/pmml shows that the engine scores them as other engines do."""
    assert [finding for finding in check.read(path).findings if finding.severity is Severity.ERROR] == []


def test_everything_is_told_at_once(tmp_path: Path) -> None:
    """In the order of the file, whatever kind of fault it is."""
    body = regression('<Lag field="nobody"/>').replace("<RegressionTable", '<RegressionTable targetCategory="a"')
    path = write(tmp_path, body.replace('name="c"', 'name="c" invalidValueTreatment="never"') + "\n" + TREE)
    found = check.read(path).findings

    assert [finding.element for finding in found] == ["MiningField", "Lag", "TreeModel"]
    assert found[-1].severity is Severity.WARNING


def test_many_faults_of_a_kind_are_not_all_told(tmp_path: Path) -> None:
    """Whoever has a thousand mends the exporter, and reads twenty."""
    leaves = '<Node><SimplePredicate field="x" operator="lessThan" value="1"/></Node>\n' * 100
    assert len(check.read(write(tmp_path, tree("", f"<Node><True/>{leaves}</Node>"))).findings) == 20


@pytest.mark.parametrize(
    ("data", "line", "column", "found"),
    [
        (b"<PMML>\n<Header>\n</PMML>", 3, 3, "mismatched tag"),
        (b"<PMML>\n <Header a='\xff'/>", 2, 13, "it has byte 0xff"),
        (b"<?xml version='1.0'?>\n<!DOCTYPE PMML []><PMML/>", 2, 16, "document type declaration"),
        (b"<html/>", 1, 1, "expected the root element PMML, got html"),
        (b"\n<PMML/>", 2, 1, "element PMML has no DataDictionary"),
        (b"", 1, 1, "no element found"),
    ],
)
def test_what_is_no_pmml_has_its_place(tmp_path: Path, data: bytes, line: int, column: int, found: str) -> None:
    """Nothing more can be said of such a file, and there is no metadata."""
    path = tmp_path / "model.pmml"
    path.write_bytes(data)
    checked = check.read(path)

    (finding,) = checked.findings
    assert (finding.line, finding.column) == (line, column)
    assert found in finding.found
    assert checked.metadata is None
