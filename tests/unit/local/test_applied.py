"""What jobs run with: settings and wheel, kept as they were when the jobs were submitted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from penstock import settings as settings_file
from penstock.errors import StackError
from penstock.local import applied
from penstock.local.layout import Layout
from penstock.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of a stack in a folder of its own."""
    made = Settings(local={"state_dir": tmp_path / "state"}, kafka={"external": {"bootstrap_servers": "mine:9092"}})
    Layout.of(made).make()
    return made


@pytest.fixture
def wheel(settings: Settings) -> Path:
    """What was built."""
    path = Layout.of(settings).wheel / "penstock-1.0-py3-none-any.whl"
    path.write_bytes(b"a wheel")
    return path


def test_what_is_kept_is_what_was_applied(settings: Settings, wheel: Path) -> None:
    """Submissions read the copy, whatever becomes of the file that people edit; nothing of an earlier one is left."""
    layout = Layout.of(settings)
    applied.keep(settings.model_copy(update={"models_dir": layout.state_dir}), layout, wheel)
    assert applied.is_kept(layout, wheel)
    applied.keep(settings, layout, wheel)
    wheel.write_bytes(b"of other sources")  # as any setup does that finds some

    kept = settings_file.read(applied.settings_path(layout))

    assert settings_file.differences(settings, kept) == []
    assert applied.wheel_path(layout).read_bytes() == b"a wheel"
    assert not applied.is_kept(layout, wheel)
    assert set(layout.applied.iterdir()) == {applied.settings_path(layout), applied.wheel_path(layout)}


def test_wheel_that_was_not_kept_is_told(settings: Settings) -> None:
    """Whoever looks for lost jobs goes on, and says what to do."""
    with pytest.raises(StackError, match="has no wheel of theirs: run 'penstock up'"):
        applied.wheel_path(Layout.of(settings))


def test_passwords_are_kept_to_their_owner(settings: Settings, wheel: Path) -> None:
    """The settings may hold some."""
    applied.keep(settings, Layout.of(settings), wheel)

    assert applied.settings_path(Layout.of(settings)).stat().st_mode & 0o077 == 0
