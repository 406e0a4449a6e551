"""How long requests of a model that is being loaded may still hold up those of other models. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from penstock.models.ref import ModelRef

__all__ = ["Allowance", "WaitBudget"]


class Allowance(NamedTuple):
    """How long all batches together may wait for one loading."""

    wait_ms: int
    setting: str
    """What it is called among the settings."""


class WaitBudget:
    """Time for waiting, by loading episode: one attempt to load one version, which its generation tells from others."""

    def __init__(self, wait_ms: int, reload_wait_ms: int) -> None:
        """Begin with nothing spent.

        Args:
            wait_ms: what each episode is allowed, in milliseconds, in all batches together.
            reload_wait_ms: what it is allowed where a request began it, for want of room before: then all models are
                good, and dead letters would be the price of a memory that is too small for what comes.
        """
        self._first = Allowance(wait_ms, "models.wait_ms")
        self._reload = Allowance(reload_wait_ms, "models.reload_wait_ms")
        self._reloads: dict[ModelRef, int] = {}
        self._spent: dict[ModelRef, tuple[int, int]] = {}

    def reloads(self, ref: ModelRef, generation: int) -> None:
        """Note that a request began this loading."""
        self._reloads[ref] = generation

    def allowed(self, ref: ModelRef, generation: int) -> Allowance:
        """Return how long may be waited for this loading in all."""
        return self._reload if self._reloads.get(ref) == generation else self._first

    def left_ms(self, ref: ModelRef, generation: int) -> int:
        """Return how long may still be waited for this loading of the version, in milliseconds."""
        known, spent = self._spent.get(ref, (generation, 0))
        return max(0, self.allowed(ref, generation).wait_ms - (spent if known == generation else 0))

    def spent(self, ref: ModelRef, generation: int, ms: int) -> None:
        """Note that a batch has waited for this loading of the version."""
        known, before = self._spent.get(ref, (generation, 0))
        self._spent[ref] = (generation, max(0, ms) + (before if known == generation else 0))

    def forget(self, ref: ModelRef) -> None:
        """Drop what is known of a version that is loaded, or gone."""
        self._spent.pop(ref, None)
        self._reloads.pop(ref, None)
