"""``smtpadmin servers``: profiles of servers, kept in the OS keyring."""

from __future__ import annotations

import asyncio
import sys
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from smtpadmin.cli.output import json_option, note, plain, print_json, print_table
from smtpadmin.cli.sources import profile_store
from smtpadmin.formats.fingerprint import parse_fingerprint
from smtpadmin.model.errors import KeyringError, UntrustedError, UsageError
from smtpadmin.model.profile import Environment, Profile, SafetyLevel, TlsMode
from smtpadmin.services.profile_form import profile_from, values_of
from smtpadmin.services.servers import declared_settings, secret_names
from smtpadmin.services.trust import accepted_among, may_accept, question, with_trust
from smtpadmin.settings.profiles import ProfileStore


@click.group()
def command() -> None:
    """Profiles of servers, kept in the OS keyring."""


@command.command("list")
@json_option
def list_servers(as_json: bool) -> int:
    """All servers that have a profile."""
    return asyncio.run(_list(as_json))


async def _list(as_json: bool) -> int:
    store = await profile_store()
    listing = await store.listing()
    if as_json:
        for profile in listing.profiles:
            print_json(plain(profile))
    else:
        rows = (
            (
                p.name,
                p.kind,
                f"{p.host}:{p.port}" if p.port else p.host or p.settings.get("admin", ""),
                p.environment,
                p.safety,
            )
            for p in listing.profiles
        )
        print_table(("Name", "Kind", "Address", "Environment", "Safety"), rows)
        note(f"{len(listing.profiles)} servers in {store.store.describe()}")
    for problem in listing.problems.values():
        note(problem)
    return 5 if listing.problems else 0


@command.command()
@click.argument("name")
@json_option
def show(name: str, as_json: bool) -> int:
    """One profile; never a secret."""
    profile = asyncio.run(_find(name))
    if as_json:
        print_json(plain(profile))
    else:
        print_table(
            ("Field", "Value"),
            ((k, v) for k, v in plain(profile).items() if v not in ("", None, {})),
        )
    return 0


async def _find(name: str) -> Profile:
    return await (await profile_store()).find(name)


def _profile_options(function: Callable[..., Any]) -> Callable[..., Any]:
    options = (
        click.option("--host"),
        click.option("--port", type=click.IntRange(1, 65535)),
        click.option("--user"),
        click.option("--tls", type=click.Choice([m.value for m in TlsMode])),
        click.option("--environment", type=click.Choice([e.value for e in Environment])),
        click.option("--safety", type=click.Choice([s.value for s in SafetyLevel])),
        click.option("--prefix", metavar="'COMMAND PREFIX'"),
        click.option("--group"),
        click.option("--admin", metavar="HOST:PORT", help="Of the built-in server."),
        click.option("--smtp", metavar="HOST:PORT", help="Of the built-in server."),
        click.option(
            "--set",
            "settings",
            multiple=True,
            metavar="KEY=VALUE",
            help="What the kind declares. Repeatable.",
        ),
        click.option(
            "--password-stdin", is_flag=True, help="Read the password or token from standard input."
        ),
        click.option(
            "--trust",
            multiple=True,
            metavar="[PLACE=]SHA256",
            help="Accept this certificate or SSH host key (hex, or SHA256:…). Repeatable.",
        ),
        click.option(
            "--secret-stdin",
            "more_secrets",
            multiple=True,
            metavar="NAME",
            help="Read one more secret that the kind declares, a line each after the password.",
        ),
        click.option("--no-probe", is_flag=True, help="Save without connecting."),
    )
    for option in reversed(options):
        function = option(function)
    return function


@command.command()
@click.argument("name")
@click.option("--kind", required=True, help="builtin, smtp, …")
@_profile_options
@json_option
def add(name: str, kind: str, as_json: bool, **options: Any) -> int:
    """Add a server."""
    return asyncio.run(_add(name, kind, options, as_json))


async def _add(name: str, kind: str, options: dict[str, Any], as_json: bool) -> int:
    store = await _persistent_store()
    profile, secrets = _profile(name, kind, options, None)
    if options["no_probe"]:
        profile = _trusting(profile, options["trust"])
    else:
        profile = await _probe_and_trust(profile, secrets, options["trust"])
    await store.add(profile, secrets)
    return _said("added", profile, as_json)


