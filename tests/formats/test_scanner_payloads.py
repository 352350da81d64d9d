"""The test strings are right, and stand nowhere as literals. Their hashes are public."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

import pytest

import smtpadmin
from smtpadmin.formats import scanner_payloads
from smtpadmin.formats.scanner_payloads import NAMES, payload
from smtpadmin.model.errors import UsageError

EICAR_SHA256 = "275a021bbfb6489e54d471899f7db9d1663fc695ec2fe2a2c4538aabf651fd0f"
GTUBE_MD5 = "6a684e1cdca03e6a436d182dd4069183"


def test_eicar_is_the_known_file() -> None:
    name, octets = payload("eicar").attachment or ("", b"")
    assert (name, hashlib.sha256(octets).hexdigest()) == ("eicar.com", EICAR_SHA256)
    assert payload("eicar-txt").attachment == ("eicar.txt", octets)


def test_zipped_and_zipped_again() -> None:
    _, once = payload("eicar-zip").attachment or ("", b"")
    _, twice = payload("eicar-zip-zip").attachment or ("", b"")
    inner = zipfile.ZipFile(io.BytesIO(twice)).read("eicar.zip")
    assert inner == once
    assert (
        hashlib.sha256(zipfile.ZipFile(io.BytesIO(once)).read("eicar.com")).hexdigest()
        == EICAR_SHA256
    )


def test_gtube_has_68_characters_and_gtphish_its_frame() -> None:
    gtube, gtphish = payload("gtube").line, payload("gtphish").line
    assert len(gtube) == 68
    assert gtube.split("*")[0] == gtphish.split("*")[0] == "XJS"
    assert gtphish.endswith(gtube[-6:])


@pytest.mark.parametrize("name", NAMES)
def test_no_string_stands_in_a_source_or_its_byte_code(name: str) -> None:
    made = payload(name)
    needles = [made.line.encode()] if made.line else [b"ANTIVIRUS-TEST" + b"-FILE"]
    package = Path(smtpadmin.__file__).parent
    files = [*package.rglob("*.py"), *package.rglob("*.pyc"), Path(scanner_payloads.__file__)]
    assert files
    for path in files:
        octets = path.read_bytes()
        assert not [n for n in needles if n in octets], path


def test_unknown() -> None:
    with pytest.raises(UsageError, match="no scanner test"):
        payload("virus")
