"""Threads that load models beside the one that scores; one that hangs holds up neither others nor the process's end.

They have the priority of all threads: one with less that holds Python's lock, and has to wait for a processor there,
keeps the thread that scores waiting too (tried on busy processors: stalls of 136 ms instead of 40, at worst of 1.1 s).

Each load is answered once: with what was loaded, or with why it was not. What a load brings that took too long, and was
answered for that reason already, is given up. One that is dropped before a thread began with it is not answered.
"""

from __future__ import annotations

import threading
import time
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

from penstock.errors import ModelError
from penstock.logs import get_logger
from penstock.models.store import shown_uri

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from penstock.models.cache import Cache
    from penstock.models.catalog_events import Held
    from penstock.models.descriptor import ModelDescriptor
    from penstock.models.store import Store

__all__ = ["Failure", "Loader", "LoadingThreads", "Served", "Workshop", "give_up"]

_log = get_logger(__name__)
#: Threads that hang are replaced; so many, for each of them keeps what it has.
_MOST_REPLACED = 4
_JOIN_S = 2.0


class Served(Protocol):
    """One version of one model in memory, as a job has it."""

    @property
    def ref(self) -> str:
        """Its name and version."""
        ...

    @property
    def bytes(self) -> int:
        """Memory that it takes, as estimated."""
        ...

    def close(self) -> None:
        """Give up what it holds; nobody uses it then. Must not wait for anything."""
        ...


class Loader(Protocol):
    """How a job loads its models; called from several threads at once."""

    def load(self, descriptor: ModelDescriptor, path: Path | None) -> Served:
        """Load the model and warm it up: its first request is no slower than others.

        Args:
            descriptor: which one.
            path: its file; None where a model server has it, not the worker.

        Raises `ModelError`, whose ``passing`` says whether the same may go well a moment later, and ``mendable``
        whether it may go well some day.
        """
        ...


class Failure(NamedTuple):
    """Why a load went wrong."""

    reason: str
    passing: bool
    mendable: bool = False


class Workshop(NamedTuple):
    """What threads load with."""

    store: Store
    cache: Cache
    loader: Loader


@dataclass(slots=True, eq=False)
class _Job:
    held: Held
    descriptor: ModelDescriptor
    since: float = 0.0
    fetched: bool = False


