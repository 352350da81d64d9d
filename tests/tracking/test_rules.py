"""The rules of a correct trace, and the peers' known bugs: one made-up log for each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from smtpadmin.model.status import DeliveryStatus
from smtpadmin.model.tracking import TrackCriteria, TrackedMessage
from smtpadmin.tracking import exim_lines, postfix_lines, search
from smtpadmin.tracking.files import LogTimes
from smtpadmin.tracking.log_text import open_text

Find = Callable[..., list[TrackedMessage]]


@pytest.fixture
def find(tmp_path: Path) -> Find:
    def search_in(log: str | Sequence[str], **wanted: Any) -> list[TrackedMessage]:
        logs = [log] if isinstance(log, str) else log
        for number, one in enumerate(logs):
            (tmp_path / str(number)).write_text(one.replace("\n    ", "\n").lstrip())
        text = open_text([tmp_path / str(number) for number in range(len(logs))])
        exim = "Completed" in "".join(logs) or "rejected" in "".join(logs)
        dialect = exim_lines.DIALECT if exim else postfix_lines.DIALECT
        try:
            return search.find(
                text, dialect, TrackCriteria(lines=True, **wanted), LogTimes(year=2026)
            )
        finally:
            text.close()

    return search_in


def ends(message: TrackedMessage) -> dict[str, str]:
    return {item.address: item.status.value for item in message.recipients}


def mail(
    queue_id: str,
    to: str,
    *,
    at: str = "10:00",
    host: str = "mx1",
    sender: str = "s@x",
    tag: str = "postfix",
) -> str:
    head = f"Mar  1 {at}"
    return (
        f"{head}:00 {host} {tag}/smtpd[7]: {queue_id}: client=c[192.0.2.1]\n"
        f"{head}:01 {host} {tag}/cleanup[8]: {queue_id}: message-id=<same@x>\n"
        f"{head}:02 {host} {tag}/qmgr[9]: {queue_id}: from=<{sender}>, size=9, nrcpt=1 (queue active)\n"
        f"{head}:03 {host} {tag}/smtp[10]: {queue_id}: to=<{to}>, relay=mx[192.0.2.9]:25, delay=1, dsn=2.0.0, status=sent (250 ok)\n"
        f"{head}:04 {host} {tag}/qmgr[9]: {queue_id}: removed\n"
    )


def test_an_id_that_is_used_again_is_another_message(find: Find) -> None:
    log = mail("A1B2C3", "a@b") + mail("A1B2C3", "c@d", at="10:01")
    (one,) = find(log, recipient="c@d")
    assert ends(one) == {"c@d": "sent"}
    assert len(one.lines) == 5
    assert len(find(log, queue_id="A1B2C3")) == 2


def test_an_id_that_is_a_part_of_another_is_not_matched(find: Find) -> None:
    log = mail("A1B2C3", "a@b") + mail("A1B2C3D", "c@d", at="10:01")
    assert [m.queue_ids for m in find(log, queue_id="A1B2C3")] == [("A1B2C3",)]


def test_a_message_id_is_no_key(find: Find) -> None:
    log = mail("A1B2C3", "a@b") + mail("D4E5F6", "c@d", at="10:01")
    found = find(log, message_id="<same@x>")
    assert [m.queue_ids for m in found] == [("A1B2C3",), ("D4E5F6",)]


SESSION = "QCmnL+1dB2sUVQ/Ag+zDdQ"


def dovecot(session: str, did: str, user: str = "a@b", msgid: str = "<same@x>") -> str:
    return (
        f"Mar  1 10:00:03 mx1 dovecot: lmtp({user})<77><{session}>: sieve: msgid={msgid}: {did}\n"
    )


def by_lmtp(queue_id: str, to: str, session: str, **more: str) -> str:
    log = mail(queue_id, to, **more).replace("250 ok", f"250 2.0.0 <{to}> {session} Saved")
    return log.replace("postfix/smtp[10]", "postfix/lmtp[10]")


@pytest.mark.parametrize("late", [False, True])
def test_delivered_is_not_what_sieve_dropped(find: Find, late: bool) -> None:
    told = dovecot(
        SESSION, "marked message to be discarded if not explicitly delivered (discard action)"
    )
    lines = by_lmtp("A1B2C3", "a@b", SESSION).splitlines(True)
    log = "".join([*lines, told] if late else [*lines[:3], told, *lines[3:]])
    for wanted in ({"recipient": "a@b"}, {"queue_id": "A1B2C3"}, {}):
        (one,) = find(log, **wanted)
        assert ends(one) == {"a@b": "discarded"}
        assert one.status is DeliveryStatus.DISCARDED
        assert told.rstrip() in one.lines
        assert len(one.lines) == 6
        assert one.queue_ids == ("A1B2C3",)


def test_a_session_and_no_message_id_ties_dovecots_lines(find: Find) -> None:
    """Same Message-ID, same user, and a session that is a part of another's name."""
    other = "tLZfK59dB2sxVgAAg+zDdQ"
    drop = "marked message to be discarded if not explicitly delivered (discard action)"
    kept = by_lmtp("A1B2C3", "a@b", SESSION)
    log = dovecot(other, drop) + dovecot(f"{SESSION}:R2", drop) + kept
    log += dovecot(SESSION, "stored mail into mailbox 'INBOX'")
    (one,) = find(log, recipient="a@b")
    assert ends(one) == {"a@b": "delivered"}
    assert len(one.lines) == 6
    assert find(log, message_id="<same@x>") == [one] == find(log)


