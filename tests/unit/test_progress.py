"""How far a long command has come."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING, Any

import click

from penstock.cli.progress import Progress, telling

if TYPE_CHECKING:
    import pytest


def test_off_a_terminal_a_line_comes_every_ten_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a terminal there is no bar: a line every ten seconds says how many, in what time, how fast."""
    now = 0.0
    with Progress(100, "events", clock=lambda: now) as progress:
        for _ in range(25):
            now += 1
            progress.advance()

    assert capsys.readouterr().err == ("10 of 100 events in 10 s, 1.0/s\n20 of 100 events in 20 s, 1.0/s\n")


def test_without_a_total_the_line_says_only_what_is_done(capsys: pytest.CaptureFixture[str]) -> None:
    """An endless run has no total."""
    now = 0.0
    with Progress(None, "events", clock=lambda: now) as progress:
        now = 12.0
        progress.advance()

    assert capsys.readouterr().err == "1 events in 12 s, 0.1/s\n"
    assert progress.done == 1


def test_long_step_is_told_while_it_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """On standard error, for the output may be JSON."""
    told, said = threading.Event(), []

    def echo(text: str, **options: Any) -> None:
        said.append((text, options))
        told.set()

    monkeypatch.setattr(click, "echo", echo)
    with telling("sentiment:1: trying it", after_s=0.0):
        assert told.wait(60)

    assert said
    assert all(re.fullmatch(r"sentiment:1: trying it \.\.\. \[\d+ s\]", text) for text, _ in said)
    assert all(options == {"err": True} for _, options in said)


def test_quick_step_is_not_worth_a_word(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing comes later, either."""
    with telling("iris-tree:1: trying it", after_s=60.0):
        pass

    assert capsys.readouterr() == ("", "")
    assert not any(thread.name == "telling" for thread in threading.enumerate())


def test_step_that_is_to_be_told_at_once_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """However quick it is, and however late the thread that tells."""
    said: list[str] = []
    monkeypatch.setattr(click, "echo", lambda text, **_: said.append(text))
    with telling("iris-tree:1: trying it", after_s=0.0):
        pass

    assert said[0].startswith("iris-tree:1: trying it ... [")
