"""Write the PMML files that sklearn2pmml makes, with the answers of scikit-learn, XGBoost and LightGBM themselves.

    python3.11 -m venv /tmp/makers && /tmp/makers/bin/pip install -r requirements/pmml-makers.txt
    /tmp/makers/bin/python -m models.makers.by_sklearn2pmml

Run from the repository's root. sklearn2pmml is under the AGPL: it is a tool that makes test files, and nothing of it is
in the repository; the files are data.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    IsolationForest,
    RandomForestClassifier,
    StackingClassifier,
    VotingRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, PoissonRegressor, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn2pmml import sklearn2pmml
from sklearn2pmml.decoration import CategoricalDomain, ContinuousDomain
from sklearn2pmml.pipeline import PMMLPipeline
from sklearn2pmml.ruleset import RuleSetClassifier
from xgboost import XGBClassifier, XGBRegressor

from models.makers.golden import write_answers, write_model

SEED = 11
PEOPLE = 120
ASKED = 30
NUMBERS = ["age", "income"]

_draw = np.random.default_rng(SEED)
TABLE = pd.DataFrame(
    {
        "age": _draw.integers(18, 80, PEOPLE).astype(float),
        "income": _draw.normal(50, 15, PEOPLE).round(2),
        "job": _draw.choice(["clerk", "smith", "nurse"], PEOPLE),
    }
)
IS_GOOD = (TABLE["age"] > 45) ^ (TABLE["job"] == "nurse") | (TABLE["income"] > 70)  # noqa: PLR2004 (an invented rule)
LABELS = pd.Series(np.where(IS_GOOD, "yes", "no"), name="y")
VALUES = pd.Series(
    TABLE["age"] / 2 + TABLE["income"] * (TABLE["job"] == "smith") + _draw.normal(0, 1, PEOPLE), name="y"
)
BINARY = pd.Series(IS_GOOD.astype(int), name="y")

WITH_GAPS = TABLE.copy()
WITH_GAPS.loc[::7, "age"] = np.nan
WITH_GAPS.loc[::11, "income"] = np.nan


def scaled() -> Any:
    """Categories one-hot, numbers scaled."""
    return ColumnTransformer([("c", OneHotEncoder(), ["job"]), ("n", StandardScaler(), NUMBERS)])


def plain() -> Any:
    """Numbers alone."""
    return ColumnTransformer([("n", "passthrough", NUMBERS)])


def imputed() -> Any:
    """Categories one-hot, and the mean where a number is missing. The domain says that it may be."""
    numbers = make_pipeline(ContinuousDomain(missing_value_treatment="as_is"), SimpleImputer(strategy="mean"))
    return ColumnTransformer([("c", OneHotEncoder(), ["job"]), ("n", numbers, NUMBERS)])


def gapped() -> Any:
    """Numbers as they are, missing ones too; the model itself knows what to make of them."""
    return ColumnTransformer(
        [
            ("c", make_pipeline(CategoricalDomain(), OrdinalEncoder()), ["job"]),
            ("n", ContinuousDomain(missing_value_treatment="as_is"), NUMBERS),
        ]
    )


RULES = [("X['age'] > 50 and X['income'] > 40", "rich"), ("X['age'] < 30", "young")]

MODELS: tuple[tuple[str, Any, Any, Any, Any], ...] = (
    ("logistic", scaled(), LogisticRegression(max_iter=500), TABLE, LABELS),
    ("ridge", scaled(), Ridge(), TABLE, VALUES),
    ("poisson", scaled(), PoissonRegressor(), TABLE, VALUES.abs()),
    ("boosting", scaled(), GradientBoostingClassifier(n_estimators=5, random_state=SEED), TABLE, LABELS),
    ("histogram-boosting", gapped(), HistGradientBoostingClassifier(max_iter=5, random_state=SEED), WITH_GAPS, LABELS),
    ("forest-imputed", imputed(), RandomForestClassifier(5, max_depth=4, random_state=SEED), WITH_GAPS, LABELS),
    ("xgboost-label", gapped(), XGBClassifier(n_estimators=5, max_depth=3), WITH_GAPS, BINARY),
    ("xgboost-number", gapped(), XGBRegressor(n_estimators=5, max_depth=3), WITH_GAPS, VALUES),
    ("lightgbm-label", gapped(), LGBMClassifier(n_estimators=5, verbose=-1), WITH_GAPS, BINARY),
    ("lightgbm-number", gapped(), LGBMRegressor(n_estimators=5, verbose=-1), WITH_GAPS, VALUES),
    ("naive-bayes", plain(), GaussianNB(), TABLE, LABELS),
    ("neighbours-label", plain(), KNeighborsClassifier(5), TABLE, LABELS),
    ("neighbours-number", plain(), KNeighborsRegressor(5, metric="manhattan"), TABLE, VALUES),
    ("vectors-label", scaled(), SVC(), TABLE, LABELS),
    ("vectors-number", scaled(), SVR(), TABLE, VALUES),
    ("network-label", scaled(), MLPClassifier((6,), max_iter=300, random_state=SEED), TABLE, LABELS),
    ("network-number", scaled(), MLPRegressor(hidden_layer_sizes=(6,), max_iter=300, random_state=SEED), TABLE, VALUES),
    ("clusters", plain(), KMeans(3, n_init=3, random_state=SEED), TABLE, None),
    ("isolation-forest", plain(), IsolationForest(n_estimators=4, max_samples=24, random_state=SEED), TABLE, None),
    (
        "stacking",
        scaled(),
        StackingClassifier(
            [("a", LogisticRegression()), ("b", DecisionTreeClassifier(max_depth=3, random_state=SEED))],
            final_estimator=LogisticRegression(),
        ),
        TABLE,
        LABELS,
    ),
    (
        "voting",
        scaled(),
        VotingRegressor([("a", LinearRegression()), ("b", DecisionTreeRegressor(max_depth=3, random_state=SEED))]),
        TABLE,
        VALUES,
    ),
    ("rule-set", None, RuleSetClassifier(RULES, default_score="other"), TABLE[NUMBERS], LABELS),
)


def make(name: str, prepare: Any, estimator: Any, table: Any, target: Any) -> None:
    """Fit one model, export it, and write its answers."""
    steps = [("prepare", prepare)] if prepare is not None else []
    pipeline = PMMLPipeline([*steps, ("model", estimator)]).fit(table, target)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.pmml"
        sklearn2pmml(pipeline, str(path))
        write_model(f"sklearn2pmml-{name}", path.read_bytes())
    asked = table.iloc[:ASKED]
    rows = [_row(row) for row in asked.to_dict("records")]
    answers = zip(rows, _answers(estimator, pipeline, asked), strict=True)
    write_answers(f"sklearn2pmml-{name}", ({"input": row} | answer for row, answer in answers))


def _answers(estimator: Any, pipeline: Any, asked: Any) -> list[dict[str, Any]]:
    """What the library says, by the names in the PMML file."""
    if isinstance(estimator, IsolationForest):
        scores, sides = pipeline.decision_function(asked), pipeline.predict(asked)
        return [
            {"outputs": {"decisionFunction": float(score), "outlier": bool(side == -1)}}
            for score, side in zip(scores, sides, strict=True)
        ]
    # Rules are not fitted, which scikit-learn asks of pipelines.
    asks = estimator if isinstance(estimator, RuleSetClassifier) else pipeline
    predictions = asks.predict(asked).tolist()
    if isinstance(estimator, KMeans):
        return [{"prediction": str(cluster), "outputs": {"cluster": str(cluster)}} for cluster in predictions]
    if isinstance(estimator, KNeighborsClassifier | RuleSetClassifier) or not hasattr(estimator, "predict_proba"):
        return [{"prediction": prediction, "outputs": {}} for prediction in predictions]
    return [
        {
            "prediction": prediction,
            "outputs": {f"probability({label})": float(p) for label, p in zip(estimator.classes_, row, strict=True)},
        }
        for prediction, row in zip(predictions, pipeline.predict_proba(asked), strict=True)
    ]


def _row(row: dict[str, Any]) -> dict[str, Any]:
    return {key: None if isinstance(value, float) and np.isnan(value) else value for key, value in row.items()}


def main() -> None:
    """Make every model, or those that are named."""
    for model in MODELS:
        if not sys.argv[1:] or model[0] in sys.argv[1:]:
            make(*model)


if __name__ == "__main__":
    main()
