"""Names that a program of its own and those who run it must agree on."""

__all__ = ["COPY_OUTPUT", "FLOW_EVENTS", "IRIS_EVENTS", "ROUTING_EVENTS", "SPLIT_EVENTS"]

ROUTING_EVENTS = "bench-routing"
SPLIT_EVENTS = "bench-split"
IRIS_EVENTS = "bench-iris"
FLOW_EVENTS = "bench-flow"

COPY_OUTPUT = "bench-flink-copy-out"
