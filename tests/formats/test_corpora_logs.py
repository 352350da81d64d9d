"""Real logs: every line of every file becomes one record, with the values that others read there.

Where a value differs from what the corpus says, the reason stands in DIFFERENCES.
"""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from smtpadmin.formats.postfix_grammar import pairs, split_peer
from smtpadmin.formats.postfix_log import parse_line
from smtpadmin.model.log import LogRecord
from smtpadmin.tracking.files import read_records, recognised
from smtpadmin.tracking.log_lines import head_of

SHARED = Path(__file__).resolve().parents[3] / "shared"
GROK = SHARED / "corpora/postfix-grok-patterns"
HUB = SHARED / "corpora/crowdsec-hub"
LAB = SHARED / "lab/samples"

needs_corpora = pytest.mark.skipif(not GROK.exists(), reason="the shared corpora are not here")
needs_lab = pytest.mark.skipif(not LAB.exists(), reason="the lab's samples are not here")

FORMATS: dict[str, str | None] = {
    "dovecot-slow-bf.log": None,
    "exchange-smtp-bf.log": "exchange",
    "exim-bf.log": "exim",
    "mailscanner-logs.log": None,
    "postfix-spam.log": "postfix",
    "zimbra-bf.log": None,
    "dovecot.log": None,
    "exim-mainlog.log": "exim",
    "exim-rejectlog.log": "exim",
    "haraka.log": "haraka",
    "opensmtpd-maillog.log": "opensmtpd",
    "postfix-mail-mx1.log": "postfix",
    "postfix-mail-mx2-milter-longids.log": "postfix",
    "rspamd-history.json": "rspamd",
}
"""File -> its format; None for servers that are no MTA: such lines keep their frame as ``other``."""

DIFFERENCES = {
    ("smtpd_0004.yaml", "postfix_queueid"): "NOQUEUE is no queue ID: the record has none",
    (
        "smtpd_0004.yaml",
        "postfix_status_data",
    ): "the address stays in `reply`, where the server put it",
    ("smtpd_0004.yaml", "postfix_status_message"): "the text is the rest of `reply`",
    ("delays_0001.yaml", "*"): "`delays` stays as logged: a/b/c/d",
    ("relay_0001.yaml", "*"): "`relay` stays as logged; split_peer takes it apart",
}
"""File of postfix-grok-patterns and its field -> why ours differs."""


def log_paths() -> list[Path]:
    return sorted([*HUB.glob("*/*.log"), *LAB.glob("*.log"), *LAB.glob("rspamd-history.json")])


