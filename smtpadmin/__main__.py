"""Arguments in, command line or window out. Imports nothing heavy before it knows which."""

from __future__ import annotations

import sys


def main() -> None:
    """Run smtpadmin and leave with the exit code of ``docs/cli.md``."""
    from smtpadmin.cli.app import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
