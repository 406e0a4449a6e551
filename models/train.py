"""Train the sample models from scikit-learn's own iris data and write them as PMML, descriptor and golden answers.

    python models/train.py [--out FOLDER]

Every run gives the same files: seeds are fixed, and nothing in them depends on the time. The golden file holds
inputs and scikit-learn's own answers, which the tests compare with what the PMML engine makes of the same inputs.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml
from export import double_threshold, export
from sklearn.cluster import KMeans
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.tree import DecisionTreeClassifier

if TYPE_CHECKING:
    from collections.abc import Callable

SEED = 20240601
FEATURES = ("sepal_length", "sepal_width", "petal_length", "petal_width")
RANDOM_ROWS = 150
BORDER_ROWS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One sample model: what it is called, how it is made, and how scikit-learn's answer is read from it."""

    name: str
    version: int
    description: str
    make: Callable[[], Any]
    prediction: str
    answers: Callable[[Any, Any], list[dict[str, Any]]]
    outputs: dict[str, str]


def class_answers(estimator: Any, rows: Any) -> list[dict[str, Any]]:
    """Label and probabilities, by the names of the PMML's output fields."""
    labels, probabilities = estimator.predict(rows), estimator.predict_proba(rows)
    return [
        {f"probability_{i}": float(p) for i, p in enumerate(row)} | {"predicted_label": int(label)}
        for label, row in zip(labels, probabilities, strict=True)
    ]


def cluster_answers(estimator: Any, rows: Any) -> list[dict[str, Any]]:
    """Cluster and the distance to each centre (that is what PMML calls its affinity), by the PMML's names."""
    clusters, distances = estimator.predict(rows), estimator.transform(rows)
    return [
        {f"affinity_{i}": float(d) for i, d in enumerate(row)} | {"cluster": int(cluster)}
        for cluster, row in zip(clusters, distances, strict=True)
    ]


CLASS_OUTPUTS = {f"probability_{i}": "double" for i in range(3)} | {"predicted_label": "integer"}
CLUSTER_OUTPUTS = {f"affinity_{i}": "double" for i in range(3)} | {"cluster": "integer"}

RECIPES = (
    Recipe(
        name="iris-tree",
        version=1,
        description="Decision tree; labels 0 setosa, 1 versicolor, 2 virginica",
        make=lambda: DecisionTreeClassifier(max_depth=4, random_state=SEED),
        prediction="predicted_label",
        answers=class_answers,
        outputs=CLASS_OUTPUTS,
    ),
    Recipe(
        name="iris-forest",
        version=1,
        description="Random forest of 50 trees; labels 0 setosa, 1 versicolor, 2 virginica",
        make=lambda: RandomForestClassifier(n_estimators=50, max_depth=4, random_state=SEED),
        prediction="predicted_label",
        answers=class_answers,
        outputs=CLASS_OUTPUTS,
    ),
    Recipe(
        name="iris-logistic",
        version=1,
        description="Multinomial logistic regression; labels 0 setosa, 1 versicolor, 2 virginica",
        make=lambda: LogisticRegression(max_iter=1000, random_state=SEED),
        prediction="predicted_label",
        answers=class_answers,
        outputs=CLASS_OUTPUTS,
    ),
    Recipe(
        name="iris-kmeans",
        version=1,
        description="K-means with 3 clusters; affinities are distances to the centres",
        make=lambda: KMeans(n_clusters=3, n_init=10, random_state=SEED),
        prediction="cluster",
        answers=cluster_answers,
        outputs=CLUSTER_OUTPUTS,
    ),
)


def build(recipe: Recipe, folder: Path) -> None:
    """Train one model and write its three files into ``folder``."""
    rows, labels = load_iris(return_X_y=True)
    pipeline = Pipeline([("model", recipe.make())]).fit(rows, labels)
    estimator = pipeline[-1]
    folder.mkdir(parents=True, exist_ok=True)
    export(pipeline, FEATURES, "label", folder / "model.pmml", recipe.description)
    golden = np.vstack([rows, random_rows(rows), border_rows(estimator, rows)])
    lines = [
        json.dumps({"input": dict(zip(FEATURES, map(float, row), strict=True)), "outputs": answer})
        for row, answer in zip(golden, recipe.answers(estimator, golden), strict=True)
    ]
    (folder / "golden.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "descriptor.yaml").write_text(descriptor(recipe, folder / "model.pmml", rows[0]), encoding="utf-8")


def random_rows(rows: Any) -> Any:
    """Points that no one measured: inside and a little outside the range of each feature, in full precision."""
    low, high = rows.min(axis=0), rows.max(axis=0)
    margin = (high - low) / 4
    return np.random.default_rng(SEED).uniform(low - margin, high + margin, size=(RANDOM_ROWS, rows.shape[1]))


def border_rows(estimator: Any, rows: Any) -> Any:
    """Points on a tree's borders and one step beyond: where single and double precision could part."""
    trees = [estimator, *getattr(estimator, "estimators_", [])]
    splits = [
        (feature, float(threshold))
        for tree in trees
        if hasattr(tree, "tree_")
        for feature, threshold in zip(tree.tree_.feature, tree.tree_.threshold, strict=True)
        if feature >= 0
    ]
    found = []
    for number, (feature, threshold) in enumerate(splits[: BORDER_ROWS // 2]):
        for value in (double_threshold(threshold), np.nextafter(double_threshold(threshold), np.inf)):
            row = rows[(number * 7) % len(rows)].copy()
            row[feature] = value
            found.append(row)
    return np.array(found).reshape(-1, rows.shape[1])


def descriptor(recipe: Recipe, model: Path, row: Any) -> str:
    """The descriptor as YAML, in the order that a reader wants."""
    return yaml.safe_dump(
        {
            "name": recipe.name,
            "version": recipe.version,
            "description": recipe.description,
            "job": "pmml",
            "format": "pmml",
            "uri": model.name,
            "sha256": hashlib.sha256(model.read_bytes()).hexdigest(),
            "inputs": [{"name": name, "type": "double"} for name in FEATURES],
            "outputs": [{"name": name, "type": kind} for name, kind in recipe.outputs.items()],
            "prediction": recipe.prediction,
            "sample": dict(zip(FEATURES, map(float, row), strict=True)),
        },
        sort_keys=False,
        width=120,
    )


def main() -> None:
    """Build every sample model."""
    parser = argparse.ArgumentParser(description="Train the sample models and write them as PMML.")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="folder to write to")
    out: Path = parser.parse_args().out
    for recipe in RECIPES:
        build(recipe, out / recipe.name / str(recipe.version))


if __name__ == "__main__":
    main()
