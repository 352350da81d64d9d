"""Steps, hops and checks in words: the tone is right, and nothing a server says gets through raw."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.follow_words import (
    arrival_groups,
    change_words,
    check_words,
    hop_words,
    report_words,
    status_tone,
    step_words,
)
from smtpadmin.model.authentication import (
    ArcResult,
    Authentication,
    DkimResult,
    DmarcResult,
    IprevResult,
    SpfResult,
)
from smtpadmin.model.follow import ArrivalReport, FollowReport, FollowStep, StepKind
from smtpadmin.model.message_changes import HeaderChange, MessageChanges
from smtpadmin.model.received import Hop
from smtpadmin.model.status import DeliveryStatus
from smtpadmin.model.tracking import TrackedMessage

WHEN = datetime(2026, 11, 25, 10, tzinfo=UTC)
ARRIVAL = ArrivalReport(
    "Junk", True, WHEN, 2.34,
    (Hop(sender="a.example", by="b.example", delay=90.0, tls=True, protocol="ESMTPS"), Hop()),
    Authentication(
        (DkimResult("pass", "a.example", "s1", "good"),), ArcResult("none", (), "no chain"),
        DmarcResult("fail", "a.example", "reject", "a.example", False, False, "not aligned"),
        SpfResult("softfail", "a.example", "mailfrom", "~all"), None,
        IprevResult("pass", "192.0.2.1", ("a.example",), "confirmed"),
    ),
    MessageChanges(
        added=(HeaderChange("Received", None, "x"), HeaderChange("Received", None, "y")),
        removed=(HeaderChange("Bcc", "z", None),),
        rewritten=(HeaderChange("Subject", "a", "[list] a"),), body="re-encoded", notes=("n",),
    ),
)  # fmt: skip


@pytest.mark.parametrize("kind", [k for k in StepKind if k is not StepKind.STATE])
def test_every_kind_has_words(kind: StepKind) -> None:
    words = step_words(FollowStep(WHEN, kind, "mx", "said\x00this"))
    assert words.title
    assert words.detail == "said␀this"


def test_a_recipients_state() -> None:
    step = FollowStep(
        WHEN, StepKind.STATE, "mx", "452 4.2.2 full", recipient="a@b.example",
        status=DeliveryStatus.DEFERRED, relay="mx2",
    )  # fmt: skip
    assert step_words(step) == ("warn", "Deferred: a@b.example", "to mx2, 452 4.2.2 full")


def test_tones_of_states() -> None:
    tones = {status: status_tone(status) for status in DeliveryStatus}
    assert {s for s, tone in tones.items() if tone == "ok"} == {
        DeliveryStatus.DELIVERED, DeliveryStatus.SENT,
    }  # fmt: skip
    assert tones[DeliveryStatus.BOUNCED] == tones[DeliveryStatus.REJECTED] == "err"
    assert tones[DeliveryStatus.DEFERRED] == tones[DeliveryStatus.PARTIAL] == "warn"


def test_the_end_in_a_sentence() -> None:
    message = TrackedMessage(("1",), DeliveryStatus.BOUNCED, ())
    report = FollowReport("<1@b>", DeliveryStatus.BOUNCED, True, (message,))
    assert report_words(report) == ("err", "Bounced", "Nothing more will happen.")
    assert "track it again later" in report_words(FollowReport("", DeliveryStatus.DEFERRED, False, (message,))).detail  # fmt: skip
    assert report_words(FollowReport("", DeliveryStatus.UNKNOWN, False)).tone == "warn"
    lies = report_words(FollowReport("", DeliveryStatus.DELIVERED, True, arrival=ARRIVAL))
    assert lies == ("warn", "It lies in Junk after 2.3 s", "That is a folder for junk.")


def test_hops() -> None:
    slow, empty = (hop_words(hop) for hop in ARRIVAL.hops)
    assert slow == ("warn", "a.example → b.example", "+90 s, ESMTPS with TLS")
    assert empty == ("info", "(local) → ?", "")


def test_checks() -> None:
    assert ARRIVAL.authentication is not None
    found = dict(check_words(ARRIVAL.authentication))
    assert list(found) == ["SPF", "DKIM", "DMARC", "ARC", "Reverse name"]
    assert [words.tone for words in found.values()] == ["err", "ok", "err", "info", "ok"]
    unsigned = Authentication((), ArcResult("none", (), ""), DmarcResult("none", "", "", "", False, False, ""))  # fmt: skip
    assert dict(check_words(unsigned))["DKIM"].title == "none"


def test_changes() -> None:
    assert ARRIVAL.changes is not None
    titles = [words.title for words in change_words(ARRIVAL.changes)]
    assert titles == [
        "The body is re-encoded", "Subject was rewritten", "Bcc was removed", "Added on the way", "n",
    ]  # fmt: skip


def test_groups_leave_out_what_is_not_known() -> None:
    assert len(list(arrival_groups(ARRIVAL))) == 3
    bare = ArrivalReport("INBOX", False, None, None, (), None, None)
    assert [title for title, _ in arrival_groups(bare)] == ["Way, as the Received fields tell"]


@given(st.text(), st.text())
def test_nothing_raw_gets_through(said: str, who: str) -> None:
    step = FollowStep(WHEN, StepKind.STATE, "mx", said, recipient=who, status=DeliveryStatus.SENT)
    hop = Hop(sender=who, by=said)
    for words in (step_words(step), hop_words(hop)):
        assert all(ord(c) >= 0x20 and c not in "\u202e\u2066" for c in words.title + words.detail)


def test_clocks_that_differ_are_shown_with_their_sign() -> None:
    assert hop_words(Hop(by="b.example", delay=-3.0)).detail == "-3 s"
    assert hop_words(Hop(by="b.example", delay=2.0)).detail == "+2 s"