def test_what_sieve_sends_is_a_message_of_its_own(find: Find) -> None:
    leg = mail("D4E5F6", "out@z").replace("c[192.0.2.1]", "localhost[127.0.0.1]")
    told = dovecot(SESSION, "redirect action: forwarded to <out@z>")
    log = leg + told + by_lmtp("A1B2C3", "a@b", SESSION)
    found = find(log, message_id="<same@x>")
    assert [(m.queue_ids, ends(m)) for m in found] == [
        (("D4E5F6",), {"out@z": "sent"}),
        (("A1B2C3",), {"a@b": "sent"}),
    ]
    assert found == find(log)


def test_a_blind_copy_is_a_recipient_with_an_end_of_its_own(find: Find) -> None:
    lines = mail("A1B2C3", "a@b").replace("nrcpt=1", "nrcpt=2").splitlines(True)
    copy = lines[3].replace("to=<a@b>", "to=<archive@z>, orig_to=<bcc@z>")
    log = "".join([*lines[:3], copy.replace("=sent", "=bounced"), *lines[3:]])
    (one,) = find(log, recipient="bcc@z")
    assert ends(one) == {"a@b": "sent", "archive@z": "bounced"}
    assert one.queue_ids == ("A1B2C3",)


@pytest.mark.parametrize("kept_first", [False, True])
def test_a_forward_that_keeps_a_copy_is_delivered_and_sent_on(find: Find, kept_first: bool) -> None:
    lines = mail("A1B2C3", "a@b").replace("postfix/smtp", "postfix/local").splitlines(True)
    both = [
        lines[3].replace("250 ok", text) for text in ("delivered to maildir", "forwarded as D4E5F6")
    ]
    leg = mail("D4E5F6", "out@z").splitlines(True)[1:]
    leg[2] = leg[2].replace("to=<out@z>", "to=<out@z>, orig_to=<a@b>")
    both = both if kept_first else both[::-1]
    (one,) = find("".join([*lines[:3], *both, lines[4], *leg]), recipient="a@b")
    assert ends(one) == {"a@b": "delivered", "out@z": "sent"}
    assert [item.attempts for item in one.recipients] == [1, 1]
    assert one.queue_ids == ("A1B2C3", "D4E5F6")


def test_a_line_that_names_an_id_means_the_life_of_it_that_is_nearest(find: Find) -> None:
    """An ID that Dovecot's message had is used again behind the content filter."""
    first = mail("D4E5F6", "out@z").replace("c[192.0.2.1]", "localhost[127.0.0.1]")
    hop = mail("A1B2C3", "a@b", at="10:05").replace(
        "mx[192.0.2.9]:25", "127.0.0.1[127.0.0.1]:10024"
    )
    second = mail("D4E5F6", "a@b", at="10:05").replace("c[192.0.2.1]", "localhost[127.0.0.1]")
    log = first + second + hop.replace("250 ok", "250 2.0.0 Ok: queued as D4E5F6")
    (one,) = find(log, recipient="out@z")
    assert (one.queue_ids, len(one.lines)) == (("D4E5F6",), 5)
    (two,) = find(log, recipient="a@b")
    assert two.queue_ids == ("A1B2C3", "D4E5F6")
    assert len(find(log)) == 2


def test_a_remote_queued_as_is_not_followed(find: Find) -> None:
    log = mail("A1B2C3", "a@b").replace("250 ok", "250 Ok: queued as D4E5F6") + mail(
        "D4E5F6", "c@d"
    )
    (one,) = find(log, recipient="a@b")
    assert one.queue_ids == ("A1B2C3",)


def test_two_hosts_in_one_file_may_use_an_id_at_the_same_time(find: Find) -> None:
    first, second = (
        mail("A1B2C3", f"{host}@b", host=host).splitlines(True) for host in ("mx1", "mx2")
    )
    log = "".join(line for pair in zip(first, second, strict=True) for line in pair)
    (one,) = find(log, recipient="mx2@b")
    assert ends(one) == {"mx2@b": "sent"}
    assert {leg.host for leg in one.legs} == {"mx2"}


