"""Where a life of a queue ID begins and ends."""

from __future__ import annotations

import pytest

from smtpadmin.tracking.dialect import Link
from smtpadmin.tracking.lives import Life
from smtpadmin.tracking.postfix_lines import DIALECT, own

TEXTS = {
    "client": "smtpd[1]: A1B2C3: client=c[192.0.2.1]",
    "created": "cleanup[1]: A1B2C3: message-id=<x>",
    "active": "qmgr[1]: A1B2C3: from=<>, size=1, nrcpt=1 (queue active)",
    "sent": "smtp[1]: A1B2C3: to=<a@b>, relay=none, status=sent (x)",
    "removed": "qmgr[1]: A1B2C3: removed",
    "refused": "cleanup[1]: A1B2C3: milter-reject: END-OF-MESSAGE from c[192.0.2.1]: 5.7.1 no",
    "lost": "smtpd[1]: A1B2C3: lost connection after END-OF-MESSAGE from c[192.0.2.1]",
}


def line(word: str) -> bytes:
    return f"Mar  1 00:00:00 mx1 postfix/{TEXTS[word]}".encode()


def taken_forward(words: str) -> str:
    """The words that one life takes."""
    life, taken = Life(b"mx1", b"A1B2C3"), []
    for place, word in enumerate(words.split()):
        found = own(line(word))
        assert found is not None
        if life.closed or not life.append(DIALECT, place, line(word), found):
            break
        taken.append(word)
    return " ".join(taken)


@pytest.mark.parametrize(
    ("words", "life"),
    [
        ("client created active sent removed client", "client created active sent removed"),
        ("client created active sent client created", "client created active sent"),
        ("created created active removed created", "created created active removed"),
        ("client client created", "client"),
        ("created active active created", "created active active"),
        ("client created refused lost created active", "client created refused lost"),
    ],
)
def test_what_begins_another_life(words: str, life: str) -> None:
    assert taken_forward(words) == life


def test_backwards_a_life_ends_at_an_earlier_removal() -> None:
    life = Life(b"mx1", b"A1B2C3", [(9, line("sent"))])
    for place, word in ((8, "active"), (7, "created"), (6, "removed")):
        found = own(line(word))
        assert found is not None
        life.prepend(DIALECT, place, line(word), found)
    assert (life.first, life.last, life.born) == (7, 9, True)


def test_a_leg_has_one_parent_and_is_none_of_its_own_ancestors() -> None:
    one, two, three = (
        Life(b"mx1", queue_id, [(0, line("created"))]) for queue_id in (b"A1", b"A2", b"A3")
    )
    link = Link(b"x", "notification", up=False)
    assert one.adopt(link, two, DIALECT)
    assert two.adopt(link, three, DIALECT)
    assert not one.adopt(link, three, DIALECT)
    assert not three.adopt(link, one, DIALECT)
    assert not one.adopt(link, one, DIALECT)
    assert one.adopt(link, two, DIALECT)
    assert len(one.ties) == 1


def test_a_life_covers_its_own_lines_and_while_it_is_open_later_ones() -> None:
    life = Life(b"mx1", b"A1", [(5, b""), (9, b"")])
    assert [life.covers(place) for place in (4, 5, 7, 9, 12)] == [False, True, True, True, True]
    life.closed = True
    assert not life.covers(12)
