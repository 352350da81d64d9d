"""Plans run against servers that misbehave in every way, at every stage, and against good ones: right
stage, one sentence, in time, and no secret anywhere."""

from __future__ import annotations

import asyncio
import base64
import gc
import json
import socket
import ssl
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smtpadmin.model.errors import (
    LoginError,
    ProtocolError,
    ServerRefusedError,
    SmtpadminError,
    StorageError,
    TotalDeadlineError,
    UnreachableError,
    UntrustedError,
    UsageError,
)
from smtpadmin.model.smtp import Envelope, SendResult, Stage
from smtpadmin.model.smtp_plan import (
    Dialect,
    LoginPlan,
    ProxyPlan,
    SendPlan,
    Stop,
    StopHow,
    StopPoint,
    Target,
    TlsPlan,
    TlsUse,
    TransferPlan,
    Verify,
)
from smtpadmin.services.send_test import as_record
from smtpadmin.transport.smtp_connect import Address
from smtpadmin.transport.smtp_run import Secrets, Surroundings, run_plan
from tests.support.odd_server import Talk, odd_server, script
from tests.support.recording_server import recording_server
from tests.support.rude_tls_server import rude_tls_server
from tests.support.smtp_script import (
    GOOD,
    MAIL,
    PASSWORD,
    SECRETS,
    STEPS,
    TLS_OFFER,
    dialogue,
    each_stage,
    half_then_close,
    server_context,
)

BYE = b"221 2.0.0 bye\r\n"


def plan(
    port: int, *, tls: TlsUse = TlsUse.NONE, mechanism: str = "PLAIN", **more: object
) -> SendPlan:
    options = TlsPlan(tls, **more)  # type: ignore[arg-type]
    return SendPlan(
        Target("127.0.0.1", port), tls=options, login=LoginPlan("user", mechanisms=(mechanism,))
    )


async def run(
    wanted: SendPlan, *, total_s: float = 5.0, step_s: float = 30.0, mail: Envelope = MAIL
) -> tuple[SendResult, SmtpadminError | None]:
    started = time.monotonic()
    result, error = await run_plan(wanted, mail, Secrets(PASSWORD), total_s=total_s, step_s=step_s)
    assert time.monotonic() - started < total_s + 4.0
    in_order(result, error)
    return result, error


async def sent_to(
    talk: Talk,
    *,
    total_s: float = 5.0,
    step_s: float = 30.0,
    mail: Envelope = MAIL,
    mechanism: str = "PLAIN",
) -> tuple[SendResult, SmtpadminError | None]:
    async with odd_server(talk) as port:
        return await run(plan(port, mechanism=mechanism), total_s=total_s, step_s=step_s, mail=mail)


def in_order(result: SendResult, error: SmtpadminError | None) -> None:
    """What holds for every outcome."""
    written = json.dumps(as_record(result), ensure_ascii=False) + repr(error) + str(error)
    written += error.detail if error else ""
    for secret in SECRETS:
        assert secret not in written
    written.encode("utf-8")
    assert all(line.line.isprintable() for line in result.transcript)
    if error is not None:
        assert "\n" not in str(error)
        assert len(str(error)) < 700
        assert result.transcript[-1].line == error.what


def test_the_same_dialogue_as_ever() -> None:
    result, error = asyncio.run(sent_to(dialogue(GOOD)))
    assert error is None
    assert (result.result, result.stage, result.queue_id) == ("accepted", Stage.DOT, "ABCDEF12")
    assert result.timings_ms.keys() == {"resolve", "connect", *(s.value for s, _ in STEPS), "quit"}
    lines = [line.line for line in result.transcript]
    assert "(the connection is not encrypted: others can read the login)" in lines
    assert "221 2.0.0 bye" in lines


@each_stage
async def test_a_server_that_hangs(stop: int) -> None:
    result, error = await sent_to(dialogue(GOOD[:stop], hang=True), total_s=0.25)
    assert type(error) is TotalDeadlineError
    assert (result.result, result.stage) == ("failed", STEPS[stop][0])
    assert "no answer within 0.25 s" in error.what


