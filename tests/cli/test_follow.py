"""The end of ``send --follow``: account, steps and report in words and as an object."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from smtpadmin.cli.follow import as_record, exit_code, mailbox_account, say_report, say_step
from smtpadmin.cli.output import plain
from smtpadmin.model.authentication import ArcResult, Authentication, DmarcResult
from smtpadmin.model.errors import UnreachableError, UsageError
from smtpadmin.model.follow import ArrivalReport, FollowReport, FollowStep, StepKind
from smtpadmin.model.message_changes import HeaderChange, MessageChanges
from smtpadmin.model.received import Hop
from smtpadmin.model.status import DeliveryStatus
from smtpadmin.model.tracking import TrackedMessage
from smtpadmin.services.explain import explain_reply

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
ARRIVAL = ArrivalReport(
    "Junk", True, NOW, 3.0, (Hop(sender="a.example", by="b.example", delay=2.0, tls=True),),
    Authentication((), ArcResult("none", (), ""), DmarcResult("pass", "d", "none", "d", True, False, "")),
    MessageChanges((), (), (HeaderChange("Subject", "x\x1b", "y"),), "same"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("url", "where", "user"),
    [
        ("imaps://anna%40b.example@mail.example", "imap://mail.example:993", "anna@b.example"),
        ("pop3://u@mail.example:2110", "pop3://mail.example:2110", "u"),
    ],
)
def test_accounts(url: str, where: str, user: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMTPADMIN_MAILBOX_PASSWORD", "secret")
    account = mailbox_account(url)
    assert (account.where, account.user, account.password) == (where, user, "secret")


@pytest.mark.parametrize(
    "url", ["", "http://u@h", "imaps://h", "imaps://u:secret@h", "imaps://u@h:x", "imaps://u@["]
)
def test_what_is_no_account(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMTPADMIN_MAILBOX_PASSWORD", "secret")
    with pytest.raises(UsageError) as failed:
        mailbox_account(url)
    assert "secret" not in str(failed.value)


def test_steps_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    say_step(FollowStep(NOW, StepKind.ACCEPTED, "mx", "Ok", "Q1"))
    say_step(
        FollowStep(
            NOW, StepKind.STATE, "mx", "452 4.2.2 full\x1b", "Q1", "c@d", DeliveryStatus.DEFERRED,
            "r", NOW, explain_reply("452 4.2.2 full"),
        )
    )  # fmt: skip
    say_step(FollowStep(NOW, StepKind.NOT_ASKED, "mx2", "gone"))
    for status in (DeliveryStatus.DEFERRED, DeliveryStatus.HELD):
        say_step(FollowStep(NOW, StepKind.STATE, "mx", "why", recipient="c@d", status=status))
    said = capsys.readouterr().err
    assert "mx Q1: accepted Ok" in said
    assert "c@d deferred by r: 452 4.2.2 full␛ (next try" in said
    assert "mailbox is full" in said
    assert "could not be asked: gone" in said
    assert "c@d deferred: why (the server does not say when it tries again)" in said
    assert "c@d held: why (until it is released)" in said


def test_the_report_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    tracked = (TrackedMessage(("Q",), DeliveryStatus.DELIVERED, ()),)
    say_report(FollowReport("<1@x>", DeliveryStatus.DELIVERED, True, tracked, arrival=ARRIVAL), 30)
    said = capsys.readouterr().err
    assert "it lies in Junk, a folder for junk, after 3 s" in said
    assert "a.example → b.example +2 s TLS" in said
    assert "DMARC pass" in said
    assert "\x1b" not in said
    assert "the end: delivered" in said
    say_report(FollowReport("<1@x>", DeliveryStatus.UNKNOWN, False), 30)
    say_report(FollowReport("<1@x>", DeliveryStatus.DEFERRED, False, tracked), 30)
    said = capsys.readouterr().err
    assert "no server with a profile has seen it yet" in said
    assert "not ended within 30 s" in said


def test_the_object_is_json() -> None:
    step = FollowStep(
        NOW,
        StepKind.STATE,
        "mx",
        status=DeliveryStatus.DEFERRED,
        explanation=explain_reply("452 4.2.2 full"),
    )
    report = FollowReport(
        "<1@x>",
        DeliveryStatus.DEFERRED,
        False,
        (),
        (step,),
        {"b": UnreachableError("gone")},
        ARRIVAL,
    )
    found = json.loads(json.dumps(plain(as_record(report))))
    assert found["trace"] == []
    assert found["follow"]["steps"][0]["explanation"]["reason"] == "mailbox-full"
    assert found["follow"]["failures"] == {"b": "gone"}
    assert found["follow"]["arrival"]["hops"][0]["by"] == "b.example"


@pytest.mark.parametrize("status", list(DeliveryStatus))
def test_exit_codes(status: DeliveryStatus) -> None:
    good = {"delivered", "sent", "queued", "unknown"}
    assert exit_code(FollowReport("<1@x>", status, True)) == (0 if status in good else 1)


def test_what_is_not_in_the_mailbox_is_bad_news() -> None:
    step = FollowStep(NOW, StepKind.NOT_ARRIVED, "imap://mail.example:993")
    assert exit_code(FollowReport("<1@x>", DeliveryStatus.DELIVERED, True, steps=(step,))) == 1
