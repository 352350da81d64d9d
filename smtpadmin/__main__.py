"""Arguments in, command line or window out. Imports nothing heavy before it knows which."""

from __future__ import annotations

import sys

JUST_THE_WINDOW: tuple[list[str], ...] = ([], ["gui"])
"""Calls with nothing to parse: the window comes sooner without the command line's library."""


def main() -> None:
    """Run smtpadmin and leave with the exit code of ``docs/cli.md``."""
    arguments = sys.argv[1:]
    if arguments in JUST_THE_WINDOW:
        from smtpadmin.cli.failures import exit_code_of
        from smtpadmin.cli.window import open_window

        sys.exit(exit_code_of(open_window))
    from smtpadmin.cli.app import run

    sys.exit(run(arguments))


if __name__ == "__main__":
    main()
