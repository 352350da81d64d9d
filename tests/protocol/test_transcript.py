"""Transcripts: every line, both ways, and never a secret, whatever the mechanism."""

from __future__ import annotations

import base64

from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.model.smtp import TranscriptLine
from smtpadmin.protocol.transcript import (
    MOST_BODY_LINES,
    MOST_LINE,
    MOST_LINES,
    TranscriptRecorder,
)


def record(*steps: tuple[str, bytes]) -> list[TranscriptLine]:
    lines: list[TranscriptLine] = []
    recorder = TranscriptRecorder(lines.append)
    for direction, octets in steps:
        (recorder.sent if direction == ">" else recorder.received)(1.0, octets)
    recorder.end(2.0)
    return lines


def text(lines: list[TranscriptLine]) -> str:
    return "\n".join(f"{line.direction} {line.line}" for line in lines)


def test_lines_split_at_every_octet_are_the_same_lines() -> None:
    reply = b"250-mx1.example.org\r\n250 SIZE 1000\r\n"
    whole = record(("<", reply))
    assert whole == record(*(("<", reply[n : n + 1]) for n in range(len(reply))))
    assert text(whole) == "< 250-mx1.example.org\n< 250 SIZE 1000"


secrets = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=12, max_size=40)


@given(secrets, st.sampled_from(["PLAIN", "plain", "XOAUTH2", "SCRAM-SHA-256"]))
def test_an_initial_response_is_redacted(secret: str, mechanism: str) -> None:
    coded = base64.b64encode(f"\0user\0{secret}".encode())
    shown = text(
        record((">", b"AUTH %s %s\r\n" % (mechanism.encode(), coded)), ("<", b"235 ok\r\n"))
    )
    assert secret not in shown
    assert coded.decode() not in shown
    assert f"AUTH {mechanism} <redacted" in shown


@given(secrets, st.booleans())
def test_challenge_and_response_are_redacted(secret: str, accepted: bool) -> None:
    user, password = (base64.b64encode(part.encode()) for part in ("user-name", secret))
    end = b"235 2.7.0 ok\r\n" if accepted else b"535 5.7.8 no\r\n"
    shown = text(
        record(
            (">", b"AUTH LOGIN\r\n"),
            ("<", b"334 VXNlcm5hbWU6\r\n"),
            (">", user + b"\r\n"),
            ("<", b"334 UGFzc3dvcmQ6\r\n"),
            (">", password + b"\r\n"),
            ("<", end),
            (">", b"MAIL FROM:<a@b.example>\r\n"),
        )
    )
    for hidden in (secret, password.decode(), user.decode()):
        assert hidden not in shown
    assert "334 VXNlcm5hbWU6" in shown
    assert "> MAIL FROM:<a@b.example>" in shown


@given(secrets)
def test_a_challenge_that_repeats_the_secret_is_not_shown(secret: str) -> None:
    coded = base64.b64encode(secret.encode())
    shown = text(
        record((">", b"AUTH CRAM-MD5\r\n"), ("<", b"334 " + coded + b"\r\n"), (">", b"*\r\n"))
    )
    assert coded.decode() not in shown
    assert "> *" in shown


def test_a_long_body_is_folded_and_counted() -> None:
    body = b"".join(b"line %d\r\n" % n for n in range(MOST_BODY_LINES + 50))
    lines = record(
        (">", b"DATA\r\n"), ("<", b"354 go\r\n"), (">", body + b".\r\n"), ("<", b"250 ok\r\n")
    )
    assert "(50 more lines; " in text(lines)
    assert lines[-1].line == "250 ok"
    assert len(lines) == MOST_BODY_LINES + 5


def test_auth_inside_the_body_is_no_login() -> None:
    lines = record(
        (">", b"DATA\r\n"),
        ("<", b"354 go\r\n"),
        (">", b"AUTH PLAIN is a word\r\n.\r\n"),
        ("<", b"250 ok\r\n"),
    )
    assert "> AUTH PLAIN is a word" in text(lines)


