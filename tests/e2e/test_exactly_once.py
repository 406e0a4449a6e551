"""With exactly-once, who reads committed records only sees each score once, whatever was killed in the meantime.

The job manager is not killed here: its jobs are submitted anew from their groups' offsets, which promises less.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from penstock.local import processes
from tests.e2e.kills import KILL_EVERY, TASK_MANAGER, WORKERS, sent_during
from tests.e2e.stack import Stack
from tests.e2e.streams import Stream, Watch
from tests.e2e.verdicts import faults

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.timeout(900)
CHECKPOINT_MS = 2_000
OUT_S = 120
KILLS = (WORKERS, TASK_MANAGER)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The stack, told to write in transactions."""
    told = {
        "PENSTOCK_FLINK__DELIVERY_GUARANTEE": "exactly-once",
        "PENSTOCK_FLINK__CHECKPOINT_INTERVAL_MS": str(CHECKPOINT_MS),
    }
    made = Stack.on_free_ports(tmp_path_factory.mktemp("stack"), **told)
    try:
        made.start()
        yield made
        made.stop("--purge")
    finally:
        processes.end(processes.marked(made.layout.stack_id), 1)


@pytest.fixture(scope="module")
def stream(stack: Stack) -> Stream:
    """Events of every format, during which workers and the task manager are killed, and what became of them."""
    watch = Watch(stack.settings)
    return watch.each_of(sent_during(stack, KILLS), OUT_S)


def test_every_event_has_exactly_one_answer(stream: Stream) -> None:
    """A score or a dead letter; none is lost and none comes twice."""
    assert len(stream.sent) > KILL_EVERY * len(KILLS)
    assert {identity: len(stream.found.get(identity, ())) for identity in stream.sent} == dict.fromkeys(stream.sent, 1)
    assert faults(stream) == []
