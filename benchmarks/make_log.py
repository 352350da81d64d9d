"""Writes Postfix logs whose every message is known: what became of it, and its lines.

    python benchmarks/make_log.py FILE --lines 1000000 --seed 1

The same seed gives the same octets. A world is a row of scenarios (one for each thing that can
happen to a message) on a clock; lines of a second are written in the order of their moments. Of
watched messages (all, unless told otherwise) the truth is kept: recipients and their ends, queue
IDs, and every line that has one of them.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # run as a script, or imported by tests

from benchmarks import log_legs, log_refusals, log_scenarios
from benchmarks.log_scenarios import filtered, remote, retried
from benchmarks.log_world import LogWorld, Scenario, Truth, address, sender, write

__all__ = ["ALL", "SCENARIOS", "USUAL", "BusyWorld", "Truth", "World", "address", "sender", "write"]

SCENARIOS: dict[str, Scenario] = (
    log_scenarios.SCENARIOS | log_refusals.SCENARIOS | log_legs.SCENARIOS
)
ALL = dict.fromkeys(SCENARIOS, 1) | {"remote": 4}
"""Weights for tests: every kind is frequent."""
USUAL = dict.fromkeys(SCENARIOS, 1) | {
    "remote": 300, "local": 120, "submission": 60, "many": 20, "retried": 30, "bounce": 15, "filtered": 150, "refused": 80,
    "screened": 40, "aliased": 20, "noise": 60, "stuck": 0, "requeued": 0, "held": 0,
}  # fmt: skip
"""Weights of a busy server."""


class World(LogWorld):
    """A log of Postfix; all kinds of messages unless ``weights`` names some."""

    def __init__(
        self,
        seed: int,
        *,
        watch: str | None = None,
        hosts: tuple[str, ...] = ("mx1",),
        gap: float = 0.25,
        weights: dict[str, int] | None = None,
        rfc3339: bool = False,
    ) -> None:
        super().__init__(
            seed, SCENARIOS, weights or ALL, watch=watch, hosts=hosts, gap=gap, rfc3339=rfc3339
        )


class BusyWorld(World):
    """A busy server, with a recipient of ``some`` mails and one of ``lots``."""

    SOME, LOTS = "rare.person@known.example.org", "list@popular.example.org"

    def __init__(self, seed: int, messages: int, some: int = 30, lots: int = 7000) -> None:
        super().__init__(seed, watch=self.SOME, weights={name: n for name, n in USUAL.items() if n})
        kinds = (remote, remote, filtered, retried)
        chosen = self.random.sample(range(messages), some + lots)
        plan = {
            at: (self.SOME if n < some else self.LOTS, kinds[n % 4]) for n, at in enumerate(chosen)
        }
        usual = self._scenarios
        self._made = 0

        def planned(scenario: Scenario) -> Scenario:
            def run(world: LogWorld) -> None:
                self._made += 1
                special = plan.get(self._made)
                if special:
                    special[1](world, special[0])  # type: ignore[operator]
                else:
                    scenario(world)

            return run

        self._scenarios = [planned(scenario) for scenario in usual]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    began = time.perf_counter()
    world = BusyWorld(options.seed, options.lines // 9, lots=max(options.lines // 1500, 1))
    size = write(options.file, world, options.lines)
    print(
        f"{size / 1e6:.0f} MB in {time.perf_counter() - began:.0f} s, {len(world.truths)} mails to {world.SOME}",
        file=sys.stderr,
    )


if __name__ == "__main__":
    main()
