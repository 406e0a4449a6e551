"""The ``penstock`` command: a table of commands, each imported when it is called, and one way to end on an error."""

from __future__ import annotations

import signal
from typing import Any, NoReturn

import click

from penstock import errors
from penstock.cli.exits import Exit
from penstock.cli.lazy import Entry, LazyGroup

__all__ = ["COMMANDS", "Entry", "cli", "exit_status", "main"]


#: Every command; ``target`` is ``module:attribute``.
COMMANDS = {
    "up": Entry("penstock.cli.stack:up", "Start Kafka, Flink, the jobs and the demo on this machine."),
    "down": Entry("penstock.cli.stack:down", "Stop what 'up' started."),
    "status": Entry("penstock.cli.stack:status", "Show what of the stack runs and where."),
    "validate": Entry("penstock.cli.validate:validate", "Find every fault of a routing document, without Kafka."),
    "diff": Entry("penstock.cli.diff:diff", "Show what a routing document changes, and which keys move."),
    "apply": Entry("penstock.cli.apply:apply", "Put a routing document in force."),
    "history": Entry("penstock.cli.history:history", "List the routing documents that were published."),
    "rollback": Entry("penstock.cli.rollback:rollback", "Put an earlier routing document in force again."),
    "simulate": Entry("penstock.cli.simulate:simulate", "Show where events would go, and why."),
    "test": Entry("penstock.cli.casebooks:test", "Run the tests that stand beside a routing document."),
    "models": Entry("penstock.cli.models.group:models", "Add, list and delete models, and say which version is live."),
    "shadow": Entry("penstock.cli.shadow:shadow", "Compare a route's shadows with what users get."),
    "generate": Entry("penstock.cli.generate:generate", "Write iris events, in any of the demo's formats."),
    "send": Entry("penstock.cli.send:send", "Send events from a file or standard input."),
    "tail": Entry("penstock.cli.tail:tail", "Show a topic's records."),
    "topics": Entry("penstock.cli.topics:topics", "List the topics."),
    "deadletters": Entry("penstock.cli.deadletters:deadletters", "List, show and count dead letters."),
    "doctor": Entry("penstock.cli.doctor:doctor", "Follow a marked event through each route."),
}

#: Exit status of each kind of error; the nearest class in its family counts.
_STATUSES: dict[type[BaseException], Exit] = {
    errors.SettingsError: Exit.USAGE,
    errors.RoutingDocumentError: Exit.USAGE,
    errors.CasebookError: Exit.USAGE,
    errors.ModelError: Exit.USAGE,
    errors.ImmutableModelError: Exit.FAILED,
    errors.ModelInUseError: Exit.FAILED,
    errors.UnknownRefError: Exit.FAILED,
    errors.StoreError: Exit.UNAVAILABLE,
    errors.KafkaUnavailableError: Exit.UNAVAILABLE,
    errors.PrerequisiteError: Exit.LACKING,
    errors.StackError: Exit.STEP_FAILED,
}


def exit_status(error: errors.PenstockError) -> int:
    """Return the exit status that tells of an error."""
    if isinstance(error, errors.StoreError) and not error.passing:
        return Exit.USAGE  # what is wrong is here: the URI, its options, the file's size, what is installed
    return next((_STATUSES[kind] for kind in type(error).__mro__ if kind in _STATUSES), Exit.FAILED)


def _terminate(number: int, _frame: object) -> NoReturn:
    signal.signal(number, signal.SIG_DFL)  # a second one waits for nothing
    raise SystemExit(Exit.TERMINATED)


class _Failed(click.ClickException):
    """An error of ours on its way out: its text, and no stack trace."""

    def __init__(self, error: errors.PenstockError) -> None:
        super().__init__(str(error))
        self.exit_code = exit_status(error)  # type: ignore[misc]  # click declares it on the class, reads it here


class _Root(LazyGroup):
    """All commands, and one way to end on an error."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except errors.PenstockError as error:
            raise _Failed(error) from error
        except KeyboardInterrupt as interrupt:
            raise click.exceptions.Exit(Exit.INTERRUPTED) from interrupt


@click.group(
    cls=_Root,
    entries=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
    epilog=(
        "Exit statuses: 0 done, 1 failed or not healthy, 2 wrong usage or settings, 3 Kafka cannot be used, 4 the time "
        "given ended, 5 this machine lacks something, 6 a step of the stack failed, 130 interrupted, 143 terminated."
    ),
)
@click.version_option(package_name="penstock", message="penstock %(version)s")
def cli() -> None:
    """Model serving on Kafka event streams: events in, scores out."""


def main() -> None:
    """Run the command line. SIGTERM ends it as an exception would, so that nothing of it is left over."""
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _terminate)
    cli(prog_name="penstock")


if __name__ == "__main__":
    main()
