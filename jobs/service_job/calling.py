"""What the clients of all protocols share: their servers, the attempts at a call, waiting for a server and a model."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Generic, TypeVar

from jobs.service_job.client import ModelClient, ModelState, ServerState
from jobs.service_job.waiting import waited_for
from penstock.remote.calls import CallError, CallKind
from penstock.remote.endpoints import Connection
from penstock.remote.retrying import attempted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jobs.service_job.client import ModelSpec
    from penstock.remote.endpoints import Endpoints, EndpointState
    from penstock.remote.retrying import RetryConfig

__all__ = ["CallingClient"]

_C = TypeVar("_C", bound=Connection)
_R = TypeVar("_R")


class CallingClient(ModelClient, ABC, Generic[_C]):
    """A `ModelClient` by its servers; a protocol's own says what is asked."""

    def __init__(self, endpoints: Endpoints[_C], config: RetryConfig) -> None:
        self._endpoints = endpoints
        self._config = config

    def status(self, spec: ModelSpec, timeout_s: float | None = None) -> ServerState:
        """Ask how far a model is."""
        try:
            return self._state(spec, timeout_s)
        except CallError as error:
            if error.kind is CallKind.ABSENT:
                return ServerState(ModelState.ABSENT, spec.version, error.details)
            raise

    def wait(self, spec: ModelSpec, deadline: float) -> bool:
        """Wait until a server is there and says that the model is available."""
        return waited_for(self, self._endpoints, spec, deadline)

    def states(self) -> Sequence[EndpointState]:
        """Tell how each server is."""
        return self._endpoints.states()

    def close(self) -> None:
        """Let go of all servers."""
        self._endpoints.close()

    @abstractmethod
    def _state(self, spec: ModelSpec, timeout_s: float | None) -> ServerState:
        """Ask for it in the protocol's way; raises `CallError`, of kind ``ABSENT`` where the model is unknown."""

    def _attempted(self, do: Callable[[_C, float], _R], timeout_s: float | None, until: float = math.inf) -> _R:
        return attempted(self._endpoints, do, self._config.within(timeout_s), until)
