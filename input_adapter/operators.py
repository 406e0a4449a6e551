"""The input adapter's function: a batch of events as columns, routed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from input_adapter.misses import Misses
from input_adapter.router import Router
from penstock.deployables import INPUT_ADAPTER
from penstock.flink.by_document import ByDocument

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from pyflink.table import FunctionContext

    from penstock.control.documents import LiveDocument

__all__ = ["RouteEvents"]


class RouteEvents(ByDocument):
    """Routes events by the routing document that is in force when their batch begins."""

    DEPLOYABLE = INPUT_ADAPTER
    FANS_OUT = True
    core: Router

    def open(self, function_context: FunctionContext) -> None:
        """Begin to follow the routing document, as all do, and to count what leaves no record."""
        self._misses = Misses(function_context.get_metric_group())
        super().open(function_context)

    def close(self) -> None:
        """Stop following, and tell what is left to tell."""
        super().close()
        self._misses.close()

    def use(self, live: LiveDocument) -> None:
        """Compile the document, and swap to it."""
        settings = self.worker.settings
        self.core = Router(
            live.document,
            prefix=settings.topics.prefix,
            max_request_bytes=settings.limits.max_request_bytes,
            max_dead_letter_bytes=settings.limits.max_dead_letter_bytes,
            published_ms=live.published_ms,
        )

    def weights(self) -> Mapping[str, Mapping[str, float]]:
        """Return the momentary weights of variants, by route."""
        return self.core.weights()

    def eval(  # noqa: PLR0913, PLR0917 one for each column
        self,
        values: pd.Series[bytes],
        unseen_bytes: pd.Series[int],
        topics: pd.Series[str],
        headers: pd.Series[str],
        keys: pd.Series[bytes],
        partitions: pd.Series[int],
        offsets: pd.Series[int],
    ) -> pd.DataFrame:
        """Route a batch; the columns are those that the pipeline names."""
        core = self.core  # one for the whole batch, whatever comes meanwhile
        routed = core.route(
            values.tolist(),
            unseen_bytes.tolist(),
            topics.tolist(),
            headers.tolist(),
            keys.tolist(),
            partitions.tolist(),
            offsets.tolist(),
        )
        self._misses.take(core)
        return self.framed(routed)