@each_stage
async def test_a_step_has_a_deadline_of_its_own(stop: int) -> None:
    if STEPS[stop][0] is Stage.DOT:
        return  # a content filter may take its time: the total deadline bounds this
    result, error = await sent_to(dialogue(GOOD[:stop], hang=True), step_s=0.1)
    assert type(error) is TotalDeadlineError
    assert "no answer within 0.1 s" in error.what
    assert result.stage is STEPS[stop][0]


@each_stage
async def test_a_server_that_drops(stop: int) -> None:
    result, error = await sent_to(dialogue(GOOD[:stop]) if stop else script())
    assert type(error) is UnreachableError
    assert (result.result, result.stage) == ("failed", STEPS[stop][0])
    assert error.what.startswith("the server closed the connection ")


@each_stage
async def test_a_server_that_drops_inside_a_line(stop: int) -> None:
    half = GOOD[stop][:7]
    result, error = await sent_to(script(half) if not stop else half_then_close(stop, half))
    assert type(error) is UnreachableError
    assert "in the middle of a line" in error.what
    assert result.stage is STEPS[stop][0]
    assert "(no line end)" in [line.line for line in result.transcript]


@each_stage
@pytest.mark.parametrize(
    "reply", [b"421 4.3.2 closing\r\n", b"554-5.7.1 no\r\n554 5.7.1 never\r\n"]
)
async def test_a_refusal(stop: int, reply: bytes) -> None:
    result, error = await sent_to(dialogue([*GOOD[:stop], reply]))
    stage = STEPS[stop][0]
    assert type(error) is (LoginError if stage is Stage.AUTH else ServerRefusedError)
    assert (result.result, result.stage) == ("refused", stage)
    assert result.reply is not None
    assert result.reply.code == int(reply[:3])
    assert error.exit_code == (3 if stage is Stage.AUTH else 1)
    assert ("QUIT" in [line.line for line in result.transcript]) is (reply[:3] != b"421")


@each_stage
@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (b"hello there\r\n", "no SMTP reply"),
        (b"220_x\r\n", "no SMTP reply"),
        (b"\r\n", "an empty line"),
        (b"250 ok\n", "without CR"),
        (b"250-mx1.example.org\r\n251 ok\r\n", "code changes"),
        (b"\x00\x01\xff\r\n", "no SMTP reply"),
        (b"250 " + b"x" * 1_000_000 + b"\r\n", "too long"),
        (b"250-again\r\n" * 20_000, "too long"),
        (b"x" * 1_000_000, "too long"),
    ],
    ids=["nonsense", "underscore", "empty", "bare LF", "code", "binary", "1 MB", "flood", "no end"],
)
async def test_a_malformed_answer(stop: int, reply: bytes, words: str) -> None:
    result, error = await sent_to(dialogue([*GOOD[:stop], reply], hang=True))
    assert type(error) is ProtocolError
    assert words in error.what
    assert (result.result, result.stage) == ("failed", STEPS[stop][0])
    assert sum(len(line.line) for line in result.transcript) < 1_000_000


@each_stage
async def test_a_success_code_out_of_place(stop: int) -> None:
    out_of_place = b"354 go on\r\n" if STEPS[stop][0] is not Stage.DATA else b"250 taken\r\n"
    result, error = await sent_to(dialogue([*GOOD[:stop], out_of_place], hang=True))
    assert type(error) is ProtocolError
    assert "out of place" in error.what
    assert (result.result, result.stage) == ("failed", STEPS[stop][0])


async def test_421_to_a_recipient_ends_the_session() -> None:
    mail = replace(MAIL, recipients=("c@d.example", "e@d.example"))
    result, error = await sent_to(dialogue([*GOOD[:4], b"421 bye\r\n"], hang=True), mail=mail)
    assert type(error) is ServerRefusedError
    assert [found.address for found in result.recipients] == ["c@d.example"]
    assert result.stage is Stage.RCPT


