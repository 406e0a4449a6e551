"""What ``penstock generate --poison`` promises: in the demo every spoilt event is a dead letter, all others scores."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from input_adapter.router import Router
from penstock.event import unpack_headers
from penstock.iris import DEMO_TOPICS, Form, Recipe, events
from penstock.models.repository import read_folder
from penstock.routing.document import load
from penstock.scoring import HEADERS, Requests

if TYPE_CHECKING:
    from collections.abc import Callable

    from penstock.event import Deliveries
    from penstock.iris import Event
    from penstock.scoring import Scorer

ROOT = Path(__file__).parents[2]
CASES = [(form, "iris") for form in Form] + [
    (form, f"iris-{model}") for form in (Form.JSON, Form.TAGGED) for model in ("forest", "logistic", "kmeans")
]


def routed(topic: str, sent: list[Event]) -> Deliveries:
    """What the input adapter makes of the events by the demo's routing document."""
    router = Router(
        load(ROOT / "config" / "routing.yaml"),
        prefix="penstock",
        max_request_bytes=2**20,
        max_dead_letter_bytes=2**22,
    )
    size = len(sent)
    return router.route(
        values=[event.value for event in sent],
        unseen_bytes=[100] * size,
        topics=[topic] * size,
        headers=[None] * size,
        keys=[None] * size,
        partitions=[0] * size,
        offsets=list(range(size)),
    )


def scored(scorer: Scorer, deliveries: Deliveries, sent: list[Event]) -> list[str | None]:
    """The topic that each event ends on after the PMML job."""
    outcomes = list(deliveries.topics)
    requests = [index for index, topic in enumerate(outcomes) if topic != "penstock.dead-letters"]
    headers = {index: unpack_headers(deliveries.headers[index]) for index in requests}
    batch = Requests(
        values=[deliveries.values[index] or sent[index].value for index in requests],
        unseen_bytes=[100] * len(requests),
        timestamps_ms=[1_767_323_045_678] * len(requests),
        texts=[(outcomes[index], *(headers[index].get(name) for name in HEADERS)) for index in requests],
    )
    for index, topic in zip(requests, scorer.score(batch).topics, strict=True):
        outcomes[index] = topic
    return outcomes


@pytest.mark.parametrize(("form", "event_type"), CASES, ids=str)
def test_poison_and_nothing_else_becomes_dead_letters(
    scorer: Callable[..., Scorer], form: Form, event_type: str
) -> None:
    """In every form and for every sample model each kind of poison is a dead letter, and each good event is scored."""
    sent = list(events(Recipe(form=form, type=event_type, count=300, seed=5, poison_percent=50)))
    ready = scorer(*(descriptor.plain() for descriptor in read_folder(ROOT / "models")))
    outcomes = scored(ready, routed(DEMO_TOPICS[form], sent), sent)
    wrong = [
        (event.poison, event.value, topic)
        for event, topic in zip(sent, outcomes, strict=True)
        if topic != ("penstock.results" if event.poison is None else "penstock.dead-letters")
    ]

    assert wrong == []
