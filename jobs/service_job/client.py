"""What the job wants of a model server, whichever protocol it speaks; `connecting.connected` gives the right one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from penstock.remote.endpoints import EndpointState
    from penstock.remote.tensors import Array

__all__ = ["Method", "ModelClient", "ModelSpec", "ModelState", "Prediction", "ServerState", "Signature", "TensorSpec"]


class Method(StrEnum):
    """How TensorFlow Serving is asked; the Open Inference Protocol has the first one only."""

    PREDICT = "predict"
    CLASSIFY = "classify"
    REGRESS = "regress"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """Which model of the server. Neither version nor label: the server's newest."""

    name: str
    version: int | None = None
    label: str | None = None
    """A name that the server has for one of its versions, such as ``stable``."""
    signature: str = "serving_default"
    """TensorFlow's only."""
    method: Method = Method.PREDICT

    def __str__(self) -> str:
        which = self.label if self.version is None else self.version
        return self.name if which is None else f"{self.name}:{which}"


class TensorSpec(NamedTuple):
    """What a signature says of one of its tensors."""

    dtype: str
    """A word of `penstock.remote.tensors.WORDS`; empty, if it is none of them."""
    shape: tuple[int, ...] | None
    """-1 where any size is welcome, which the first one is for the batch; None, if any number of sizes is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """What a model takes and gives, as its server says."""

    inputs: Mapping[str, TensorSpec]
    outputs: Mapping[str, TensorSpec]
    method: str = ""
    """TensorFlow's name of it, as ``tensorflow/serving/predict``; empty where the protocol has none."""


class ModelState(StrEnum):
    """Where a model is on its way into a server; the words are TensorFlow Serving's, but for the last."""

    UNKNOWN = "UNKNOWN"
    START = "START"
    LOADING = "LOADING"
    AVAILABLE = "AVAILABLE"
    UNLOADING = "UNLOADING"
    END = "END"
    ABSENT = "ABSENT"
    """The server has no such model or version."""


class ServerState(NamedTuple):
    """What a server says of one model."""

    state: ModelState
    version: int | None
    """The one that is told of; None, if the server does not say."""
    detail: str
    """Why it is not available, in the server's words; may be empty."""


class Prediction(NamedTuple):
    """A server's answer for a batch."""

    outputs: Mapping[str, Array]
    """Of each output as many rows as were asked for. Strings are arrays of objects, which are bytes."""
    version: int | None
    """Which version answered, where the server says so."""


class ModelClient(Protocol):
    """The servers of one configured name, behind one client; all its methods may be called from several threads.

    Everything raises `penstock.remote.calls.CallError`, after the attempts that its kind allows.
    """

    def metadata(self, spec: ModelSpec, timeout_s: float | None = None) -> Signature:
        """Ask what a model takes and gives."""

    def status(self, spec: ModelSpec, timeout_s: float | None = None) -> ServerState:
        """Ask how far a model is. One that the server does not know is an answer: `ModelState.ABSENT`."""

    def predict(
        self,
        spec: ModelSpec,
        inputs: Mapping[str, Array],
        timeout_s: float | None = None,
        *,
        until: float = math.inf,
    ) -> Prediction:
        """Ask for a batch, in one piece and of one server.

        Args:
            spec: which model.
            inputs: of each input all rows: its first size is the batch's. Classify and Regress make an Example of each
                row, and answer ``classes`` and ``scores``, or ``value``.
            timeout_s: for each attempt; None: as configured.
            until: by `time.monotonic`; there is no attempt later.
        """

    def wait(self, spec: ModelSpec, deadline: float) -> bool:
        """Wait until a server answers and has the model; True: it is worth asking again. False: the time is over.

        Args:
            spec: which model.
            deadline: by `time.monotonic`.
        """

    def states(self) -> Sequence[EndpointState]:
        """Tell how each server is."""

    def close(self) -> None:
        """Let go of all servers; calls under way end at once, with code ``CLOSED`` or ``CANCELLED``."""
