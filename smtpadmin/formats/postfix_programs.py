"""Which programs of a system log are Postfix's: enough to recognise its log.

Apart from the grammar of its lines, whose expressions a search in another log need not compile.
"""

from __future__ import annotations

from functools import lru_cache

from smtpadmin.formats.syslog_frame import parse_frame

_PROCESS_NAMES = (
    "anvil bounce cleanup defer discard dnsblog error flush lmtp local master nqmgr oqmgr pickup pipe"
    " postalias postcat postconf postdrop postfix postfix-script postfix-tlsdb postkick postlock"
    " postlog postlogd postmap postmulti postqueue postscreen postsuper proxymap proxywrite qmgr qmqpd"
    " retry scache sendmail showq smtp smtpd spawn tlsmgr tlsproxy trace trivial-rewrite verify virtual"
)
PROCESSES = frozenset(_PROCESS_NAMES.split())


@lru_cache(maxsize=1024)
def is_postfix(program: str) -> bool:
    """Whether a tag is one of Postfix's: ``anything/process``, or ``postfix/anything``."""
    head, slash, process = program.rpartition("/")
    if slash:
        return process in PROCESSES or head.startswith("postfix")
    return program in ("postfix", "postfix-script")


def looks_like(line: bytes) -> bool:
    """Whether a line is of this log."""
    frame = parse_frame(line)
    return frame.program is not None and is_postfix(frame.program)
