"""HTTP to an admin API: one session, bearer token, capped bodies, errors as ours.

The only place that knows aiohttp's client. A server's error object ``{"error": {"what", "where",
"remedy"}}`` keeps its words.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp
import msgspec

from smtpadmin.model.errors import (
    LoginError,
    NotPermittedError,
    ProtocolError,
    ServerRefusedError,
    SmtpadminError,
    TotalDeadlineError,
    UnreachableError,
    UntrustedError,
    UsageError,
)

CONNECT_S = 10.0
TOTAL_S = 60.0
MOST_WHY = 200
MOST_BODY = 64 * 1024 * 1024
MOST_LINE = 4 * 1024 * 1024
BATCH_LINES = 500


class HttpTransport:
    """One server's admin API. ``base`` is ``http://host:port``; an empty token is not sent."""

    def __init__(self, base: str, token: str) -> None:
        self.base = base.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Give up the connections; may be called twice."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def get(self, path: str, query: Mapping[str, str] | None = None) -> bytes:
        """A whole answer."""
        async with self._ask("GET", path, query=query) as response:
            return await self._body(response)

    async def get_with_headers(self, path: str) -> tuple[bytes, Mapping[str, str]]:
        """A whole answer and its headers."""
        async with self._ask("GET", path) as response:
            return await self._body(response), response.headers

    async def post(self, path: str, body: object) -> bytes:
        """Send JSON; gives the whole answer."""
        async with self._ask("POST", path, body=msgspec.json.encode(body)) as response:
            return await self._body(response)

    async def lines(
        self, path: str, query: Mapping[str, str] | None = None, *, endless: bool = False
    ) -> AsyncIterator[list[bytes]]:
        """JSON Lines as they arrive, in batches. Empty lines are left out; an empty batch is a
        heartbeat: the stream is open and has nothing to say."""
        async with self._ask("GET", path, query=query, endless=endless) as response:
            rest = b""
            async for chunk in response.content.iter_any():
                *whole, rest = (rest + chunk).split(b"\n")
                if len(rest) > MOST_LINE:
                    raise ProtocolError("an endless line was sent", where=self.base)
                batch = [line for line in whole if line]
                if whole and not batch:
                    yield []
                for start in range(0, len(batch), BATCH_LINES):
                    yield batch[start : start + BATCH_LINES]
            if rest:
                raise ProtocolError("the answer broke off in the middle of a line", where=self.base)

    async def _body(self, response: aiohttp.ClientResponse) -> bytes:
        body = bytearray()
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > MOST_BODY:
                raise ProtocolError("the answer is too long", where=self.base)
        return bytes(body)

    @contextlib.asynccontextmanager
    async def _ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
        endless: bool = False,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        timeout = aiohttp.ClientTimeout(
            total=None if endless else TOTAL_S, sock_connect=CONNECT_S, sock_read=30.0
        )
        headers = {"Content-Type": "application/json"} if body is not None else None
        with self._mapped_errors():
            async with self._client().request(
                method,
                self.base + path,
                params=query,
                data=body,
                headers=headers,
                timeout=timeout,
                allow_redirects=False,
            ) as response:
                if response.status >= 300:
                    raise self._refusal(response.status, await self._body(response))
                yield response

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(headers=self._headers, trust_env=False)
        elif self._session.closed:
            # close() is still waiting for it; aiohttp would raise a bare RuntimeError.
            raise UnreachableError("the connection is being given up", where=self.base)
        return self._session

    @contextlib.contextmanager
    def _mapped_errors(self) -> Any:
        try:
            yield
        except aiohttp.ClientConnectorCertificateError as error:
            raise UntrustedError(
                f"the certificate is not trusted ({error.certificate_error})", where=self.base
            ) from error
        except aiohttp.ClientConnectorError as error:
            raise UnreachableError(
                f"cannot connect ({_why(error)})",
                where=self.base,
                remedy="Check that the server runs and that host and port are right.",
            ) from error
        except TimeoutError as error:
            raise TotalDeadlineError(
                "no answer in time", where=self.base, remedy="Try again."
            ) from error
        except aiohttp.ClientError as error:
            raise UnreachableError(
                f"the connection broke ({_why(error)})", where=self.base, remedy="Try again."
            ) from error

    def _refusal(self, status: int, body: bytes) -> SmtpadminError:
        what, where, remedy = f"the server answered HTTP {status}", self.base, ""
        with contextlib.suppress(msgspec.DecodeError, KeyError, TypeError, AttributeError):
            words = msgspec.json.decode(body)["error"]
            what = str(words.get("what") or what)[:500]
            remedy = str(words.get("remedy") or "")[:500]
            if words.get("where"):
                where = f"{self.base} {words['where']}"[:300]
        kind = {
            401: LoginError,
            403: NotPermittedError,
            404: ServerRefusedError,
            422: UsageError,
        }.get(status, ProtocolError if status < 500 else ServerRefusedError)
        return kind(what, where=where, remedy=remedy)


def _why(error: BaseException) -> str:
    inner = getattr(error, "os_error", None) or error
    number = getattr(inner, "errno", None)
    # asyncio words a refused connection as "Connect call failed ...": the system's words are plainer.
    if isinstance(number, int) and number > 0:
        return os.strerror(number)
    return str(inner)[:200] or type(inner).__name__
