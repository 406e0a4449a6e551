"""A hand-written Python scoring service: consume, score each fetched batch in one call of scikit-learn, produce."""

from __future__ import annotations

from typing import Any

import numpy as np
import orjson
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier

from benchmarks.peers import arguments
from benchmarks.peers.kafka_loop import KafkaLoop

__all__ = ["main", "trained"]

_FEATURES = ("sepal_length", "sepal_width", "petal_length", "petal_width")
#: The shapes of the sample models that the PMML job is measured with.
_MODELS: dict[str, Any] = {
    "iris-tree": DecisionTreeClassifier(max_depth=4, random_state=0),
    "iris-forest": RandomForestClassifier(n_estimators=50, max_depth=4, random_state=0),
}


def trained(name: str) -> Any:
    """Train a model on scikit-learn's own iris data, which takes a fraction of a second."""
    return _MODELS[name].fit(*load_iris(return_X_y=True))


def main() -> None:
    """Run until it is ended."""
    told = arguments.parse(__doc__)
    (output,) = told.outputs
    model = trained(told.model)
    loop = KafkaLoop(told)
    for batch in loop.batches():
        events = [orjson.loads(message.value() or b"") for message in batch]
        rows = np.array([[event[name] for name in _FEATURES] for event in events])
        labels = model.predict(rows).tolist() if events else []
        for message, event, label in zip(batch, events, labels, strict=True):
            value = orjson.dumps({"input": event, "prediction": label})
            place = f"{message.topic()}/{message.partition()}/{message.offset()}"
            loop.send(output, value, message.key(), [("ce_id", place), ("penstock-model", told.model)])


if __name__ == "__main__":
    main()
