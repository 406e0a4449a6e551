"""What is told where Java's heap is full. Without Java: what it throws is known by its name."""

from __future__ import annotations

from penstock.errors import ModelLoadError

__all__ = ["ADVICE", "HeapError", "is_of_the_heap"]

ADVICE = "raise pmml.heap_mb, or lower models.most_mb"


class HeapError(ModelLoadError):
    """Java's heap has no room for the model; it may have where another one is unloaded first."""

    passing = True


def is_of_the_heap(error: Exception) -> bool:
    """Tell whether it is Java's own error for that."""
    return type(error).__name__.endswith("OutOfMemoryError")
