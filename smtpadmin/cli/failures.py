"""Where errors end: one sentence on stderr and the exit code of the error's type.

A traceback only with ``--debug``. Imports little, so that the window need not wait for it.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Callable

from smtpadmin.model.errors import SmtpadminError
from smtpadmin.util.text import visible

EXIT_BUG = 70
EXIT_INTERRUPTED = 130


def exit_code_of(call: Callable[[], int], *, debug: bool = False) -> int:
    """What ``call`` returns, or the exit code of its failure, which is said on stderr."""
    logging.basicConfig(
        level=logging.DEBUG if debug else logging.WARNING,
        format="smtpadmin: %(levelname)s: %(message)s",
        stream=sys.stderr,
    )
    try:
        return call()
    except SmtpadminError as error:
        return _say(str(error), error.exit_code, debug)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except Exception as error:  # noqa: BLE001 - the last line of defence: a bug of ours
        return _say(
            f"a bug in smtpadmin: {type(error).__name__}: {error}. "
            "Run again with --debug and report the traceback.",
            EXIT_BUG,
            debug,
        )


def _say(sentence: str, code: int, debug: bool) -> int:
    if debug:
        traceback.print_exc()
    sys.stderr.write(f"smtpadmin: {visible(sentence)}\n")
    return code