async def test_a_long_message_is_folded_in_the_transcript() -> None:
    mail = replace(MAIL, raw=b"Subject: x\r\n\r\n" + b"a line of text\r\n" * 5_000)
    result, error = await sent_to(dialogue(GOOD), mail=mail)
    assert error is None
    assert len(result.transcript) < 300
    assert any("octets in all" in line.line for line in result.transcript)


async def test_replies_split_at_every_octet_are_the_same_session() -> None:
    split, error = await sent_to(dialogue(GOOD, pause=0.0001))
    whole, _ = await sent_to(dialogue(GOOD))
    assert error is None
    assert [(x.direction, x.line) for x in split.transcript if x.direction != "*"] == [
        (x.direction, x.line) for x in whole.transcript if x.direction != "*"
    ]


async def test_an_octet_now_and_then_ends_at_the_total_deadline() -> None:
    result, error = await sent_to(dialogue(GOOD, pause=0.05), total_s=0.4)
    assert type(error) is TotalDeadlineError
    assert result.result == "failed"


async def test_an_endless_flood_ends() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(b"220-again\r\n" * 1_000)
            await writer.drain()

    result, error = await sent_to(talk, total_s=2.0)
    assert type(error) is ProtocolError
    assert result.stage is Stage.BANNER
    assert len(result.transcript) <= 6_000


async def test_half_utf_8_and_nul_in_a_good_reply_are_shown() -> None:
    result, error = await sent_to(dialogue([b"220 mx \x00 \xe2\x82 caf\xe9\r\n", *GOOD[1:]]))
    assert error is None
    assert result.transcript[1].line == "220 mx ␀ \\xe2\\x82 caf\\xe9"


@pytest.mark.parametrize("after", [b"hang", b"drop", b"421 bye\r\n", b"nonsense\r\n"])
async def test_after_the_message_is_accepted_nothing_takes_that_back(after: bytes) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for reply in GOOD[:-1]:
            writer.write(reply)
            await reader.readline()
        await reader.readuntil(b".\r\n")
        writer.write(GOOD[-1])
        await reader.readline()
        if after == b"hang":
            await asyncio.sleep(30)
        if after != b"drop":
            writer.write(after)
            await writer.drain()

    result, error = await sent_to(talk, total_s=0.5)
    assert error is None
    assert (result.result, result.stage, result.queue_id) == ("accepted", Stage.DOT, "ABCDEF12")


async def test_a_server_that_never_reads_a_big_message_ends_at_the_deadline() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for reply in GOOD[:-1]:
            writer.write(reply)
            await reader.readline()
        writer.transport.pause_reading()
        await asyncio.sleep(30)

    mail = replace(MAIL, raw=b"Subject: x\r\n\r\n" + b"a line of text\r\n" * 2_000_000)
    result, error = await sent_to(talk, total_s=1.5, mail=mail)
    assert type(error) is TotalDeadlineError
    assert result.stage is Stage.DOT


# Login.


@pytest.mark.parametrize(
    "echo", [PASSWORD, SECRETS[1], SECRETS[2], f"user said {PASSWORD}, {PASSWORD}!"]
)
async def test_a_server_that_repeats_the_password(echo: str) -> None:
    reply = f"535 5.7.8 wrong: {echo}\r\n".encode()
    result, error = await sent_to(dialogue([*GOOD[:2], reply]))
    assert type(error) is LoginError
    assert "<redacted>" in error.what
    assert result.reply is not None
    assert "<redacted>" in result.reply.text


async def test_a_server_that_repeats_the_password_as_nonsense() -> None:
    _, error = await sent_to(dialogue([*GOOD[:2], f"{PASSWORD}\r\n".encode()], hang=True))
    assert type(error) is ProtocolError


