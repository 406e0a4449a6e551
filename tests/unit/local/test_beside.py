"""Programs of ours beside the cluster: what jobs need is started, and what runs from another wheel is started anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from penstock.deployables import chosen
from penstock.local import applied, beside
from penstock.local.layout import Layout
from penstock.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path


class Supervised:
    """A supervisor that keeps in mind what runs, and which wheel lay there when it was asked."""

    def __init__(self, layout: Layout) -> None:
        self.running: set[str] = set()
        self.asked: list[tuple[str, bytes]] = []
        self.interrupted_at = ""
        self._layout = layout

    def start(self, name: str) -> bool:
        """Start it."""
        fresh = name not in self.running
        if fresh:
            self._note(f"start {name}")
        self.running.add(name)
        return fresh

    def stop(self, name: str) -> bool:
        """End it."""
        if name == self.interrupted_at:
            raise KeyboardInterrupt(name)
        known = name in self.running
        if known:
            self._note(f"stop {name}")
        self.running.discard(name)
        return known

    def end_callers(self) -> None:
        """End the jobs that call the programs."""
        self._note("end callers")

    def _note(self, what: str) -> None:
        self.asked.append((what, applied.wheel_path(self._layout).read_bytes()))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of a stack in a folder of its own."""
    made = Settings(local={"state_dir": tmp_path / "state"})
    Layout.of(made).make()
    return made


@pytest.fixture
def wheel(settings: Settings) -> Path:
    """What was built, and applied when the stack was started."""
    layout = Layout.of(settings)
    path = layout.wheel / "penstock-1.0-py3-none-any.whl"
    path.write_bytes(b"first")
    applied.keep(settings, layout, path)
    return path


@pytest.fixture
def supervisor(settings: Settings, wheel: Path) -> Any:
    """A supervisor of nothing yet; it stands in for one that needs processes."""
    return Supervised(Layout.of(settings))


def test_what_jobs_need_is_started_once(settings: Settings, supervisor: Any) -> None:
    """It is expected to run from then on, whatever others are wanted later, until the stack starts anew."""
    layout = Layout.of(settings)

    assert beside.start(settings, layout, supervisor, chosen(["spark"])) == ["spark-driver"]
    assert beside.start(settings, layout, supervisor, chosen(["spark"])) == []
    assert beside.start(settings, layout, supervisor, chosen(["service"])) == ["model-server"]
    assert beside.start(settings, layout, supervisor, chosen(["pmml"])) == []
    assert beside.expected(layout) == ["model-server", "spark-driver"]
    beside.forget(layout)
    assert beside.expected(layout) == []


def test_what_runs_from_another_wheel_ends_before_that_is_replaced(
    settings: Settings, wheel: Path, supervisor: Any
) -> None:
    """All that runs, needed by the wanted jobs or not, and nothing else; it comes back with the new one.

    Jobs that call it end first: they would wait for it while they should end.
    """
    layout = Layout.of(settings)
    supervisor.running = {"keeper", "spark-driver", "kafka"}
    fresh = wheel.rename(wheel.with_name("penstock-2.0-py3-none-any.whl"))
    fresh.write_bytes(b"second")

    again = beside.renew(settings, layout, supervisor, fresh, supervisor.end_callers)

    assert again == ["spark-driver", "keeper"]
    assert supervisor.asked == [
        ("end callers", b"first"),
        ("stop spark-driver", b"first"),
        ("stop keeper", b"first"),
        ("start spark-driver", b"second"),
        ("start keeper", b"second"),
    ]


def test_what_runs_from_this_wheel_is_left_alone(settings: Settings, wheel: Path, supervisor: Any) -> None:
    """So is what runs while another is built that nobody has applied."""
    supervisor.running = {"keeper", "demo"}

    assert beside.renew(settings, Layout.of(settings), supervisor, wheel, supervisor.end_callers) == []
    wheel.write_bytes(b"second")

    assert supervisor.asked == []
    assert applied.wheel_path(Layout.of(settings)).read_bytes() == b"first"


def test_wheel_that_cannot_be_kept_ends_no_program_for_good(settings: Settings, wheel: Path, supervisor: Any) -> None:
    """They run on from the one that there is."""
    supervisor.running = {"keeper"}
    wheel.write_bytes(b"second")
    layout = Layout.of(settings)
    (layout.applied / "new").mkdir()  # as if the disk were full

    with pytest.raises(IsADirectoryError, match="new"):
        beside.renew(settings, layout, supervisor, wheel, supervisor.end_callers)

    assert supervisor.asked[1:] == [("stop keeper", b"first"), ("start keeper", b"first")]


def test_interrupt_while_programs_end_ends_none_for_good(settings: Settings, wheel: Path, supervisor: Any) -> None:
    """Each may take its time to end, and somebody may lose patience."""
    supervisor.running = {"spark-driver", "keeper"}
    supervisor.interrupted_at = "keeper"
    wheel.write_bytes(b"second")

    with pytest.raises(KeyboardInterrupt, match="keeper"):
        beside.renew(settings, Layout.of(settings), supervisor, wheel, supervisor.end_callers)

    assert supervisor.running == {"spark-driver", "keeper"}
    assert applied.wheel_path(Layout.of(settings)).read_bytes() == b"first"
