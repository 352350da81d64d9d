"""Whether a server's TLS is good enough for a plan, in posttls-finger's words, with reasons.

Anonymous: no certificate. Untrusted: it leads to no trusted authority. Trusted: it does, but was not
made for this host. Verified: both, or the certificate is the one that DANE or a fingerprint names.
"""

from __future__ import annotations

import itertools
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from smtpadmin.formats.certificate_chain import explain_chain, load, matches
from smtpadmin.model.dns import TlsaRecord
from smtpadmin.model.errors import UntrustedError
from smtpadmin.model.smtp import TlsFacts
from smtpadmin.model.smtp_plan import SendPlan, Verify
from smtpadmin.protocol.dane import dane_match, usable
from smtpadmin.transport.tls_options import chain_of, channel_bindings, context_for, is_trusted


@dataclass(frozen=True, slots=True)
class PolicyWords:
    """What was found out before connecting. ``tlsa`` are records that may be believed; ``dane`` and
    ``mta_sts`` say in words why there is nothing to compare, or what the policy says;
    ``sts_enforced`` that MTA-STS wants a trusted certificate for the host's name."""

    tlsa: tuple[TlsaRecord, ...] = ()
    dane: str = ""
    mta_sts: str = ""
    sts_enforced: bool = False


class TlsJudge:
    """One session's TLS."""

    def __init__(self, plan: SendPlan, policy: PolicyWords) -> None:
        self._plan = plan
        self._tls = plan.tls
        self._policy = policy
        self._context: ssl.SSLContext | None = None
        host = plan.target.host
        self.sent_name = self._tls.sni or self._tls.check_name or host or "localhost"
        self.wanted_name = self._tls.check_name or host
        self._chain: tuple[bytes, ...] = ()

    def context(self) -> ssl.SSLContext:
        """Raises UsageError and StorageError."""
        if self._context is None:
            self._context = context_for(self._tls)
        return self._context

    def bindings(self, tls: ssl.SSLObject) -> Mapping[str, bytes]:
        """Channel bindings for SCRAM."""
        return channel_bindings(tls, self._chain)

    def facts(self, tls: ssl.SSLObject) -> TlsFacts:
        """What was negotiated, the chain explained, the level word."""
        now = datetime.now(UTC)
        self._chain = chain = chain_of(tls)
        context = self.context()
        verified = context.verify_mode is ssl.CERT_REQUIRED
        trusted = verified or is_trusted(chain, context, now)
        explained = explain_chain(chain, self.wanted_name, now, trusted=trusted)
        names = explained[0].names if explained else ()
        fits = matches(names, self.wanted_name)
        dane = self._dane_word(chain, fits=fits, trusted=trusted)
        pinned = bool(explained) and explained[0].fingerprint == _bare(self._tls.fingerprint)
        level = _level(explained, trusted=trusted, fits=fits, special=pinned or "matches" in dane)
        own, cipher = (explained[0] if explained else None), tls.cipher()
        return TlsFacts(
            version=tls.version() or "",
            cipher=cipher[0] if cipher else "",
            subject=own.subject if own else "",
            issuer=own.issuer if own else "",
            not_after=own.not_after[:10] if own else "",
            fingerprint=own.fingerprint if own else "",
            verified=level == "Verified" and not (pinned and not (trusted and fits)),
            chain=explained,
            level=level,
            dane=dane,
            mta_sts=self._sts_word(level, trusted=trusted, fits=fits),
        )

    def _dane_word(self, chain: Sequence[bytes], *, fits: bool, trusted: bool) -> str:
        records = usable(self._policy.tlsa)
        if not records:
            return self._policy.dane
        found = dane_match(chain, records, name_fits=fits, chain_holds=_links_hold(chain))
        if found is None:
            return f"none of {len(records)} TLSA records fits: a sender with DANE would not deliver"
        return f"matches TLSA {found.usage} {found.selector} {found.matching}"

    def _sts_word(self, level: str, *, trusted: bool, fits: bool) -> str:
        if not self._policy.sts_enforced:
            return self._policy.mta_sts
        verdict = "satisfied" if trusted and fits else "a sender with MTA-STS would not deliver"
        return f"{self._policy.mta_sts}: {verdict}"

    def lines(self, facts: TlsFacts) -> list[str]:
        """For the transcript."""
        found = [f"{facts.level} TLS connection: {facts.version} {facts.cipher}"]
        for place, one in enumerate(facts.chain):
            names = f" for {', '.join(one.names[:5])}" if one.names else ""
            found.append(
                f"certificate {place}: {one.subject}{names} · issuer {one.issuer} · "
                f"{one.not_before[:10]} to {one.not_after[:10]} · {one.key} · {one.signature}"
            )
            found += [f"certificate {place}: {problem}" for problem in one.problems]
        found += [f"DANE: {facts.dane}"] if facts.dane else []
        found += [f"MTA-STS: {facts.mta_sts}"] if facts.mta_sts else []
        return found

    def check(self, facts: TlsFacts, where: str) -> None:
        """Raises UntrustedError when the plan wants more than there is."""
        tls = self._tls
        if tls.fingerprint:
            if facts.fingerprint != _bare(tls.fingerprint):
                raise self._error(
                    "the certificate has changed",
                    where,
                    facts,
                    remedy="Ask the server's administrator; do not go on before you know why.",
                    changed=True,
                )
            return
        if tls.dane and usable(self._policy.tlsa):
            if not facts.dane.startswith("matches"):
                raise self._error(f"DANE: {facts.dane}", where, facts)
            return
        by_name = tls.verify in (Verify.FULL, Verify.NAME)
        if tls.dane and tls.verify in (Verify.FULL, Verify.CA) and facts.level == "Untrusted":
            raise self._error("the certificate is not trusted", where, facts)
        names = facts.chain[0].names if facts.chain else ()
        if by_name and not matches(names, self.wanted_name):
            raise self._error(
                f"the certificate is not for this host ({self.wanted_name})",
                where,
                facts,
                remedy="Use the name it is made for, or give another name to compare.",
            )

    def untrusted(self, why: str, where: str) -> UntrustedError:
        """A handshake that OpenSSL refused."""
        return UntrustedError(
            f"the certificate is not trusted ({why.rstrip('.')})",
            where=where,
            remedy="Compare its fingerprint with the server's administrator, or give the CA file.",
        )

    def _error(
        self, what: str, where: str, facts: TlsFacts, *, remedy: str = "", changed: bool = False
    ) -> UntrustedError:
        return UntrustedError(
            what,
            where=where,
            remedy=remedy or "Compare its fingerprint with the server's administrator.",
            fingerprint=facts.fingerprint,
            changed=changed,
        )


def _level(explained: Sequence[object], *, trusted: bool, fits: bool, special: bool) -> str:
    if not explained:
        return "Anonymous"
    if special or (trusted and fits):
        return "Verified"
    return "Trusted" if trusted else "Untrusted"


def _links_hold(chain: Sequence[bytes]) -> bool:
    """Whether each certificate is signed by the next one."""
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

    loaded = [one for der in chain if (one := load(der)) is not None]
    try:
        for one, above in itertools.pairwise(loaded):
            one.verify_directly_issued_by(above)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return len(loaded) == len(chain)


def _bare(fingerprint: str) -> str:
    return fingerprint.replace(":", "").lower()
