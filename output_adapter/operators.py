"""The output adapter's function: a batch of results as columns, rendered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from output_adapter.renderer import Renderer
from penstock.flink.by_document import ByDocument
from penstock.flink.columns import texts

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["RenderResults"]


class RenderResults(ByDocument):
    """Renders results by the routing document that the job was started with."""

    make_core = Renderer
    core: Renderer

    def eval(self, values: pd.Series[bytes], unseen_bytes: pd.Series[int], headers: pd.Series[str]) -> pd.DataFrame:
        """Render a batch; the columns are those that the pipeline names."""
        return self.framed(self.core.render(values.tolist(), unseen_bytes.tolist(), texts(headers)))
