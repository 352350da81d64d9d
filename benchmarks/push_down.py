"""The search on the server against the script that one would write there, both run by sh here.

    python benchmarks/push_down.py LOG ADDRESS

The naive script greps the whole log for the address, then for all queue IDs of what it found, until
nothing new comes. Without a network both need no round trip; ours needs one.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from smtpadmin.model.tracking import TrackCriteria
from smtpadmin.tracking.push_down import track_remote
from smtpadmin.transport.local import LocalRunner

NAIVE = r"""
LC_ALL=C; export LC_ALL
old=$(mktemp); new=$(mktemp); lines=$(mktemp)
grep -aF -e "$2" "$1" >"$lines"
while :; do
    grep -oE '\]: [0-9A-F]{6,15}: |notification: [0-9A-F]{6,15}|relay=127[^ ]*.*queued as [0-9A-F]{6,15}' "$lines" | grep -oE '[0-9A-F]{6,15}(: )?$' | tr -d ': ' | sort -u >"$new"
    cmp -s "$old" "$new" && break
    mv "$new" "$old"
    grep -aF -f "$old" "$1" >"$lines"
done
wc -l <"$lines"
"""


async def ours(log: str, address: str) -> int:
    runner = LocalRunner()
    try:
        criteria = TrackCriteria(recipient=address, lines=True)
        return len([m async for m in track_remote(runner, [log], "postfix", criteria)])
    finally:
        await runner.close()


def took(log: str, address: str) -> str:
    """Both, in words."""
    began = time.perf_counter()
    found = asyncio.run(ours(log, address))
    mine = time.perf_counter() - began
    began = time.perf_counter()
    argv = ("sh", "-c", NAIVE, "naive", log, address)
    lines = subprocess.run(argv, capture_output=True, check=True, text=True).stdout.strip()
    naive = time.perf_counter() - began
    return f"ours {mine:.2f} s ({found} mails), naive {naive:.2f} s ({lines} lines) = {naive / mine:.1f}x"


if __name__ == "__main__":
    print(took(sys.argv[1], sys.argv[2]))