MECHANISMS = [
    "LOGIN",
    "LOGIN-INITIAL",
    "CRAM-MD5",
    "PLAIN",
    "XOAUTH2",
    "OAUTHBEARER",
    "SCRAM-SHA-256",
]


@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize(
    "challenge",
    [
        b"334 UGFzc3dvcmQ6\r\n250 and more\r\n",
        b"250 out of turn\r\n334 UGFzc3dvcmQ6\r\n",
        b"334 UGFzc3dvcmQ6\r\n354 go on\r\n",
        b"334 not base64 at all\r\n",
        b"334\r\n",
    ],
)
async def test_a_login_in_which_the_server_speaks_out_of_turn(
    mechanism: str, challenge: bytes
) -> None:
    replies = [*GOOD[:2], challenge, b"334 again\r\n", b"535 no\r\n"]
    result, error = await sent_to(script(*replies), total_s=0.5, mechanism=mechanism)
    assert error is not None
    assert result.stage is Stage.AUTH
    assert result.result in ("refused", "failed")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    password=st.text(
        st.characters(codec="utf-8", exclude_characters="\0"), min_size=6, max_size=20
    ),
    mechanism=st.sampled_from(MECHANISMS),
    answers=st.lists(
        st.sampled_from(
            [b"334 \r\n", b"334 QUJD\r\n", b"235 ok\r\n", b"535 {}\r\n", b"250 {}\r\n", b"{}\r\n"]
        ),
        min_size=3,
        max_size=4,
    ),
)
def test_no_password_is_ever_shown(password: str, mechanism: str, answers: list[bytes]) -> None:
    plain = password.encode()
    replies = [a.replace(b"{}", plain.replace(b"\r", b"").replace(b"\n", b"")) for a in answers]

    async def session() -> tuple[SendResult, SmtpadminError | None]:
        async with odd_server(script(*GOOD[:2], *replies)) as port:
            wanted = plan(port, mechanism=mechanism)
            return await run_plan(wanted, MAIL, Secrets(password), total_s=2)

    result, error = asyncio.run(session())
    shown = json.dumps(as_record(result), ensure_ascii=False) + str(error) + repr(error)
    assert base64.b64encode(plain).decode() not in shown
    if password.isalnum():
        assert password not in shown


@pytest.mark.parametrize("password", ["nul\0nul", "lone \udcff surrogate"])
async def test_a_password_that_cannot_be_sent_is_a_usage_error(password: str) -> None:
    async with odd_server(script(*GOOD[:2])) as port:
        _, error = await run_plan(plan(port), MAIL, Secrets(password), total_s=5)
    assert type(error) is UsageError
    assert "password" in error.what
    assert password not in repr(error.__context__)


# TLS.


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def ca_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


async def over_tls(
    context: ssl.SSLContext, wanted: TlsPlan, talk: Talk | None = None, **more: object
) -> tuple[SendResult, SmtpadminError | None]:
    server = await asyncio.start_server(talk or dialogue(GOOD), "127.0.0.1", 0, ssl=context)
    async with server:
        port = server.sockets[0].getsockname()[1]
        target = replace(plan(port, tls=TlsUse.IMPLICIT), tls=wanted, **more)  # type: ignore[arg-type]
        return await run(target)


def leaf(authority: trustme.CA, *names: str, **more: object) -> ssl.SSLContext:
    return server_context(authority.issue_cert(*names, **more))  # type: ignore[arg-type]


async def test_a_good_certificate_is_verified_and_explained(
    authority: trustme.CA, ca_file: str
) -> None:
    result, error = await over_tls(
        leaf(authority, "127.0.0.1"), TlsPlan(TlsUse.IMPLICIT, ca_file=ca_file)
    )
    assert error is None
    assert result.tls is not None
    assert (result.tls.level, result.tls.verified) == ("Verified", True)
    assert result.tls.chain[0].names == ("127.0.0.1",)
    assert result.tls.chain[0].problems == ()
    assert result.tls.version == "TLSv1.3"
    assert any(line.line.startswith("Verified TLS connection") for line in result.transcript)


