"""Putting right what a foreign client wrote over, and saying so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from penstock.control.models import ModelsTopic

__all__ = ["heal"]


def heal(topic: ModelsTopic) -> None:
    """Publish again what is in force where somebody wrote over it: after compaction the other would be all there is."""
    for ref in topic.heal():
        click.echo(f"warning: somebody wrote over {str(ref)!r}; what was registered was published again", err=True)
