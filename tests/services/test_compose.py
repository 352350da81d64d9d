"""From a letter to octets: tokens, files, pictures, payloads, sizes, raw files, signatures."""

from __future__ import annotations

import email
import email.policy
import hashlib
import io
import sys
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest

from smtpadmin.formats.scanner_payloads import NAMES, payload
from smtpadmin.model.errors import UsageError
from smtpadmin.model.recipe import DkimKey, FileRef, Letter
from smtpadmin.services.compose import Turn, compose, message_id_in, with_presets
from tests.formats.test_dkim_signature import PEM

TURN = Turn(datetime(2026, 1, 2, tzinfo=UTC), 3, 9, "mx.example")
LETTER = Letter("a@b.example", ("c@d.example",))


def parsed(letter: Letter) -> EmailMessage:
    message = email.message_from_bytes(compose(letter, TURN).raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    assert message.defects == []
    return message


def test_tokens_everywhere_but_no_second_header() -> None:
    letter = replace(
        LETTER, subject="%N% of %TIMES% for %TO_ADDRESS%", text="to %SERVER%%NEWLINE%done", html="<b>%N%</b>",
        headers=(("X-A", "a%NEWLINE%Bcc: x@y"),),
    )  # fmt: skip
    mail = parsed(letter)
    assert mail["Subject"] == "3 of 9 for c@d.example"
    assert mail["X-A"] == "a Bcc: x@y"
    assert mail["Bcc"] is None
    text = mail.get_body(("plain",))
    assert text is not None
    assert text.get_content().split() == ["to", "mx.example", "done"]


def test_pictures_and_attachments(tmp_path: Path) -> None:
    (tmp_path / "logo.png").write_bytes(b"\x89PNG")
    letter = replace(
        LETTER, html='<img src="cid:logo.png">', pictures=(FileRef(str(tmp_path / "logo.png")),),
        attachments=(FileRef(str(tmp_path / "logo.png"), "application/x-odd", "other.bin"),),
    )  # fmt: skip
    kinds = [part.get_content_type() for part in parsed(letter).walk()]
    assert kinds == [
        "multipart/mixed", "multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png",
        "application/x-odd",
    ]  # fmt: skip
    pictures = [p for p in parsed(letter).walk() if p["Content-ID"]]
    assert [(p["Content-ID"], p.get_payload(decode=True)) for p in pictures] == [
        ("<logo.png>", b"\x89PNG")
    ]
    assert [p.get_filename() for p in parsed(letter).iter_attachments()] == ["other.bin"]


@pytest.mark.parametrize("name", NAMES)
def test_scanner_tests_arrive_whole_and_are_folded(name: str) -> None:
    envelope = compose(replace(LETTER, payload=name), TURN)
    made = payload(name)
    mail = email.message_from_bytes(envelope.raw, policy=email.policy.default)
    assert envelope.fold
    if made.attachment is None:
        assert f"\r\n{made.line}\r\n".encode() in envelope.raw
    else:
        (part,) = mail.iter_attachments()  # type: ignore[attr-defined]
        assert (part.get_filename(), part.get_payload(decode=True)) == made.attachment


@pytest.mark.parametrize("size", [1, 5_000, 1_000_000])
def test_a_big_message(size: int) -> None:
    raw = compose(replace(LETTER, size=size), TURN).raw
    assert size <= len(raw) < max(size, 1_000) + 200
    assert max(map(len, raw.split(b"\r\n"))) <= 998


@pytest.mark.parametrize("length", [998, 999, 5_000])
def test_a_long_line_goes_out_as_it_is(length: int) -> None:
    lines = compose(replace(LETTER, line_length=length), TURN).raw.split(b"\r\n")
    assert b"x" * length in lines


def test_eight_bit_and_utf_8_addresses() -> None:
    raw = compose(replace(LETTER, text="hällo", eight_bit=True), TURN).raw
    assert "hällo".encode() in raw
    assert b"Content-Transfer-Encoding: 8bit" in raw
    assert compose(replace(LETTER, text="hällo"), TURN).raw.isascii()
    envelope = compose(replace(LETTER, to=("ü@exämple.example",)), TURN)
    assert envelope.recipients == ("ü@exämple.example",)


def test_everybody_is_in_the_envelope_and_bcc_in_no_header() -> None:
    envelope = compose(
        replace(LETTER, sender="", cc=("e@f.example",), bcc=("g@h.example", "c@d.example")), TURN
    )
    assert envelope.sender == ""
    assert envelope.recipients == ("c@d.example", "e@f.example", "g@h.example")
    assert b"g@h.example" not in envelope.raw


def test_replaced_headers() -> None:
    letter = replace(
        LETTER,
        replaced=(
            ("from", "x@y.example"),
            ("Date", ""),
            ("Message-ID", "<own@x>"),
            ("Reply-To", "r@x"),
        ),
    )
    envelope = compose(letter, TURN)
    mail = email.message_from_bytes(envelope.raw, policy=email.policy.default)
    assert (mail["From"], mail["Date"], mail["Reply-To"], envelope.message_id) == (
        "x@y.example",
        None,
        "r@x",
        "<own@x>",
    )
    with pytest.raises(UsageError, match="cannot be replaced"):
        compose(replace(LETTER, replaced=(("Content-Type", "x"),)), TURN)


def test_a_raw_file_goes_out_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    octets = b"Message-Id:\r\n <odd@x>\r\n\r\n%N% bare\n\x00\xff"
    (tmp_path / "x.eml").write_bytes(octets)
    envelope = compose(replace(LETTER, raw_file=str(tmp_path / "x.eml")), TURN)
    assert (envelope.raw, envelope.message_id) == (octets, "<odd@x>")
    assert (
        b"\r\n3 bare"
        in compose(replace(LETTER, raw_file=str(tmp_path / "x.eml"), raw_tokens=True), TURN).raw
    )
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"x: y\n\nz"), "utf-8"))
    assert compose(replace(LETTER, raw_file="-"), TURN).raw == b"x: y\n\nz"


def test_signed(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_bytes(PEM)
    raw = compose(
        replace(LETTER, dkim=DkimKey("b.example", "test", str(tmp_path / "key.pem"))), TURN
    ).raw
    assert raw.startswith(b"DKIM-Signature: v=1; a=rsa-sha256;")


@pytest.mark.parametrize(
    "letter",
    [
        replace(LETTER, to=()),
        replace(LETTER, to=("nobody",)),
        replace(LETTER, attachments=(FileRef("no/such/file"),)),
        replace(LETTER, size=-1),
        replace(LETTER, payload="virus"),
        replace(LETTER, headers=(("X-A", "1\r\nX-B: 2"),)),
        replace(LETTER, attachments=(FileRef(__file__, "text"),)),
        replace(LETTER, html="x", pictures=(FileRef(__file__, "", "a\nb"),)),
    ],
)
def test_what_cannot_be_sent(letter: Letter) -> None:
    with pytest.raises(UsageError):
        compose(letter, TURN)


def test_presets() -> None:
    letter = with_presets(LETTER, ("unsubscribe", "bulk", "no-auto-reply"))
    assert [name for name, _ in letter.headers].count("Auto-Submitted") == 1
    assert parsed(letter)["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    with pytest.raises(UsageError, match="no preset"):
        with_presets(LETTER, ("nothing",))


def test_message_ids() -> None:
    assert message_id_in(b"Subject: x\n\nMessage-ID: <no@x>") == ""
    assert (
        hashlib.sha256(compose(LETTER, TURN).raw).digest()
        != hashlib.sha256(compose(LETTER, TURN).raw).digest()
    )
