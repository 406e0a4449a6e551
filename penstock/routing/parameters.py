"""Types that parameters of transforms and keys of the routing document share."""

from __future__ import annotations

import math
from typing import Annotated, Any

from pydantic import AfterValidator, Discriminator, Field, Tag, WithJsonSchema

from penstock.errors import shown
from penstock.scalars import Scalar, kind

__all__ = ["CastRule", "Fields", "JsonScalar", "Separator"]


def _scalar(found: object) -> object:
    if not isinstance(found, str | int | float) or (isinstance(found, float) and not math.isfinite(found)):
        raise ValueError(f"expected text, a number, true or false, got {shown(found)} ({kind(found)})")
    return found


Fields = Annotated[list[str], Field(min_length=1)]
JsonScalar = Annotated[Any, AfterValidator(_scalar), WithJsonSchema({"type": ["string", "number", "boolean"]})]
CastRule = Annotated[
    Annotated[Scalar, Tag("all")] | Annotated[dict[str, Scalar], Tag("each")],
    # Named arms give one fault where pydantic would give one for each arm.
    Discriminator(lambda found: "each" if isinstance(found, dict) else "all"),
]
"""One type for all fields, or types by field."""
Separator = Annotated[str, Field(min_length=1, max_length=1, pattern=r'^[^"\r\n]$')]
"""Between two cells: one character that can be neither quote nor line end."""
