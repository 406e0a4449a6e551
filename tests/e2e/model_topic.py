"""The topic of models as any program may use it, and what workers say of theirs: raw records, read and written."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Self

from penstock import kafka, topics
from penstock.control.model_signs import parse
from penstock.control.reading import ControlLog
from penstock.event import ce_time
from tests.e2e.stack import SOON_S
from tests.e2e.streams import PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterable

    from penstock.control.messages import Message
    from penstock.control.model_signs import ModelsSign
    from penstock.settings import Settings

__all__ = ["Pair", "Writer", "messages", "model_signs", "pointer", "registered", "removed"]

Pair = tuple[str, "dict[str, Any] | None"]
"""Key and value of a message."""


def registered(descriptor: dict[str, Any]) -> Pair:
    """The message that brings a version."""
    return f"{descriptor['name']}:{descriptor['version']}", descriptor


def pointer(name: str, live: int, previous: int | None, now_ms: int) -> Pair:
    """The message that makes a version live."""
    return name, {"name": name, "live": live, "previous": previous, "at": ce_time(now_ms)}


def removed(ref: str) -> Pair:
    """The message that deletes a version."""
    return ref, None


class Writer:
    """Writes to the topic, one message as soon as the last is acknowledged."""

    def __init__(self, settings: Settings) -> None:
        self._client = kafka.producer(settings.kafka.internal_cluster)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def put(self, pairs: Iterable[Pair]) -> None:
        """Write messages."""
        for key, value in pairs:
            written = None if value is None else json.dumps(value).encode()
            self._client.send(topics.control_models(PREFIX), written, key=key.encode()).get(timeout=SOON_S)


def messages(settings: Settings) -> list[Message]:
    """All messages of the topic, in their order."""
    with ControlLog(settings.kafka.internal_cluster, topics.control_models(PREFIX)) as log:
        return log.to_end(SOON_S)


def model_signs(settings: Settings, begin_ms: int) -> dict[str, list[tuple[int, ModelsSign]]]:
    """What each worker that holds models has said of them since a time, and when, in order."""
    with ControlLog(settings.kafka.internal_cluster, topics.control_status(PREFIX)) as log:
        said = log.to_end(SOON_S, log.since(begin_ms))
    found: dict[str, list[tuple[int, ModelsSign]]] = defaultdict(list)
    for message in said:
        sign = parse(message.value)
        if sign is not None:
            found[sign.worker].append((message.published_ms, sign))
    return found
