"""A TLS context as a plan wants it: versions, ciphers, whom to trust, our own certificate. And what
the handshake gave: the chain as it was served, channel bindings, whether it can be trusted."""

from __future__ import annotations

import hashlib
import ssl
import warnings
from collections.abc import Sequence
from datetime import datetime

from smtpadmin.formats.certificate_chain import load
from smtpadmin.model.errors import StorageError, UsageError
from smtpadmin.model.smtp_plan import TlsPlan, Verify

VERSIONS = {
    "1.0": ssl.TLSVersion.TLSv1,
    "1.1": ssl.TLSVersion.TLSv1_1,
    "1.2": ssl.TLSVersion.TLSv1_2,
    "1.3": ssl.TLSVersion.TLSv1_3,
}
OLD = ("1.0", "1.1")


def context_for(plan: TlsPlan) -> ssl.SSLContext:
    """Names are compared afterwards, because the name sent (SNI) may be another one. Raises
    UsageError and StorageError."""
    try:
        context = ssl.create_default_context(cafile=plan.ca_file or None)
    except (OSError, ssl.SSLError) as error:
        raise StorageError(
            f"the CA file cannot be read ({error})", where=plan.ca_file, remedy="Check the path."
        ) from error
    context.check_hostname = False
    by_chain = plan.verify in (Verify.FULL, Verify.CA) and not plan.fingerprint and not plan.dane
    context.verify_mode = ssl.CERT_REQUIRED if by_chain else ssl.CERT_NONE
    _set_versions(context, plan)
    _set_ciphers(context, plan)
    _load_own(context, plan)
    return context


def _set_versions(context: ssl.SSLContext, plan: TlsPlan) -> None:
    for name in (plan.minimum, plan.maximum):
        if name and name not in VERSIONS:
            raise UsageError(f"{name!r} is no TLS version", remedy="Use 1.0, 1.1, 1.2 or 1.3.")
    with warnings.catch_warnings():
        # That TLS 1.0 is out of date is known to those who ask for it.
        warnings.simplefilter("ignore", DeprecationWarning)
        if plan.maximum:
            # Otherwise a maximum below the default minimum allows nothing.
            context.minimum_version = min(context.minimum_version, VERSIONS[plan.maximum])
            context.maximum_version = VERSIONS[plan.maximum]
        if plan.minimum:
            context.minimum_version = VERSIONS[plan.minimum]


def _set_ciphers(context: ssl.SSLContext, plan: TlsPlan) -> None:
    ciphers = plan.ciphers
    if not ciphers and (plan.minimum in OLD or plan.maximum in OLD):
        ciphers = "DEFAULT:@SECLEVEL=0"  # their signatures are below OpenSSL's level 1
    if not ciphers:
        return
    try:
        context.set_ciphers(ciphers)
    except ssl.SSLError as error:
        raise UsageError(
            f"OpenSSL knows no cipher of {ciphers!r}", remedy="See openssl-ciphers(1)."
        ) from error


def _load_own(context: ssl.SSLContext, plan: TlsPlan) -> None:
    if not plan.cert_file:
        return
    try:
        context.load_cert_chain(plan.cert_file, plan.key_file or None, password=lambda: b"")
    except (OSError, ssl.SSLError) as error:
        raise StorageError(
            f"the client certificate cannot be loaded ({error})",
            where=plan.cert_file,
            remedy="It must be PEM, with a key that has no passphrase.",
        ) from error


def chain_of(tls: ssl.SSLObject) -> tuple[bytes, ...]:
    """The certificates as they were served (DER), the server's own first."""
    get = getattr(tls, "get_unverified_chain", None)  # public since Python 3.13
    if get is not None:
        return tuple(bytes(der) for der in get() or ())
    inner = getattr(tls, "_sslobj", None)
    found = inner.get_unverified_chain() if inner is not None else None
    return tuple(ssl.PEM_cert_to_DER_cert(one.public_bytes()) for one in found or ())


def channel_bindings(tls: ssl.SSLObject, chain: Sequence[bytes]) -> dict[str, bytes]:
    """What SCRAM can bind to: ``tls-unique`` below TLS 1.3 (RFC 5929 section 3), and
    ``tls-server-end-point`` (section 4). Python's ssl gives no ``tls-exporter``."""
    found: dict[str, bytes] = {}
    if tls.version() != "TLSv1.3":
        unique = tls.get_channel_binding("tls-unique")
        if unique:
            found["tls-unique"] = unique
    if chain:
        found["tls-server-end-point"] = _end_point(chain[0])
    return found


def _end_point(der: bytes) -> bytes:
    """The certificate's hash, by the function of its signature but never MD5 or SHA-1."""
    from cryptography.exceptions import UnsupportedAlgorithm

    certificate = load(der)
    try:
        algorithm = certificate.signature_hash_algorithm if certificate is not None else None
    except UnsupportedAlgorithm:
        return b""
    if algorithm is None or algorithm.name in ("md5", "sha1"):
        return hashlib.sha256(der).digest()
    return hashlib.new(algorithm.name.replace("sha3-", "sha3_"), der).digest()


def is_trusted(chain: Sequence[bytes], context: ssl.SSLContext, now: datetime) -> bool:
    """Whether the chain leads to one of the context's authorities, name apart. For sessions whose
    handshake did not ask; by cryptography's verifier, which is a little stricter than OpenSSL."""
    from cryptography import x509
    from cryptography.x509 import verification

    loaded = [one for der in chain if (one := load(der)) is not None]
    roots = [one for der in context.get_ca_certs(True) if (one := load(der)) is not None]
    if not loaded or not roots or len(loaded) != len(chain):
        return False
    try:
        builder = verification.PolicyBuilder().store(verification.Store(roots)).time(now)
        builder = builder.extension_policies(
            ca_policy=verification.ExtensionPolicy.webpki_defaults_ca(),
            ee_policy=verification.ExtensionPolicy.permit_all(),
        )
        builder.build_client_verifier().verify(loaded[0], loaded[1:])
    except (ValueError, verification.VerificationError, x509.UnsupportedGeneralNameType):
        return False
    return True