@pytest.mark.parametrize("verify", list(Verify))
async def test_an_expired_certificate(authority: trustme.CA, ca_file: str, verify: Verify) -> None:
    yesterday = datetime.now(UTC) - timedelta(days=1)
    context = leaf(
        authority, "127.0.0.1", not_before=yesterday - timedelta(days=9), not_after=yesterday
    )
    result, error = await over_tls(
        context, TlsPlan(TlsUse.IMPLICIT, verify=verify, ca_file=ca_file)
    )
    assert result.tls is not None
    assert "It has expired, 1 days ago." in result.tls.chain[0].problems
    assert result.tls.level == "Untrusted"
    if verify in (Verify.NONE, Verify.NAME):
        assert error is None
        return
    assert type(error) is UntrustedError
    assert "expired" in error.what
    assert (result.result, result.stage) == ("failed", Stage.TLS)
    assert len(error.fingerprint) == 64
    assert f"valid until {yesterday:%Y-%m-%d}" in error.detail


@pytest.mark.parametrize("verify", list(Verify))
async def test_a_wrong_name(authority: trustme.CA, ca_file: str, verify: Verify) -> None:
    context = leaf(authority, "other.example")
    result, error = await over_tls(
        context, TlsPlan(TlsUse.IMPLICIT, verify=verify, ca_file=ca_file)
    )
    assert result.tls is not None
    assert result.tls.chain[0].problems == ("It is for other.example, not for 127.0.0.1.",)
    assert result.tls.level == "Trusted"
    if verify in (Verify.NONE, Verify.CA):
        assert error is None
    else:
        assert type(error) is UntrustedError
        assert "not for this host (127.0.0.1)" in error.what


async def test_another_name_to_send_and_to_compare(authority: trustme.CA, ca_file: str) -> None:
    asked: list[str | None] = []
    context = leaf(authority, "mx.example")
    context.sni_callback = lambda tls, name, ctx: asked.append(name)
    wanted = TlsPlan(TlsUse.IMPLICIT, ca_file=ca_file, sni="sni.example", check_name="mx.example")
    result, error = await over_tls(context, wanted)
    assert error is None
    assert (asked, result.tls and result.tls.level) == (["sni.example"], "Verified")


@pytest.mark.parametrize("verify", list(Verify))
async def test_an_unknown_authority(verify: Verify) -> None:
    result, error = await over_tls(
        leaf(trustme.CA(), "127.0.0.1"), TlsPlan(TlsUse.IMPLICIT, verify=verify)
    )
    assert result.tls is not None
    assert result.tls.level == "Untrusted"
    assert "is not among the trusted authorities" in result.tls.chain[0].problems[0]
    assert (error is None) is (verify in (Verify.NONE, Verify.NAME))


async def test_a_pinned_certificate(authority: trustme.CA) -> None:
    wanted = TlsPlan(TlsUse.IMPLICIT, fingerprint="ab" * 32)
    result, error = await over_tls(leaf(authority, "x.example"), wanted)
    assert isinstance(error, UntrustedError)
    assert error.changed
    assert not [line for line in result.transcript if line.direction == ">"]
    context = leaf(authority, "x.example")
    result, _ = await over_tls(context, TlsPlan(TlsUse.IMPLICIT, verify=Verify.NONE))
    assert result.tls is not None
    result, error = await over_tls(
        context, TlsPlan(TlsUse.IMPLICIT, fingerprint=result.tls.fingerprint)
    )
    assert error is None
    assert result.tls is not None
    assert result.tls.level == "Verified"


@pytest.mark.parametrize(("maximum", "version"), [("1.2", "TLSv1.2"), ("1.3", "TLSv1.3")])
async def test_versions(authority: trustme.CA, ca_file: str, maximum: str, version: str) -> None:
    wanted = TlsPlan(TlsUse.IMPLICIT, ca_file=ca_file, maximum=maximum)
    result, error = await over_tls(leaf(authority, "127.0.0.1"), wanted)
    assert error is None
    assert result.tls is not None
    assert result.tls.version == version


