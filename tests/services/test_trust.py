"""Which questions may be answered yes, and where the answer is kept."""

from __future__ import annotations

from smtpadmin.model.errors import UntrustedError
from smtpadmin.model.profile import Profile, TlsMode
from smtpadmin.services.trust import accepted_among, may_accept, question, trust_place, with_trust

FINGERPRINT = "ab" * 32
HOST_KEY = UntrustedError("unknown", fingerprint=FINGERPRINT, place="ssh:mx1:22")
CHANGED_KEY = UntrustedError("changed", fingerprint=FINGERPRINT, place="ssh:mx1:22", changed=True)
CERTIFICATE = UntrustedError("unknown", fingerprint=FINGERPRINT)


def test_a_changed_host_key_is_never_offered() -> None:
    assert may_accept(HOST_KEY)
    assert not may_accept(CHANGED_KEY)
    assert not may_accept(UntrustedError("revoked", changed=True))
    assert accepted_among(HOST_KEY, [FINGERPRINT])
    assert not accepted_among(HOST_KEY, ["cd" * 32])
    assert not accepted_among(CHANGED_KEY, [FINGERPRINT])


def test_the_answer_is_kept_where_it_was_asked() -> None:
    profile = Profile("u", "n", "smtp", host="mx1", tls=TlsMode.IMPLICIT)
    assert trust_place(profile) == "tls:mx1:465"
    assert with_trust(profile, FINGERPRINT).trust == {"tls:mx1:465": FINGERPRINT}
    jump = with_trust(profile, FINGERPRINT, "ssh:bastion:22")
    assert jump.trust == {"ssh:bastion:22": FINGERPRINT}


def test_each_is_shown_as_its_own_tools_show_it() -> None:
    assert question(CERTIFICATE) == {
        "thing": "certificate",
        "fingerprint": f"SHA-256 {FINGERPRINT}",
    }
    assert question(HOST_KEY)["thing"] == "host key"
    assert question(HOST_KEY)["fingerprint"].startswith("SHA256:q6urq6")
