"""What tells the world how a worker is: its signs of life, written by a thread of its own."""

from __future__ import annotations

import itertools
import os
import queue
import socket
import threading
import time
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from penstock import kafka
from penstock.control.model_signs import key_of, sign_of
from penstock.control.status import Identity, Sign, SignKind
from penstock.event import ce_time
from penstock.logs import get_logger
from penstock.routing.ramp import now_ms

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kafka import KafkaProducer

    from penstock.clusters import ClusterSettings
    from penstock.control.messages import Verdict
    from penstock.control.model_signs import ModelsStanding

__all__ = ["Announcer", "identify"]

_log = get_logger(__name__)
_CLOSE_S = 2.0
#: A document can have a fault in each of thousands of routes; a sign is to stay a small message.
_MOST_REASONS, _REASON_CHARACTERS = 50, 500
#: The same goes for thousands of ramps; 'penstock status' works out all weights for itself.
_MOST_WEIGHTS = 100
#: Models can change many times a second; what is said of them then is said together.
_MODELS_PAUSE_S = 0.2
#: What is said of a thousand models is long; not more of it than this leaves a worker, as long as models change.
_MODELS_BYTES_PER_S = 100_000
_numbers = itertools.count()
_Known = tuple["int | None", "Verdict | None"]
"""The version in force, and what became of the last message of the routing topic."""


def identify(deployable: str) -> Identity:
    """Return a new name for a worker of this process."""
    host, pid = socket.gethostname(), os.getpid()
    return Identity(
        worker=f"{deployable}-{host}-{pid}-{next(_numbers)}",
        deployable=deployable,
        host=host,
        pid=pid,
        started_at=ce_time(now_ms()),
    )


