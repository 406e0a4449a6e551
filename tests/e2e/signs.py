"""The two control topics as any program may use them: messages put on one, workers' answers read from the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock import kafka, topics
from penstock.control.reading import ControlLog
from penstock.control.status import parse
from tests.e2e.stack import SOON_S
from tests.e2e.streams import PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from penstock.control.messages import Message
    from penstock.control.status import Sign
    from penstock.settings import Settings

__all__ = ["put", "signs"]


def put(settings: Settings, values: Iterable[bytes | None]) -> list[int]:
    """Write messages to the routing topic, one as soon as the last is acknowledged; returns their offsets."""
    client = kafka.producer(settings.kafka.internal_cluster)
    try:
        return [
            client.send(topics.control_routing(PREFIX), value, key=b"somebody").get(timeout=SOON_S).offset
            for value in values
        ]
    finally:
        client.close()


def signs(settings: Settings, begin_ms: int) -> Iterator[tuple[Message, Sign]]:
    """All signs of workers since a time, in their order."""
    with ControlLog(settings.kafka.internal_cluster, topics.control_status(PREFIX)) as log:
        said = log.to_end(SOON_S, log.since(begin_ms))
    return ((message, sign) for message in said if (sign := parse(message.value)) is not None)
