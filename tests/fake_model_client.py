"""A model server's client without a server: answers by a function, and fails as it is told."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from jobs.service_job.client import ModelState, Prediction, ServerState, Signature, TensorSpec
from penstock.remote.breaker import BreakerState
from penstock.remote.calls import CallError
from penstock.remote.endpoints import EndpointState

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np

    from jobs.service_job.client import ModelSpec

__all__ = ["DOUBLER", "FakeModelClient", "doubled"]

DOUBLER = Signature(
    inputs={"x": TensorSpec("float", (-1,))},
    outputs={"y": TensorSpec("float", (-1,))},
    method="tensorflow/serving/predict",
)
BAD = 666.0


def doubled(inputs: Mapping[str, np.ndarray[Any, Any]]) -> Mapping[str, np.ndarray[Any, Any]]:
    """Twice the input; `BAD` is refused, as a graph that fails refuses the whole call."""
    if BAD in inputs["x"]:
        raise CallError("INVALID_ARGUMENT", "Graph execution error: bad value")
    return {"y": inputs["x"] * 2}


class FakeModelClient:
    """Of one server with one model. Any thread may call it."""

    def __init__(
        self,
        signature: Signature = DOUBLER,
        answer: Callable[[Mapping[str, np.ndarray[Any, Any]]], Mapping[str, np.ndarray[Any, Any]]] = doubled,
    ) -> None:
        self.signature = signature
        self.answer = answer
        self.state = ServerState(ModelState.AVAILABLE, 1, "")
        self.before: list[ServerState] = []
        """What it says before that, once each."""
        self.failure: CallError | None = None
        """What each call meets; None: they are answered."""
        self.to_come: list[Callable[[], None]] = []
        """What each wait brings."""
        self.calls: list[Mapping[str, np.ndarray[Any, Any]]] = []
        self.specs: list[ModelSpec] = []
        self.deadlines: list[float] = []
        self.closed = False
        self._lock = threading.Lock()

    def metadata(self, spec: ModelSpec, timeout_s: float | None = None) -> Signature:
        """Tell what the model takes and gives."""
        self._fail()
        return self.signature

    def status(self, spec: ModelSpec, timeout_s: float | None = None) -> ServerState:
        """Tell how far it is."""
        self._fail()
        return self.before.pop(0) if self.before else self.state

    def predict(
        self,
        spec: ModelSpec,
        inputs: Mapping[str, np.ndarray[Any, Any]],
        timeout_s: float | None = None,
        *,
        until: float = float("inf"),
    ) -> Prediction:
        """Answer a batch."""
        with self._lock:
            self.calls.append(inputs)
            self.specs.append(spec)
        self._fail()
        return Prediction(self.answer(inputs), 7)

    def wait(self, spec: ModelSpec, deadline: float) -> bool:
        """Let come what is next to come; False, if nothing does."""
        self.deadlines.append(deadline)
        if not self.to_come:
            return False
        self.to_come.pop(0)()
        return True

    def states(self) -> Sequence[EndpointState]:
        """One server, away if calls fail."""
        if self.failure is None:
            return [EndpointState("here:1", BreakerState.CLOSED, 0.0, "")]
        return [EndpointState("here:1", BreakerState.OPEN, 12.0, "UNAVAILABLE: gone")]

    def close(self) -> None:
        """Remember it."""
        self.closed = True

    def _fail(self) -> None:
        if self.failure is not None:
            raise self.failure
