"""What jobs run with: the settings, kept as they were when the jobs were submitted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from penstock import settings as settings_file
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


def test_what_is_kept_is_what_was_applied(settings: Settings) -> None:
    """Submissions read the copy, whatever becomes of the file that people edit; nothing of an earlier one is left."""
    layout = Layout.of(settings)
    applied.keep(settings.model_copy(update={"models_dir": layout.state_dir}), layout)
    (layout.applied / "older").touch()
    applied.keep(settings, layout)

    kept = settings_file.read(applied.settings_path(layout))

    assert settings_file.differences(settings, kept) == []
    assert [path.name for path in layout.applied.iterdir()] == [applied.settings_path(layout).name]


def test_passwords_are_kept_to_their_owner(settings: Settings) -> None:
    """The settings may hold some."""
    applied.keep(settings, Layout.of(settings))

    assert applied.settings_path(Layout.of(settings)).stat().st_mode & 0o077 == 0