async def test_a_version_or_cipher_that_the_server_does_not_have(
    authority: trustme.CA, ca_file: str
) -> None:
    context = leaf(authority, "127.0.0.1")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    result, error = await over_tls(
        context, TlsPlan(TlsUse.IMPLICIT, ca_file=ca_file, minimum="1.3")
    )
    assert type(error) is UnreachableError
    assert "TLS handshake" in error.what
    assert result.stage is Stage.TLS
    cipher = "ECDHE-ECDSA-AES128-GCM-SHA256"
    wanted = TlsPlan(TlsUse.IMPLICIT, ca_file=ca_file, maximum="1.2", ciphers=cipher)
    result, error = await over_tls(leaf(authority, "127.0.0.1"), wanted)
    assert result.tls is not None
    assert result.tls.cipher == cipher


async def test_a_client_certificate_and_external(
    authority: trustme.CA, ca_file: str, tmp_path: Path
) -> None:
    own = authority.issue_cert("client@example.org")
    own.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    own.cert_chain_pems[0].write_to_path(str(tmp_path / "cert.pem"))
    context = leaf(authority, "127.0.0.1")
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    shown: list[object] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        shown.append(writer.get_extra_info("peercert"))
        await dialogue(GOOD)(reader, writer)

    wanted = TlsPlan(
        TlsUse.IMPLICIT,
        ca_file=ca_file,
        cert_file=str(tmp_path / "cert.pem"),
        key_file=str(tmp_path / "key.pem"),
    )
    login = LoginPlan(mechanisms=("EXTERNAL",))
    result, error = await over_tls(context, wanted, talk, login=login)
    assert error is None
    assert ("email", "client@example.org") in shown[0]["subjectAltName"]  # type: ignore[index]
    assert "AUTH EXTERNAL <redacted 1 octets>" in [line.line for line in result.transcript]
    result, error = await over_tls(context, replace(wanted, cert_file="", key_file=""))
    assert error is not None


@pytest.mark.parametrize(
    "wanted",
    [
        TlsPlan(TlsUse.IMPLICIT, ca_file="no/such.pem"),
        TlsPlan(TlsUse.IMPLICIT, cert_file="no/such.pem"),
    ],
)
async def test_files_that_are_not_there(wanted: TlsPlan) -> None:
    async with odd_server(script(GOOD[0], hang=True)) as port:
        result, error = await run(replace(plan(port), tls=wanted))
    assert type(error) is StorageError
    assert "no/such.pem" in str(error)
    assert result.result == "failed"


@pytest.mark.parametrize(
    ("talk", "stage", "kind"),
    [
        (script(GOOD[0], TLS_OFFER, hang=True), Stage.STARTTLS, TotalDeadlineError),
        (script(GOOD[0], TLS_OFFER, b"220 go\r\n", hang=True), Stage.TLS, TotalDeadlineError),
        (script(GOOD[0], TLS_OFFER, b"220 go\r\n"), Stage.TLS, UnreachableError),
        (script(GOOD[0], TLS_OFFER, b"220 go\r\n", b"no TLS\r\n", hang=True), Stage.TLS, UnreachableError),
        (script(GOOD[0], TLS_OFFER), Stage.STARTTLS, UnreachableError),
    ],
    ids=["hangs", "hangs in the handshake", "drops in the handshake", "nonsense", "drops"],
)  # fmt: skip
async def test_starttls_that_goes_wrong(
    talk: Talk, stage: Stage, kind: type[SmtpadminError]
) -> None:
    async with odd_server(talk) as port:
        result, error = await run(plan(port, tls=TlsUse.STARTTLS), total_s=0.4)
    assert type(error) is kind
    assert (result.result, result.stage) == ("failed", stage)


