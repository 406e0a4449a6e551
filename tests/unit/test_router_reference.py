"""The router writes what a plain reading of the document says: routes, variants, copies, dead letters."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from input_adapter.router import Router
from penstock.event import Deliveries, unpack_headers, unpack_more
from penstock.routing.compile import Routing
from penstock.testing.builders import document, events, route
from tests import reference
from tests.reference import SENT, Plain, routes, sound

if TYPE_CHECKING:
    from penstock.routing.compile import SourcePlan
    from tests.reference import Sent, Written

MODELS = ["iris-tree:1", "forest", "shade:2"]
models = st.sampled_from(MODELS)
weighted = st.builds(lambda weight: {"weight": weight}, st.sampled_from([0, 1, 2.5, 90]))
ramps = st.fixed_dictionaries(
    {
        "from": st.sampled_from([0, 1, 50]),
        "to": st.sampled_from([0, 3, 100]),
        "over": st.sampled_from(["10s", "60s"]),
        "steps": st.integers(1, 4),
    }
).map(lambda ramp: {"ramp": ramp})
variants = st.lists(st.tuples(weighted | ramps, models), min_size=1, max_size=3).map(
    lambda arms: [{"name": f"v{number}", **share, "model": model} for number, (share, model) in enumerate(arms)]
)
splits = st.fixed_dictionaries(
    {"variants": variants},
    optional={
        "by": st.sampled_from(["key", "event", {"field": "n"}, {"field": "s"}, {"header": "h"}]),
        "salt": st.sampled_from(["one", "ü"]),
        "overrides": st.sampled_from([{"k1": "v0", "": "v0"}, {"a": "v0", "1": "v0", "true": "v0"}]),
    },
)
shadows = st.lists(
    st.fixed_dictionaries(
        {"model": models, "percent": st.sampled_from([0, 0.5, 30, 70, 100])},
        optional={"name": st.sampled_from(["dark", "other"])},
    ),
    max_size=2,
    unique_by=lambda shadow: shadow.get("name", shadow["model"]),
)
ways = st.one_of(
    st.fixed_dictionaries({"model": models, "shadow": shadows}),
    st.fixed_dictionaries({"model": st.none(), "split": splits, "shadow": shadows}),
)


def records(deliveries: Deliveries, row: int) -> list[Written]:
    """What is written for one event."""
    first = (deliveries.topics[row], deliveries.values[row], deliveries.headers[row])
    found: list[Written] = []
    for topic, _, packed in (first, *unpack_more(deliveries.more[row])):
        headers = unpack_headers(packed)
        code = headers.get("penstock-error-code")
        arm = headers.get("penstock-variant") or headers.get("penstock-shadow") or None
        found.append((topic, headers.get("penstock-route"), arm, headers.get("penstock-model"), code))
    return found


def plain_of(plan: SourcePlan, sent: Sent) -> Plain:
    """An event as its source's codec reads it: that is tested elsewhere."""
    kind, body = plan.read(sent.text.encode())
    kind = kind or plan.constant or sent.headers["kind"]
    return Plain(sent.topic, kind, plan.data(body), sent.headers, sent.key, 12)


@settings(max_examples=150, deadline=None)
@given(
    asked=st.lists(st.tuples(st.just({}) | routes, ways), min_size=1, max_size=5),
    unmatched=st.sampled_from(["dead-letter", "drop", {"topic": "others"}]),
    elapsed_ms=st.sampled_from([0, 9_999, 10_000, 31_000, 10**7]),
)
def test_router_writes_what_a_plain_reading_says(
    asked: list[tuple[dict[str, Any], dict[str, Any]]], unmatched: Any, elapsed_ms: int
) -> None:
    """For every document, event and time: the same records, in the same order."""
    known = {model.partition(":")[0]: {"job": "pmml"} for model in MODELS}
    plain = [{"match": {}, **match, **way} for match, way in asked]
    found = sound(plain, unmatched=unmatched, models=known)
    if found is None:
        return
    plans = Routing(found, "penstock").sources
    router = Router(
        found,
        prefix="penstock",
        max_request_bytes=10_000,
        max_dead_letter_bytes=20_000,
        clock=lambda: elapsed_ms,
        published_ms=0,
    )
    for sent in SENT:
        one = events(sent.text.encode(), topic=sent.topic, headers=sent.headers, key=sent.key)

        made = records(router.route(*one), 0)

        assert made == reference.written(found, plain_of(plans[sent.topic], sent), elapsed_ms)


PROGRAM = """
import hashlib, json, sys
from input_adapter.router import Router
from penstock.routing.document import load
from penstock.testing.builders import events
router = Router(load(sys.stdin.read()), prefix="penstock", max_request_bytes=10_000, max_dead_letter_bytes=20_000,
    clock=lambda: 0, published_ms=0)
made = [router.route(*events(b'{"type":"iris","n":%d}' % n, key=b"k%d" % n)) for n in range(500)]
print(hashlib.sha256(repr(made).encode()).hexdigest())
"""


def test_every_process_writes_the_same() -> None:
    """Whatever its own hashes are: routes, variants, copies and headers, byte for byte."""
    arms = [{"name": f"v{number}", "weight": number + 1, "model": "iris-tree:1"} for number in range(5)]
    by_number = route(
        "b", match={"field": {"n": {"gte": 100}}}, model=None, split={"by": {"field": "n"}, "variants": arms}
    )
    dark = [{"model": "iris-tree:2", "percent": 30}, {"model": "iris-tree", "percent": 50}]
    found = document(
        routes=[
            route(
                "a",
                match={"type": ["iris", "rose"]},
                model=None,
                split={"variants": arms},
                shadow=dark,
                **{"continue": True},
            ),
            by_number,
        ],
        unmatched="drop",
    )
    answers = {
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            input=found.model_dump_json(exclude_none=True),
            env={"PYTHONHASHSEED": hash_seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("0", "1", "2")
    }

    assert len(answers) == 1
