"""Waiting for a server that is away, or that is back and still loads the model."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from jobs.service_job.client import ModelState
from penstock.remote.calls import CallError, CallKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from jobs.service_job.client import ModelClient, ModelSpec
    from penstock.remote.endpoints import Endpoints

__all__ = ["waited_for"]

#: How often a server that is there is asked whether it has the model; each time a little later.
_FIRST_S = 0.05
_MOST_S = 1.0
#: What it has to answer in: it computes nothing for it.
_STATUS_S = 1.0


def waited_for(
    client: ModelClient,
    endpoints: Endpoints[Any],
    spec: ModelSpec,
    deadline: float,
    clock: Callable[[], float] = time.monotonic,
) -> bool:
    """Wait until a server may be asked and says that the model is available.

    Args:
        client: asks for it.
        endpoints: the client's servers.
        spec: the model.
        deadline: by the clock.
        clock: in seconds.

    Returns:
        Whether it is. False: the time is over, or the client is closed. Where something is wrong for good it is worth
        asking, too: the answer says what.
    """
    pause_s = _FIRST_S
    while endpoints.wait(deadline):
        try:
            if client.status(spec, _STATUS_S).state is ModelState.AVAILABLE:
                return True
        except CallError as error:
            if error.kind is not CallKind.RETRY:
                return True
        left = deadline - clock()
        if left <= 0:
            return False
        endpoints.pause(min(pause_s, left))
        pause_s = min(2 * pause_s, _MOST_S)
    return False