@pytest.mark.parametrize("reply", [b"454 4.7.0 not now\r\n", b"501 no\r\n", b"421 bye\r\n"])
async def test_a_refused_starttls_never_goes_on_in_clear_text(reply: bytes) -> None:
    heard: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(GOOD[0])
        for answer in (TLS_OFFER, reply, TLS_OFFER, b"235 ok\r\n", b"250 ok\r\n"):
            heard.append(await reader.readline())
            writer.write(answer)

    async with odd_server(talk) as port:
        result, error = await run(plan(port, tls=TlsUse.STARTTLS))
    assert type(error) is ServerRefusedError
    assert (result.result, result.stage) == ("refused", Stage.STARTTLS)
    assert not [line for line in heard if line.upper().startswith((b"AUTH", b"MAIL"))]


@pytest.mark.parametrize(
    ("talk", "kind"),
    [
        (script(GOOD[0], hang=True), UnreachableError),
        (script(b"", hang=True), TotalDeadlineError),
        (script(), UnreachableError),
    ],
    ids=["clear text", "hangs", "drops"],
)
async def test_implicit_tls_to_what_does_not_speak_it(
    talk: Talk, kind: type[SmtpadminError]
) -> None:
    async with odd_server(talk) as port:
        result, error = await run(plan(port, tls=TlsUse.IMPLICIT), total_s=0.4)
    assert type(error) is kind
    assert (result.result, result.stage) == ("failed", Stage.TLS)


async def test_a_handshake_has_a_deadline_of_its_own() -> None:
    async with odd_server(script(GOOD[0], TLS_OFFER, b"220 go\r\n", hang=True)) as port:
        result, error = await run(plan(port, tls=TlsUse.STARTTLS), step_s=0.2)
    assert type(error) is TotalDeadlineError
    assert result.stage is Stage.TLS


@pytest.mark.parametrize("early", ["", "pause"], ids=["in one segment", "in two"])
async def test_what_is_said_after_the_220_of_starttls_is_thrown_away(
    authority: trustme.CA, ca_file: str, early: str
) -> None:
    context = leaf(authority, "127.0.0.1")

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(GOOD[0])
        await reader.readline()
        writer.write(TLS_OFFER)
        await reader.readline()
        writer.write(b"220 go\r\n250-injected\r\n250 AUTH PLAIN LOGIN\r\n")
        await writer.drain()
        await writer.start_tls(context)
        for reply in (b"250-mx\r\n250 AUTH PLAIN\r\n", *GOOD[2:6]):
            await reader.readline()
            writer.write(reply)
        await reader.readuntil(b".\r\n")
        writer.write(GOOD[6])
        await reader.readline()

    async with odd_server(talk) as port:
        result, error = await run(plan(port, tls=TlsUse.STARTTLS, ca_file=ca_file))
    assert error is None
    assert any("thrown away" in x.line for x in result.transcript)
    assert all(line.tls for line in result.transcript if line.line.startswith("AUTH"))


def test_nobody_waits_for_the_servers_goodbye_under_tls_and_no_socket_is_left(
    authority: trustme.CA, ca_file: str, recwarn: pytest.WarningsRecorder
) -> None:
    with rude_tls_server(leaf(authority, "127.0.0.1"), [*GOOD, BYE]) as port:
        result, error = asyncio.run(
            run(plan(port, tls=TlsUse.IMPLICIT, ca_file=ca_file), total_s=10)
        )
        gc.collect()
    assert (error, result.stage) == (None, Stage.DOT)
    assert [str(warning.message) for warning in recwarn] == []


# Stops, and the rest of what only the driver does.


@pytest.mark.parametrize("how", list(StopHow))
async def test_stop_points(how: StopHow) -> None:
    async with odd_server(dialogue([*GOOD[:4], BYE])) as port:
        result, error = await run(replace(plan(port), stop=Stop(StopPoint.MAIL, how)))
    assert error is None
    assert (result.result, result.stopped) == ("accepted", "mail")
    assert ("QUIT" in [line.line for line in result.transcript]) is (how is StopHow.QUIT)


