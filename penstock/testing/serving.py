"""Models that come when a test says so, in place of those that a worker's host loads."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING

from penstock.errors import ModelLoadingError, RecordError, UnknownModelError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from penstock.scoring import Servable

__all__ = ["FakeModels"]


class FakeModels:
    """Holds models by the texts that mean them. Each wait brings what the test has put into `to_come` next."""

    def __init__(self, known: Mapping[str, Servable | RecordError]) -> None:
        """Begin with models, or with why there is none, by text. Other texts are unknown."""
        self.known = dict(known)
        self.to_come: list[Mapping[str, Servable | RecordError]] = []
        self.waits: list[tuple[frozenset[str], float]] = []
        """What was waited for, and until when."""
        self.held: Counter[str] = Counter()
        """How often each text is leased now."""

    @contextmanager
    def leased(self, texts: Iterable[str]) -> Iterator[Mapping[str, Servable]]:
        """Give those that are ready."""
        given = {text: model for text in texts if not isinstance(model := self._find(text), RecordError)}
        self.held.update(given.keys())
        try:
            yield given
        finally:
            self.held.subtract(given.keys())

    def wait(self, texts: Iterable[str], deadline: float) -> None:
        """Let come what is next to come."""
        self.waits.append((frozenset(texts), deadline))
        if self.to_come:
            self.known.update(self.to_come.pop(0))

    def absence(self, text: str) -> RecordError:
        """Say why there is none; one that came in between may be asked for again."""
        found = self._find(text)
        return found if isinstance(found, RecordError) else ModelLoadingError(text, 0, 0)

    def _find(self, text: str) -> Servable | RecordError:
        return self.known.get(text) or UnknownModelError(text, tuple(self.known))
