"""Keeps the one connection to a server: opened when first needed, shared, opened anew when broken.

Whoever waits while it is being opened shares the outcome, so that a wrong password is tried once and
not by each of ten commands. After a failure the next try waits (``util.backoff``); one that waiting
does not mend is repeated from memory meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from smtpadmin.model.errors import NOT_MENDED_BY_WAITING, SmtpadminError, UnreachableError
from smtpadmin.transport.ssh_connect import SshLink
from smtpadmin.util.backoff import Backoff
from smtpadmin.util.tasks import TaskOwner

FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 15.0


class LinkKeeper:
    """Holds a link that ``connect`` opens."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[SshLink]],
        where: str,
        *,
        backoff: Backoff | None = None,
    ) -> None:
        self._connect = connect
        self._where = where
        self._owner = TaskOwner(where)
        self._link: SshLink | None = None
        self._opening: asyncio.Future[SshLink] | None = None
        self._backoff = backoff or Backoff(FIRST_WAIT_S, LONGEST_WAIT_S)
        self._not_before = 0.0
        self._failure: SmtpadminError | None = None
        self._closed = False

    async def link(self) -> SshLink:
        """The open link. Raises what opening it raised, or UnreachableError after :meth:`close`."""
        if self._closed:
            raise UnreachableError("the connection was given up", where=self._where)
        if self._link is not None and not self._link.lost:
            return self._link
        if self._opening is None:
            self._repeat_failure()
            self._opening = asyncio.get_running_loop().create_future()
            self._opening.add_done_callback(_seen)
            self._owner.spawn("connect", self._open(self._opening))
        return await asyncio.shield(self._opening)

    async def close(self) -> None:
        """Give the link up."""
        self._closed = True
        await self._owner.close()
        link, self._link = self._link, None
        if link is not None:
            await link.close()

    def _repeat_failure(self) -> None:
        soon = asyncio.get_running_loop().time() < self._not_before
        if soon and isinstance(self._failure, NOT_MENDED_BY_WAITING):
            raise self._failure

    async def _open(self, answer: asyncio.Future[SshLink]) -> None:
        loop = asyncio.get_running_loop()
        try:
            old, self._link = self._link, None
            if old is not None:
                await old.close()
            await asyncio.sleep(max(0.0, self._not_before - loop.time()))
            self._link = await self._connect()
        except Exception as error:
            self._failure = error if isinstance(error, SmtpadminError) else None
            self._not_before = loop.time() + self._backoff.next()
            self._settle(answer, error)
            if self._failure is None:
                raise  # a bug of ours: the owner reports it too
        except asyncio.CancelledError:
            self._settle(answer, UnreachableError("the connection was given up", where=self._where))
            raise
        else:
            self._backoff.reset()
            self._failure = None
            self._settle(answer, None)

    def _settle(self, answer: asyncio.Future[SshLink], error: BaseException | None) -> None:
        self._opening = None
        if answer.done():
            return
        if error is not None:
            answer.set_exception(error)
        elif self._link is not None:
            answer.set_result(self._link)


def _seen(answer: asyncio.Future[SshLink]) -> None:
    """A failure that nobody waited for any more is no news."""
    if not answer.cancelled():
        answer.exception()
