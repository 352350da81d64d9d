"""Whose lines of a system log are Postfix's, by the tag alone."""

from __future__ import annotations

import subprocess
import sys

import pytest

from smtpadmin.formats.postfix_programs import PROCESSES, is_postfix, looks_like


@pytest.mark.parametrize("process", sorted(PROCESSES))
def test_a_process_counts_under_any_instance_but_not_without_one(process: str) -> None:
    assert is_postfix(f"mailout/{process}")
    assert is_postfix(process) == (process in ("postfix", "postfix-script"))


def test_only_the_tag_counts() -> None:
    assert looks_like(b"Jun  6 23:34:18 mx1 postfix/qmgr[9]: A1B2C3: removed")
    assert not looks_like(b"Jun  6 23:34:18 mx1 sshd[9]: postfix/qmgr[9]: A1B2C3: removed")
    assert not looks_like(b"postfix/qmgr: no frame, no stamp")


def test_the_grammar_is_not_loaded() -> None:
    program = (
        "import sys; from smtpadmin.formats.postfix_programs import looks_like;"
        "sys.exit(any(m in sys.modules for m in ("
        "'smtpadmin.formats.postfix_log', 'smtpadmin.formats.postfix_session')))"
    )
    done = subprocess.run([sys.executable, "-c", program], timeout=30, check=False)
    assert done.returncode == 0
