"""What workers say of their models on the status topic, beside their signs of life, and what was heard of it. Pure.

Each sign tells all there is to tell, as signs of life do. It is a message of its own because it can be long.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple, Protocol

import msgspec

from penstock.models.catalog_events import State
from penstock.models.ref import ModelRef

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from penstock.control.messages import Message
    from penstock.control.status import Identity

__all__ = ["HeardModels", "ModelSign", "ModelStanding", "ModelsSign", "ModelsStanding", "key_of", "parse", "sign_of"]

#: A sign is to stay a message that every broker takes: so many versions, and so many characters of what is said of
#: them, each of which may be four bytes.
_MOST_MODELS, _MOST_CHARACTERS = 1_000, 200_000
_REASON_CHARACTERS = 300
#: What somebody has to look at comes first, and is told even where not all can be.
_ORDER = {State.FAILED: 0, State.LOADING: 1, State.READY: 2, State.EVICTED: 3}


class ModelStanding(Protocol):
    """How one version is in a worker."""

    @property
    def state(self) -> State:
        """Where it is."""
        ...

    @property
    def since_ms(self) -> int:
        """Since when, in milliseconds since 1970."""
        ...

    @property
    def bytes(self) -> int:
        """Memory that it takes, as estimated."""
        ...

    @property
    def reason(self) -> str:
        """Why it failed or was evicted."""
        ...


class ModelsStanding(NamedTuple):
    """How a worker's models are, at one moment."""

    job: str
    offset: int | None
    """The last message of the topic of models that all of this has regard to; -1: the topic is empty."""
    states: Mapping[str, ModelStanding]
    """By ref."""
    serving: Mapping[str, int]
    """Which version a bare name means in this worker now."""

    @property
    def counts(self) -> dict[str, int]:
        """How many versions are in each state."""
        return {
            state.value: count for state, count in sorted(Counter(one.state for one in self.states.values()).items())
        }


class ModelSign(msgspec.Struct, frozen=True, array_like=True):
    """How one version is, as it stands on the topic: a list of these four."""

    state: State
    since_ms: int
    bytes: int
    reason: str


class ModelsSign(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a worker says of its models, as it stands on the topic."""

    worker: str
    deployable: str
    job: str
    """Whose models it holds."""
    at: str
    """When it was given, RFC 3339."""
    offset: int
    """The last message of the topic of models that it has seen: this sign answers that one and all before."""
    serving: dict[str, int]
    """Which version a bare name means in this worker now: another than the live one while that is not ready."""
    models: dict[str, ModelSign]
    """How each version is, by ref; those that failed or are loading first."""
    more: int = 0
    """How many versions are left out because the sign would be too long."""

    def encode(self) -> bytes:
        """Return the sign as it stands on the topic."""
        return msgspec.json.encode(self)

    def knows(self, name: str) -> bool:
        """Tell whether the worker has any version of a model."""
        return name in self.serving or any(ModelRef.parse(ref).name == name for ref in self.models)

    def serves(self, name: str, version: int) -> bool:
        """Tell whether a bare name means this version, and it scores: at once, or when somebody asks for it."""
        found = self.models.get(str(ModelRef(name, version)))
        able = found is None or found.state in {State.READY, State.EVICTED}
        return self.serving.get(name) == version and able


_decode = msgspec.json.Decoder(ModelsSign).decode


def key_of(worker: str) -> bytes:
    """Return the key of a worker's messages about its models."""
    return f"{worker}/models".encode()


def parse(value: bytes | None) -> ModelsSign | None:
    """Read a sign; None where the message is none: a sign of life, or somebody else's."""
    try:
        return None if value is None else _decode(value)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


def sign_of(identity: Identity, standing: ModelsStanding, at: str) -> ModelsSign:
    """Return what a worker says of its models at a time."""
    kept: dict[str, ModelSign] = {}
    characters = 0
    for ref, one in sorted(standing.states.items(), key=lambda pair: (_ORDER[pair[1].state], -pair[1].since_ms)):
        reason = _shortened(one.reason)
        characters += len(ref) + len(reason)
        if len(kept) == _MOST_MODELS or characters > _MOST_CHARACTERS:
            break
        kept[ref] = ModelSign(one.state, one.since_ms, one.bytes, reason)
    more = len(standing.states) - len(kept)
    told = {ModelRef.parse(ref).name for ref in kept} if more else standing.serving.keys()
    return ModelsSign(
        worker=identity.worker,
        deployable=identity.deployable,
        job=standing.job,
        at=at,
        offset=-1 if standing.offset is None else standing.offset,
        serving={name: version for name, version in standing.serving.items() if name in told},
        models=kept,
        more=more,
    )


def _shortened(reason: str) -> str:
    return reason if len(reason) <= _REASON_CHARACTERS else f"{reason[:_REASON_CHARACTERS]}…"


class HeardModels:
    """What workers said last of their models."""

    def __init__(self) -> None:
        self._signs: dict[str, ModelsSign] = {}

    def hear(self, messages: Iterable[Message]) -> None:
        """Take in messages of the status topic, in their order."""
        for message in messages:
            sign = parse(message.value)
            if sign is not None:
                self._signs[sign.worker] = sign

    @property
    def signs(self) -> Mapping[str, ModelsSign]:
        """The last sign of each, by the worker's name."""
        return self._signs
