"""Calls of many callers that are computed as one: what waits is taken together as soon as the engine is free. Pure.

Nothing is held back for others to come: a lone call is computed at once, and batches grow by themselves with the load.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from penstock.local.model_server.refusal import Code, Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence

    from numpy.typing import NDArray

    Arrays = Mapping[str, NDArray[Any]]

__all__ = ["Batches", "Call", "computed"]


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """One caller's rows."""

    key: tuple[Any, ...]
    """Calls with the same one can be put together: model, version, signature, and sizes apart from the rows."""
    lane: str
    """Whose queue it counts for: the model's name."""
    rows: int
    inputs: Arrays
    answer: Any = None
    """Where the answer is wanted; of no concern here."""


class Batches:
    """What waits, in a queue for each key. A model's queues together are bounded in rows; keys take turns."""

    def __init__(self, most_rows: int, queue_rows: int) -> None:
        """Begin empty.

        Args:
            most_rows: of a batch; a call that has more by itself is computed alone.
            queue_rows: that may wait for one model.
        """
        self._most_rows = most_rows
        self._queue_rows = queue_rows
        self._queues: OrderedDict[Hashable, deque[Call]] = OrderedDict()
        self._waiting: dict[str, int] = {}

    def waiting(self, lane: str) -> int:
        """Return how many rows of a model wait."""
        return self._waiting.get(lane, 0)

    def add(self, call: Call) -> bool:
        """Take a call into its queue; False where that is full. An empty queue takes any call."""
        waiting = self.waiting(call.lane)
        if waiting and waiting + call.rows > self._queue_rows:
            return False
        self._queues.setdefault(call.key, deque()).append(call)
        self._waiting[call.lane] = waiting + call.rows
        return True

    def withdraw(self, call: Call) -> None:
        """Forget a call whose caller has gone; nothing happens where it was taken already."""
        queue = self._queues.get(call.key)
        if queue is not None and call in queue:
            queue.remove(call)
            self._left(call)
            if not queue:
                del self._queues[call.key]

    def take(self) -> list[Call]:
        """Return the next batch, the calls of one key in their order; empty where nothing waits."""
        if not self._queues:
            return []
        key, queue = self._queues.popitem(last=False)
        taken = [queue.popleft()]
        rows = taken[0].rows
        while queue and rows + queue[0].rows <= self._most_rows:
            rows += queue[0].rows
            taken.append(queue.popleft())
        if queue:
            self._queues[key] = queue
        for call in taken:
            self._left(call)
        return taken

    def _left(self, call: Call) -> None:
        rest = self._waiting[call.lane] - call.rows
        if rest > 0:
            self._waiting[call.lane] = rest
        else:
            del self._waiting[call.lane]


def computed(calls: Sequence[Call], compute: Callable[[Arrays], Arrays]) -> list[Arrays | Refusal]:
    """Return each call's outputs, or why it has none.

    Calls that are refused together are tried in halves: one caller's bad row is no reason to refuse others.
    """
    try:
        outputs = compute(_together([call.inputs for call in calls]))
        return _apart(outputs, [call.rows for call in calls])
    except Refusal as refusal:
        if len(calls) == 1:
            return [refusal]
    half = len(calls) // 2
    return computed(calls[:half], compute) + computed(calls[half:], compute)


def _together(inputs: Sequence[Arrays]) -> Arrays:
    if len(inputs) == 1:
        return inputs[0]
    return {name: np.concatenate([each[name] for each in inputs]) for name in inputs[0]}


def _apart(outputs: Arrays, rows: Sequence[int]) -> list[Arrays | Refusal]:
    if len(rows) == 1:
        return [outputs]
    wrong = {name: array.shape for name, array in outputs.items() if array.shape[:1] != (sum(rows),)}
    if wrong:
        raise Refusal(Code.INTERNAL, f"expected {sum(rows)} rows of each output, got {wrong}")
    ends = np.cumsum(rows)[:-1]
    parts = {name: np.split(array, ends) for name, array in outputs.items()}
    return [{name: each[place] for name, each in parts.items()} for place in range(len(rows))]
