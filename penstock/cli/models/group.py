"""The table of the commands below ``penstock models``."""

from __future__ import annotations

import click

from penstock.cli.lazy import Entry, LazyGroup

__all__ = ["COMMANDS", "models"]

COMMANDS = {
    "add": Entry("penstock.cli.models.add:add", "Check a model's file, keep it, and register it."),
    "list": Entry("penstock.cli.models.listing:list_", "List the models, their states, and who uses them."),
    "show": Entry("penstock.cli.models.show:show", "Show one version of a model: inputs, outputs, users, workers."),
    "live": Entry("penstock.cli.models.live:live", "Say which version a bare name means."),
    "delete": Entry("penstock.cli.models.delete:delete", "Delete a version that nobody uses."),
    "pull": Entry("penstock.cli.models.pull:pull", "Fetch a model's file."),
    "status": Entry("penstock.cli.models.status:status", "Show what each worker has loaded."),
    "import-legacy": Entry("penstock.cli.models.import_legacy:import_legacy", "Take over another registry's messages."),
}


@click.group(cls=LazyGroup, entries=COMMANDS)
def models() -> None:
    """Add, list and delete models while events flow, and say which version of each is live."""
