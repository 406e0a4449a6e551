"""Which versions of which models there are, which of them are wanted, and how far each has come. Pure.

A version that is not wanted any more goes only when one that is wanted can take over, and when the last call that uses
it has ended.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, assert_never

from penstock.local.model_server.refusal import Code, Refusal

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from penstock.local.model_server.signatures import Signature

__all__ = [
    "All",
    "Found",
    "Latest",
    "Load",
    "ModelConfig",
    "Policy",
    "Repository",
    "Servable",
    "Specific",
    "State",
    "Unload",
    "Version",
]


class State(IntEnum):
    """How far a version is, by the numbers of the protocol."""

    START = 10
    LOADING = 20
    AVAILABLE = 30
    UNLOADING = 40
    END = 50


class Latest(NamedTuple):
    """The highest versions are wanted."""

    most: int = 1


class Specific(NamedTuple):
    """These are wanted."""

    versions: frozenset[int]


class All(NamedTuple):
    """All are wanted."""


Policy = Latest | Specific | All


class ModelConfig(NamedTuple):
    """One model that is to be served."""

    base: Path
    """The folder with a folder for each version."""
    policy: Policy = Latest()
    labels: Mapping[str, int] = {}
    """Versions by names that callers may use for them."""


class Found(NamedTuple):
    """A version's folder."""

    path: Path
    identity: Hashable
    """Another one is another model, which has to be loaded anew."""


class Servable(Protocol):
    """A loaded SavedModel."""

    @property
    def signatures(self) -> Mapping[str, Signature]:
        """How it can be called."""
        ...

    def run(self, name: str, inputs: Mapping[str, NDArray[Any]]) -> Mapping[str, NDArray[Any]]:
        """Compute the outputs of a signature; raises `Refusal`."""
        ...

    def close(self) -> None:
        """Give the memory back."""
        ...


class _Nothing:
    """Stands where nothing is loaded: nobody is handed it."""

    signatures: Mapping[str, Signature] = {}

    def run(self, name: str, inputs: Mapping[str, NDArray[Any]]) -> Mapping[str, NDArray[Any]]:
        raise NotImplementedError

    def close(self) -> None:
        """Nothing is open."""


@dataclass(slots=True, eq=False)
class Version:
    """One version of a model, from the day it was found."""

    model: str
    number: int
    found: Found
    state: State = State.START
    error: Refusal | None = None
    """Why it ended, where it failed."""
    servable: Servable = field(default_factory=_Nothing)
    leases: int = 0
    """How many calls use it."""


class Load(NamedTuple):
    """A step: load this version, then tell."""

    version: Version


class Unload(NamedTuple):
    """A step: close this version, then tell."""

    version: Version


class Repository:
    """Models by name. Belongs to one thread."""

    def __init__(self) -> None:
        """Begin without models."""
        self._configs: dict[str, ModelConfig] = {}
        self._versions: dict[str, dict[int, Version]] = {}
        self._found: dict[str, dict[int, Found]] = {}
        self._leaving: list[Version] = []

    @property
    def configs(self) -> Mapping[str, ModelConfig]:
        """What is to be served."""
        return self._configs

    def configure(self, configs: Mapping[str, ModelConfig]) -> None:
        """Serve these models and no others; what of them there is, `offer` tells."""
        self._configs = dict(configs)

    def offer(self, found: Mapping[str, Mapping[int, Found]]) -> None:
        """Take in which versions' folders there are now, by model."""
        self._found = {name: dict(versions) for name, versions in found.items()}
        for name in self._configs:
            known = self._versions.setdefault(name, {})
            for number in self._wanted(name):
                place = self._found[name][number]
                version = known.get(number)
                if version is None or _is_new(version, place):
                    if version is not None and version.state is State.AVAILABLE:
                        self._leave(version)
                    known[number] = Version(name, number, place)

    def steps(self) -> Iterator[Load | Unload]:
        """Yield what is to be done now; a version's state says already that it is being done."""
        for version in list(self._all()):
            if version.state is State.START and version.number in self._wanted(version.model):
                version.state = State.LOADING
                yield Load(version)
        for version in list(self._all()):
            if version.state is State.AVAILABLE and self._may_go(version):
                self._leave(version)
        for version in [each for each in self._leaving if not each.leases]:
            self._leaving.remove(version)
            yield Unload(version)

    def loaded(self, version: Version, servable: Servable) -> None:
        """Note that a version can be used."""
        version.servable, version.state = servable, State.AVAILABLE

    def failed(self, version: Version, refusal: Refusal) -> None:
        """Note that a version cannot be loaded. It is tried again when its folder is another."""
        version.error, version.state = refusal, State.END

    def unloaded(self, version: Version) -> None:
        """Note that a version is gone."""
        version.servable, version.state = _Nothing(), State.END

    @property
    def settled(self) -> bool:
        """Whether nothing is on its way up."""
        return all(each.state not in (State.START, State.LOADING) for each in self._all())

    def states(self, model: str) -> Mapping[int, Version]:
        """Return all versions of a model that were ever there, the highest first."""
        return dict(sorted(self._versions.get(model, {}).items(), reverse=True))

    def version(self, model: str, number: int | None = None, label: str = "") -> Version:
        """Return the version that a call means: this one, the one with the label, or the highest.

        Raises `Refusal`: NOT_FOUND where it is not available, INVALID_ARGUMENT where the label is unknown.
        """
        if label:
            labels = self._configs[model].labels if model in self._configs else {}
            if label not in labels:
                raise Refusal(Code.INVALID_ARGUMENT, f"Unrecognized servable version label: {label}")
            number = labels[label]
        available = {each.number: each for each in self.states(model).values() if each.state is State.AVAILABLE}
        if number is None and available:
            return available[max(available)]
        if number in available:
            return available[number]
        wanted = f"Latest({model})" if number is None else f"Specific({model}, {number})"
        raise Refusal(Code.NOT_FOUND, f"Servable not found for request: {wanted}")

    @contextmanager
    def held(self, version: Version) -> Iterator[Version]:
        """Keep a version from being closed while a call uses it."""
        version.leases += 1
        try:
            yield version
        finally:
            version.leases -= 1

    def _all(self) -> Iterator[Version]:
        for versions in self._versions.values():
            yield from versions.values()

    def _wanted(self, model: str) -> frozenset[int]:
        found = self._found.get(model, {})
        if model not in self._configs:
            return frozenset()
        match self._configs[model].policy:
            case Latest(most):
                return frozenset(sorted(found)[-most:])
            case Specific(versions):
                return frozenset(found) & versions
            case All():
                return frozenset(found)
            case policy:
                assert_never(policy)

    def _may_go(self, version: Version) -> bool:
        wanted = self._wanted(version.model)
        versions = self._versions[version.model]
        replaced = any(versions[each].state is State.AVAILABLE for each in wanted if each in versions)
        return version.number not in wanted and (replaced or not wanted)

    def _leave(self, version: Version) -> None:
        version.state = State.UNLOADING
        self._leaving.append(version)


def _is_new(version: Version, found: Found) -> bool:
    """Whether a version that is wanted has to be loaded: it was unloaded before, or its folder is another now."""
    gone = version.state is State.END and version.error is None
    return gone or (version.found.identity != found.identity and version.state in (State.AVAILABLE, State.END))
