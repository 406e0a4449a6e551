"""The options by which a command is told of a model that is to be registered."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from penstock.cli.models.arguments import versioned
from penstock.deployables import SCORING
from penstock.models.descriptor import ModelDescriptor
from penstock.models.intake import Offer, described

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["DEFAULT_JOB", "job_option", "offering"]

T = TypeVar("T")

DEFAULT_JOB = "pmml"
_SERVICE = "service"
#: Formats of models that their server has, by what it speaks.
_FORMATS = {"tensorflow": "tensorflow-serving", "open-inference": "open-inference"}
#: Options that say how a server is asked, and what a descriptor calls that under `server`.
_ON_SERVER = {
    "protocol": "",
    "server": "name",
    "remote_model": "model",
    "remote_version": "version",
    "label": "label",
    "signature": "signature",
    "method": "method",
}
job_option: Callable[..., click.Command] = click.option(
    "--job", type=click.Choice(list(SCORING)), help=f"The job that scores it.  [default: {DEFAULT_JOB}]"
)


class _Sample(click.ParamType[Any]):
    """An input of a model: JSON, or ``@FILE`` with JSON in it."""

    name = "json"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        text = str(value)
        try:
            content = Path(text[1:]).read_text(encoding="utf-8") if text.startswith("@") else text
            sample = json.loads(content)
        except (OSError, ValueError) as error:
            self.fail(f"expected JSON, or @FILE with JSON in it: {error}", param, ctx)
        if not isinstance(sample, dict | list):
            self.fail(f"expected an object or a list, got {text!r}", param, ctx)
        return sample


def offering(command: Callable[..., T]) -> Callable[..., T]:
    """Add the options that tell of a model; the command gets an ``offer``."""

    @click.argument("source", metavar="[FILE]", required=False)
    @click.option("--name", help="Its name: letters, digits, '-' and '_'.")
    @click.option("--version", type=click.IntRange(min=0), metavar="N", help="Its version: a whole number.")
    @job_option
    @click.option(
        "--descriptor",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="A descriptor.yaml that says all this, and which file; options win over it.",
    )
    @click.option("--description", metavar="TEXT", help="For people.")
    @click.option(
        "--sample", type=_Sample(), metavar="JSON", help="An input to try it with, or @FILE; else one is made up."
    )
    @click.option("--prediction", metavar="OUTPUT", help="The output that becomes the result's prediction.")
    @_serving
    @functools.wraps(command)
    def wrapped(**options: Any) -> T:
        names = ("source", "name", "version", "job", "descriptor", "description", "sample", "prediction", *_ON_SERVER)
        return command(offer=_offer(**{name: options.pop(name) for name in names}), **options)

    return wrapped


def _serving(command: Callable[..., T]) -> Callable[..., T]:
    """Add the options that tell how a model server is asked for a model: job `service`."""
    for add in reversed(
        (
            click.option("--server", metavar="NAME", help="The model server that has it, as service.servers names it."),
            click.option(
                "--protocol", type=click.Choice(list(_FORMATS)), help="What that speaks.  [default: tensorflow]"
            ),
            click.option("--remote-model", metavar="NAME", help="Its name there.  [default: --name]"),
            click.option("--remote-version", type=click.IntRange(min=0), metavar="N", help="Its version there."),
            click.option("--label", metavar="TEXT", help="Its version there, by a label."),
            click.option("--signature", metavar="NAME", help="The signature to call.  [default: serving_default]"),
            click.option("--method", type=click.Choice(["predict", "classify", "regress"]), help="How it is called."),
        )
    ):
        command = add(command)
    return command


def _offer(*, source: str | None, descriptor: Path | None, **options: Any) -> Offer:
    said = {key: options[key] for key in ("description", "sample", "prediction") if options[key] is not None}
    name, version, job = options["name"], options["version"], options["job"]
    server = {key: options[option] for option, key in _ON_SERVER.items() if key and options[option] is not None}
    known = None if descriptor is None else described(ModelDescriptor.load(descriptor))
    if known is not None:
        name = known.ref.name if name is None else name
        version = known.ref.version if version is None else version
        job, source, said = job or known.job, source or known.source, {**known.said, **said}
    if server or options["protocol"]:
        if job not in {None, _SERVICE}:
            raise click.UsageError(f"a server is asked by job {_SERVICE!r} alone, got --job {job}")
        job, said["server"] = _SERVICE, {**said.get("server", {}), **server}
        if source is None:
            said["format"] = _FORMATS[options["protocol"] or "tensorflow"]
        elif options["protocol"]:
            raise click.UsageError("--protocol is for a model that its server has: leave the file out, or --protocol")
    elif source is None and known is None:
        raise click.UsageError(
            "which file? Give a path or a URI, --descriptor with one that names it, or --server for a model that its "
            "server has"
        )
    if name is None or version is None:
        raise click.UsageError("a model needs --name and --version, or --descriptor with a file that says them")
    ref = versioned(name, version, "'--name'")
    digest = None if known is None else known.sha256
    return Offer(ref=ref, job=job or DEFAULT_JOB, source=source, sha256=digest, said=said)
