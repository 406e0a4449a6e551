"""Kafka's storage: an empty folder is prepared once, whatever its cluster's id."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest

from penstock import settings
from penstock.local import broker
from penstock.local.layout import Layout

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("first_byte", [b"\x00", b"\xf8"], ids=["plain", "id begins with a dash"])
def test_empty_folder_is_prepared_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first_byte: bytes) -> None:
    """One id in 64 looks like an option to Kafka's tool."""
    monkeypatch.setattr(uuid, "uuid4", lambda: uuid.UUID(bytes=first_byte + bytes(15)))
    loaded = settings.load(overrides={"local.state_dir": str(tmp_path)})
    layout = Layout.of(loaded)
    layout.make()
    broker.write_configuration(loaded, layout)

    assert broker.format_storage(loaded, layout)
    assert not broker.format_storage(loaded, layout)
