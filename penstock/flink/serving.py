"""What functions share that score with models of the registry: each is a worker of a scoring job, inside Flink."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from penstock.flink.by_document import ByDocument
from penstock.flink.columns import milliseconds, texts
from penstock.scoring import Requests
from penstock.serving.worker import Serving

if TYPE_CHECKING:
    import pandas as pd
    from pyflink.table import FunctionContext

    from penstock.control.worker import Worker
    from penstock.deadletter import Stage
    from penstock.models.loading import Loader
    from penstock.settings import Settings

__all__ = ["ServingFunction"]


class ServingFunction(ByDocument):
    """Scores requests with one job's models as they come and go. A job says how a model is loaded."""

    STAGE: ClassVar[Stage]
    JOB: ClassVar[str]
    """The word by which descriptors and topics name the job."""
    OF_COPIES: ClassVar[bool] = False
    """Whether it scores copies for shadows."""

    serving: Serving
    """There from `open` on."""

    def loader(self, settings: Settings) -> Loader:
        """Return what loads the job's models, each as a `penstock.scoring.Servable`; called in the host's threads."""
        raise NotImplementedError

    def hire(self) -> Worker:
        """Return the worker that has models."""
        self.serving = Serving(
            self._packed, self.DEPLOYABLE, self.STAGE, self.JOB, self.loader, of_copies=self.OF_COPIES
        )
        return self.serving.worker

    def open(self, function_context: FunctionContext) -> None:
        """Learn which models there are, and load those that routes name, before the first record."""
        try:
            super().open(function_context)
        except BaseException:
            if hasattr(self, "serving"):
                self.serving.close()
            raise

    def start(self) -> None:
        """Begin, models included."""
        self.serving.open()

    def close(self) -> None:
        """Stop following, and give the models up."""
        super().close()
        self.serving.close()

    def eval(
        self,
        values: pd.Series[bytes],
        unseen_bytes: pd.Series[int],
        timestamps: pd.Series[pd.Timestamp],
        headers: pd.Series[str],
    ) -> pd.DataFrame:
        """Score a batch; the columns are those that pipelines name."""
        requests = Requests(
            values=values.tolist(),
            unseen_bytes=unseen_bytes.tolist(),
            timestamps_ms=milliseconds(timestamps),
            texts=texts(headers),
        )
        return self.framed(self.serving.scorer.score(requests))