@pytest.mark.parametrize("path", log_paths(), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_as_many_records_as_lines_in_the_right_format(path: Path) -> None:
    found = list(read_records([path], None))
    lines = path.read_bytes().split(b"\n")
    if not lines[-1]:
        lines.pop()
    assert [r.raw for r in found] == [line.decode("utf-8", "backslashreplace") for line in lines]
    assert [r.line for r in found] == list(range(1, len(lines) + 1))
    assert recognised(head_of(path)) == FORMATS[path.name]


@needs_lab
def test_every_log_of_the_lab_is_read_and_named_here() -> None:
    assert {path.name for path in log_paths()} == set(FORMATS)


def events(name: str) -> Counter[str]:
    return Counter(record.event for record in read_records([LAB / name], None))


@needs_lab
def test_counts_of_a_postfix_log_are_those_of_grep() -> None:
    text = (LAB / "postfix-mail-mx1.log").read_text()
    found = events("postfix-mail-mx1.log")
    for event, pattern in {
        "delivery": r"\]: \w+: to=<",
        "queued": r"\(queue active\)$",
        "message-id": r": message-id=",
        "client": r": client=",
        "connect-failed": r"\]: connect to ",
        "notification": r" notification: ",
        "reject": r"NOQUEUE: reject: ",
    }.items():
        assert found[event] == len(re.findall(pattern, text, re.M)), event
    known_others = re.compile(
        r"(Placed on hold|Released from hold|Requeued|Deleted|Force-expired): "
    )
    others = [r for r in read_records([LAB / "postfix-mail-mx1.log"], None) if r.event == "other"]
    assert all(known_others.match(r.message) for r in others)


@needs_lab
def test_counts_of_an_exim_log_are_those_of_grep() -> None:
    text = (LAB / "exim-mainlog.log").read_text()
    found = events("exim-mainlog.log")
    assert found["delivery"] == len(
        re.findall(r"^\S+ \S+ \S+ \S{16} (?:=>|->|==|\*\*) ", text, re.M)
    )
    assert found["queued"] == len(re.findall(r"^\S+ \S+ \S+ \S{16} <= ", text, re.M))
    assert found["removed"] == len(re.findall(r" Completed", text))
    assert found["other"] == 0


@needs_lab
def test_every_delivery_of_the_lab_has_recipient_and_state() -> None:
    for name in ("postfix-mail-mx1.log", "exim-mainlog.log", "opensmtpd-maillog.log"):
        deliveries = [r for r in read_records([LAB / name], None) if r.event == "delivery"]
        assert deliveries, name
        for record in deliveries:
            assert record.queue_id
            assert record.fields["to"]
            assert record.fields["status"] in {"sent", "delivered", "deferred", "bounced"}


@needs_corpora
def test_exchange_and_exim_and_postfix_of_the_hub() -> None:
    exchange = list(read_records([HUB / "exchange-smtp-bf/exchange-smtp-bf.log"], None))
    assert {r.event for r in exchange} == {"auth"}
    assert {r.fields["remote-endpoint"] for r in exchange} == {"192.168.9.212:53722"}
    exim = list(read_records([HUB / "exim-bf/exim-bf.log"], None))
    assert [r.fields["client_address"] for r in exim] == ["1.2.3.4"] * 6
    assert [r.fields.get("set_id") for r in exim[:2]] == ["info@test.com", "info1@test.com"]
    helo = list(read_records([HUB / "postfix-helo/postfix-spam.log"], None))
    assert {r.fields["helo"] for r in helo} == {"WIN-9QL4SDRB93L"}
    assert {r.fields["to"] for r in helo} == {"spammer@domain.tld"}


ASSERTED = re.compile(
    r'^results\["s00-raw"\]\["[^"]+"\]\[(\d+)\]\.Evt\.(Parsed|Meta)\["(message|program|pid|machine)"\] == (".*")$'
)


@needs_corpora
@pytest.mark.parametrize("name", ["dovecot-slow-bf", "mailscanner-logs"])
def test_frames_of_the_hub(name: str) -> None:
    found = [r for r in read_records([HUB / name / f"{name}.log"], None) if r.message]
    checked = 0
    for line in (HUB / name / "parser.assert").read_text().splitlines():
        if asserted := ASSERTED.match(line):
            record = found[int(asserted[1])]
            values = {
                "message": record.message,
                "program": record.program,
                "pid": str(record.pid),
                "machine": record.host,
            }
            assert values[asserted[3]] == json.loads(asserted[4])
            checked += 1
    assert checked >= 6


def grok(path: Path) -> tuple[str, str, dict[str, str]]:
    """Pattern, text and expected values of a file: the little YAML that these files use."""
    found: dict[str, str] = {}
    results: dict[str, str] = {}
    for line in path.read_text().splitlines():
        if matched := re.match(r"( *)([\w-]+):(?: +(.*?))? *$", line):
            value = matched[3] or ""
            text = json.loads(value) if value.startswith('"') else value
            (results if matched[1] else found)[matched[2]] = text
    return found["pattern"], found["data"], results


def whole_line(pattern: str, data: str) -> bytes:
    """The text with a header in front; parts of a line inside a whole one."""
    daemon = re.sub(r"\W", "", pattern).removeprefix("POSTFIX_").lower().replace("_", "-")
    if daemon == "command-counter-data":
        daemon, data = "smtpd", f"disconnect from x[192.0.2.1] {data}"
    return f"Oct 26 18:13:50 mx1 postfix/{daemon}[7]: {data}".encode()


SAME_NAME = {
    "postfix_action": "action",
    "postfix_status": "status",
    "postfix_smtp_stage": "stage",
    "postfix_smtpd_lostconn_data": "reason",
    "postfix_bounce_queueid": "notification_id",
    "postfix_bounce_recipient": "notified",
    "postfix_bounce_reason": "notification",
    "postfix_message-id": "message-id",
    "postfix_client_hostname": "client_name",
    "postfix_client_ip": "client_address",
    "postfix_client_port": "client_port",
    "postfix_status_code": "code",
    "postfix_status_code_enhanced": "dsn",
    "postfix_dnsbl_domain": "domain",
    "postfix_dnsbl_result": "result",
    "postfix_tls_trustlevel": "trust",
    "postfix_tls_version": "protocol",
    "postfix_tls_cipher": "cipher",
    "postfix_tls_cipher_size": "bits",
    "postfix_version": "version",
    "postfix_config_path": "configuration",
    "postfix_verify_cleanup_type": "cleanup",
    "postfix_anvil_cache_size": "value",
    "postfix_anvil_timestamp": "at",
    "postfix_scache_hits": "hits",
    "postfix_scache_miss": "miss",
}


def ours(name: str, record: LogRecord) -> Any:
    """What our record has for a field of that project."""
    fields = record.fields
    peer = split_peer(str(fields.get("relay", "")))
    if name in SAME_NAME:
        return fields.get(SAME_NAME[name])
    if name.endswith("_response"):
        return fields["reply"]
    if found := re.fullmatch(r"postfix_(?:postscreen|verify)_cache_(\w+)", name):
        return fields[found[1]]
    if found := re.fullmatch(r"postfix_cmd_(\w+?)(_accepted)?", name):
        counter = str(fields["commands" if found[1] == "count" else found[1]])
        return counter.partition("/")[0 if found[2] or "/" not in counter else 2]
    return {
        "postfix_queueid": record.queue_id,
        "postfix_message_level": record.level,
        "postfix_message": record.message.partition(": ")[2],
        "postfix_postsuper_action": record.event,
        "postfix_relay_hostname": peer.name,
        "postfix_relay_ip": peer.address,
        "postfix_relay_port": peer.port,
        "postfix_scache_success": str(fields.get("success")).rstrip("%"),
        "postfix_status_data": None,
        "postfix_status_message": None,
    }[name]


def differences(path: Path) -> Iterator[tuple[str, Any, str]]:
    pattern, data, results = grok(path)
    record = parse_line(whole_line(pattern, data))
    for name, expected in results.items():
        if name == "postfix_keyvalue_data":
            for key, value in pairs(expected).items():
                if record.fields.get(key) != value:
                    yield key, record.fields.get(key), str(value)
        elif str(ours(name, record)) != expected:
            yield name, ours(name, record), expected


@needs_corpora
@pytest.mark.parametrize("path", sorted(GROK.glob("*.yaml")), ids=lambda path: path.name)
def test_fields_of_postfix_grok_patterns(path: Path) -> None:
    if (path.name, "*") in DIFFERENCES:
        return
    found = {
        name: (value, expected)
        for name, value, expected in differences(path)
        if (path.name, name) not in DIFFERENCES
    }
    assert found == {}
    pattern, data, _ = grok(path)
    record = parse_line(whole_line(pattern, data))
    assert (record.event != "other") or record.level


@needs_corpora
def test_parts_of_lines() -> None:
    _, data, results = grok(GROK / "relay_0001.yaml")
    peer = split_peer(data)
    assert (peer.name, peer.address) == (
        results["postfix_relay_hostname"],
        results["postfix_relay_service"],
    )
    _, data, results = grok(GROK / "delays_0001.yaml")
    line = f"Oct 26 18:13:50 mx1 postfix/smtp[7]: A1B2C3: to=<a@b>, relay=x, delay=1, delays={data}, dsn=2.0.0, status=sent (x)"
    assert str(parse_line(line.encode()).fields["delays"]).split("/") == list(results.values())
    _, data, results = grok(GROK / "smtpd_0004.yaml")
    reply = parse_line(whole_line("^%{POSTFIX_SMTPD}$", data)).fields["reply"]
    assert reply == (
        f"{results['postfix_status_code']} {results['postfix_status_code_enhanced']}"
        f" <{results['postfix_status_data']}>: {results['postfix_status_message']}"
    )


@needs_corpora
def test_no_explanation_is_stale() -> None:
    for file, name in DIFFERENCES:
        if name != "*":
            assert name in {found for found, _, _ in differences(GROK / file)}, (file, name)


@needs_corpora
def test_every_other_file_of_the_corpora_is_read_too() -> None:
    """They are no logs: each line is kept all the same, and nothing fails."""
    for path in sorted((SHARED / "corpora").rglob("*")):
        if path.is_file():
            octets = path.read_bytes()
            text = gzip.decompress(octets) if octets.startswith(b"\x1f\x8b") else octets
            count = text.count(b"\n") + (not text.endswith(b"\n") and bool(text))
            assert sum(1 for _ in read_records([path], None)) == count, path
