"""A worker that scores with models of the registry, whatever engine it runs in: it follows, loads and scores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from penstock.control.model_subject import ModelSubject
from penstock.control.worker import Worker
from penstock.garbage import settle
from penstock.logs import get_logger
from penstock.models.host import ModelHost
from penstock.scoring import Scorer, ScorerConfig

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from penstock.control.documents import LiveDocument
    from penstock.deadletter import Stage
    from penstock.deployables import Deployable
    from penstock.models.loading import Loader
    from penstock.scoring import Models
    from penstock.settings import Settings

__all__ = ["Serving"]

_log = get_logger(__name__)


class Serving:
    """One worker of a scoring job: its place in the control plane, its models, and the scorer over them.

    It has no objection to any routing document: it scores what it is sent.
    """

    host: ModelHost
    """Its models."""
    scorer: Scorer
    """Scores batches with them; one thread at a time."""
    worker: Worker
    """Follows the routing document and the registry; has the settings."""

    def __init__(
        self,
        packed: Mapping[str, Any],
        deployable: Deployable,
        stage: Stage,
        job: str,
        make_loader: Callable[[Settings], Loader],
        *,
        of_copies: bool = False,
    ) -> None:
        """Prepare; nothing is connected and nothing loaded yet. Whoever made it closes it, opened or not.

        Args:
            packed: the settings, as `penstock.control.portable` packs them.
            deployable: whose worker it is.
            stage: the same, in dead letters.
            job: the word by which descriptors and topics name the job.
            make_loader: returns what loads the job's models, each as a `penstock.scoring.Servable`; that is called in
                the host's threads. Where it has a ``close``, that is called when all models have been given up.
            of_copies: whether it scores copies for shadows: then a model is loaded when the first copy for it comes,
                which waits for it and for the engine (`models.startup_wait_ms`).
        """
        self._stage = stage
        self._job = job
        self._make_loader = make_loader
        self._of_copies = of_copies
        self.worker = Worker(packed, deployable.name, self.use, models=self._begin)

    def _begin(self, settings: Settings) -> ModelSubject:
        models = settings.models
        if self._of_copies:  # their first copy finds a worker that has yet to start
            longer = max(models.reload_wait_ms, models.startup_wait_ms)
            models = models.model_copy(update={"reload_wait_ms": longer})
        self._patience_s = 0.0 if self._of_copies else models.startup_wait_ms / 1000
        self._loader = self._make_loader(settings)
        self.host = ModelHost(
            models,
            self._job,
            self._loader,
            eager=False if self._of_copies else self.serves,
            on_change=lambda: self.worker.models_changed(),  # noqa: PLW0108 which is not there yet
        )
        config = ScorerConfig.of(settings, self._stage, self._job, shadows=self._of_copies)
        self.scorer = Scorer(config, cast("Models", self.host))  # what the job's loader makes is servable
        return ModelSubject(self.host, self._job)

    def serves(self, name: str) -> bool:
        """Tell whether requests for a model come to this worker; others' are not loaded before one does."""
        return True

    @property
    def settings(self) -> Settings:
        """Those of its installation, with the files that came along."""
        return self.worker.settings

    def open(self) -> None:
        """Learn which models there are, and load those that routes name, before the first record.

        Raises:
            PenstockError: there is no document, or no broker; whoever runs it tries again, until there is.
        """
        self.worker.start()
        settle()

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
        self.worker.close()
        self.host.close()
        close = getattr(self._loader, "close", None)
        if close is not None:
            close()
