"""Killing parts of a running stack while events flow through it."""

from __future__ import annotations

import uuid
from threading import Thread
from typing import TYPE_CHECKING

from penstock.cli.pace import Stop, paced
from penstock.local.waiting import wait_until
from tests.e2e.events import SOURCES, events
from tests.e2e.stack import SERVERS, WORKER
from tests.e2e.streams import send

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.e2e.stack import Stack
    from tests.e2e.streams import Sent

__all__ = ["BROKER", "JOB_MANAGER", "KILL_EVERY", "TASK_MANAGER", "WORKERS", "sent_during"]

#: What is killed, and what cannot outlive it.
WORKERS = (WORKER, None)
TASK_MANAGER = (SERVERS["task manager"], WORKER)
BROKER = (SERVERS["broker"], None)
JOB_MANAGER = (SERVERS["job manager"], WORKER)
#: What a machine that restarts everything can work on beside that, and how many events flow between two kills.
_RATE = 200
KILL_EVERY = 1_000
_MOST_EVENTS = 1_000_000
_BACK_S = 150


def sent_during(stack: Stack, kills: Sequence[tuple[str, str | None]]) -> dict[str, Sent]:
    """Kill one after the other while events of all formats flow; some flow before, between and after the kills."""
    run = uuid.uuid4().hex[:8]
    rows = zip(*(events(form, _MOST_EVENTS, run) for form in SOURCES), strict=True)
    sent, stop = [0], Stop()
    outcome: dict[str, dict[str, Sent]] = {}

    def note(count: int) -> None:
        sent[0] = count

    def flow() -> None:
        outcome["sent"] = send(stack.settings, paced((one for row in rows for one in row), _RATE, stop), note)

    def some_more() -> None:
        due = sent[0] + KILL_EVERY
        assert wait_until(lambda: sent[0] >= due, _BACK_S, 0.05), f"only {sent[0]} of {due} events were sent"

    sender = Thread(target=flow, daemon=True)
    sender.start()
    try:
        for part, takes in kills:
            some_more()
            stack.kill(part, _BACK_S, takes=takes)
        some_more()
    finally:
        stop.set()
        sender.join(_BACK_S)
    assert outcome, f"the sender did not end after {sent[0]} events"
    return outcome["sent"]
