"""Model refs as arguments of commands, and what they mean in a registry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from penstock.errors import ModelRefError, UnknownModelError, UnknownRefError
from penstock.models.ref import ModelRef

if TYPE_CHECKING:
    from penstock.models.descriptor import ModelDescriptor
    from penstock.models.registry import Registry

__all__ = ["RefParam", "found", "versioned"]


class RefParam(click.ParamType[ModelRef]):
    """``NAME:VERSION``, or a bare ``NAME`` for the live version."""

    name = "ref"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> ModelRef:
        """Read a ref."""
        try:
            return value if isinstance(value, ModelRef) else ModelRef.parse(str(value))
        except ModelRefError as error:
            self.fail(str(error), param, ctx)


def found(registry: Registry, ref: ModelRef) -> ModelDescriptor:
    """Return the model that a ref means.

    Raises:
        UnknownRefError: none is registered; it tells of the versions that there are of the name, or else of all.
    """
    try:
        return registry.resolve(ref)
    except UnknownModelError as error:
        known = [str(ModelRef(ref.name, version)) for version in registry.versions(ref.name)]
        raise UnknownRefError(str(ref), tuple(known or map(str, sorted(map(str, registry.descriptors))))) from error


def versioned(name: str, version: int, hint: str) -> ModelRef:
    """Return the ref of a name and a version that were given apart; ``hint`` is how the command calls the name."""
    if ModelRef.parse(name).version is not None:
        raise click.BadParameter(f"expected a name without a version, got {name!r}", param_hint=hint)
    return ModelRef.parse(f"{name}:{version}")
