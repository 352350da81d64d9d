"""Arguments in, command line or window out. Imports nothing heavy before it knows which."""

from __future__ import annotations

import gc
import sys

JUST_THE_WINDOW: tuple[list[str], ...] = ([], ["gui"])
"""Calls with nothing to parse: the window comes sooner without the command line's library."""


OBJECTS_BETWEEN_COLLECTIONS = 20_000
"""Python's 700 let the collector run a hundred times over what modules create at the start, which stays."""


def main() -> None:
    """Run smtpadmin and leave with the exit code of ``docs/cli.md``."""
    arguments = sys.argv[1:]
    if arguments in JUST_THE_WINDOW:
        from smtpadmin.cli.failures import exit_code_of
        from smtpadmin.cli.window import open_window

        sys.exit(exit_code_of(open_window))
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)  # the window has its own collector
    from smtpadmin.cli.app import run

    code = run(arguments)
    gc.freeze()  # all of it ends here: to search it for cycles first took 7 ms
    sys.exit(code)


if __name__ == "__main__":
    main()
