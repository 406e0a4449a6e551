"""The lock of a stack: one person or program at a time changes it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from penstock.errors import StackError
from penstock.local.layout import Layout
from penstock.local.lock import alone

if TYPE_CHECKING:
    from pathlib import Path

PATIENCE_S = 60


def test_second_one_is_told_to_wait(tmp_path: Path) -> None:
    """Without patience at once."""
    layout = Layout(tmp_path)

    with alone(layout), pytest.raises(StackError, match="is at work on it; wait a little"), alone(layout):
        pytest.fail("two were alone")


def test_patient_one_waits_for_its_turn(tmp_path: Path) -> None:
    """The keeper, who has the lock for a moment now and then, makes no command of a person fail."""
    layout = Layout(tmp_path)
    entered = threading.Event()

    def wait_and_enter() -> None:
        with alone(layout, PATIENCE_S):
            entered.set()

    with alone(layout):
        waiting = threading.Thread(target=wait_and_enter, daemon=True)
        waiting.start()
        assert not entered.is_set()

    assert entered.wait(PATIENCE_S)
    waiting.join(PATIENCE_S)
