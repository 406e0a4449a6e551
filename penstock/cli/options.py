"""Options that most commands share: which settings, which brokers, which state folder."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from penstock import logs, settings
from penstock.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from penstock.settings import Settings

__all__ = ["format_option", "state_dir_option", "with_settings", "with_settings_or_kept"]

T = TypeVar("T")

#: The flags that stand for a setting, by the name that click gives their value.
_SETTING_FLAGS = {
    "bootstrap_servers": "kafka.external.bootstrap_servers",
    "state_dir": "local.state_dir",
}

state_dir_option = click.option(
    "--state-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the embedded stack's data and logs instead of .penstock.",
)

format_option = click.option(
    "--format",
    "layout",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Text for people, or lines of JSON.",
)


def with_settings(command: Callable[..., T]) -> Callable[..., T]:
    """Add ``--settings`` and ``--bootstrap-servers``, and call the command with the loaded settings first."""
    return _with(command, settings.load)


def with_settings_or_kept(command: Callable[..., T]) -> Callable[..., T]:
    """Do as ``with_settings``, but take those that the stack was started with where those of now are wrong."""
    return _with(command, _load_or_kept)


def _load_or_kept(file: Path | None, flags: Mapping[str, object]) -> Settings:
    from penstock.local.layout import Layout

    try:
        return settings.load(file, flags)
    except SettingsError as error:
        given = settings.from_flags(flags)
        kept = Layout.of(given).settings_file
        if not kept.is_file():
            raise
        click.echo(f"{error}\ngoing by the settings that the stack was started with, {str(kept)!r}", err=True)
    try:
        return settings.read(kept)
    except SettingsError:
        return given  # of another release: what was started is found by its state folder alone


def _with(command: Callable[..., T], load: Callable[[Path | None, Mapping[str, object]], Settings]) -> Callable[..., T]:
    @click.option(
        "--settings",
        "settings_file",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="Settings file instead of config/penstock.yaml.",
    )
    @click.option("--bootstrap-servers", metavar="HOST:PORT", help="The brokers of the users' topics.")
    @functools.wraps(command)
    def wrapped(*, settings_file: Path | None, **options: Any) -> T:
        flags = {key: options.pop(name, None) for name, key in _SETTING_FLAGS.items()}
        loaded = load(settings_file, flags)
        logs.configure(loaded.logs.level, loaded.logs.layout)
        return command(loaded, **options)

    return wrapped
