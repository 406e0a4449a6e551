"""The output adapter's function: a batch of results as columns, rendered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyflink.table.udf import ScalarFunction

from output_adapter.renderer import Renderer
from penstock.flink.columns import frame
from penstock.routing.document import load

if TYPE_CHECKING:
    import pandas as pd
    from pyflink.table import FunctionContext

__all__ = ["RenderResults"]


class RenderResults(ScalarFunction):  # type: ignore[misc]  # pyflink's bases are untyped
    """Renders results by the routing document that the job was started with."""

    def __init__(self, document: str, prefix: str, max_request_bytes: int, max_dead_letter_bytes: int) -> None:
        self._document = document
        self._prefix = prefix
        self._max_request_bytes = max_request_bytes
        self._max_dead_letter_bytes = max_dead_letter_bytes

    def open(self, function_context: FunctionContext) -> None:
        """Compile the document, once for each worker."""
        self._renderer = Renderer(
            load(self._document, prefix=self._prefix),
            prefix=self._prefix,
            max_request_bytes=self._max_request_bytes,
            max_dead_letter_bytes=self._max_dead_letter_bytes,
        )

    def eval(
        self,
        values: pd.Series[bytes],
        unseen_bytes: pd.Series[int],
        routes: pd.Series[str],
        content_types: pd.Series[str],
        shadows: pd.Series[str],
    ) -> pd.DataFrame:
        """Render a batch; the columns are those that the pipeline names."""
        return frame(
            self._renderer.render(
                values.tolist(), unseen_bytes.tolist(), routes.tolist(), content_types.tolist(), shadows.tolist()
            )
        )
