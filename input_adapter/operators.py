"""The input adapter's function: a batch of events as columns, routed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from input_adapter.router import Router
from penstock.deployables import INPUT_ADAPTER
from penstock.flink.by_document import ByDocument

if TYPE_CHECKING:
    import pandas as pd

    from penstock.control.documents import LiveDocument

__all__ = ["RouteEvents"]


class RouteEvents(ByDocument):
    """Routes events by the routing document that is in force when their batch begins."""

    DEPLOYABLE = INPUT_ADAPTER
    core: Router

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
        routed = self.core.route(
            values.tolist(),
            unseen_bytes.tolist(),
            topics.tolist(),
            headers.tolist(),
            keys.tolist(),
            partitions.tolist(),
            offsets.tolist(),
        )
        return self.framed(routed)
