"""How a worker of the service job comes by a model: its server has it, and says what it takes and gives."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from jobs.service_job.client import Method, ModelSpec, ModelState
from jobs.service_job.connecting import ServerConfig, connected
from jobs.service_job.fetching import Fetcher
from jobs.service_job.matching import match
from jobs.service_job.patience import Patience
from jobs.service_job.served import Door, Served, ServedModel
from penstock.errors import (
    FetchError,
    ModelError,
    ModelFailedError,
    ModelLoadError,
    ModelServerError,
    RecordError,
    ServerUnavailableError,
)
from penstock.event import JSON
from penstock.remote.breaker import BreakerState
from penstock.remote.calls import CallError, CallKind

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from jobs.service_job.client import ModelClient
    from penstock.models.descriptor import ModelDescriptor
    from penstock.settings import Settings

__all__ = ["ServiceLoader", "lasting", "serve", "spec_of"]

#: Where a server is on its way to a model: one that fetches it from the registry may not even have heard of it.
_COMING = (ModelState.START, ModelState.LOADING)
#: What asking again does not change. Who may ask does: a server's owner gives leave without a word to us.
_LASTING = frozenset({"INVALID_ARGUMENT", "UNIMPLEMENTED"})
#: What to do about what a server refuses; its name takes the braces' place.
_ADVICE = {
    **dict.fromkeys(
        ("UNAUTHENTICATED", "PERMISSION_DENIED"),
        "correct our credentials (service.servers.{}: metadata, tls) and start the job anew, or let its owner give us "
        "leave",
    ),
    "UNIMPLEMENTED": "correct service.servers.{} (protocol, endpoints) and start the job anew, or correct the server",
}
_ANY_ADVICE = "correct service.servers.{} and start the job anew, or correct the server"
_AGAIN = "; it is asked again each minute"
_FIRST_PAUSE_S, _MOST_PAUSE_S = 0.1, 1.0
#: What is fetched at a time: that is waiting for others, mostly.
_FETCHES = 16
#: Of the time that a load may take: the rest is for asking what the model is, and for its sample.
_SHARE_OF_LOAD = 0.5
#: Attempts of a call have pauses between them, of at most 2 s.
_PAUSE_S = 2.0


class Allowance(NamedTuple):
    """What an installation gives each model."""

    until: float
    """By `time.monotonic`: how long a load waits for a server that does not have the model yet."""
    absence: Patience
    """How long requests wait where the server is up and no longer has it."""
    image_pixels: int
    """Most pixels of an image that is decoded."""


class ServiceLoader:
    """Finds models on their servers for a worker's host, which calls it from threads of its own. Close it after use."""

    def __init__(self, settings: Settings, connect: Callable[[ServerConfig], ModelClient] | None = None) -> None:
        """Prepare; no server is asked yet.

        Args:
            settings: the servers, and how they are asked.
            connect: gives a server's client; None: a real one.
        """
        self._settings = settings
        self._connect = connected if connect is None else connect
        service = settings.service
        self._pool = ThreadPoolExecutor(service.in_flight, "call")
        self._fetching = ThreadPoolExecutor(_FETCHES, "fetch")
        self._fetcher = Fetcher.of(settings)
        self._between_s = service.attempts * (service.deadline_ms / 1000 + _PAUSE_S)
        self._doors: dict[str, Door] = {}
        self._lock = threading.Lock()

    def load(self, descriptor: ModelDescriptor, path: Path | None) -> ServedModel:
        """Ask the model's server for it, compare, and warm it up. Raises `ModelError`."""
        settings = self._settings
        absence = Patience(settings.models.reload_wait_ms / 1000, self._between_s)
        until = time.monotonic() + settings.models.load_timeout_ms / 1000 * _SHARE_OF_LOAD
        return serve(descriptor, self._door(descriptor), Allowance(until, absence, settings.service.image_pixels))

    def away(self, server: str) -> int:
        """Tell how many endpoints of a server get no calls at the moment; none before a model of it was loaded."""
        door = self._doors.get(server)
        if door is None:
            return 0
        return sum(each.state is not BreakerState.CLOSED for each in door.client.states())

    def close(self) -> None:
        """End calls and connections."""
        with self._lock:
            doors = list(self._doors.values())
        for door in doors:
            door.client.close()
        self._fetcher.close()
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._fetching.shutdown(wait=False, cancel_futures=True)

    def _door(self, descriptor: ModelDescriptor) -> Door:
        """The way to a model's server, which all models on it share."""
        service = self._settings.service
        name = descriptor.on_server.name
        if name not in service.servers:
            known = ", ".join(sorted(service.servers))
            raise ModelLoadError(
                str(descriptor.ref), f"its server {name!r} is not among service.servers ({known}); add it there"
            )
        with self._lock:
            door = self._doors.get(name)
            if door is None:
                door = self._doors[name] = Door(
                    name=name,
                    client=self._connect(ServerConfig.of(service, name)),
                    pool=self._pool,
                    fetching=self._fetching,
                    fetch=self._fetcher.fetch,
                    outage=Patience(service.patience_ms / 1000, self._between_s),
                    batch_rows=service.batch_rows,
                    begun_until=time.monotonic() + self._settings.models.startup_wait_ms / 1000,
                )
            return door


