"""What the engine does wrongly and is put right: the order of rules, and which output is the prediction."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from jobs.pmml_job.engine import Engine, PmmlModel

BREADTH = Path(__file__).parents[1] / "data" / "pmml" / "breadth"
TREE = Path(__file__).parents[2] / "models" / "iris-tree" / "1" / "model.pmml"

Load = Callable[[str], PmmlModel]


@pytest.fixture
def load(pmml_engine: Engine, tmp_path: Path) -> Load:
    """Load a model from its text."""

    def make(text: str) -> PmmlModel:
        path = tmp_path / "model.pmml"
        path.write_text(text, encoding="utf-8")
        return pmml_engine(path, "model:1")

    return make


def test_prediction_of_a_target_without_a_name(load: Load) -> None:
    """sklearn2pmml calls such a target None, and the engine its prediction after it; users get a word they know."""
    text = re.sub(r'<OutputField name="predicted_label"[^>]*/>', "", TREE.read_text(encoding="utf-8"))
    model = load(text.replace('"label"', '"None"'))
    primary = model.primary()

    assert primary is not None
    assert model.outputs[primary].name == "prediction"
    assert [answer[primary] for answer in model.score([(5.1, 3.5, 1.4, 0.2), (6.0, 3.0, 5.0, 1.9)])] == [0, 2]


def test_neighbour_is_no_prediction(load: Load) -> None:
    """A file that names the neighbours alone still predicts the target."""
    model = load((BREADTH / "sklearn2pmml-neighbours-label.pmml").read_text(encoding="utf-8"))
    primary = model.primary()

    assert primary is not None
    assert (model.outputs[primary].name, model.outputs[0].feature) == ("predicted_y", "entityId")


@pytest.mark.parametrize(
    ("asked", "answer"),
    [('rank="1"', ("C", 0.9)), ('rank="2"', ("A", 0.8)), ('rank="1" rankOrder="ascending"', ("B", 0.6))],
)
def test_best_rule_comes_first(asked: str, answer: tuple[str, float], load: Load) -> None:
    """Of associations that fit, as of all ranks; the engine alone would sort them the other way round."""
    text = (BREADTH / "association.pmml").read_text(encoding="utf-8").replace('rank="1"', asked)

    assert load(text).score([("1", "1", "0")]) == [answer]
