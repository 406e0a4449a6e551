"""What tests of the scorer share: a model that echoes, batches for it, and what came of them in short."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penstock.deadletter import Stage
from penstock.errors import InputError, RecordError, ScoringError
from penstock.event import JSON, Deliveries, added_size, pack_headers, unpack_headers
from penstock.scoring import Requests, Scorer, ScorerConfig
from penstock.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penstock.testing.serving import FakeModels

NOW = 1_767_323_045.678  # 2026-01-02T03:04:05.678Z


class Echo:
    """A model that answers with what it is given, and keeps what it was given in each call."""

    def __init__(self, ref: str) -> None:
        self.ref = ref
        self.headers = pack_headers({"penstock-model": ref})
        self.headers_size = added_size(self.headers)
        self.calls: list[list[bytes]] = []

    def read(self, value: bytes | None, content_type: str | None) -> bytes:
        """Refuse what is none, and anything that is not JSON."""
        if value is None or content_type not in (None, JSON):
            raise InputError("bad")
        return value

    def score(self, requests: Sequence[bytes]) -> Sequence[bytes | RecordError]:
        """Fail where it is told to."""
        self.calls.append([*requests])
        if b"crash" in requests:
            raise ZeroDivisionError
        return [ScoringError(self.ref, "told to") if request == b"fail" else request for request in requests]

    def result(self, request: bytes, answer: bytes | RecordError, scored_at: str, latency_ms: int) -> bytes:
        """Tell the model, too."""
        if isinstance(answer, RecordError):
            raise answer
        return b"%s=%s" % (self.ref.encode(), answer)


def scorer(models: FakeModels) -> Scorer:
    """Return a scorer whose clock stands still."""
    return Scorer(ScorerConfig.of(Settings(), Stage.PMML_JOB, "pmml"), models, lambda: NOW)


def batch(*rows: tuple[bytes | None, str | None], **columns: list[str | None]) -> Requests:
    """Return a batch of values and models' texts, 25 ms old; keywords replace the texts of other headers."""
    size = len(rows)
    given: dict[str, list[str | None]] = {
        name: columns.get(name, [None] * size) for name in ("content_types", "shadows", "deadlines")
    }
    return Requests(
        values=[value for value, _ in rows],
        unseen_bytes=[100] * size,
        timestamps_ms=[int(NOW * 1000) - 25] * size,
        texts=list(
            zip(
                [f"penstock.pmml.{(ref or 'a').partition(':')[0]}" for _, ref in rows],
                [ref for _, ref in rows],
                *given.values(),
                strict=True,
            )
        ),
    )


def told(deliveries: Deliveries) -> list[Any]:
    """Tell each delivery in short: a result's value, or a dead letter's code."""
    return [
        unpack_headers(headers).get("penstock-error-code") if topic == "penstock.dead-letters" else value
        for topic, value, headers in zip(deliveries.topics, deliveries.values, deliveries.headers, strict=True)
    ]


def reasons(deliveries: Deliveries) -> list[str | None]:
    """Tell dead letters' reasons."""
    return [unpack_headers(headers).get("penstock-error-reason") for headers in deliveries.headers]
