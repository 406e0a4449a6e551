"""The host with many threads at once: what a batch holds is never closed, and what nobody holds is not kept."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import TYPE_CHECKING

import pytest

from penstock.errors import ModelLoadError, RecordError, StoreError
from tests.unit.models.workbench import FakeLoader, Thing, Workbench, settled

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from penstock.models.descriptor import ModelDescriptor
    from penstock.models.host import ModelHost

NAMES = [f"m{number}" for number in range(6)]
TEXTS = [*NAMES, *(f"{name}:{version}" for name in NAMES for version in (1, 2, 3)), "none:1", ""]
ROUNDS = 400
#: Models that each thread has had in the end.
FEWEST = 10


class MoodyLoader(FakeLoader):
    """Fails now and then, in passing or for good."""

    def load(self, descriptor: ModelDescriptor, path: Path | None) -> Thing:
        """Make a thing of it, or fail."""
        chance = random.random()
        if chance < 0.05:
            raise StoreError(descriptor.uri, "away", passing=True)
        if chance < 0.07:
            raise ModelLoadError(str(descriptor.ref), "refused")
        return super().load(descriptor, path)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Workbench]:
    """A workbench with room for four models, and a loader that fails now and then."""
    bench = Workbench(tmp_path, most_loaded=4, wait_ms=20, load_threads=3)
    bench.loader = MoodyLoader()
    yield bench
    bench.close()


def use(host: ModelHost, seed: int, using: threading.Lock) -> int:
    """Take batches, as a thread that scores does; return how many models it got."""
    chance, got, pause = random.Random(seed), 0, threading.Event()
    for number in count():
        if number >= ROUNDS and got >= FEWEST:  # loads may take longer than all rounds on a busy machine
            break
        texts = chance.sample(TEXTS, chance.randint(1, 5))
        with host.leased(texts) as models:
            with using:
                for thing in models.values():
                    thing.users += 1
            if chance.random() < 0.2:
                pause.wait(0.002)  # as long as scoring takes: others change what they like meanwhile
            assert not [thing.ref for thing in models.values() if thing.closed]
            got += len(models)
            for text, thing in models.items():
                assert thing.ref == text or thing.ref.startswith(f"{text}:")
            with using:
                for thing in models.values():
                    thing.users -= 1
        missing = [text for text in texts if text not in models]
        if missing:
            assert all(isinstance(host.absence(text), RecordError) for text in missing)
            host.wait(missing, float("inf"))
    return got


def change(host: ModelHost, bench: Workbench) -> None:
    """Register, point and delete, as the topic's follower does; change the routes."""
    chance = random.Random(7)
    for _ in range(ROUNDS):
        name, version = chance.choice(NAMES), chance.randint(1, 3)
        match chance.randrange(5):
            case 0 | 1:
                host.offer(bench.model(f"{name}:{version}"))
            case 2:
                host.offer(bench.removal(f"{name}:{version}"))
            case 3:
                host.offer(bench.live(name, version, chance.choice([None, 1, 2, 3])))
            case _:
                host.want(bench.routes(*chance.sample(NAMES, 2), f"{name}:{version}"))
        bench.advance(chance.random())


def test_nothing_held_is_closed_and_nothing_leaks(bench: Workbench) -> None:
    """Models are added, deleted, pointed at, evicted and asked for again, all at once, by eight threads that score."""
    host = bench.host()
    host.begin([bench.model(f"{name}:1") for name in NAMES])
    host.want(bench.routes(*NAMES[:2]))
    using = threading.Lock()

    with ThreadPoolExecutor(9) as pool:
        users = [pool.submit(use, host, seed, using) for seed in range(8)]
        pool.submit(change, host, bench).result()
        got = sum(user.result() for user in users)

    things = bench.loader.made
    assert got >= len(users) * FEWEST
    settled(lambda: len(bench.loader.open) <= 4, last=True)
    assert host._shelf._catalog._room.loaded <= 4
    host.close()
    settled(lambda: [thing.closed for thing in things], [1] * len(things))
    assert not any(thing.broken for thing in things)
