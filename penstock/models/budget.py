"""How long requests of a model that is being loaded may still hold up those of other models. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from penstock.models.ref import ModelRef

__all__ = ["WaitBudget"]


class WaitBudget:
    """Time for waiting, by loading episode: one attempt to load one version, which its generation tells from others."""

    def __init__(self, wait_ms: int) -> None:
        """Allow each episode so much, in milliseconds, in all batches together."""
        self._wait_ms = wait_ms
        self._spent: dict[ModelRef, tuple[int, int]] = {}

    def left_ms(self, ref: ModelRef, generation: int) -> int:
        """Return how long may still be waited for this loading of the version, in milliseconds."""
        known, spent = self._spent.get(ref, (generation, 0))
        return max(0, self._wait_ms - spent) if known == generation else self._wait_ms

    def spent(self, ref: ModelRef, generation: int, ms: int) -> None:
        """Note that a batch has waited for this loading of the version."""
        known, before = self._spent.get(ref, (generation, 0))
        self._spent[ref] = (generation, max(0, ms) + (before if known == generation else 0))

    def forget(self, ref: ModelRef) -> None:
        """Drop what is known of a version that is loaded, or gone."""
        self._spent.pop(ref, None)