async def test_a_proxy_header_is_shown_and_sent() -> None:
    heard: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readexactly(28))
        await dialogue(GOOD)(reader, writer)

    async with odd_server(talk) as port:
        header = ProxyPlan(2, source="192.0.2.7", destination="192.0.2.1", source_port=40000)
        result, error = await run(replace(plan(port), proxy=header))
    assert error is None
    assert heard[0][:12] == b"\r\n\r\n\0\r\nQUIT\n"
    assert any("PROXY header of version 2, 28 octets" in line.line for line in result.transcript)


async def test_a_folded_message_shows_its_headers_alone() -> None:
    mail = replace(MAIL, raw=b"Subject: x\r\n\r\nnot to be seen\r\n", fold=True)
    result, error = await sent_to(dialogue(GOOD), mail=mail)
    assert error is None
    lines = [line.line for line in result.transcript]
    assert "Subject: x" in lines
    assert not [line for line in lines if "not to be seen" in line]
    assert any("octets are not shown" in line for line in lines)


async def test_the_secret_stays_hidden_with_pipelining_and_lmtp() -> None:
    async with odd_server(dialogue(GOOD)) as port:
        wanted = replace(plan(port), transfer=TransferPlan(pipelining=True), dialect=Dialect.LMTP)
        result, error = await run(wanted)
    assert error is None
    assert (result.result, result.queue_id) == ("accepted", "ABCDEF12")


async def test_cancelling_closes_the_connection() -> None:
    gone = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(GOOD[0])
        await reader.readline()
        try:
            await reader.read()
        finally:
            gone.set()

    async with odd_server(talk) as port:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await run_plan(plan(port), MAIL, Secrets(PASSWORD))
        async with asyncio.timeout(5):
            await gone.wait()


async def test_a_name_that_does_not_resolve() -> None:
    def nobody(host: str, port: int) -> Sequence[object]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    around = Surroundings(resolver=nobody)  # type: ignore[arg-type]
    result, error = await run_plan(
        SendPlan(Target("mail.nowhere.invalid", 25)), MAIL, around=around
    )
    assert type(error) is UnreachableError
    assert (result.result, result.stage, result.address) == ("failed", Stage.RESOLVE, None)
    assert str(error).startswith("mail.nowhere.invalid: the name cannot be resolved")


async def test_the_name_is_resolved_once_and_ehlo_asks_no_name_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def loopback(host: str, port: int) -> Sequence[Address]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", port))]

    monkeypatch.setattr(socket, "getfqdn", lambda name="": pytest.fail("a lookup"))
    monkeypatch.setattr(socket, "gethostname", lambda: "desk")
    async with odd_server(dialogue(GOOD)) as port:
        wanted = replace(plan(port), target=Target("mx.test.invalid", port))
        around = Surroundings(resolver=loopback)
        result, error = await run_plan(wanted, MAIL, Secrets(PASSWORD), around=around)
    assert error is None
    assert asked == ["mx.test.invalid"]
    assert "EHLO [127.0.0.1]" in [line.line for line in result.transcript]


@pytest.mark.parametrize("pipelining", [False, True])
@pytest.mark.parametrize("dialect", list(Dialect))
async def test_the_transcript_agrees_with_what_the_server_was_sent(
    dialect: Dialect, pipelining: bool
) -> None:
    async with recording_server() as server:
        wanted = SendPlan(
            Target("127.0.0.1", server.port),
            dialect,
            transfer=TransferPlan(pipelining=pipelining),
            proxy=ProxyPlan(1, source="192.0.2.7", destination="192.0.2.1"),
        )
        result, error = await run_plan(wanted, MAIL, total_s=5)
    assert error is None
    assert [line.line for line in result.transcript if line.direction == ">"] == server.lines
