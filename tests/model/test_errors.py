"""Errors word themselves in one sentence of what, where and what to do."""

from __future__ import annotations

from smtpadmin.model.errors import (
    LoginError,
    NotPermittedError,
    SmtpadminError,
    TotalDeadlineError,
    UnreachableError,
    UntrustedError,
    UsageError,
)


def test_the_sentence_has_what_where_and_remedy() -> None:
    error = UnreachableError("connection refused", where="mx1:25", remedy="Start the server.")
    assert str(error) == "mx1:25: connection refused. Start the server."
    assert str(SmtpadminError("gone.", remedy="Look again.")) == "gone. Look again."
    assert str(SmtpadminError("gone")) == "gone"


def test_exit_codes_follow_the_contract() -> None:
    codes = {UsageError: 2, UnreachableError: 3, LoginError: 3, NotPermittedError: 4}
    assert {cls: cls("x").exit_code for cls in codes} == codes


def test_built_in_families_still_catch_ours() -> None:
    assert isinstance(TotalDeadlineError("x"), TimeoutError)
    assert isinstance(UnreachableError("x"), ConnectionError)


def test_an_untrusted_certificate_carries_its_fingerprint() -> None:
    error = UntrustedError("unknown authority", fingerprint="ab" * 32, changed=True)
    assert (error.fingerprint, error.changed, error.exit_code) == ("ab" * 32, True, 3)
