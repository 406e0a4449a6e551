"""A worker's models as what a follower follows: the registry that its host keeps, and how its models are. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from penstock.control.model_signs import ModelsStanding, ModelStanding

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from penstock.control.messages import Message, Verdict
    from penstock.errors import PenstockError

__all__ = ["Host", "ModelSubject"]


class Host(Protocol):
    """What of `penstock.models.host.ModelHost` is wanted here."""

    @property
    def offset(self) -> int | None:
        """The last message that it has seen."""
        ...

    def begin(self, messages: Sequence[Message]) -> list[Verdict]:
        """Take all messages that the topic holds; nothing is loaded before it is known what is wanted."""
        ...

    def offer(self, message: Message) -> Verdict:
        """Take the next one; never raises."""
        ...

    def states(self) -> Mapping[str, ModelStanding]:
        """How each version is, by ref."""
        ...

    def serving(self) -> Mapping[str, int]:
        """Which version each bare name means here."""
        ...


class ModelSubject:
    """Takes messages of the topic of models for a host. One thread offers; any thread may ask how models are."""

    def __init__(self, host: Host, job: str) -> None:
        self._host = host
        self._job = job

    def recover(self, messages: Sequence[Message]) -> list[Verdict]:
        """Take all that the topic holds; return what somebody has to be told."""
        return self._host.begin(messages)

    def ready(self) -> PenstockError | None:
        """Nothing is needed: a worker without models makes dead letters that say so."""
        return None

    def offer(self, message: Message) -> Verdict:
        """Take the topic's next message."""
        return self._host.offer(message)

    def again(self) -> Verdict | None:
        """Nothing is tried again here: the registry takes a message or does not; the host itself loads anew."""
        return None

    def standing(self) -> ModelsStanding:
        """Return how the models are now."""
        # First the offset: what is told of a message must not be older than that message.
        offset = self._host.offset
        return ModelsStanding(self._job, offset, self._host.states(), self._host.serving())
