"""Explanations of published bounce mails beside what another project's readers made of them.

Their classes are finer in some places and coarser in others; ``OURS`` is the stated mapping. A class
with more than one of ours is one that they give by the sender's product, we by what the reply says:

- ``filtered``: refused behind the RCPT stage; most of these replies say "user unknown" in words.
- ``blocked``: the client refused, be it by a list, a rule or the sender's name.
- ``rejected``: the sender refused, of which "you may not post here" is a rule.
- ``securityerror``: a rule, a login or relaying.
- ``onhold``: their word for "cannot be classified"; the words of some of them do say more.
- ``toomanyconn``: they know two providers' refusals as rate limits whose reply names the sender.
- ``networkerror``: theirs holds loops, which have a reason of their own here.

What still differs, each for a reason, of 125 recipients six: ``suspend`` twice and ``mailboxfull`` twice,
where the reply says "User Unknown" and they follow the status code, a header of one product, or a
second message in the file; ``securityerror`` once, where the reply begins "Unknown address error";
``expired`` once, where we name why it could not be delivered for so long. A reply code differs once
(554 with "... 550 Host unknown" behind it), and two files list one recipient twice.
"""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from smtpadmin.model.explanation import Explanation
from smtpadmin.services.explain import explain_message

CORPUS = Path(__file__).parents[3] / "shared/corpora/sisimai-go"
KUMO = CORPUS.parent / "kumomta/rfc3464-1.eml"
pytestmark = pytest.mark.skipif(
    not (CORPUS / "expected.json").exists(), reason="the corpus of bounce mails is not here"
)
OURS: dict[str, set[str]] = {
    "userunknown": {"no-such-user"},
    "filtered": {"no-such-user", "mailbox-disabled", "policy", "spam"},
    "mailboxfull": {"mailbox-full"},
    "suspend": {"mailbox-disabled"},
    "blocked": {"blocked", "policy", "sender-rejected"},
    "rejected": {"sender-rejected", "policy"},
    "onhold": {"other", "no-such-user"},
    "securityerror": {"policy", "authentication", "relay-denied"},
    "spamdetected": {"spam"},
    "authfailure": {"authentication"},
    "expired": {"expired"},
    "hostunknown": {"no-such-domain"},
    "policyviolation": {"policy"},
    "toomanyconn": {"rate-limited", "sender-rejected"},
    "feedback": {"complaint"},
    "mailererror": {"system", "no-such-user"},
    "networkerror": {"network", "loop"},
    "vacation": {"vacation"},
    "hasmoved": {"moved"},
    "mesgtoobig": {"too-big"},
    "systemerror": {"system"},
}
KINDS = {"feedback": {"feedback"}, "vacation": {"auto-reply"}}


def rows() -> list[tuple[str, list[dict[str, Any]], Explanation]]:
    expected = json.loads((CORPUS / "expected.json").read_text("utf-8"))
    return [
        (name, wanted, explain_message((CORPUS / name).read_bytes()))
        for name, wanted in expected.items()
        if (CORPUS / name).exists()
    ]


def share(found: list[tuple[str, bool]]) -> float:
    wrong = [name for name, good in found if not good]
    print(f"{len(found) - len(wrong)} of {len(found)}; not: {', '.join(wrong)}")
    return 1 - len(wrong) / len(found)


def test_kinds() -> None:
    found = [
        (name, explained.kind in KINDS.get(wanted[0]["reason"], {"bounce", "dsn"}))
        for name, wanted, explained in rows()
    ]
    assert share(found) >= 0.99


def test_recipients() -> None:
    found = []
    for name, wanted, explained in rows():
        if explained.kind not in ("bounce", "dsn"):
            continue
        named = [r.address for r in explained.recipients if "@" in r.address]
        found.append((name, len(named) >= len(wanted)))
    assert share(found) >= 0.98


def test_codes() -> None:
    """Where the message holds one: a status ``x.0.9nn`` is made up by that project."""
    found = []
    for name, wanted, explained in rows():
        for place, row in enumerate(wanted):
            if place >= len(explained.recipients):
                continue
            recipient = explained.recipients[place]
            if row["replycode"]:
                found.append((f"{name} reply", str(recipient.reply_code) == row["replycode"]))
            if row["status"] and not re.fullmatch(r"\d\.0\.9\d\d", row["status"]):
                found.append((f"{name} status", recipient.status == row["status"]))
    assert share(found) >= 0.95


def test_reasons() -> None:
    found = []
    classes: Counter[str] = Counter()
    for name, wanted, explained in rows():
        for place, row in enumerate(wanted):
            ours = explained.reason.value
            if place < len(explained.recipients):
                ours = explained.recipients[place].reason.value
            good = ours in OURS[row["reason"]]
            found.append((f"{name} {row['reason']}/{ours}", good))
            classes[f"{row['reason']} -> {ours}"] += not good
    print({name: count for name, count in classes.items() if count})
    assert share(found) >= 0.85


def test_what_has_no_expectation_does_no_harm() -> None:
    for path in (CORPUS / "bsd").iterdir():
        assert explain_message(path.read_bytes()).summary


def test_damaged_bounces_do_no_harm() -> None:
    dice = random.Random(63)
    for path in sorted((CORPUS / "bsd").iterdir()):
        raw = path.read_bytes()
        for _ in range(4):
            damaged = bytearray(raw[: dice.randrange(1, len(raw))])
            for _ in range(20):
                damaged[dice.randrange(len(damaged))] = dice.randrange(256)
            assert explain_message(bytes(damaged)).summary


@pytest.mark.skipif(not KUMO.exists(), reason="the corpus is not here")
def test_a_report_of_another_project() -> None:
    found = explain_message(KUMO.read_bytes())
    (recipient,) = found.recipients
    assert (found.kind, recipient.action, recipient.status, recipient.reply_code) == (
        "dsn",
        "failed",
        "4.0.0",
        426,
    )
    assert (recipient.address, recipient.permanent) == ("louisl@larry.slip.umd.edu", False)
