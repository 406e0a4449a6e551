"""The engine: what it loads, what it refuses, and what a call gives."""

import json
import re
import threading
from collections.abc import Callable
from pathlib import Path

import jpype
import pytest

from jobs.pmml_job.engine import PmmlModel
from jobs.pmml_job.pmml4s import MatrixCall, RecordsCall
from penstock.errors import ModelLoadError
from tests.patience import SOON_S

Load = Callable[[bytes, str], PmmlModel]

DATA = Path(__file__).parents[1] / "data" / "pmml"
MODELS = Path(__file__).parents[2] / "models"


@pytest.fixture
def tree() -> bytes:
    """The bytes of the sample decision tree."""
    return (MODELS / "iris-tree" / "1" / "model.pmml").read_bytes()


def test_model_of_numbers_takes_the_quick_way(load: Load, tree: bytes) -> None:
    """A model whose fields are all numbers is called with a matrix, and tells its fields."""
    model = load(tree, "iris-tree:1")
    assert isinstance(model.score, MatrixCall)
    assert [field.name for field in model.inputs] == ["sepal_length", "sepal_width", "petal_length", "petal_width"]
    assert [output.name for output in model.outputs] == [*(f"probability_{i}" for i in range(3)), "predicted_label"]
    primary = model.primary()
    assert primary is not None
    assert model.outputs[primary].name == "predicted_label"
    assert model.score([(5.1, 3.5, 1.4, 0.2)]) == [(1.0, 0.0, 0.0, 0)]


def test_model_of_texts(load: Load) -> None:
    """Texts, booleans and integers that may be missing go over as JSON; every output comes back with its own type."""
    model = load((DATA / "loan.pmml").read_bytes(), "loan:1")
    assert isinstance(model.score, RecordsCall)
    assert [output.name for output in model.outputs] == ["chance of yes", "granted", "long", "level"]
    rows = [(True, "house", 5, 1500.0), (False, None, None, 2500.5), (True, "car", 30, 0.0), (True, "house", 30, 999.0)]
    answers = model.score(rows)
    assert answers == [(0.75, "yes", False, 1), (0.75, "yes", True, 2), (0.2, "null", True, 0), (None, None, True, 0)]
    assert [type(output) for output in answers[0]] == [float, str, bool, int]


def test_texts_come_back_from_the_quick_way(load: Load, tree: bytes) -> None:
    """A label may be a text, even the text null; a text that is missing is None."""
    text = tree.decode()
    text = text.replace(
        'name="label" optype="categorical" dataType="integer"', 'name="label" optype="categorical" dataType="string"'
    )
    text = text.replace(
        'optype="categorical" dataType="integer" feature', 'optype="categorical" dataType="string" feature'
    )
    text = text.replace('value="0"', 'value="null"').replace('score="0"', 'score="null"')
    text = text.replace(
        '<TreeModel modelName="DecisionTreeClassifier"', '<TreeModel noTrueChildStrategy="returnNullPrediction"'
    )
    text = text.replace('operator="greaterThan" value="1.7500000596046448"', 'operator="greaterThan" value="2"')
    model = load(text.encode(), "iris-tree:2")
    assert isinstance(model.score, MatrixCall)
    answers = model.score([(5.1, 3.5, 1.4, 0.2), (6.0, 3.0, 4.0, 1.3), (6.0, 3.0, 5.0, 1.9), (6.0, 3.0, 6.0, 2.3)])
    assert [answer[-1] for answer in answers] == ["null", "1", None, "2"]
    assert answers[2] == (None, None, None, None)


def test_model_without_outputs_has_the_engines_own(load: Load, tree: bytes) -> None:
    """A file without Output says nothing about names; the engine then names the prediction after the target."""
    start, _, rest = tree.decode().partition("<Output>")
    model = load((start + rest.partition("</Output>")[2]).encode(), "iris-tree:2")
    assert "predicted_label" in [output.name for output in model.outputs]
    assert model.score([(5.1, 3.5, 1.4, 0.2)])[0][model.primary() or 0] == 0


def test_model_that_names_probabilities_only_has_a_prediction_too(load: Load, tree: bytes) -> None:
    """The engine adds it: a probability is no label. Some tools write files like this one."""
    text = re.sub(r'<OutputField name="predicted_label"[^>]*/>', "", tree.decode())
    assert text != tree.decode()
    model = load(text.encode(), "iris-tree:2")
    primary = model.primary()

    assert primary is not None
    assert (model.outputs[primary].name, model.outputs[primary].feature) == ("predicted_label", "predictedValue")
    assert [answer[primary] for answer in model.score([(5.1, 3.5, 1.4, 0.2), (6.0, 3.0, 5.0, 1.9)])] == [0, 2]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the file is no XML"),
        (b"\x80\x04", "the file is not UTF-8"),
        (b"<PMML><DataDictionary/></PMML>", "the file has no model with a MiningSchema"),
        (
            b"<PMML><DataDictionary/><TreeModel><MiningSchema/></TreeModel></PMML>",
            "AttributeNotFoundException: Required attribute 'version' is missing",
        ),
        (
            b'<PMML version="4.4"><DataDictionary/><NoModel><MiningSchema/></NoModel></PMML>',
            "PmmlException: NoModel is not a standard of PMML",
        ),
    ],
)
def test_file_is_refused(load: Load, data: bytes, message: str) -> None:
    """A file that is no model is refused with the model's name and the reason."""
    with pytest.raises(ModelLoadError, match=rf"^model 'broken:3' cannot be loaded: .*({message})"):
        load(data, "broken:3")


def test_truncated_file_is_refused(load: Load, tree: bytes) -> None:
    """Half a file is no model."""
    with pytest.raises(ModelLoadError, match=r"^model 'iris-tree:1' cannot be loaded: .*the file is no XML: "):
        load(tree[: len(tree) // 2], "iris-tree:1")


def test_other_threads_may_score(load: Load, tree: bytes) -> None:
    """A thread that never saw Java can call a model that another one loaded, and both at once."""
    model = load(tree, "iris-tree:1")
    golden = (MODELS / "iris-tree" / "1" / "golden.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [tuple(json.loads(line)["input"].values()) for line in golden]
    expected = model.score(rows)
    found: list[object] = []
    threads = [threading.Thread(target=lambda: found.append(model.score(rows)), daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=SOON_S)
    assert found == [expected] * 4


def test_java_failure_is_an_exception(load: Load) -> None:
    """What the model's own expressions throw reaches Python, for the whole call."""
    model = load((DATA / "failing.pmml").read_bytes(), "failing:1")
    assert model.score([("b+",), ("x",)]) == [(True,), (False,)]
    with pytest.raises(jpype.JException, match="Unclosed group"):
        model.score([("b+",), ("(",)])
