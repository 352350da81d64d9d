"""What is written as a swaks command is read back the same, and holds no secret."""

from __future__ import annotations

import shlex
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats import swaks_words as words
from smtpadmin.formats.swaks_command import swaks_command
from smtpadmin.formats.swaks_parse import parse_swaks
from smtpadmin.model.recipe import FileRef, Letter, Recipe
from smtpadmin.model.smtp_plan import (
    Dialect,
    EnvelopePlan,
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
    XclientPlan,
)

PLAIN = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9 ._'\"$&;|<>()-]{0,15}[A-Za-z0-9]", fullmatch=True)
WORD = st.from_regex(r"[a-z0-9][a-z0-9._/-]{0,12}", fullmatch=True)
ADDRESS = st.from_regex(r"[a-z0-9+'-]{1,8}@[a-z]{1,6}\.example", fullmatch=True)
ADDRESSES = st.lists(ADDRESS, max_size=3).map(tuple)
HEADERS = st.lists(
    st.tuples(st.from_regex(r"X-[A-Za-z]{1,8}", fullmatch=True), PLAIN), max_size=3
).map(tuple)
PORT = st.integers(0, 65535)
IPV4 = st.ip_addresses(v=4).map(str)
VERSIONS = st.sampled_from([("", ""), ("1.2", ""), ("", "1.2"), ("1.1", "1.2"), ("1.3", "")])
FILES = st.lists(
    st.builds(
        FileRef,
        WORD,
        st.sampled_from(["", "text/plain", "image/png"]),
        st.one_of(st.just(""), WORD),
    ),
    max_size=2,
).map(tuple)

letters = st.one_of(
    st.builds(
        Letter,
        sender=st.one_of(st.just(""), ADDRESS),
        to=ADDRESSES,
        cc=ADDRESSES,
        bcc=ADDRESSES,
        subject=PLAIN,
        text=st.one_of(
            PLAIN, st.tuples(PLAIN, PLAIN).map("\n".join), st.just("@looks like a file")
        ),
        html=st.one_of(st.just(""), PLAIN),
        headers=HEADERS,
        replaced=HEADERS,
        attachments=FILES,
    ),
    st.builds(
        Letter,
        sender=ADDRESS,
        to=ADDRESSES,
        raw_file=st.one_of(st.just("-"), WORD),
        raw_tokens=st.just(True),
    ),
)
targets = st.builds(
    Target,
    host=st.one_of(st.just(""), st.from_regex(r"[a-z]{1,8}(\.[a-z]{1,8}){0,2}", fullmatch=True)),
    port=PORT,
    socket_path=st.one_of(st.just(""), WORD),
    family=st.sampled_from([0, 4, 6]),
    source=st.one_of(st.just(""), IPV4),
    source_port=PORT,
    mx_of=st.one_of(st.just(""), WORD),
)


@st.composite
def tls_plans(draw: st.DrawFn) -> TlsPlan:
    use = draw(st.sampled_from(list(TlsUse)))
    if use is TlsUse.NONE:
        return TlsPlan()
    low, high = draw(VERSIONS)
    text = st.one_of(st.just(""), WORD)
    return TlsPlan(
        use, verify=draw(st.sampled_from(list(Verify))), minimum=low, maximum=high, sni=draw(text),
        ca_file=draw(text), cert_file=draw(text), key_file=draw(text), ciphers=draw(text),
    )  # fmt: skip


logins = st.one_of(
    st.just(LoginPlan()),
    st.builds(
        LoginPlan,
        user=PLAIN,
        authorize_as=st.one_of(st.just(""), WORD),
        mechanisms=st.lists(st.sampled_from(words.MECHANISMS), max_size=3, unique=True).map(tuple),
        optional=st.booleans(),
    ),
)
proxies = st.one_of(
    st.just(ProxyPlan()),
    st.builds(
        ProxyPlan, st.just(2), source=IPV4, destination=IPV4, source_port=PORT, destination_port=PORT,
        family=st.sampled_from(["AF_INET", "AF_UNIX"]), command=st.sampled_from(["PROXY", "LOCAL"]),
    ),
    st.builds(
        ProxyPlan, st.just(1), source=IPV4, destination=IPV4, source_port=PORT, destination_port=PORT,
        family=st.sampled_from(["AF_INET", "AF_INET6", "AF_UNSPEC"]),
    ),
    st.builds(ProxyPlan, st.sampled_from([1, 2]), raw=PLAIN),
)  # fmt: skip
xclients = st.one_of(
    st.just(XclientPlan()),
    st.builds(
        XclientPlan,
        st.lists(PLAIN, min_size=1, max_size=3).map(tuple),
        st.booleans(),
        st.booleans(),
        st.booleans(),
    ),
)
plans = st.builds(
    SendPlan,
    target=targets,
    dialect=st.sampled_from(list(Dialect)),
    helo=st.one_of(st.just(""), WORD),
    tls=tls_plans(),
    login=logins,
    proxy=proxies,
    xclient=xclients,
    envelope=st.builds(EnvelopePlan, prdr=st.booleans()),
    transfer=st.builds(TransferPlan, pipelining=st.booleans(), raw=st.booleans()),
    stop=st.one_of(
        st.none(), st.builds(Stop, st.sampled_from(list(StopPoint)), st.sampled_from(list(StopHow)))
    ),
)


@given(st.builds(Recipe, letters, plans))
def test_written_and_read_it_is_the_same(recipe: Recipe) -> None:
    line, _ = swaks_command(recipe)
    found, notes = parse_swaks(line)
    assert found == recipe
    assert notes == []


def test_an_example_for_people() -> None:
    plan = SendPlan(
        Target("mx.example", 587),
        tls=TlsPlan(TlsUse.STARTTLS),
        login=LoginPlan("anna", mechanisms=("PLAIN",)),
    )
    line, notes = swaks_command(Recipe(Letter("a@b", ("c@d",), subject="it's"), plan))
    assert line == (
        "swaks --server mx.example --port 587 --from a@b --to c@d --tls --tls-verify --auth PLAIN "
        "--auth-user anna --protect-prompt --h-Subject 'it'\"'\"'s' "
        "--body 'This is a test message of smtpadmin.'"
    )
    assert notes == []


@pytest.mark.parametrize(
    ("recipe", "words_of_note"),
    [
        (Recipe(Letter(payload="gtube")), "payload"),
        (Recipe(Letter(), SendPlan(Target(proxy_url="socks5://h:1"))), "proxy url"),
        (Recipe(Letter(), SendPlan(envelope=EnvelopePlan(notify="NEVER"))), "notify"),
        (Recipe(Letter(), SendPlan(transfer=TransferPlan(chunk=5))), "chunk"),
        (Recipe(Letter(), SendPlan(login=LoginPlan("u", mechanisms=("XOAUTH2",)))), "XOAUTH2"),
    ],
)
def test_what_swaks_cannot_say_is_told(recipe: Recipe, words_of_note: str) -> None:
    line, notes = swaks_command(recipe)
    assert any(words_of_note in one for one in notes)
    assert shlex.split(line)[0] == "swaks"
    assert "--auth-password" not in line


def test_nothing_in_it_is_run_by_a_shell() -> None:
    evil = "$(touch /tmp/x); `id` && \"'"
    line, _ = swaks_command(Recipe(replace(Letter(), subject=evil)))
    assert evil in shlex.split(line)
