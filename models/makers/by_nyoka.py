"""Write the PMML files that nyoka makes of scikit-learn's models, with scikit-learn's own answers.

    python -m models.makers.by_nyoka

Run from the repository's root with the environment of `make setup` (packages: requirements/models.txt). What nyoka gets
wrong for the scikit-learn that we pin is left out here: multinomial logistic regression (models/export.py mends it),
linear SVMs, isolation forests (their scores), and Gaussian naive Bayes far from the means.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
from nyoka import skl_to_pmml
from sklearn.datasets import load_iris
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    RandomForestRegressor,
)
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import SVC, SVR, OneClassSVM
from sklearn.tree import DecisionTreeRegressor

from models.makers.golden import write_answers, write_model

if TYPE_CHECKING:
    from collections.abc import Callable

SEED = 7
FEATURES = ("sepal_length", "sepal_width", "petal_length", "petal_width")
RANDOM_ROWS = 30

Answer = dict[str, Any]


def numbers(pipeline: Pipeline, rows: Any) -> list[Answer]:
    """A number for each row."""
    return [{"predicted_y": float(value)} for value in pipeline.predict(rows)]


def labels(pipeline: Pipeline, rows: Any) -> list[Answer]:
    """A label for each row: what nyoka calls probabilities is a share of votes, or nothing, where it is used."""
    return [{"predicted_y": int(value)} for value in pipeline.predict(rows)]


def chances(pipeline: Pipeline, rows: Any) -> list[Answer]:
    """A label and probabilities."""
    found = zip(labels(pipeline, rows), pipeline.predict_proba(rows), strict=True)
    return [label | {f"probability_{i}": float(p) for i, p in enumerate(row)} for label, row in found]


def distance(pipeline: Pipeline, rows: Any) -> list[Answer]:
    """On which side of the border a row is, and how far from it."""
    verdicts = zip(pipeline.decision_function(rows), pipeline.predict(rows), strict=True)
    return [{"anomalyScore": float(score), "outlier": bool(side == -1)} for score, side in verdicts]


MODELS: tuple[tuple[str, Any, str, Callable[[Pipeline, Any], list[Answer]]], ...] = (
    ("tree-number", DecisionTreeRegressor(max_depth=4, random_state=SEED), "number", numbers),
    ("forest-number", RandomForestRegressor(4, max_depth=3, random_state=SEED), "number", numbers),
    ("boosting-two", GradientBoostingClassifier(n_estimators=4, random_state=SEED), "two", chances),
    ("boosting-three", GradientBoostingClassifier(n_estimators=3, random_state=SEED), "three", chances),
    ("boosting-number", GradientBoostingRegressor(n_estimators=4, random_state=SEED), "number", numbers),
    ("one-class", OneClassSVM(gamma=0.5), "", distance),
    ("linear-scaled", (StandardScaler(), LinearRegression()), "number", numbers),
    ("logistic-scaled", (MinMaxScaler(), LogisticRegression()), "two", chances),
    ("network-label", (StandardScaler(), MLPClassifier((5,), max_iter=2000, random_state=SEED)), "three", chances),
    (
        "network-number",
        (StandardScaler(), MLPRegressor(hidden_layer_sizes=(5,), max_iter=4000, random_state=SEED)),
        "number",
        numbers,
    ),
    ("vectors-two", SVC(gamma=0.5), "two", labels),
    ("vectors-three", SVC(gamma=0.5), "three", labels),
    ("vectors-linear", SVC(kernel="linear"), "three", labels),
    ("vectors-polynomial", SVC(kernel="poly", degree=2, gamma=0.5), "three", labels),
    ("vectors-number", SVR(gamma=0.5), "number", numbers),
    ("neighbours-number", KNeighborsRegressor(5), "number", numbers),
)


def make(name: str, steps: Any, target: str, answers: Callable[[Pipeline, Any], list[Answer]]) -> None:
    """Fit one model, export it, and write its answers."""
    # Every other flower: half the size, and no two rows alike among those that are asked.
    flowers, kinds = (part[::2] for part in load_iris(return_X_y=True))
    known: dict[str, Any] = {
        "": None,
        "three": kinds,
        "two": (kinds == 2).astype(int),  # noqa: PLR2004 (virginica)
        "number": flowers[:, 0] * 2 + flowers[:, 3] ** 2,
    }
    named = [(f"step{i}", step) for i, step in enumerate(steps if isinstance(steps, tuple) else (steps,))]
    pipeline = Pipeline(named).fit(flowers, known[target])
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.pmml"
        skl_to_pmml(pipeline, list(FEATURES), "y", str(path))
        write_model(f"nyoka-{name}", path.read_bytes())
    draw = np.random.default_rng(SEED).uniform
    rows = np.vstack([flowers[::9], draw(flowers.min(0), flowers.max(0), (RANDOM_ROWS, len(FEATURES)))])
    write_answers(
        f"nyoka-{name}",
        (
            {
                "input": dict(zip(FEATURES, map(float, row), strict=True)),
                "prediction": next(iter(answer.values())),
                "outputs": answer,
            }
            for row, answer in zip(rows, answers(pipeline, rows), strict=True)
        ),
    )


def main() -> None:
    """Make every model."""
    for model in MODELS:
        make(*model)


if __name__ == "__main__":
    main()