def test_a_megabyte_without_an_end_is_cut_with_a_note() -> None:
    lines = record(("<", b"250 " + b"x" * 1_000_000))
    assert len(lines[0].line) < 3_000
    assert "more characters" in lines[0].line
    assert lines[1].line == "(no line end)"


def test_a_flood_is_bounded_and_says_so() -> None:
    lines = record(("<", b"250-x\r\n" * (MOST_LINES + 1_000)))
    assert len(lines) == MOST_LINES
    assert "transcript is full" in lines[-1].line


@given(st.lists(st.tuples(st.sampled_from("<>"), st.binary(max_size=60)), max_size=20))
def test_any_octets_are_recorded_without_an_exception(steps: list[tuple[str, bytes]]) -> None:
    for line in record(*steps):
        assert "\n" not in line.line
        line.line.encode("utf-8")


def test_a_354_that_nobody_asked_for_does_not_make_the_login_a_body() -> None:
    lines = record(
        (">", b"EHLO me\r\n"),
        ("<", b"250 ok\r\n354 go on\r\n"),
        (">", b"AUTH PLAIN c2VjcmV0IHNlY3JldA==\r\n"),
        ("<", b"235 ok\r\n"),
    )
    assert "c2VjcmV0" not in text(lines)
    assert "> AUTH PLAIN <redacted 20 octets>" in text(lines)


def test_control_characters_and_octets_beyond_utf_8_are_made_visible() -> None:
    lines = record(("<", b"220 a\x00b\x1b[2J caf\xe9 \xe2\x80\xae\r\n"))
    assert lines[0].line == "220 a␀b␛[2J caf\\xe9 \\u{202E}"


@given(st.integers(0, 3 * MOST_LINE), st.integers(1, 40))
def test_a_secret_at_the_cut_leaves_no_head(before: int, length: int) -> None:
    secret = "".join(chr(0x41 + n % 26) for n in range(length + 4))
    found: list[TranscriptLine] = []
    recorder = TranscriptRecorder(found.append, [secret])
    echo = b"250 " + b"." * before + secret.encode() * 4_000
    recorder.received(0.0, echo + b"\r\n")
    shown = found[0].line.removesuffix(" more characters)").rpartition(" … (")[0]
    assert not any(shown.endswith(secret[:n]) for n in range(4, len(secret) + 1))
    assert secret not in shown


def test_the_end_of_a_megabyte_is_counted() -> None:
    lines = record(("<", b"x" * 999_999), ("<", b"y\r\n250 ok\r\n"))
    assert lines[0].line == "x" * MOST_LINE + f" … ({1_000_000 - MOST_LINE + 1} more characters)"
    assert lines[1].line == "250 ok"


def test_notes_times_and_the_mark_of_tls() -> None:
    lines: list[TranscriptLine] = []
    recorder = TranscriptRecorder(lines.append)
    recorder.note(1.5, "connected")
    recorder.tls = True
    recorder.received(2.5, b"250 o")
    assert len(lines) == 1
    recorder.received(3.5, b"k\r\n")
    assert lines == [
        TranscriptLine(1.5, "*", "connected"),
        TranscriptLine(3.5, "<", "250 ok", True),
    ]


def test_the_dialogue_goes_on_after_a_body_and_a_broken_one_is_shown() -> None:
    start = ((">", b"DATA\r\n"), ("<", b"354-go\r\n354 on\r\n"))
    lines = record(
        *start, (">", b"one\r\n"), (">", b".\r\n"), ("<", b"250 ok\r\n"), (">", b"QUIT\r\n")
    )
    assert text(lines).splitlines()[-4:] == ["> one", "> .", "< 250 ok", "> QUIT"]
    assert text(record(*start, (">", b"half"))).splitlines()[-1] == "> half"
    refused = record((">", b"DATA\r\n"), ("<", b"554 no\r\n"), (">", b"AUTH PLAIN eHg=\r\n"))
    assert "eHg=" not in text(refused)


def test_words_of_the_server_are_blotted_for_whoever_repeats_them() -> None:
    recorder = TranscriptRecorder(lambda line: None, ["hunter22"])
    assert recorder.blot("535 hunter22 \udce9") == "535 <redacted> \\udce9"
