"""Computes what waits, one batch after the other, in the one thread that TensorFlow has."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from penstock.local.model_server.batching import Batches, Call, computed
from penstock.local.model_server.refusal import Code, Refusal
from penstock.local.model_server.signatures import rows_of
from penstock.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from penstock.local.model_server.repository import Version

__all__ = ["Runner"]

_log = get_logger(__name__)


class Runner:
    """The queue and the thread behind it. Belongs to one event loop."""

    def __init__(self, most_rows: int, queue_rows: int) -> None:
        self._batches = Batches(most_rows, queue_rows)
        self._queue_rows = queue_rows
        self._thread = ThreadPoolExecutor(1, "tensorflow")
        self._work: asyncio.Task[None] | None = None
        self._alone = 0

    async def run(self, version: Version, name: str, inputs: Mapping[str, NDArray[Any]]) -> Mapping[str, NDArray[Any]]:
        """Compute one call's rows, with those of others where that can be.

        Raises `Refusal`, RESOURCE_EXHAUSTED where too much waits already.
        """
        rows = rows_of(version.servable.signatures[name], inputs)
        shapes = tuple((each, array.shape[1:], array.dtype.str) for each, array in sorted(inputs.items()))
        self._alone += not rows
        alone = 0 if rows else self._alone  # a key of its own: never with others
        future: asyncio.Future[Mapping[str, NDArray[Any]]] = asyncio.get_running_loop().create_future()
        call = Call((version, name, shapes, alone), version.model, rows or 1, inputs, future)
        if not self._batches.add(call):
            waiting = self._batches.waiting(version.model)
            found = f"{waiting} rows of model {version.model!r} wait already, at most {self._queue_rows} may"
            raise Refusal(Code.RESOURCE_EXHAUSTED, f"{found}; try again later")
        if self._work is None:
            self._work = asyncio.get_running_loop().create_task(self._run())
        try:
            return await future
        except asyncio.CancelledError:
            self._batches.withdraw(call)
            raise

    def close(self) -> None:
        """End the thread, after what it is at."""
        self._thread.shutdown(cancel_futures=True)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while calls := self._batches.take():
                version, name, *_ = calls[0].key
                answers = await loop.run_in_executor(self._thread, _answers, version, name, calls)
                for call, answer in zip(calls, answers, strict=True):
                    _tell(call.answer, answer)
        finally:
            self._work = None


def _answers(version: Version, name: str, calls: list[Call]) -> list[Mapping[str, NDArray[Any]] | Refusal]:
    try:
        return computed(calls, lambda inputs: version.servable.run(name, inputs))
    except Exception as error:  # noqa: BLE001  a fault of ours or TensorFlow's: its callers hear of it, others go on
        _log.exception("a batch failed", model=version.model, version=version.number, signature=name)
        return [Refusal(Code.INTERNAL, f"{type(error).__name__}: {error}")] * len(calls)


def _tell(future: asyncio.Future[Mapping[str, NDArray[Any]]], answer: Mapping[str, NDArray[Any]] | Refusal) -> None:
    if future.done():  # its caller has gone
        return
    if isinstance(answer, Refusal):
        future.set_exception(answer)
    else:
        future.set_result(answer)
