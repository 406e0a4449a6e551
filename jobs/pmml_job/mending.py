"""What the engine (PMML4S 1.5.8) does wrongly and can be put right from outside, once a model is loaded.

What cannot be put right is refused before a model is registered.
"""

from __future__ import annotations

from typing import Any

from jpype import JClass

__all__ = ["mend"]


def mend(java_model: Any) -> None:
    """Put a loaded model right. Does nothing to most."""
    if str(java_model.modelElement()) == "AssociationModel":
        _rank_best_first(java_model)


def _rank_best_first(java_model: Any) -> None:
    """Rules come sorted the wrong way round: the worst first where the best are asked for, and the other way.

    So each output is made to ask for the contrary. It is a final field of the engine's class, without a setter.
    """
    orders = JClass("org.pmml4s.metadata.RankOrder")
    field = JClass("org.pmml4s.metadata.OutputField").class_.getDeclaredField("rankOrder")
    field.setAccessible(True)
    for output in java_model.outputFields():
        contrary = orders.descending() if str(output.rankOrder()) == "ascending" else orders.ascending()
        field.set(output, contrary)
