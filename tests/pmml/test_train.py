"""The scripts that make the sample models: exact borders, and the same models again."""

import importlib.util
import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

MODELS = Path(__file__).parents[2] / "models"


@pytest.fixture(scope="module")
def train() -> Iterator[ModuleType]:
    """The training script as a module; it imports its neighbour the way a script does."""
    sys.path.insert(0, str(MODELS))
    try:
        spec = importlib.util.spec_from_file_location("train", MODELS / "train.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules["train"] = module  # its dataclass looks its own module up
        spec.loader.exec_module(module)
        yield module
    finally:
        sys.path.remove(str(MODELS))
        for name in ("train", "export"):
            sys.modules.pop(name, None)


@given(threshold=st.floats(-1e30, 1e30), steps=st.integers(-3, 3))
def test_double_threshold_splits_like_single_precision(train: ModuleType, threshold: float, steps: int) -> None:
    """A double is on the same side of the written threshold as its rounded value is of scikit-learn's own."""
    border = train.double_threshold(threshold)
    for _ in range(abs(steps)):
        border = float(np.nextafter(border, math.copysign(math.inf, steps)))
    assert (border <= train.double_threshold(threshold)) == (float(np.float32(border)) <= threshold)


# nyoka does not close the file that it writes.
@pytest.mark.filterwarnings("ignore:Exception ignored in. <_io.FileIO:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("number", range(4))
def test_training_again_gives_the_same_answers(train: ModuleType, number: int, tmp_path: Path) -> None:
    """The committed golden file is what the script makes, up to the last digits, which other processors may change."""
    recipe = train.RECIPES[number]
    train.build(recipe, tmp_path)
    committed = MODELS / recipe.name / str(recipe.version)
    for line, expected in zip(_lines(tmp_path), _lines(committed), strict=True):
        found, golden = json.loads(line), json.loads(expected)
        assert found["input"] == pytest.approx(golden["input"], rel=1e-9)
        assert found["outputs"] == pytest.approx(golden["outputs"], rel=1e-6, abs=1e-6)
    assert (tmp_path / "descriptor.yaml").read_text(encoding="utf-8").startswith(f"name: {recipe.name}\n")


def _lines(folder: Path) -> list[str]:
    """The lines of the golden file in a folder."""
    return (folder / "golden.jsonl").read_text(encoding="utf-8").splitlines()
