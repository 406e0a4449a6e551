"""A hand-written Python service: consume, parse JSON, route by type to one of two topics, add two headers, produce."""

from __future__ import annotations

import orjson

from benchmarks.peers import arguments
from benchmarks.peers.kafka_loop import KafkaLoop

__all__ = ["main"]


def main() -> None:
    """Run until it is ended."""
    told = arguments.parse(__doc__)
    routes = dict(zip(("a", "b"), told.outputs, strict=True))
    loop = KafkaLoop(told)
    send = loop.send
    for batch in loop.batches():
        for message in batch:
            value = message.value() or b""
            kind = orjson.loads(value)["type"]
            place = f"{message.topic()}/{message.partition()}/{message.offset()}"
            send(routes[kind], value, message.key(), [("ce_id", place), ("variant", kind)])


if __name__ == "__main__":
    main()
