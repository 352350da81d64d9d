"""Durable, once, and never outside of the mailboxes' folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.builtin import maildir

RAW = b"Subject: x\r\n\r\none\r\n..two\r\n"
ROOT = Path("root")


def test_a_message_lies_in_new_with_its_envelope(tmp_path: Path) -> None:
    folder = tmp_path / "box"
    file = maildir.deliver(folder, "1.Q_0.smtpadmin", "a@x.example", "b@y.example", RAW)
    assert file == folder / "new" / "1.Q_0.smtpadmin"
    assert file.read_bytes() == (
        b"Return-Path: <a@x.example>\nDelivered-To: b@y.example\nSubject: x\n\none\n..two\n"
    )
    assert list((folder / "tmp").iterdir()) == []
    assert (folder / "cur").is_dir()


def test_a_repeated_delivery_adds_nothing(tmp_path: Path) -> None:
    for _ in range(2):
        maildir.deliver(tmp_path, "1.Q_0.smtpadmin", "", "b@y.example", RAW)
    assert len(list((tmp_path / "new").iterdir())) == 1


def test_a_repeated_delivery_finds_what_a_reader_has_moved(tmp_path: Path) -> None:
    first = maildir.deliver(tmp_path, "1.Q_0.smtpadmin", "", "b@y.example", RAW)
    seen = first.rename(tmp_path / "cur" / f"{first.name};2,S")
    again = maildir.deliver(tmp_path, "1.Q_0.smtpadmin", "", "b@y.example", RAW, again=True)
    assert again == seen
    assert list((tmp_path / "new").iterdir()) == []


def test_what_a_crash_left_in_tmp_is_written_anew(tmp_path: Path) -> None:
    maildir.deliver(tmp_path, "0.P_0.smtpadmin", "", "b@y.example", RAW)
    (tmp_path / "tmp" / "1.Q_0.smtpadmin").write_bytes(b"half")
    file = maildir.deliver(tmp_path, "1.Q_0.smtpadmin", "", "b@y.example", RAW, again=True)
    assert file.read_bytes().endswith(b"..two\n")


def test_recipients_of_one_message_have_files_of_their_own() -> None:
    assert maildir.file_name(12.7, "Q", 0) == "12.Q_0.smtpadmin"
    assert maildir.file_name(12.7, "Q", 0) != maildir.file_name(12.7, "Q", 1)


@given(st.text(), st.text(min_size=1))
def test_no_address_leads_out_of_the_root(local_part: str, domain: str) -> None:
    folder = maildir.mailbox_folder(ROOT, f"{local_part}@{domain}")
    assert folder.parent.parent == ROOT
    for name in folder.parts[1:]:
        assert name not in ("", ".", "..")
        assert not set(name) & set('/\\:*?"<>|\0\n ')
        assert not name.startswith(".")
        assert not name.endswith(".")
        assert len(name) <= 255
        assert name == name.lower()


@given(st.text(min_size=1), st.text(min_size=1))
def test_different_mailboxes_have_different_folders(one: str, two: str) -> None:
    one, two = (text.lower().replace("+", "").replace("@", "") for text in (one, two))
    same = maildir.mailbox_folder(ROOT, f"{one}@x") == maildir.mailbox_folder(ROOT, f"{two}@x")
    assert same == (one == two)


@pytest.mark.parametrize(
    ("address", "folder"),
    [
        ("Ann.Lee+news@Example.ORG", "example.org/ann.lee"),
        ("../etc@x.example", "x.example/%2e.%2fetc"),
        ("con@x.example", "x.example/%63on"),
        ("+tag@x.example", "x.example/+tag"),
        ("ä@x.example", "x.example/%c3%a4"),
    ],
)
def test_names(address: str, folder: str) -> None:
    assert maildir.mailbox_folder(ROOT, address) == ROOT / folder


def test_a_very_long_name_is_shortened_and_still_its_own() -> None:
    one, two = (maildir.mailbox_folder(ROOT, "ä" * 300 + end + "@x") for end in "12")
    assert one != two
    assert len(one.name) < 200


def test_a_mailbox_that_cannot_be_made_is_an_os_error(tmp_path: Path) -> None:
    (tmp_path / "box").write_text("in the way")
    with pytest.raises(OSError):
        maildir.deliver(tmp_path / "box", "1.Q_0.smtpadmin", "", "b@y.example", RAW)
