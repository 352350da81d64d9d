"""The one presenter of errors: from anywhere to the window's banner, with details to copy.

An error of ``model.errors`` is shown in its own words. Anything else is a bug of ours: it is shown
as one, and logged with its traceback.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Callable
from types import TracebackType
from typing import NamedTuple

from smtpadmin.model.errors import SmtpadminError

log = logging.getLogger(__name__)


class Problem(NamedTuple):
    """What the banner shows. ``details`` is what Copy details puts on the clipboard."""

    title: str
    text: str
    details: str
    is_bug: bool = False


def problem_of(error: BaseException) -> Problem:
    """An error in words."""
    if isinstance(error, SmtpadminError):
        title = f"{error.where}: {error.what}" if error.where else error.what
        details = "\n".join(filter(None, (str(error), error.detail)))
        return Problem(title, error.remedy, details)
    trace = "".join(traceback.format_exception(error))
    return Problem(
        f"A bug in smtpadmin: {type(error).__name__}",
        "The window goes on. Please report the details.",
        trace,
        is_bug=True,
    )


Presenter = Callable[[Problem], None]
_presenters: list[Presenter] = []


def set_presenter(presenter: Presenter) -> None:
    """Show errors there from now on (the main window does this once)."""
    _presenters[:] = [presenter]


def report(name: str, error: BaseException) -> None:
    """An error that nobody handled, of a task or a slot."""
    problem = problem_of(error)
    if problem.is_bug:
        log.error("%s failed", name, exc_info=error)
    for presenter in _presenters:
        presenter(problem)


def install_hooks() -> None:
    """Let errors in slots reach the presenter too."""

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
        else:
            report("a slot", error)

    sys.excepthook = hook