def test_both_the_address_and_the_original_one_are_found(find: Find) -> None:
    log = mail("A1B2C3", "new@b").replace("to=<new@b>", "to=<new@b>, orig_to=<old@b>")
    assert find(log, recipient="old@b") == find(log, recipient="new@b") != []


def test_a_message_whose_end_is_not_in_the_log_is_a_message(find: Find) -> None:
    log = mail("A1B2C3", "a@b").rpartition("Mar")[0]
    (one,) = find(log, recipient="a@b")
    assert one.legs[0].completed is None
    assert len(one.lines) == 4


def test_a_message_whose_birth_is_not_in_the_log_is_a_message(find: Find) -> None:
    log = "".join(mail("A1B2C3", "a@b").splitlines(True)[3:])
    (one,) = find(log, recipient="a@b")
    assert len(one.lines) == 2


@pytest.mark.parametrize("notified_first", [False, True])
def test_a_bounce_is_tied_whichever_line_is_first(find: Find, notified_first: bool) -> None:
    told = (
        "Mar  1 10:00:03 mx1 postfix/bounce[5]: A1B2C3: sender non-delivery notification: D4E5F6\n"
    )
    made = "Mar  1 10:00:03 mx1 postfix/cleanup[6]: D4E5F6: message-id=<n@mx1>\n"
    sent = mail("A1B2C3", "a@b").replace("status=sent", "status=bounced").splitlines(True)
    log = "".join([*sent[:4], *((told, made) if notified_first else (made, told)), sent[4]])
    log += "Mar  1 10:00:05 mx1 postfix/qmgr[9]: D4E5F6: from=<>, size=9, nrcpt=1 (queue active)\n"
    log += "Mar  1 10:00:06 mx1 postfix/smtp[9]: D4E5F6: to=<s@x>, relay=mx[192.0.2.9]:25, dsn=2.0.0, status=sent (ok)\n"
    log += "Mar  1 10:00:07 mx1 postfix/qmgr[9]: D4E5F6: removed\n"
    (one,) = find(log, recipient="a@b")
    assert [(leg.queue_id, leg.kind, leg.parent) for leg in one.legs] == [
        ("A1B2C3", "accepted", None),
        ("D4E5F6", "notification", "A1B2C3"),
    ]
    assert ends(one) == {"a@b": "bounced"}
    assert one.status is DeliveryStatus.BOUNCED
    assert len(find(log)) == 1


@pytest.mark.parametrize(
    "tag", ["postfix/submission", "postfix/smtps", "postfix-out", "postfix-203.0.113.9"]
)
def test_services_of_every_name_count(find: Find, tag: str) -> None:
    (one,) = find(mail("A1B2C3", "a@b", tag=tag), recipient="a@b")
    assert len(one.lines) == 5


def test_from_and_to_is_the_intersection(find: Find) -> None:
    log = mail("A1B2C3", "a@b", sender="s@x") + mail("D4E5F6", "a@b", sender="t@x", at="10:01")
    assert [m.queue_ids for m in find(log, recipient="a@b", sender="t@x")] == [("D4E5F6",)]
    assert find(log, recipient="a@b", sender="u@x") == []


def test_expiry_closes_every_recipient_that_waits(find: Find) -> None:
    log = "".join(mail("A1B2C3", "a@b").splitlines(True)[:4]).replace("=sent", "=deferred")
    log += "Mar  5 10:00:00 mx1 postfix/smtp[10]: A1B2C3: to=<c@d>, relay=mx[192.0.2.9]:25, dsn=2.0.0, status=sent (ok)\n"
    log += "Mar  6 10:00:00 mx1 postfix/qmgr[9]: A1B2C3: from=<s@x>, status=expired, returned to sender\n"
    log += "Mar  6 10:00:00 mx1 postfix/qmgr[9]: A1B2C3: removed\n"
    (one,) = find(log, recipient="a@b")
    assert ends(one) == {"a@b": "expired", "c@d": "sent"}
    assert one.status is DeliveryStatus.PARTIAL


def test_a_refusal_after_the_id_was_given_is_found_by_its_recipient(find: Find) -> None:
    log = "".join(mail("A1B2C3", "a@b").splitlines(True)[:2])
    log += "Mar  1 10:00:02 mx1 postfix/cleanup[8]: A1B2C3: milter-reject: END-OF-MESSAGE from c[192.0.2.1]: 5.7.1 no; from=<s@x> to=<a@b> proto=ESMTP helo=<c>\n"
    (one,) = find(log, recipient="a@b")
    assert (one.status, one.sender, ends(one)) == (
        DeliveryStatus.REJECTED,
        "s@x",
        {"a@b": "rejected"},
    )


