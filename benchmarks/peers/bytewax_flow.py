"""bytewax with its own Kafka connector, one worker: parse JSON, route by type to one of two topics, add two headers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bytewax.operators as op
import orjson
from bytewax.connectors.kafka import KafkaSink, KafkaSinkMessage, KafkaSource
from bytewax.dataflow import Dataflow
from bytewax.run import cli_main

from benchmarks.peers import arguments

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["main"]

#: As in kafka_loop.py, and for the same reason.
_FETCHED_AHEAD = {"queued.min.messages": "1000000"}


def main() -> None:
    """Run until it is ended."""
    told = arguments.parse(__doc__)
    brokers = [told.bootstrap]
    routes = dict(zip(("a", "b"), told.outputs, strict=True))

    def route(message: Any) -> KafkaSinkMessage[bytes | None, bytes | None]:
        kind = orjson.loads(message.value)["type"]
        place = f"{message.topic}/{message.partition}/{message.offset}"
        headers = [("ce_id", place.encode()), ("variant", kind.encode())]
        return KafkaSinkMessage(message.key, message.value, topic=routes[kind], headers=headers)

    flow = Dataflow("bench")
    events = op.input("events", flow, KafkaSource(brokers, [told.source], add_config=_FETCHED_AHEAD))
    op.output("routed", op.map("route", events, route), KafkaSink(brokers, told.outputs[0]))
    run: Callable[[Dataflow], None] = cli_main  # it has no types of its own
    run(flow)


if __name__ == "__main__":
    main()
