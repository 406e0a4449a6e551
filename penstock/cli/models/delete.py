"""``penstock models delete``: take a version out of the registry, unless somebody would miss it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from penstock.cli.models.arguments import RefParam, found
from penstock.cli.models.looking import used
from penstock.cli.options import with_settings
from penstock.control import adding
from penstock.control.models import ModelsTopic
from penstock.models.store import shown_uri
from penstock.models.usage import as_live

if TYPE_CHECKING:
    from penstock.models.ref import ModelRef
    from penstock.settings import Settings

__all__ = ["delete"]


@click.command(
    epilog="""\b
Examples:
  penstock models delete iris-tree:1
  penstock models delete iris-tree:1 --force

A version that a route or a shadow names, or that is live, is refused, and who uses it is told. With --force, requests
that name it become dead letters with code UNKNOWN_MODEL, and a bare name means another version. Its file stays in the
store. The ref is free then: other bytes may be registered under it, and dead letters of before would mean those; a new
version is better.

Exit status: 0 deleted, 1 somebody uses it, or it is not registered, 2 wrong usage or settings, 3 Kafka cannot be
used."""
)
@click.argument("ref", type=RefParam())
@click.option("--force", is_flag=True, help="Delete it even where somebody uses it.")
@with_settings
def delete(settings: Settings, *, ref: ModelRef, force: bool) -> None:
    """Delete REF, NAME:VERSION, from the registry; workers unload it."""
    if ref.version is None:
        raise click.BadParameter(f"which version? Expected {ref}:VERSION, got a bare name", param_hint="'REF'")
    with ModelsTopic(settings) as topic:
        descriptor = found(topic.registry, ref)
        was_live = topic.registry.live(ref.name) == ref
        before = adding.refuse_in_use(ref, used(settings, topic.registry), force=force)
        adding.remove(topic, ref)
        now = topic.registry.live(ref.name)
        # Whoever named no version has another one now, if there is one.
        missing = before if now is None else used(settings, topic.registry).get(ref, ())
    stays = f"its file stays at {shown_uri(descriptor.file.uri)}" if descriptor.has_file else "its server still has it"
    click.echo(f"deleted {ref}; {stays}")
    named = [user for user in missing if user != as_live(ref.name)]
    if named:
        advice = f"register {ref} again, or change the routing document"
        click.echo(f"warning: requests become dead letters of: {'; '.join(named)}; {advice}", err=True)
    if was_live:
        click.echo(
            f"no version of {ref.name!r} is left" if now is None else f"{ref.name!r} means version {now.version} now"
        )