def test_refusals_before_an_id_are_messages_with_no_queue_id(find: Find) -> None:
    log = (
        "Mar  1 10:00:02 mx1 postfix/smtpd[8]: NOQUEUE: reject: RCPT from c[192.0.2.1]: 550 5.1.1 <a@b>: no; from=<s@x> to=<a@b> proto=ESMTP helo=<c>\n"
        "Mar  1 10:00:03 mx1 postfix/postscreen[8]: NOQUEUE: reject: RCPT from [192.0.2.1]:44: 550 5.7.1 blocked; from=<s@x>, to=<A@B>, proto=ESMTP, helo=<c>\n"
    )
    found = find(log, recipient="a@b")
    assert [(m.queue_ids, m.status.value) for m in found] == [((), "rejected")] * 2
    assert found[1].client
    assert found[1].client.address == "192.0.2.1"


def test_one_message_over_two_files_is_one(find: Find) -> None:
    lines = mail("A1B2C3", "a@b").splitlines(True)
    for cut in range(1, 5):
        (one,) = find(["".join(lines[:cut]), "".join(lines[cut:])], recipient="a@b")
        assert list(one.lines) == [line.rstrip() for line in lines]


def test_matching_ignores_case_but_not_of_queue_ids(find: Find) -> None:
    log = mail("4Xs7HQ55N8zChRp", "User@Example.ORG")
    assert len(find(log, recipient="uSER@example.org")) == 1
    assert len(find(log, recipient="@EXAMPLE.org")) == 1
    assert len(find(log, recipient="us*@*.org")) == 1
    assert find(log, queue_id="4xS7HQ55N8ZCHRP") == []


def test_the_null_sender(find: Find) -> None:
    log = mail("A1B2C3", "a@b", sender="") + mail("D4E5F6", "a@b", at="10:01")
    assert [m.queue_ids for m in find(log, sender="<>")] == [("A1B2C3",)]


def test_the_newest_are_kept_by_a_limit(find: Find) -> None:
    log = "".join(mail(f"A1B2C{n}", "a@b", at=f"10:0{n}") for n in range(5))
    assert [m.queue_ids[0] for m in find(log, recipient="a@b", limit=2)] == ["A1B2C3", "A1B2C4"]


def test_december_is_before_january(find: Find) -> None:
    december = mail("A1B2C3", "a@b").replace("Mar  1", "Dec 31")
    january = mail("D4E5F6", "a@b").replace("Mar  1", "Jan  1")
    assert [m.arrived.year for m in find(december + january, recipient="a@b") if m.arrived] == [
        2026,
        2027,
    ]


EXIM = (
    "2026-03-01 10:00:00 1rABcd-000DEF-99 <= s@x H=c [192.0.2.1] P=esmtp S=9 id=m@x for a@b\n"
    '2026-03-01 10:00:01 1rABcd-000DEF-99 => a@b R=r T=t H=mx [192.0.2.9] C="250 OK"\n'
    "2026-03-01 10:00:02 1rABcd-000DEF-99 Completed\n"
)


@pytest.mark.parametrize("queue_id", ["1rABcd-000DEF-99", "1rABcd-00000001abC-2dEf"])
def test_exim_messages_are_grouped_with_ids_of_both_lengths(find: Find, queue_id: str) -> None:
    (one,) = find(EXIM.replace("1rABcd-000DEF-99", queue_id), recipient="a@b")
    assert (len(one.lines), one.queue_ids, ends(one)) == (3, (queue_id,), {"a@b": "sent"})


def test_the_parent_of_an_exim_bounce_is_found_though_it_completed_before(find: Find) -> None:
    log = EXIM.replace('=> a@b R=r T=t H=mx [192.0.2.9] C="250 OK"', "** a@b R=r: no such user")
    log += (
        "2026-03-01 10:00:03 1rABce-000DEG-99 <= <> R=1rABcd-000DEF-99 U=exim P=local S=9 for s@x\n"
    )
    log += "2026-03-01 10:00:04 1rABce-000DEG-99 => s <s@x> R=r T=t\n"
    log += "2026-03-01 10:00:05 1rABce-000DEG-99 Completed\n"
    for wanted in ({"recipient": "a@b"}, {"queue_id": "1rABce-000DEG-99"}):
        (one,) = find(log, **wanted)
        assert one.queue_ids == ("1rABcd-000DEF-99", "1rABce-000DEG-99")
        assert ends(one) == {"a@b": "bounced"}


def test_a_refusal_in_exims_main_and_reject_log_is_one(find: Find) -> None:
    line = "2026-03-01 10:00:00 H=c [192.0.2.1] F=<s@x> rejected RCPT <a@b>: Unrouteable address\n"
    assert len(find([line, line], recipient="a@b")) == 1
    assert len(find([line, line])) == 1
    assert len(find([line + line], recipient="a@b")) == 2
