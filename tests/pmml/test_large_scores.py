"""Scores of classes that are too large for the engine's softmax: a label that is wrong never becomes a result."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from jobs.pmml_job.served import ServedModel
from penstock.errors import ScoringError
from penstock.event import JSON

if TYPE_CHECKING:
    from collections.abc import Callable

    from jobs.pmml_job.engine import PmmlModel

HEAD = """<PMML xmlns="http://www.dmg.org/PMML-4_4" version="4.4"><Header/>
<DataDictionary><DataField name="x" optype="continuous" dataType="double"/>
<DataField name="y" optype="categorical" dataType="string"><Value value="a"/><Value value="b"/></DataField>
</DataDictionary>"""
PARTS = """<MiningSchema><MiningField name="y" usageType="target"/><MiningField name="x"
missingValueTreatment="asIs"/></MiningSchema>
<Output><OutputField name="label" optype="categorical" dataType="string" feature="predictedValue"/>
<OutputField name="p(a)" optype="continuous" dataType="double" feature="probability" value="a"/>
<OutputField name="p(b)" optype="continuous" dataType="double" feature="probability" value="b"/></Output>"""
REGRESSION = f"""{HEAD}<RegressionModel functionName="classification" normalizationMethod="softmax">{PARTS}
<RegressionTable intercept="0" targetCategory="a"><NumericPredictor name="x" coefficient="1"/></RegressionTable>
<RegressionTable intercept="0" targetCategory="b"><NumericPredictor name="x" coefficient="2"/></RegressionTable>
</RegressionModel></PMML>"""
NETWORK = f"""{HEAD}<NeuralNetwork functionName="classification" activationFunction="identity"
normalizationMethod="softmax">{PARTS}<NeuralInputs><NeuralInput id="x"><DerivedField optype="continuous"
dataType="double"><FieldRef field="x"/></DerivedField></NeuralInput></NeuralInputs><NeuralLayer>
<Neuron id="1"><Con from="x" weight="1"/></Neuron><Neuron id="2"><Con from="x" weight="2"/></Neuron></NeuralLayer>
<NeuralOutputs><NeuralOutput outputNeuron="1"><DerivedField optype="categorical" dataType="string">
<NormDiscrete field="y" value="a"/></DerivedField></NeuralOutput><NeuralOutput outputNeuron="2">
<DerivedField optype="categorical" dataType="string"><NormDiscrete field="y" value="b"/></DerivedField></NeuralOutput>
</NeuralOutputs></NeuralNetwork></PMML>"""


@pytest.mark.parametrize("file", [REGRESSION, NETWORK], ids=["regression", "network"])
def test_label_without_probabilities_is_no_prediction(load: Callable[[bytes, str], PmmlModel], file: str) -> None:
    """Of 1,600 and 800 the first is the larger one: the engine says the other."""
    model = load(file.encode(), "large:1")
    served = ServedModel("large:1", model, 0, len(file))
    requests = [served.read(msgspec.json.encode({"x": x}), JSON) for x in (300, 800, None)]
    right, wrong, missing = served.score(requests)

    assert model.score([(800.0,)])[0][0] == "a"
    assert isinstance(right, tuple)
    assert right[0] == "b"
    assert isinstance(wrong, ScoringError)
    assert "too large for the engine's exponentials" in str(wrong)
    assert missing == (None, None, None)
