"""What several commands share: the servers they work on, opened and closed; how partial failure
becomes an exit code."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from smtpadmin.cli.output import note

if TYPE_CHECKING:
    from smtpadmin.connectors.api import Connector
    from smtpadmin.model.errors import SmtpadminError
    from smtpadmin.model.profile import Profile
    from smtpadmin.services.servers import Servers
    from smtpadmin.settings.profiles import ProfileStore
    from smtpadmin.tracking.files import LogTimes

F = TypeVar("F", bound=Callable[..., Any])
EXIT_NOTHING, EXIT_SOME_FAILED = 1, 5


def server_options(function: F) -> F:
    """``--server NAME`` (repeatable) and ``--all``."""
    function = click.option(
        "--all", "everything", is_flag=True, help="Every server with a profile."
    )(function)
    return click.option("--server", "names", multiple=True, metavar="NAME", help="Repeatable.")(
        function
    )


def log_time_options(function: F) -> F:
    """``--year N`` and ``--tz ZONE``, for logs whose stamps lack them; see :func:`log_times`."""
    function = click.option(
        "--tz",
        "zone",
        metavar="ZONE",
        help="Where stamps without an offset were written: Europe/Berlin, +01:00. Else this computer's zone.",
    )(function)
    return click.option(
        "--year",
        type=click.IntRange(1970, 9998),
        metavar="N",
        help="Year of the first line, for stamps without one. Else counted back from each file's last change.",
    )(function)


def log_times(year: int | None, zone: str | None) -> LogTimes:
    """How the times of log files are read. Raises UsageError."""
    from smtpadmin.tracking.files import LogTimes
    from smtpadmin.util.zones import LOCAL, zone_named

    return LogTimes(zone_named(zone) if zone else LOCAL, year)


async def profile_store() -> ProfileStore:
    """Profiles in the keyring, or in what SMTPADMIN_SECRETS names."""
    from smtpadmin.settings import paths
    from smtpadmin.settings.profiles import ProfileStore
    from smtpadmin.settings.stores import open_store

    return ProfileStore(await open_store(), paths.state_dir() / "profiles.lock")


async def open_servers() -> Servers:
    """Profiles and journal of this user."""
    from smtpadmin.services.servers import Servers
    from smtpadmin.settings import paths
    from smtpadmin.settings.journal import Journal

    return Servers(await profile_store(), Journal(paths.state_dir() / "journal"))


@contextlib.asynccontextmanager
async def connected(
    names: Sequence[str], everything: bool
) -> AsyncIterator[tuple[Servers, Mapping[str, tuple[Profile, Connector]]]]:
    """The connectors of the servers, by name; closed at the end. Raises UsageError."""
    servers = await open_servers()
    profiles = await servers.resolve(names, everything=everything)
    opened: dict[str, tuple[Profile, Connector]] = {}
    try:
        for profile in profiles:
            opened[profile.name] = (profile, await servers.connector_of(profile))
        yield servers, opened
    finally:
        for _, connector in opened.values():
            await connector.close()


def failure_code(failed: Mapping[str, SmtpadminError], asked: int, found: bool) -> int:
    """Name each failure on stderr; 0, 1 (nothing found), the error's own code when all servers
    failed, 5 when some did."""
    for name, error in failed.items():
        note(f"{name}: {error}" if name not in str(error) else str(error))
    if failed and len(failed) == asked:
        return max(error.exit_code for error in failed.values())
    if failed:
        return EXIT_SOME_FAILED
    return 0 if found else EXIT_NOTHING
