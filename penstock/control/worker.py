"""A worker's place in the control plane: it follows the routing document, and answers for what it does with it."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from penstock import topics
from penstock.control import portable
from penstock.control.announcer import Announcer, identify
from penstock.control.documents import Documents, LiveDocument
from penstock.control.follower import Follower
from penstock.control.messages import Verdict, VerdictKind
from penstock.control.routing_subject import RoutingSubject
from penstock.control.status import SignKind
from penstock.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from penstock.clusters import ClusterSettings
    from penstock.control.documents import Apply
    from penstock.control.model_subject import ModelSubject
    from penstock.settings import Settings

__all__ = ["Worker"]

_log = get_logger(__name__)
_KINDS = {
    VerdictKind.APPLIED: SignKind.APPLIED,
    VerdictKind.DUPLICATE: SignKind.APPLIED,
    VerdictKind.REJECTED: SignKind.REJECTED,
}


def _no_weights() -> Mapping[str, Mapping[str, float]]:
    return {}


class Worker:
    """One parallel instance of a deployable's function."""

    def __init__(
        self,
        packed: Mapping[str, Any],
        deployable: str,
        put_in_force: Apply,
        weights: Callable[[], Mapping[str, Mapping[str, float]]] = _no_weights,
        models: Callable[[Settings], ModelSubject] | None = None,
    ) -> None:
        """Prepare; nothing is connected yet.

        Args:
            packed: the settings, as `penstock.control.portable` packs them.
            deployable: its name.
            put_in_force: makes ready for a document and swaps to it by one assignment; called from the thread that
                follows, beside the one that handles records. What it raises rejects the document.
            weights: the momentary weights of variants, by route.
            models: makes what takes the messages about models, of the unpacked settings; None: the worker has none.
                Whoever gives it calls `models_changed`, and closes what it made, after `close`.
        """
        self._folder = Path(tempfile.mkdtemp(prefix="penstock-"))
        self.settings = portable.unpack(packed, self._folder)
        self._put_in_force = put_in_force
        self._made: set[tuple[str, str]] = set()
        prefix, control = self.settings.topics.prefix, self.settings.control
        cluster = self.settings.kafka.internal_cluster
        self._documents = Documents(prefix=prefix, remembered=control.remembered_versions)
        self._models = models(self.settings) if models is not None else None
        self._announcer = Announcer(
            cluster,
            topics.control_status(prefix),
            identify(deployable),
            control.heartbeat_ms,
            weights,
            self._models.standing if self._models is not None else None,
        )
        routing = topics.control_routing(prefix)
        self._routing = RoutingSubject(routing, self._documents, self._apply)
        # In the order in which they start: a document that is put in force finds the models that there are.
        self._followers: list[Follower] = []
        if self._models is not None:
            of_models = topics.control_models(prefix)
            self._followers.append(Follower(cluster, of_models, self._models, on_verdict=self._answer_of_models))
        self._followers.append(Follower(cluster, routing, self._routing, on_verdict=self._answer))

    def start(self) -> None:
        """Learn which models there are, put the newest good document in force, then say that this worker is ready.

        Raises:
            PenstockError: there is none, or no broker; the job fails and is restarted, until there is.
        """
        try:
            for follower in self._followers:
                follower.start(self.settings.control.startup_deadline_ms / 1000)
        except BaseException:
            self.close()
            raise
        self._announcer.start()

    def close(self) -> None:
        """Stop following, and say so."""
        for follower in self._followers:
            follower.close()
        self._announcer.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def current_version(self) -> int:
        """The version in force; 0 before there is one."""
        current = self._documents.current
        return current.version if current else 0

    def document_of(self, version: int) -> LiveDocument | None:
        """Return the document of a version, waiting a little for one that is yet to come."""
        return self._routing.wait_for(version, self.settings.control.version_wait_ms / 1000)

    def models_changed(self) -> None:
        """Tell soon how the models are now; to be called from any thread, as often as they change."""
        self._announcer.tell_models()

    def _apply(self, live: LiveDocument) -> None:
        self._ensure_topics(live)
        self._put_in_force(live)

    def _ensure_topics(self, live: LiveDocument) -> None:
        """Make topics that are missing before a record can be written to them: the sink would fail the job."""
        plan = topics.topics_for(live.document, self.settings)
        kafka = self.settings.kafka
        self._ensure("external", kafka.external, plan.external)
        self._ensure("internal", kafka.internal_cluster, plan.internal)

    def _ensure(self, name: str, cluster: ClusterSettings, wanted: tuple[topics.Topic, ...]) -> None:
        unknown = [topic for topic in wanted if (name, topic.name) not in self._made]
        if unknown:
            topics.ensure(cluster, unknown)
            self._made.update((name, topic.name) for topic in unknown)

    def _answer(self, verdict: Verdict) -> None:
        if verdict.kind is VerdictKind.APPLIED:
            _log.info("routing document applied", version=verdict.version, offset=verdict.offset)
        elif verdict.kind is VerdictKind.REJECTED:
            _log.warning(
                "routing document rejected, the last good one stays",
                version=self.current_version or None,
                offset=verdict.offset,
                reasons=verdict.reasons,
            )
        self._announcer.tell(_KINDS[verdict.kind], self.current_version or None, verdict)

    def _answer_of_models(self, verdict: Verdict) -> None:
        facts = {"model": verdict.subject, "verdict": verdict.kind.value, "offset": verdict.offset}
        if verdict.reasons:
            _log.warning("message about a model is not as it should be", **facts, reasons=verdict.reasons)
        else:
            _log.info("message about a model taken", **facts)
        self._announcer.tell_models(verdict)
