"""What functions share that score with models of the registry: each follows it, and loads what it needs of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from penstock.control.model_subject import ModelSubject
from penstock.flink.by_document import ByDocument
from penstock.flink.columns import milliseconds, texts
from penstock.logs import get_logger
from penstock.models.host import ModelHost
from penstock.scoring import Requests, Scorer, ScorerConfig

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    from pyflink.table import FunctionContext

    from penstock.control.documents import LiveDocument
    from penstock.deadletter import Stage
    from penstock.models.host import Loader
    from penstock.scoring import Models
    from penstock.settings import Settings

__all__ = ["ServingFunction"]

_log = get_logger(__name__)


class ServingFunction(ByDocument):
    """Scores requests with one job's models as they come and go. A job says how a model is loaded.

    It has no objection to any routing document: it scores what it is sent.
    """

    STAGE: ClassVar[Stage]
    JOB: ClassVar[str]
    """The word by which descriptors and topics name the job."""
    OF_COPIES: ClassVar[bool] = False
    """Whether it scores copies for shadows: then a model is loaded when the first copy for it comes, which waits for it
    and for the engine (`models.startup_wait_ms`)."""

    host: ModelHost
    """The models of this worker; there from `open` on."""

    def loader(self, settings: Settings) -> Loader:
        """Return what loads the job's models, each as a `penstock.scoring.Servable`; called in the host's threads."""
        raise NotImplementedError

    def models(self) -> Callable[[Settings], ModelSubject]:
        """Return what begins without models; the registry brings them."""
        return self._begin

    def _begin(self, settings: Settings) -> ModelSubject:
        models = settings.models
        if self.OF_COPIES:  # their first copy finds a worker that has yet to start
            longer = max(models.reload_wait_ms, models.startup_wait_ms)
            models = models.model_copy(update={"reload_wait_ms": longer})
        self._patience_s = 0.0 if self.OF_COPIES else models.startup_wait_ms / 1000
        self.host = ModelHost(
            models, self.JOB, self.loader(settings), eager=not self.OF_COPIES, on_change=self._models_changed
        )
        config = ScorerConfig.of(settings, self.STAGE, self.JOB, shadows=self.OF_COPIES)
        self._scorer = Scorer(config, cast("Models", self.host))  # what the job's loader makes is servable
        return ModelSubject(self.host, self.JOB)

    def _models_changed(self) -> None:
        self.worker.models_changed()

    def open(self, function_context: FunctionContext) -> None:
        """Learn which models there are, and load those that routes name, before the first record."""
        try:
            super().open(function_context)
        except BaseException:
            self._give_up()
            raise

    def use(self, live: LiveDocument) -> None:
        """Load what routes name; with the first document, wait for it: no longer than `models.startup_wait_ms`."""
        self.host.want(live.document)
        patience_s, self._patience_s = self._patience_s, 0.0
        late = self.host.await_wanted(patience_s) if patience_s else frozenset()
        if late:
            _log.warning(
                "models are not ready yet, their requests wait or become dead letters", models=sorted(map(str, late))
            )

    def close(self) -> None:
        """Stop following, and give the models up."""
        super().close()
        self._give_up()

    def _give_up(self) -> None:
        if hasattr(self, "host"):
            self.host.close()

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
        return self.framed(self._scorer.score(requests))
