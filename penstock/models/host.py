"""The models of one job in one worker: loaded beside scoring, held while they are used, let go when room is short.

The shell around the pure registry and catalogue: threads that load, and a keeper, which looks at the time, gives up
what nobody holds any more, and tells of changes.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from penstock.errors import ModelRefError, UnknownModelError
from penstock.logs import get_logger
from penstock.models.budget import WaitBudget
from penstock.models.cache import Cache
from penstock.models.catalog import Catalog
from penstock.models.catalog_events import State, Wanted
from penstock.models.loading import Loader, LoadingThreads, Served, Workshop, give_up
from penstock.models.records import Registered
from penstock.models.ref import ModelRef
from penstock.models.registry import Registry
from penstock.models.shelf import Lease, ModelState, Shelf
from penstock.models.store import Store
from penstock.models.usage import routed, shadowed, wanted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from penstock.control.messages import Message, Verdict
    from penstock.errors import RecordError
    from penstock.models.catalog_events import Event
    from penstock.routing.document import RoutingDocument
    from penstock.sections import ModelsSettings

__all__ = ["Loader", "ModelHost", "ModelState", "Served"]

_log = get_logger(__name__)
_MIB = 1 << 20
_JOIN_S = 2.0


class ModelHost:
    """Follows the registry and holds the models. One thread scores; one for each topic offers; any may ask."""

    def __init__(
        self,
        settings: ModelsSettings,
        job: str,
        loader: Loader,
        *,
        eager: bool | Callable[[str], bool],
        on_change: Callable[[], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin with no models.

        Args:
            settings: where files are, and bounds.
            job: whose models count.
            loader: the job's own; called in the host's threads.
            eager: load what routes name, and others where there is room, before somebody asks; a function tells of a
                model's name whether its requests come here at all. Else the models that matter are those of shadows,
                and the first request for each begins its loading.
            on_change: is told that `states` or `serving` says something new; from a thread of the host's.
            clock: seconds, as `time.monotonic`.
        """
        self._job = job
        self._named_in = routed if eager else shadowed
        self._on_change = on_change
        # Of its own, and taken before the shelf's: what many models want is worked out while others score.
        self._reading = threading.RLock()
        self._registry = Registry()
        self._named: frozenset[ModelRef] | None = None  # by the document; None: there is none yet
        self._wanted: frozenset[ModelRef] = frozenset()
        self._offset: int | None = None
        self._loads = LoadingThreads(
            Workshop(Store.of(settings), Cache(settings.cache_folder, settings.cache_mb), loader),
            settings.load_threads,
            settings.load_timeout_ms / 1000,
            clock,
        )
        catalog = Catalog(settings.most_loaded, settings.most_mb * _MIB, job, eager)
        budget = WaitBudget(settings.wait_ms, settings.reload_wait_ms)
        self._shelf = Shelf(catalog, budget, self._loads, clock)
        self._loads.answer, self._loads.begun = self._shelf.answer, self._shelf.wake
        self._keeper = threading.Thread(target=self._keep, name=f"keep models of {job}", daemon=True)
        self._keeper.start()

    @property
    def offset(self) -> int | None:
        """Of the last message that `states` has regard to; -1: the topic is empty, None: nothing was read yet."""
        return self._offset

    def begin(self, messages: Sequence[Message]) -> list[Verdict]:
        """Take all messages that the topic holds; nothing is loaded before it is known what is wanted."""
        with self._reading:
            verdicts = self._registry.recover(messages)
            if self._named is not None:
                self._shelf.feed([*self._wanting(), *self._all()])
            self._offset = self._registry.offset
        return verdicts

    def offer(self, message: Message) -> Verdict:
        """Take the next message; never raises, whatever its bytes are."""
        with self._reading:
            verdict = self._registry.offer(message)
            if self._named is not None:
                self._shelf.feed([*self._wanting(), *self._registry.events(verdict)])
            self._offset = self._registry.offset
        return verdict

    def want(self, document: RoutingDocument) -> None:
        """Take another routing document: what it names is loaded first, and let go last."""
        named = self._named_in(document)
        with self._reading:
            first, self._named = self._named is None, named
            self._shelf.feed([*self._wanting(), *(self._all() if first else ())])

    def await_wanted(self, patience_s: float) -> frozenset[ModelRef]:
        """Wait until what routes name is loaded, or cannot be; return what still may come when patience is over."""
        return self._shelf.settled(patience_s)

    def _wanting(self) -> Iterator[Event]:
        """The event of what routes want now, if that is another thing than before; it goes before all others."""
        if self._named is not None:
            found = wanted(self._named, self._registry, self._job)
            if found != self._wanted:
                self._wanted = found
                yield Wanted(found)

    def _all(self) -> list[Event]:
        """Return the events of the whole registry; what routes want comes first, for it is loaded in this order."""
        events: list[Event] = list(self._registry.events())
        events.sort(key=lambda event: not (isinstance(event, Registered) and event.descriptor.ref in self._wanted))
        return events

    def leased(self, texts: Iterable[str]) -> AbstractContextManager[Mapping[str, Served]]:
        """Give the models that are ready, by the texts that mean them, and keep them so until the exit.

        The others are asked for. A text is ``name:version``, its old form, or a bare name; any other means no model.
        """
        return Lease(self._shelf, texts)

    def wait(self, texts: Iterable[str], deadline: float) -> None:
        """Wait until one of the models is no longer being loaded, or there is nothing left to wait.

        Args:
            texts: models that are being loaded.
            deadline: by `time.monotonic`; may be infinite, for one episode of loading has a bound of its own:
                `models.wait_ms`, or `models.reload_wait_ms`, in all batches together.
        """
        self._shelf.wait(texts, deadline)

    def absence(self, text: str) -> RecordError:
        """Say why there is no model. One that became ready in between can be asked for again: it "is loading"."""
        return self._shelf.absence(text) or self._unknown(text)

    def _unknown(self, text: str) -> UnknownModelError:
        with self._reading:
            try:
                ref = ModelRef.parse(text)
            except ModelRefError as error:
                return UnknownModelError(text, self._registry.unknown(ModelRef(text)).known, error.detail)
            unknown = self._registry.unknown(ref)
            meant = self._registry.meant(ref)
            found = None if meant is None else self._registry.get(meant)
        if found is None or found.job == self._job:
            return UnknownModelError(text, unknown.known, unknown.cause)
        return UnknownModelError(text, unknown.known, f"job {found.job!r} scores it, this is job {self._job!r}")

    def states(self) -> dict[str, ModelState]:
        """Return how each version is, by ref."""
        return {str(ref): state for ref, state in self._shelf.states().items()}

    def serving(self) -> dict[str, int]:
        """Return which version each bare name means here: another than the live one, while that is not ready."""
        return self._shelf.serving()

    def close(self) -> None:
        """Load no more, and give the models up: those that are still held, when they no longer are."""
        self._shelf.close()
        self._loads.close()
        self._keeper.join(_JOIN_S)

    def _keep(self) -> None:
        look_at: float | None = None
        while True:
            chores = self._shelf.chores(look_at)
            for served in chores.retired:
                give_up(served)
            self._tell(chores.changed)
            if chores.last:
                return
            del chores  # what waits keeps no model alive
            look_at = self._loads.expire()

    def _tell(self, changed: Mapping[ModelRef, ModelState | None]) -> None:
        for ref, state in changed.items():
            if state is None:
                _log.info("model deleted", model=str(ref))
            elif state.state is State.FAILED:
                _log.warning("model cannot be used here", model=str(ref), reason=state.reason)
            else:
                _log.info("model is in another state", model=str(ref), state=state.state.value, reason=state.reason)
        if changed and self._on_change is not None:
            try:
                self._on_change()
            except Exception:  # noqa: BLE001 (the keeper's boundary: what others do with news does not end it)
                _log.exception("nobody was told of models' states")
