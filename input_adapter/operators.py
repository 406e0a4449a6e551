"""The input adapter's function: a batch of events as columns, routed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyflink.table.udf import ScalarFunction

from input_adapter.router import Router
from penstock.flink.columns import frame
from penstock.routing.document import load

if TYPE_CHECKING:
    import pandas as pd
    from pyflink.table import FunctionContext

__all__ = ["RouteEvents"]


class RouteEvents(ScalarFunction):  # type: ignore[misc]  # pyflink's bases are untyped
    """Routes events by the routing document that the job was started with."""

    def __init__(self, document: str, prefix: str, max_request_bytes: int, max_dead_letter_bytes: int) -> None:
        self._document = document
        self._prefix = prefix
        self._max_request_bytes = max_request_bytes
        self._max_dead_letter_bytes = max_dead_letter_bytes

    def open(self, function_context: FunctionContext) -> None:
        """Compile the document, once for each worker."""
        self._router = Router(
            load(self._document, prefix=self._prefix),
            prefix=self._prefix,
            max_request_bytes=self._max_request_bytes,
            max_dead_letter_bytes=self._max_dead_letter_bytes,
        )

    def eval(
        self, values: pd.Series[bytes], unseen_bytes: pd.Series[int], topics: pd.Series[str], headers: pd.Series[str]
    ) -> pd.DataFrame:
        """Route a batch; the columns are those that the pipeline names."""
        return frame(self._router.route(values.tolist(), unseen_bytes.tolist(), topics.tolist(), headers.tolist()))