def _trusting(profile: Profile, trust: Sequence[str]) -> Profile:
    """The profile with what ``--trust`` accepts, without asking the server."""
    for text in trust:
        place, fingerprint = _trust_option(text)
        profile = with_trust(profile, fingerprint, place)
    return profile


async def _probe_and_trust(
    profile: Profile, secrets: dict[str, str], trust: Sequence[str]
) -> Profile:
    """Connect; a certificate or host key whose fingerprint was given is accepted where it is met,
    at a jump host as well."""
    given = [_trust_option(text) for text in trust]
    for place, fingerprint in given:
        if place:
            profile = with_trust(profile, fingerprint, place)
    wanted = {fingerprint for place, fingerprint in given if not place}
    for _ in range(len(wanted)):
        try:
            await _probe(profile, secrets)
            return profile
        except UntrustedError as error:
            if not accepted_among(error, wanted):
                raise
            profile = with_trust(profile, error.fingerprint, error.place)
    await _probe(profile, secrets)
    return profile


def _trust_option(text: str) -> tuple[str, str]:
    """``[PLACE=]FINGERPRINT`` as its two parts; a base64 fingerprint holds no ``=`` here."""
    place, _, fingerprint = text.rstrip("=").rpartition("=")
    return place, parse_fingerprint(fingerprint)


async def _persistent_store() -> ProfileStore:
    store = await profile_store()
    if not store.store.persistent:
        raise KeyringError(
            f"nothing would be saved: {getattr(store.store, 'why', '') or 'there is no keyring'}",
            remedy="Set SMTPADMIN_SECRETS=vault:PATH and SMTPADMIN_VAULT_PASSWORD, or unlock a keyring.",
        )
    return store


def _profile(
    name: str, kind: str, options: dict[str, Any], base: Profile | None
) -> tuple[Profile, dict[str, str]]:
    values = values_of(base) if base else {}
    names = ("host", "port", "user", "tls", "admin", "smtp", "prefix")
    values |= {name: str(options[name]) for name in names if options[name]}
    declared = {field.name for field in declared_settings(kind)}
    for text in options["settings"]:
        key, equals, value = text.partition("=")
        if not equals or key not in declared:
            raise UsageError(
                f"{text!r} is not a setting of {kind}",
                where="--set",
                remedy=f"It knows: {', '.join(sorted(declared))}.",
            )
        if key in secret_names(kind):
            raise UsageError(
                f"{key} is a secret and never an argument", where="--set",
                remedy=f"Use --secret-stdin {key}.",
            )  # fmt: skip
        values[key] = value
    values |= _secret(kind, options)
    chosen = options["environment"] or (base.environment if base else Environment.PRODUCTION)
    environment = Environment(chosen)
    safety = (
        SafetyLevel(options["safety"]) if options["safety"] else (base.safety if base else None)
    )
    start = base or Profile(str(uuid.uuid4()), name, kind)
    profile, secrets = profile_from(
        kind, values, name=name, environment=environment, safety=safety,
        base=replace(start, prefix=options["prefix"] or start.prefix, group=options["group"] or start.group)
        if base or not any(f.required and f.secret for f in declared_settings(kind)) or _given(kind, values)
        else None,
    )  # fmt: skip
    return profile, secrets


def _given(kind: str, values: dict[str, str]) -> bool:
    return all(values.get(f.name) for f in declared_settings(kind) if f.secret and f.required)


def _secret(kind: str, options: dict[str, Any]) -> dict[str, str]:
    names = secret_names(kind)
    unknown = [name for name in options["more_secrets"] if name not in names]
    if unknown:
        raise UsageError(
            f"{unknown[0]!r} is not a secret of {kind}", where="--secret-stdin",
            remedy=f"It knows: {', '.join(names) or 'none'}.",
        )  # fmt: skip
    first = names[:1] if options["password_stdin"] else ()
    given = {name: _line() for name in (*first, *options["more_secrets"])}
    required = {f.name for f in declared_settings(kind) if f.required}
    if names and not given and names[0] in required and sys.stdin.isatty():
        return {names[0]: click.prompt(names[0].capitalize(), hide_input=True, err=True)}
    return given


def _line() -> str:
    return sys.stdin.readline().rstrip("\r\n")


async def _probe(profile: Profile, secrets: dict[str, str]) -> dict[str, Any]:
    from smtpadmin.connectors.registry import create

    connector = create(profile, secrets)
    try:
        return dict(plain(await connector.probe()))
    except UntrustedError as error:
        error.remedy = _how_to_trust(error, profile.name)
        raise
    finally:
        await connector.close()


