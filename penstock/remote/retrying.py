"""One call, with the further attempts that its failure is worth: at other servers first, later each time."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception, wait_random_exponential

from penstock.remote.calls import RETRIED, CallError, CallKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from penstock.remote.endpoints import Connection, Endpoints

__all__ = ["RetryConfig", "attempted"]

_C = TypeVar("_C", bound="Connection")
_R = TypeVar("_R")
#: An attempt that has less than this is none.
_LEAST_S = 0.001


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryConfig:
    """How often and how late."""

    attempts: int = 4
    """Of each call, the first one included."""
    timeout_s: float = 2.0
    """Of each attempt."""
    first_s: float = 0.05
    """The first pause is up to this, each further one up to twice as long: by chance, so that callers part."""
    most_s: float = 2.0
    """Longest pause."""

    def within(self, timeout_s: float | None) -> RetryConfig:
        """Return it with another time for each attempt, if one is given."""
        return self if timeout_s is None else replace(self, timeout_s=timeout_s)


def attempted(
    endpoints: Endpoints[_C],
    do: Callable[[_C, float], _R],
    config: RetryConfig,
    until: float = math.inf,
    clock: Callable[[], float] = time.monotonic,
) -> _R:
    """Ask one of the servers; tries again where the error's code is in `RETRIED`, and the message was not too large.

    Where a server does not have the model, each other one is asked once: one that was started again may still load it.

    Args:
        endpoints: the servers.
        do: asks by a connection, in at most so many seconds; raises `CallError`.
        config: how often.
        until: by the clock: no attempt lasts longer, and none begins later.
        clock: in seconds.

    Raises:
        CallError: the last attempt's.
    """
    tried: set[str] = set()

    def once() -> _R:
        timeout_s = min(config.timeout_s, until - clock())
        if timeout_s < _LEAST_S:
            raise CallError("DEADLINE_EXCEEDED", "there is no time left to ask in")
        return _asked(endpoints, lambda connection: do(connection, timeout_s), tried)

    def over(state: RetryCallState) -> bool:
        return state.attempt_number >= config.attempts or endpoints.closed or clock() + state.upcoming_sleep >= until

    retrying = Retrying(
        sleep=endpoints.pause,
        stop=over,
        wait=wait_random_exponential(multiplier=config.first_s, max=config.most_s),
        retry=retry_if_exception(_worth_it),
        reraise=True,
    )
    return retrying(lambda: _anywhere(once, len(endpoints)))


def _anywhere(once: Callable[[], _R], servers: int) -> _R:
    """Ask until one of the servers has the model, each once."""
    for _ in range(servers - 1):
        try:
            return once()
        except CallError as error:
            if error.kind is not CallKind.ABSENT:
                raise
    return once()


def _asked(endpoints: Endpoints[_C], do: Callable[[_C], _R], tried: set[str]) -> _R:
    """Ask one of the servers, if there is a choice one that was not tried; who fails was."""
    try:
        return endpoints.call(do, tried)
    except CallError as error:
        tried.add(error.server)
        raise


def _worth_it(error: BaseException) -> bool:
    return isinstance(error, CallError) and error.code in RETRIED and error.kind is CallKind.RETRY
