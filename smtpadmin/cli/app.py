"""The command tree: names and one-line helps; a command's module is loaded when it is called.

Wrong usage is told by the command line's library, every other error in :mod:`smtpadmin.cli.failures`.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

import click

from smtpadmin import __version__
from smtpadmin.cli.failures import EXIT_INTERRUPTED, exit_code_of

COMMANDS = {
    "gui": "Open the window.",
    "demo": "Open the window on a built-in mail server with real traffic.",
    "tour": "Save a picture of every screen and state.",
    "serve": "Run the built-in mail server.",
    "servers": "Profiles of servers, kept in the OS keyring.",
    "queue": "List mail queues and act on queued messages.",
    "logs": "Read, follow and parse mail logs.",
    "track": "Find out what happened to a message.",
    "send": "Send a test message and show the whole dialogue.",
    "catch": "Catch mail: take every message, deliver none, err as told.",
    "load": "Load-test a server of your own.",
    "explain": "Say what an SMTP reply or a bounce means and what to do.",
}
"""Command name -> help line. Module ``smtpadmin.cli.NAME`` holds a click command ``command``."""


class LazyGroup(click.Group):
    """A group whose commands are imported when they are run, so that help is instant."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of the documentation."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command's module."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"smtpadmin.cli.{cmd_name}")
        command = module.command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The help's list, without importing a command."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=LazyGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="smtpadmin")
@click.option("--debug", is_flag=True, help="Show tracebacks and debug messages.")
@click.pass_context
def root(ctx: click.Context, debug: bool) -> None:
    """A desktop console for the people who run mail servers.

    Without a command the window opens.
    """
    if ctx.invoked_subcommand is None:
        command = ctx.command
        assert isinstance(command, LazyGroup)
        window = command.get_command(ctx, "gui")
        assert window is not None
        ctx.invoke(window)


def run(arguments: Sequence[str]) -> int:
    """Run one command line and give its exit code; nothing but a bug prints a traceback."""
    return exit_code_of(lambda: _run(arguments), debug="--debug" in arguments)


def _run(arguments: Sequence[str]) -> int:
    try:
        outcome = root.main(args=list(arguments), prog_name="smtpadmin", standalone_mode=False)
    except click.exceptions.Exit as leave:
        return leave.exit_code
    except click.Abort:
        return EXIT_INTERRUPTED
    except click.ClickException as error:
        error.show(sys.stderr)
        return error.exit_code
    return outcome if isinstance(outcome, int) else 0