def _how_to_trust(error: UntrustedError, name: str) -> str:
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


def _said(what: str, profile: Profile, as_json: bool) -> int:
    if as_json:
        print_json({"result": what, "name": profile.name, "uuid": profile.uuid})
    else:
        note(f"{profile.name} {what} ({profile.environment}, {profile.safety})")
    return 0


@command.command()
@click.argument("name")
@click.option("--rename", metavar="NAME")
@_profile_options
@json_option
def edit(name: str, as_json: bool, **options: Any) -> int:
    """Change a profile; what is not named stays."""
    return asyncio.run(_edit(name, options, as_json))


async def _edit(name: str, options: dict[str, Any], as_json: bool) -> int:
    store = await _persistent_store()
    old = await store.find(name)
    profile, secrets = _profile(options["rename"] or old.name, old.kind, options, old)
    profile = _trusting(profile, options["trust"])
    await store.update(profile, secrets)
    return _said("changed", profile, as_json)


@command.command()
@click.argument("name")
@json_option
def remove(name: str, as_json: bool) -> int:
    """Forget a profile and its secrets."""
    return asyncio.run(_remove(name, as_json))


async def _remove(name: str, as_json: bool) -> int:
    store = await profile_store()
    listing = await store.listing()
    if name in listing.problems:
        await store.remove(name, ("token", "password"))
        note(f"{name} removed")
        return 0
    profile = await store.find(name)
    await store.remove(profile.uuid, secret_names(profile.kind))
    return _said("removed", profile, as_json)


@command.command()
@click.argument("name")
@json_option
def test(name: str, as_json: bool) -> int:
    """Connect and log in."""
    return asyncio.run(_test(name, as_json))


async def _test(name: str, as_json: bool) -> int:
    store = await profile_store()
    profile = await store.find(name)
    secrets = {n: await store.secret(profile.uuid, n) or "" for n in secret_names(profile.kind)}
    found = await _probe(profile, secrets)
    if as_json:
        print_json(found)
    else:
        rows = [
            ("Software", f"{found['software']} {found['version']}"),
            ("Reached by", found["path"]),
        ]
        print_table(("Fact", "Value"), [*rows, *found["facts"].items()])
    return 0


@command.command()
@click.option("--out", type=click.Path(path_type=Path), help="A file; standard output without.")
def export(out: Path | None) -> int:
    """All profiles as a file to share; never a secret."""
    from smtpadmin.settings.files import write_private
    from smtpadmin.settings.transfer import export_profiles

    listing = asyncio.run(_listing())
    text = export_profiles(listing)
    if out is None:
        click.echo(text, nl=False)
    else:
        try:
            write_private(out, text.encode())
        except OSError as error:
            raise UsageError(f"cannot be written ({error.strerror})", where=str(out)) from error
        note(f"{len(listing)} profiles in {out}, without secrets")
    return 0


async def _listing() -> list[Profile]:
    return list((await (await profile_store()).listing()).profiles)


@command.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@json_option
def import_file(file: Path, as_json: bool) -> int:
    """Add the profiles of a file; a name that is taken gets a number."""
    return asyncio.run(_import(file, as_json))


async def _import(file: Path, as_json: bool) -> int:
    from smtpadmin.settings.transfer import import_profiles

    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot be read ({error})", where=str(file)) from error
    store = await _persistent_store()
    known = (await store.listing()).profiles
    for profile in import_profiles(text, str(file)):
        if any(replace(other, uuid="") == replace(profile, uuid="") for other in known):
            note(f"{profile.name}: the same profile is there already")
            continue
        taken = {other.name.casefold() for other in known}
        renamed = replace(profile, uuid=str(uuid.uuid4()), name=_free_name(profile.name, taken))
        await store.add(renamed, {})
        known = (*known, renamed)
        _said("added without its secret", renamed, as_json)
    return 0


def _free_name(name: str, taken: set[str]) -> str:
    number, free = 2, name
    while free.casefold() in taken:
        free, number = f"{name} ({number})", number + 1
    return free


@command.command()
def repair() -> int:
    """Tidy the index: lines without a profile are taken out."""
    gone = asyncio.run(_repair())
    note(f"{len(gone)} lines without a profile taken out" if gone else "nothing to repair")
    return 0


async def _repair() -> tuple[str, ...]:
    return await (await profile_store()).repair()
