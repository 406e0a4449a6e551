"""Who is at work, and what workers answer to a document: the status topic, read by whoever wants to know."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self

from penstock import topics
from penstock.control.model_signs import HeardModels, ModelSign, ModelsSign
from penstock.control.reading import ControlLog
from penstock.control.status import BEATS, Workers, WorkerState
from penstock.models.catalog_events import State
from penstock.routing import ramp

if TYPE_CHECKING:
    from collections.abc import Callable

    from penstock.control.messages import Message
    from penstock.models.ref import ModelRef
    from penstock.settings import Settings

__all__ = ["ModelWatch", "Watch", "workers"]

_POLL_MS = 100


def workers(settings: Settings, now_ms: int | None = None) -> list[WorkerState]:
    """Return the workers that were heard of of late, those that ended included, by name.

    Raises:
        KafkaUnavailableError: no broker answered.
        ControlTopicError: there is no status topic.
    """
    with Watch(settings, now_ms) as watch:
        return [state for _, state in sorted(watch.workers.states.items())]


class Watch:
    """Hears workers' signs of life, those of the last heartbeats at once. Close it after use.

    To wait for answers to a document: begin the watch, publish, then `answered`.
    """

    def __init__(self, settings: Settings, now_ms: int | None = None) -> None:
        """Hear who is there; raises as `workers` does."""
        self.workers = Workers()
        self._log = ControlLog(settings.kafka.internal_cluster, topics.control_status(settings.topics.prefix))
        since_ms = (ramp.now_ms() if now_ms is None else now_ms) - BEATS * settings.control.heartbeat_ms
        try:
            begin = self._log.since(since_ms)
            self.hear(self._log.to_end(settings.control.startup_deadline_ms / 1000, begin))
        except BaseException:
            self._log.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._log.close()

    def listen(self, wait_ms: int = _POLL_MS) -> None:
        """Hear what comes, for so long at most."""
        self.hear(self._log.poll(wait_ms))

    def hear(self, messages: list[Message]) -> None:
        """Take in messages of the status topic."""
        self.workers.hear(messages)

    def answered(self, offset: int, patience_s: float) -> bool:
        """Wait until all live workers have answered the routing topic's message at this offset.

        A worker that begins meanwhile is waited for too; one that ends or falls silent is not.
        Returns whether they did; `workers` has the answers, and who owes one.
        """
        return self._until(lambda: not self.workers.silent(offset, ramp.now_ms()), patience_s)

    def _until(self, holds: Callable[[], bool], patience_s: float) -> bool:
        """Listen until something holds; return whether it came to that in time."""
        until = time.monotonic() + patience_s
        while not holds():
            if time.monotonic() > until:
                return False
            self.listen()
        return True


class ModelWatch(Watch):
    """Hears how workers' models are, too. To wait for a change: begin the watch, write it, then wait."""

    def __init__(self, settings: Settings, now_ms: int | None = None) -> None:
        """Hear who is there and how their models are; raises as `workers` does."""
        self._heard = HeardModels()
        super().__init__(settings, now_ms)

    def hear(self, messages: list[Message]) -> None:
        """Take in messages of the status topic."""
        super().hear(messages)
        self._heard.hear(messages)

    @property
    def states(self) -> dict[str, ModelsSign]:
        """What each live worker said last of its models, by the worker's name; those that hold none are left out."""
        return {name: sign for name, sign in self._all().items() if sign is not None}

    def loaded(self, ref: ModelRef, offset: int, job: str, patience_s: float) -> dict[str, ModelSign | None]:
        """Wait until each live worker of a job has seen a message and is done with loading a version.

        Returns how that version is, by the worker's name: one that is still loading when time is over says so, None
        is of one that has not seen the message. One that has seen it and does not hold the version counts as failed.

        Args:
            ref: the version.
            offset: of the message on the topic of models.
            job: whose workers are asked; one that has said nothing of its models yet may be of any job.
            patience_s: how long, at most.
        """

        def found() -> dict[str, ModelSign | None]:
            signs = self._all().items()
            return {name: _of(sign, ref, offset) for name, sign in signs if sign is None or sign.job == job}

        def done() -> bool:
            return all(one is not None and one.state is not State.LOADING for one in found().values())

        self._until(done, patience_s)
        return found()

    def served(self, name: str, version: int, offset: int, patience_s: float) -> bool:
        """Wait until, in each live worker that knows a model, its bare name means this version, and that scores.

        Args:
            name: of the model.
            version: the one that is to serve it.
            offset: of the message on the topic of models that says so.
            patience_s: how long, at most.

        Returns whether it came to that in time.
        """

        def serves(sign: ModelsSign | None) -> bool:
            if sign is None or sign.offset < offset:
                return False
            return sign.serves(name, version) or not sign.knows(name)

        return self._until(lambda: all(map(serves, self._all().values())), patience_s)

    def _all(self) -> dict[str, ModelsSign | None]:
        """What each live worker that follows models said last of them; None: nothing yet."""
        live = (state.sign for state in self.workers.live(ramp.now_ms()))
        return {sign.worker: self._heard.signs.get(sign.worker) for sign in live if sign.models_offset is not None}


def _of(sign: ModelsSign | None, ref: ModelRef, offset: int) -> ModelSign | None:
    if sign is None or sign.offset < offset:
        return None
    missing = ModelSign(State.FAILED, 0, 0, f"the worker does not know {str(ref)!r}; was it deleted meanwhile?")
    return sign.models.get(str(ref), missing)