def spec_of(descriptor: ModelDescriptor) -> ModelSpec:
    """What the model's server calls it."""
    server = descriptor.on_server
    return ModelSpec(
        name=server.model or descriptor.name,
        version=server.version,
        label=server.label,
        signature=server.signature,
        method=Method(server.method),
    )


def lasting(error: CallError) -> bool:
    """Whether a server that was asked what it has would say the same again: no such signature, or no such method."""
    return error.kind is CallKind.FATAL and error.code in _LASTING


def serve(descriptor: ModelDescriptor, door: Door, allowance: Allowance) -> ServedModel:
    """Wait until a server has a model, compare what it says with the descriptor, and warm it up.

    Args:
        descriptor: which model.
        door: the way to its server.
        allowance: what the installation gives it.

    Raises:
        ModelLoadError: descriptor and server disagree.
        ModelServerError: the server does not answer, does not have the model yet, or refuses us.
    """
    ref, spec = str(descriptor.ref), spec_of(descriptor)
    try:
        _await(descriptor, door, spec, allowance.until)
        signature = door.client.metadata(spec)
    except CallError as error:
        raise _unanswered(ref, door.name, error) from error
    matched = match(descriptor, signature, allowance.image_pixels)
    served = ServedModel(Served(ref, spec, matched.reader, matched.answers, matched.primary, allowance.absence), door)
    if descriptor.sample is not None:
        _warm_up(served, descriptor.sample, door.name)
    return served


def _unanswered(ref: str, server: str, error: CallError) -> ModelError:
    """Why a server does not say what it has, and what to do about it."""
    if error.kind is not CallKind.FATAL:
        return ModelServerError(ref, server, f"it does not say what it has: {error}")
    if error.code == "INVALID_ARGUMENT":
        detail = f"its server {server!r} does not have it as its descriptor says: {error}; correct one of the two"
        return ModelLoadError(ref, detail)
    advice = _ADVICE.get(error.code, _ANY_ADVICE).format(server)
    return ModelServerError(ref, server, f"it refuses to say what it has: {error}; {advice}{_AGAIN}", False)


def _await(descriptor: ModelDescriptor, door: Door, spec: ModelSpec, until: float) -> None:
    """Wait while the model may still come: it was registered a moment ago, or the server was started with us.

    Raises `ModelServerError`, and `CallError` where the server does not answer.
    """
    pause_s = _FIRST_PAUSE_S
    while True:
        try:
            found = door.client.status(spec)
        except CallError as error:
            begun_until = min(door.begun_until, until)
            if error.kind is not CallKind.RETRY or not door.client.wait(spec, begun_until):
                raise
            continue
        if found.state is ModelState.AVAILABLE:
            return
        # The server that gets models from the registry has not heard of every one that we have.
        coming = found.state in _COMING or (found.state is ModelState.ABSENT and descriptor.has_file)
        left_s = until - time.monotonic()
        if not coming or left_s <= 0:
            detail = f": {found.detail}" if found.detail else ""
            raise ModelServerError(
                str(descriptor.ref), door.name, f"it does not have {spec} yet (it says {found.state}{detail})"
            )
        time.sleep(min(pause_s, left_s))
        pause_s = min(2 * pause_s, _MOST_PAUSE_S)


def _warm_up(served: ServedModel, sample: object, server: str) -> None:
    """A first call, after which the connection is there and the server's graph is ready."""
    try:
        request = served.read(msgspec.json.encode(sample), JSON)
        (answer,) = served.score([request])
        served.result(request, answer, "", 0)
    except ServerUnavailableError as error:
        raise ModelServerError(served.ref, server, f"it does not score the sample: {error.detail}") from error
    except ModelFailedError as error:  # whatever the sample is
        detail = f"it refuses to score the sample: {error.detail}; {_ANY_ADVICE.format(server)}{_AGAIN}"
        raise ModelServerError(served.ref, server, detail, False) from error
    except FetchError as error:
        detail = f"its sample has no payload: {error}; correct 'sample' in the descriptor, or put it there{_AGAIN}"
        raise ModelServerError(served.ref, server, detail, False) from error
    except RecordError as error:
        raise ModelLoadError(served.ref, f"its descriptor's sample cannot be scored: {error}") from error
