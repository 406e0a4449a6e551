"""The output adapter's function: a batch of results as columns, rendered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from output_adapter.renderer import Renderer
from penstock.deployables import OUTPUT_ADAPTER
from penstock.flink.by_document import ByDocument
from penstock.flink.columns import texts

if TYPE_CHECKING:
    import pandas as pd

    from penstock.control.documents import LiveDocument
    from penstock.routing.document import RoutingDocument

__all__ = ["RenderResults"]


class RenderResults(ByDocument):
    """Renders each result by the routing document that made it."""

    DEPLOYABLE = OUTPUT_ADAPTER
    core: Renderer

    def prepare(self) -> None:
        """Make a renderer that asks for the document of each version."""
        settings = self.worker.settings
        self.core = Renderer(
            self._find,
            prefix=settings.topics.prefix,
            max_request_bytes=settings.limits.max_request_bytes,
            max_dead_letter_bytes=settings.limits.max_dead_letter_bytes,
        )

    def use(self, live: LiveDocument) -> None:
        """Compile the document, so that its first result need not wait for that."""
        self.core.take(live.document)

    def _find(self, version: int) -> RoutingDocument | None:
        found = self.worker.document_of(version)
        return found.document if found else None

    def eval(self, values: pd.Series[bytes], unseen_bytes: pd.Series[int], headers: pd.Series[str]) -> pd.DataFrame:
        """Render a batch; the columns are those that the pipeline names."""
        return self.framed(self.core.render(values.tolist(), unseen_bytes.tolist(), texts(headers)))
