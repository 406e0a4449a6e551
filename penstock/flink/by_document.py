"""What functions share that work by the routing document: each follows it, from before its first record on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

from pyflink.table.udf import ScalarFunction

from penstock.control import portable
from penstock.control.worker import Worker
from penstock.flink.columns import frame
from penstock.garbage import settle
from penstock.unwritten import Unwritten

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from pyflink.table import FunctionContext

    from penstock.control.documents import LiveDocument
    from penstock.deployables import Deployable
    from penstock.event import Deliveries
    from penstock.settings import Settings

__all__ = ["ByDocument"]


class ByDocument(ScalarFunction):  # type: ignore[misc]  # pyflink's bases are untyped
    """A function that follows the routing document. It travels as plain data and connects in the worker."""

    DEPLOYABLE: ClassVar[Deployable]
    FANS_OUT: ClassVar[bool] = False
    """Whether one record may become several: the pipeline then has a place where that happens."""

    worker: Worker
    """There from `open` on."""

    def __init__(self, packed: Mapping[str, Any]) -> None:
        self._packed = packed

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return the function for an installation."""
        return cls(portable.pack(settings))

    def open(self, function_context: FunctionContext) -> None:
        """Wait for the newest good document, and use it; later ones are used as they come.

        Raises:
            PenstockError: there is none, or no broker. The job fails and is restarted, until there is.
        """
        self._unwritten = Unwritten(function_context.get_metric_group())
        self.worker = self.hire()
        self.prepare()
        self.start()

    def close(self) -> None:
        """Stop following, and tell what is left to tell."""
        self.worker.close()
        self._unwritten.close()

    def framed(self, deliveries: Deliveries) -> pd.DataFrame:
        """Return deliveries as columns; those that go nowhere are counted."""
        self._unwritten.note(deliveries)
        return frame(deliveries, further=self.FANS_OUT)

    def hire(self) -> Worker:
        """Return the worker, which is not connected yet."""
        return Worker(self._packed, self.DEPLOYABLE.name, self.use, self.weights)

    def start(self) -> None:
        """Let the worker begin."""
        self.worker.start()
        settle()

    def prepare(self) -> None:
        """Make what does not hang on a document; `worker.settings` is there."""

    def use(self, live: LiveDocument) -> None:
        """Make ready for a document, then swap to it by one assignment: batches go on beside this.

        What this raises rejects the document.
        """

    def weights(self) -> Mapping[str, Mapping[str, float]]:
        """Return the momentary weights of variants, by route."""
        return {}
