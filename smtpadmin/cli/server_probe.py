"""Connecting to a server before its profile is saved, and answering whether it is the right one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from smtpadmin.cli.output import plain
from smtpadmin.connectors.api import AdviceSource, ability
from smtpadmin.formats.fingerprint import parse_fingerprint
from smtpadmin.model.errors import UntrustedError
from smtpadmin.model.profile import Profile
from smtpadmin.services.trust import accepted_among, may_accept, question, with_trust


def trusting(profile: Profile, trust: Sequence[str]) -> Profile:
    """The profile with what ``--trust`` accepts, without asking the server."""
    for text in trust:
        place, fingerprint = trust_option(text)
        profile = with_trust(profile, fingerprint, place)
    return profile


async def probe_and_trust(
    profile: Profile, secrets: dict[str, str], trust: Sequence[str]
) -> Profile:
    """Connect; a certificate or host key whose fingerprint was given is accepted where it is met,
    at a jump host as well."""
    given = [trust_option(text) for text in trust]
    for place, fingerprint in given:
        if place:
            profile = with_trust(profile, fingerprint, place)
    wanted = {fingerprint for place, fingerprint in given if not place}
    for _ in range(len(wanted)):
        try:
            await probe(profile, secrets)
            return profile
        except UntrustedError as error:
            if not accepted_among(error, wanted):
                raise
            profile = with_trust(profile, error.fingerprint, error.place)
    await probe(profile, secrets)
    return profile


def trust_option(text: str) -> tuple[str, str]:
    """``[PLACE=]FINGERPRINT`` as its two parts; a base64 fingerprint holds no ``=`` here."""
    place, _, fingerprint = text.rstrip("=").rpartition("=")
    return place, parse_fingerprint(fingerprint)


async def probe(profile: Profile, secrets: dict[str, str]) -> dict[str, Any]:
    """Connect and log in; gives the connector's facts and advice as plain values."""
    from smtpadmin.connectors.registry import create

    connector = create(profile, secrets)
    try:
        found = dict(plain(await connector.probe()))
        source = ability(connector, AdviceSource)
        return found | {"advice": plain(await source.advice()) if source is not None else []}
    except UntrustedError as error:
        error.remedy = how_to_trust(error, profile.name)
        raise
    finally:
        await connector.close()


def how_to_trust(error: UntrustedError, name: str) -> str:
    """The remedy of an untrusted server, as a line to type where a person may accept it."""
    if not error.fingerprint:
        return error.remedy
    shown = question(error)["fingerprint"]
    if not may_accept(error):
        return f"{error.remedy} It is {shown} now."
    place = f"{error.place}=" if error.place else ""
    return (
        f"It is {shown}. If it is right: --trust {place}{error.fingerprint} "
        f"with servers add, or servers edit {name}."
    )
