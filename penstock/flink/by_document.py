"""What the functions of both adapters share: the routing document that their job was started with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

from pyflink.table.udf import ScalarFunction

from penstock.flink import worker
from penstock.flink.columns import frame
from penstock.routing.document import load
from penstock.unwritten import Unwritten

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    from pyflink.table import FunctionContext

    from penstock.event import Deliveries
    from penstock.settings import Settings

__all__ = ["ByDocument"]


class ByDocument(ScalarFunction):  # type: ignore[misc]  # pyflink's bases are untyped
    """A function whose core is made from a routing document, once for each worker. It travels as plain data."""

    make_core: ClassVar[Callable[..., Any]]
    """Takes the document and, by name, the prefix of topics and the limits in bytes."""

    def __init__(self, document: str, prefix: str, max_request_bytes: int, max_dead_letter_bytes: int) -> None:
        self._document = document
        self._prefix = prefix
        self._max_request_bytes = max_request_bytes
        self._max_dead_letter_bytes = max_dead_letter_bytes

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return the function for the document as its file is now.

        Raises:
            RoutingDocumentError: with every fault of the document.
        """
        prefix, limits = settings.topics.prefix, settings.limits
        text = load(settings.routing_file, prefix=prefix).model_dump_json(exclude_none=True)
        return cls(text, prefix, limits.max_request_bytes, limits.max_dead_letter_bytes)

    def open(self, function_context: FunctionContext) -> None:
        """Compile the document."""
        self._unwritten = Unwritten(function_context.get_metric_group())
        self.core = type(self).make_core(
            load(self._document, prefix=self._prefix),
            prefix=self._prefix,
            max_request_bytes=self._max_request_bytes,
            max_dead_letter_bytes=self._max_dead_letter_bytes,
        )
        worker.settle()

    def close(self) -> None:
        """Tell what is left to tell."""
        self._unwritten.close()

    def framed(self, deliveries: Deliveries) -> pd.DataFrame:
        """Return deliveries as columns; those that go nowhere are counted."""
        self._unwritten.note(deliveries)
        return frame(deliveries)
