"""Where the embedded stack keeps what."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from penstock.local.layout import Layout

if TYPE_CHECKING:
    from pathlib import Path


def test_identity_belongs_to_the_folder(tmp_path: Path) -> None:
    """The same folder gives the same identity, however it is written; another folder gives another."""
    (tmp_path / "a").mkdir()

    assert Layout(tmp_path / "a").stack_id == Layout(tmp_path / "a" / ".." / "a").stack_id
    assert Layout(tmp_path / "a").stack_id != Layout(tmp_path / "b").stack_id


def test_socket_stays_in_the_folder_if_its_path_fits(tmp_path: Path) -> None:
    """Short paths need no second place."""
    assert Layout(tmp_path.__class__("/var/x")).socket.is_relative_to("/var/x")


def test_socket_of_a_deep_folder_has_a_short_path(tmp_path: Path) -> None:
    """A socket's path must fit into 108 bytes wherever the state folder is."""
    deep = tmp_path / ("d" * 120)

    assert len(str(Layout(deep).socket)) < 100
    assert Layout(deep).socket != Layout(tmp_path / ("e" * 120)).socket


def test_secrets_are_for_the_owner(tmp_path: Path) -> None:
    """Nobody else may read settings with passwords, or talk to the supervisor."""
    layout = Layout(tmp_path)

    layout.make()

    for folder in (layout.conf, layout.run, layout.socket.parent):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_purge_spares_what_was_downloaded(tmp_path: Path) -> None:
    """Data goes; jars and wheel stay, for they hold nothing of the user's and cost time."""
    layout = Layout(tmp_path)

    assert layout.data in layout.removable()
    assert not {layout.wheel, tmp_path / "jars", tmp_path} & set(layout.removable())