class Announcer:
    """Gives a worker's signs of life. Kafka being away costs signs, never the worker."""

    def __init__(
        self,
        cluster: ClusterSettings,
        topic: str,
        identity: Identity,
        heartbeat_ms: int,
        weights: Callable[[], Mapping[str, Mapping[str, float]]],
        models: Callable[[], ModelsStanding] | None = None,
    ) -> None:
        """Prepare; nothing is connected yet.

        Args:
            cluster: where the topic is.
            topic: its name.
            identity: who speaks.
            heartbeat_ms: how long until the next sign, at most.
            weights: the momentary weights of variants, by route.
            models: how the worker's models are; None: it holds none.
        """
        self._cluster = cluster
        self._topic = topic
        self._identity = identity
        self._heartbeat_ms = heartbeat_ms
        self._weights = weights
        self._models = models
        self._known: _Known = (None, None)
        self._of_models: Verdict | None = None
        # What is to be told, each with what was known then: documents may come quicker than signs are written, and
        # each of them is answered. None for that: whatever is known when the sign is given. None alone: models changed.
        self._due: queue.SimpleQueue[tuple[SignKind, _Known | None] | None] = queue.SimpleQueue()
        self._models_changed = threading.Event()
        self._beat = 0.0
        self._models_from, self._models_until = 0.0, 0.0
        self._producer: KafkaProducer | None = None
        self._thread = threading.Thread(target=self._run, name=f"signs of {identity.worker}", daemon=True)

    def start(self) -> None:
        """Give the first sign, and one with each heartbeat from now on."""
        self._due.put((SignKind.READY, None))
        self._thread.start()

    def tell(self, kind: SignKind, version: int | None, verdict: Verdict) -> None:
        """Tell what became of a document, as soon as can be; before `start` it is only noted."""
        _, last = self._known
        if last is not None and last.offset > verdict.offset:  # of a message that was tried again: later ones were seen
            verdict = replace(verdict, offset=last.offset)
        self._known = (version, verdict)
        if self._thread.is_alive():
            self._due.put((kind, self._known))

    def tell_models(self, verdict: Verdict | None = None) -> None:
        """Tell soon how the models are, together with what else changes meanwhile.

        Args:
            verdict: what became of a message of the topic of models; None: they changed by themselves.
        """
        if verdict is not None:
            self._of_models = verdict
        if self._thread.is_alive() and not self._models_changed.is_set():
            self._models_changed.set()
            self._due.put(None)

    def close(self) -> None:
        """Say good-bye."""
        if self._thread.is_alive():
            self._due.put((SignKind.STOPPED, None))
            self._thread.join(_CLOSE_S)

    def _run(self) -> None:
        kind = SignKind.ALIVE
        self._beat = time.monotonic() + self._heartbeat_ms / 1000
        while kind is not SignKind.STOPPED:
            due = self._next()
            if due is None:
                continue
            kind, known = due
            self._beat = time.monotonic() + self._heartbeat_ms / 1000
            try:
                self._send(kind, known)
            except Exception as error:  # noqa: BLE001 (the thread's boundary: the next sign tells as much)
                _log.warning("sign of life not given", worker=self._identity.worker, cause=str(error))
        if self._producer is not None:
            kafka.close(self._producer, _CLOSE_S)  # there may be no broker to say good-bye to

    def _next(self) -> tuple[SignKind, _Known | None] | None:
        """Wait for what there is to tell, or until a sign is due anyway."""
        until = self._beat
        if self._models is not None:
            until = min(until, self._models_from if self._models_changed.is_set() else self._models_until)
        try:
            return self._due.get(timeout=max(0.0, until - time.monotonic()))
        except queue.Empty:
            return SignKind.ALIVE, None

    def _send(self, kind: SignKind, known: _Known | None) -> None:
        if self._producer is None:
            self._producer = kafka.producer(
                self._cluster,
                # A sign may come twice; a producer that insists on its order is of no use after an outage.
                enable_idempotence=False,
                max_block_ms=self._heartbeat_ms,
                delivery_timeout_ms=self._cluster.request_timeout_ms + self._heartbeat_ms,
            )
        worker, models = self._identity.worker, None
        # What answers a document is short and quick, and a worker that ends has no models any more.
        if self._models is not None and known is None and kind is not SignKind.STOPPED:
            self._models_changed.clear()  # before they are looked at: what changes from now on is told later
            now = time.monotonic()
            self._models_until = now + self._heartbeat_ms / 1000  # before what may fail: that is not tried without end
            models = self._models()
            value = sign_of(self._identity, models, ce_time(now_ms())).encode()
            self._models_from = now + max(_MODELS_PAUSE_S, len(value) / _MODELS_BYTES_PER_S)
            self._producer.send(self._topic, value, key=key_of(worker))
        sign = self._sign(kind, known or self._known, models)
        self._producer.send(self._topic, sign.encode(), key=worker.encode())

    def _sign(self, kind: SignKind, known: _Known, models: ModelsStanding | None = None) -> Sign:
        version, verdict = known
        of_models = self._of_models
        if models is None and self._models is not None:
            models = self._models()
        return Sign(
            worker=self._identity.worker,
            deployable=self._identity.deployable,
            host=self._identity.host,
            pid=self._identity.pid,
            started_at=self._identity.started_at,
            state=kind,
            at=ce_time(now_ms()),
            version=version,
            offset=verdict.offset if verdict else None,
            heartbeat_ms=self._heartbeat_ms,
            offered=verdict.version if verdict else None,
            verdict=verdict.kind.value if verdict else None,
            reasons=_shortened(verdict.reasons) if verdict else (),
            weights={route: dict(each) for route, each in islice(self._weights().items(), _MOST_WEIGHTS)},
            models_offset=models.offset if models else None,
            models_verdict=of_models.kind.value if of_models else None,
            models_subject=of_models.subject if of_models else None,
            models_reasons=_shortened(of_models.reasons) if of_models else (),
            models=models.counts if models else {},
        )


def _shortened(reasons: tuple[str, ...]) -> tuple[str, ...]:
    kept = tuple(
        each if len(each) <= _REASON_CHARACTERS else f"{each[:_REASON_CHARACTERS]}…" for each in reasons[:_MOST_REASONS]
    )
    left = len(reasons) - len(kept)
    return (*kept, f"and {left} more; 'penstock validate' lists all") if left else kept
