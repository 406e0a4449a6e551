"""More models than fit into memory: those that are asked for come, others go, and the process stays as large as it is.

The short form of ``make soak``, which takes ten minutes and runs the whole job.
"""

from __future__ import annotations

import json
import time
from random import Random
from typing import TYPE_CHECKING, Any

import psutil

from benchmarks import zoo
from benchmarks.documents import scoring
from benchmarks.soak import KINDS, zipf
from jobs.pmml_job.loader import PmmlLoader
from penstock import settings
from penstock.control.messages import Message
from penstock.models.catalog_events import State
from penstock.models.host import ModelHost
from penstock.models.records import descriptor_record
from penstock.routing.document import parse
from penstock.sections import ModelsSettings
from tests.patience import SOON_S

if TYPE_CHECKING:
    from pathlib import Path

    from jobs.pmml_job.engine import Engine

REGISTERED, KEPT, REQUESTS = 200, 32, 1_000
SAMPLE_EVERY = 50
HEAP_MIB = 256
#: Beside Java's heap: what Java itself takes for compiled code, classes and threads.
MORE_MIB = 96
ROW = b'{"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}'


def test_two_hundred_models_in_the_memory_of_thirty_two(pmml_engine: Engine, tmp_path: Path) -> None:
    """Every request is answered by the model that it names; no more are kept than may be, nor does memory grow on."""
    described = zoo.zoo(REGISTERED, tmp_path / "zoo", settings.load(), KINDS)
    pairs = map(descriptor_record, described)
    messages = [Message(key=key, value=value, published_ms=0, offset=at) for at, (key, value) in enumerate(pairs)]
    process, chance = psutil.Process(), Random(1)
    before = process.memory_info().rss
    kept, resident, loaded = [], [], set()
    own = ModelsSettings(most_loaded=KEPT, cache_dir=tmp_path / "cache", wait_ms=1000 * SOON_S)
    host = ModelHost(own, "pmml", PmmlLoader(pmml_engine), eager=True)
    try:
        host.begin(messages)
        host.want(parse(scoring("events", described[0].name, "scores"), prefix="penstock"))
        refs = chance.choices([str(one.ref) for one in described], zipf(REGISTERED), k=REQUESTS)
        for number, ref in enumerate(refs):
            model = leased(host, ref)
            request = model.read(ROW, None)
            answer = json.loads(model.result(request, model.score([request])[0], "2026-01-02T03:04:05Z", 0))
            assert answer["input"]["sepal_length"] == 5.1
            assert model.ref == ref
            loaded.add(ref)
            if number % SAMPLE_EVERY == 0:
                kept.append(sum(one.state is State.READY for one in host.states().values()))
                resident.append(process.memory_info().rss)
    finally:
        host.close()

    assert len(loaded) > 3 * KEPT
    assert max(kept) <= KEPT
    assert max(resident) - before < (HEAP_MIB + MORE_MIB) * 2**20


def leased(host: ModelHost, ref: str) -> Any:
    """A model, as soon as it is there; nobody else uses models here, so that it stays for as long as it is needed."""
    until = time.monotonic() + SOON_S
    while time.monotonic() < until:
        with host.leased([ref]) as given:
            if ref in given:
                return given[ref]
        host.wait([ref], until)
    raise AssertionError(f"{ref} is not there after {SOON_S} s: {host.states()[ref]}")
