"""A Python scoring loop with the PMML job's own engine and model: what the same scoring costs without Flink."""

from __future__ import annotations

from pathlib import Path

import orjson

from benchmarks.peers import arguments
from benchmarks.peers.kafka_loop import KafkaLoop
from jobs.pmml_job import engine

__all__ = ["main"]

_HEAP_MB = 256
_MODELS = Path(__file__).parents[2] / "models"


def main() -> None:
    """Run until it is ended."""
    told = arguments.parse(__doc__)
    (output,) = told.outputs
    model = engine.start(_HEAP_MB)(_MODELS / told.model / "1" / "model.pmml", told.model)
    inputs = [field.name for field in model.inputs]
    names, primary = [field.name for field in model.outputs], model.primary() or 0
    loop = KafkaLoop(told)
    for batch in loop.batches():
        events = [orjson.loads(message.value() or b"") for message in batch]
        answers = model.score([tuple(event[name] for name in inputs) for event in events]) if events else []
        for message, event, answer in zip(batch, events, answers, strict=True):
            outputs = dict(zip(names, answer, strict=True))
            value = orjson.dumps({"input": event, "prediction": answer[primary], "outputs": outputs})
            place = f"{message.topic()}/{message.partition()}/{message.offset()}"
            loop.send(output, value, message.key(), [("ce_id", place), ("penstock-model", told.model)])


if __name__ == "__main__":
    main()