class LoadingThreads:
    """A few threads, started when they are needed, which take the oldest load that waits, or the one in a hurry."""

    answer: Callable[[Held, Served | Failure], None]
    """Is told of each load what became of it, without any lock; to be set before the first load."""
    begun: Callable[[], None]
    """Is told that a load has begun, so that `expire` has something new to look at; to be set as well."""

    def __init__(
        self, workshop: Workshop, threads: int, timeout_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Prepare; no thread is started yet.

        Args:
            workshop: what they load with.
            threads: how many, those that hang not counted.
            timeout_s: how long a load may take.
            clock: seconds.
        """
        self._workshop = workshop
        self._most = threads
        self._timeout_s = timeout_s
        self._clock = clock
        self._work = threading.Condition()
        self._closing = False
        self._waiting: dict[Held, _Job] = {}
        self._running: dict[Held, _Job] = {}
        self._hanging: dict[Held, _Job] = {}
        self._threads: set[threading.Thread] = set()
        self._idle = 0

    def put(self, held: Held, descriptor: ModelDescriptor) -> None:
        """Load this when a thread is free."""
        with self._work:
            self._waiting[held] = _Job(held, descriptor)
            self._staff()
            self._work.notify()

    def hurry(self, held: Held) -> None:
        """Load this next, if it still waits for a thread: a request waits for it."""
        with self._work:
            job = self._waiting.pop(held, None)
            if job is not None:
                self._waiting = {held: job, **self._waiting}

    def drop(self, held: Held) -> None:
        """Do not load this, if it still waits for a thread: its model was deleted."""
        with self._work:
            self._waiting.pop(held, None)

    def expire(self) -> float | None:
        """Answer for loads that take too long, and return when to look again; None: nothing is being loaded."""
        with self._work:
            until = self._clock() - self._timeout_s
            late = [job for job in self._running.values() if job.since <= until]
            for job in late:
                self._hanging[job.held] = self._running.pop(job.held)
            self._staff()
            first = min((job.since for job in self._running.values()), default=None)
        for job in late:
            self.answer(job.held, self._too_long(job))
        return None if first is None else first + self._timeout_s

    def close(self) -> None:
        """Begin no further load. Threads that are at one end with it, or with the process."""
        with self._work:
            self._closing = True
            self._waiting.clear()
            self._work.notify_all()
            threads = list(self._threads)
        until = time.monotonic() + _JOIN_S
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _staff(self) -> None:
        """Start the threads that are missing; the caller has the lock."""
        while not self._closing and self._idle < len(self._waiting) and len(self._threads) < self._allowed:
            thread = threading.Thread(target=self._run, name=f"load models {len(self._threads)}", daemon=True)
            self._threads.add(thread)
            self._idle += 1
            thread.start()

    @property
    def _allowed(self) -> int:
        return self._most + min(len(self._hanging), _MOST_REPLACED)

    def _run(self) -> None:
        while (job := self._next()) is not None:
            self.begun()
            found = self._load(job)
            if self._done(job):
                self.answer(job.held, found)
            elif not isinstance(found, Failure):
                give_up(found)
            del job, found  # an idle thread keeps no model alive

    def _next(self) -> _Job | None:
        """Wait for a load; None: this thread is to end."""
        with self._work:
            while not self._waiting and not self._closing and len(self._threads) <= self._allowed:
                self._work.wait()
            self._idle -= 1
            if not self._waiting or len(self._threads) > self._allowed:
                self._threads.discard(threading.current_thread())
                self._work.notify()  # it was perhaps this one that was told of a load
                return None
            held = next(iter(self._waiting))
            job = self._running[held] = self._waiting.pop(held)
            job.since = self._clock()
            return job

    def _done(self, job: _Job) -> bool:
        """Tell whether the load was in time."""
        with self._work:
            self._idle += 1
            if self._hanging.pop(job.held, None) is not None:
                self._work.notify_all()  # there may be a thread too many now
                return False
            del self._running[job.held]
            return True

    def _load(self, job: _Job) -> Served | Failure:
        descriptor = job.descriptor
        if any(held.ref == job.held.ref for held in list(self._hanging)):
            return Failure(
                "an earlier attempt to load it hangs; it is tried again when that one has ended", passing=True
            )
        store, cache, loader = self._workshop
        try:
            with cache.held(descriptor, store) if descriptor.in_worker else nullcontext() as path:
                job.fetched = True
                return loader.load(descriptor, path)
        except ModelError as error:
            return Failure(str(error), error.passing, error.mendable)
        except MemoryError as error:
            return Failure(f"there is not enough memory for it: {error}; lower models.most_mb", passing=True)
        except Exception as error:  # noqa: BLE001 (the thread's boundary: whatever it is, it is about this model)
            _log.exception("model not loaded: its job's loader failed", model=str(descriptor.ref))
            return Failure(
                f"its job's loader failed: {type(error).__name__}: {error}; see the worker's log", passing=False
            )

    def _too_long(self, job: _Job) -> Failure:
        limit = f"within {self._timeout_s:g} s (models.load_timeout_ms)"
        if job.fetched:  # as slow the next time, and a thread less each time
            return Failure(
                f"it was not loaded {limit}; allow more time, or make it smaller, and add it anew", passing=False
            )
        uri = shown_uri(job.descriptor.file.uri)
        return Failure(f"its file {uri!r} was not fetched {limit}; is its store up?", passing=True)


def give_up(served: Served) -> None:
    """Close what nobody holds; a job's own fault in it may cost memory, not the other models."""
    try:
        served.close()
    except Exception:  # noqa: BLE001 (as said)
        _log.exception("model not given up", model=served.ref)
