"""Who owns a running task. The only place, with ``gui.tasks``, where tasks are started.

A task is named, referenced by its owner, cancelled and awaited by it; an unexpected error is handed
to the owner's reporter and never disappears.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import logging
import threading
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

from smtpadmin.model.errors import TotalDeadlineError

P = ParamSpec("P")
T = TypeVar("T")
log = logging.getLogger(__name__)


class TaskOwner:
    """Owns tasks: starts them by name, reports their errors, ends them all with :meth:`close`."""

    def __init__(
        self, name: str, on_error: Callable[[str, BaseException], None] | None = None
    ) -> None:
        self.name = name
        self._on_error = on_error
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closed = False

    @property
    def running(self) -> tuple[str, ...]:
        """Names of the tasks that still run."""
        return tuple(sorted(task.get_name() for task in self._tasks))

    def spawn(self, name: str, coroutine: Coroutine[Any, Any, T]) -> asyncio.Task[T] | None:
        """Start ``coroutine`` as ``owner/name``; None (and nothing started) after :meth:`close`."""
        if self._closed:
            coroutine.close()
            return None
        task = asyncio.get_running_loop().create_task(coroutine, name=f"{self.name}/{name}")
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if task.cancelled():
            return
        error = task.exception()
        if error is None:
            return
        if self._on_error is not None:
            self._on_error(task.get_name(), error)
        else:
            log.error("task %s failed", task.get_name(), exc_info=error)

    def cancel_all(self) -> None:
        """Ask every task to stop; returns at once."""
        for task in tuple(self._tasks):
            task.cancel()

    async def close(self, timeout: float = 5.0) -> tuple[str, ...]:
        """Cancel all and wait at most ``timeout`` seconds; gives the names that would not end."""
        self._closed = True
        tasks = tuple(self._tasks)
        self.cancel_all()
        if tasks:
            await asyncio.wait(tasks, timeout=timeout)
        stuck = tuple(task.get_name() for task in tasks if not task.done())
        for name in stuck:
            log.error("task %s did not end within %.1f s", name, timeout)
        return stuck


async def run_blocking(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a blocking call in a daemon thread of its own, for at most 30 s (see
    :func:`run_blocking_for`)."""
    return await run_blocking_for(30.0, function, *args, **kwargs)


async def run_blocking_for(
    timeout: float, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
) -> T:
    """Run a blocking call in a daemon thread of its own and wait at most ``timeout`` seconds.

    A thread of its own, not a pool: a call that hangs (a keyring waiting for a prompt) then blocks
    neither the next call nor the program's exit. Raises TotalDeadlineError when time is up; what
    the call does afterwards is ignored.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[T] = loop.create_future()
    context = contextvars.copy_context()
    name = getattr(function, "__qualname__", repr(function))

    def work() -> None:
        try:
            result = context.run(functools.partial(function, *args, **kwargs))
        except BaseException as error:  # noqa: BLE001 - carried to the awaiting task
            _hand_over(loop, _set_error, answer, error)
        else:
            _hand_over(loop, _set_result, answer, result)

    threading.Thread(target=work, name=f"blocking {name}", daemon=True).start()
    try:
        async with asyncio.timeout(timeout):
            return await answer
    except TimeoutError as error:
        if answer.cancelled():
            raise TotalDeadlineError(
                f"no answer within {timeout:g} s", where=name, remedy="Try again."
            ) from error
        raise


def _hand_over(loop: asyncio.AbstractEventLoop, setter: Callable[..., None], *args: object) -> None:
    try:
        loop.call_soon_threadsafe(setter, *args)
    except RuntimeError:
        log.debug("the loop closed before a blocking call ended")


def _set_result(answer: asyncio.Future[T], result: T) -> None:
    if not answer.done():
        answer.set_result(result)


def _set_error(answer: asyncio.Future[Any], error: BaseException) -> None:
    if not answer.done():
        answer.set_exception(error)
