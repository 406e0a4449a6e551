"""What tells the world how a worker is: its signs of life, written by a thread of its own."""

from __future__ import annotations

import itertools
import os
import queue
import socket
import threading
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from kafka.errors import KafkaError

from penstock import kafka
from penstock.control.status import Identity, Sign, SignKind
from penstock.event import ce_time
from penstock.logs import get_logger
from penstock.routing.ramp import now_ms

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kafka import KafkaProducer

    from penstock.clusters import ClusterSettings
    from penstock.control.messages import Verdict

__all__ = ["Announcer", "identify"]

_log = get_logger(__name__)
_CLOSE_S = 2.0
#: A document can have a fault in each of thousands of routes; a sign is to stay a small message.
_MOST_REASONS, _REASON_CHARACTERS = 50, 500
#: The same goes for thousands of ramps; 'penstock status' works out all weights for itself.
_MOST_WEIGHTS = 100
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
    ) -> None:
        self._cluster = cluster
        self._topic = topic
        self._identity = identity
        self._heartbeat_ms = heartbeat_ms
        self._weights = weights
        self._known: _Known = (None, None)
        # What is to be told, each with what was known then: documents may come quicker than signs are written, and
        # each of them is answered. None: whatever is known when the sign is given.
        self._due: queue.SimpleQueue[tuple[SignKind, _Known | None]] = queue.SimpleQueue()
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

    def close(self) -> None:
        """Say good-bye."""
        if self._thread.is_alive():
            self._due.put((SignKind.STOPPED, None))
            self._thread.join(_CLOSE_S)

    def _run(self) -> None:
        kind = SignKind.ALIVE
        while kind is not SignKind.STOPPED:
            try:
                kind, known = self._due.get(timeout=self._heartbeat_ms / 1000)
            except queue.Empty:
                kind, known = SignKind.ALIVE, None
            try:
                self._send(kind, known or self._known)
            except Exception as error:  # noqa: BLE001 (the thread's boundary: the next sign tells as much)
                _log.warning("sign of life not given", worker=self._identity.worker, cause=str(error))
        if self._producer is not None:
            with suppress(KafkaError):  # there may be no broker to say good-bye to
                self._producer.close(timeout=_CLOSE_S)

    def _send(self, kind: SignKind, known: _Known) -> None:
        if self._producer is None:
            self._producer = kafka.producer(
                self._cluster,
                # A sign may come twice; a producer that insists on its order is of no use after an outage.
                enable_idempotence=False,
                max_block_ms=self._heartbeat_ms,
                delivery_timeout_ms=self._cluster.request_timeout_ms + self._heartbeat_ms,
            )
        self._producer.send(self._topic, self._sign(kind, known).encode(), key=self._identity.worker.encode())

    def _sign(self, kind: SignKind, known: _Known) -> Sign:
        version, verdict = known
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
        )


def _shortened(reasons: tuple[str, ...]) -> tuple[str, ...]:
    kept = tuple(
        each if len(each) <= _REASON_CHARACTERS else f"{each[:_REASON_CHARACTERS]}…" for each in reasons[:_MOST_REASONS]
    )
    left = len(reasons) - len(kept)
    return (*kept, f"and {left} more; 'penstock validate' lists all") if left else kept
