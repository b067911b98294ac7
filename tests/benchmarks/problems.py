"""How many problems a second each family makes on one core, and beside it reasoning-gym on comparable tasks. By hand:

    pip install -e '.[gym]'
    PYTHONPATH=. python tests/benchmarks/problems.py [--problems 300] [--rounds 3] [--only NAME,...]

Ours are records ready to be written, distinct and of one split, as `axiom problems gen` makes them; theirs are entries
of `create_dataset(name, size, seed)`, which may repeat. Each round makes problems that no round made before. The rounds
alternate, each figure is the median, and a ratio is the median of the rounds' ratios, by processor time.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable

from axiom_cli.problems import families
from axiom_cli.problems.families import draw

LEVELS = range(3, 8)  # what `problems gen` draws from by default
PAIRS = (
    ("arithmetic", "chain_sum"), ("arithmetic", "basic_arithmetic"), ("base_conversion", "base_conversion"),
    ("gcd_chain", "gcd"), ("gcd_chain", "lcm"), ("fractions", "fraction_simplification"),
    ("modular", "modulo_grid"), ("sequences", "number_sequence"), ("rewriting", "ab"),
    ("rewriting", "string_manipulation"), ("automaton", "game_of_life"), ("boolean", "propositional_logic"),
    ("boolean", "circuit_logic"), ("knights", "knights_knaves"), ("syllogisms", "syllogism"),
    ("shortest_path", "shortest_path"), ("topological", "course_schedule"), ("colouring", "graph_color"),
    ("calendar", "calendar_arithmetic"), ("clock", "time_intervals"), ("sorting_trace", "number_sorting"),
    ("list_ops", "number_filtering"), ("matrix", "manipulate_matrix"), ("cipher", "caesar_cipher"),
    ("anagrams", "group_anagrams"), ("anagrams", "letter_jumble"), ("run_length", "letter_counting"),
    ("digit_puzzle", "cryptarithm"), ("stack_machine", "bf"),
)  # fmt: skip
Make = Callable[[int, int], list[str]]


def ours(name: str) -> Make:
    """The prompts of `count` records of a family."""

    def make(count: int, seed: int) -> list[str]:
        return [problem.to_dict()["prompt"] for problem in draw.problems([name], count, LEVELS, "train", seed)]

    return make


def theirs(name: str) -> Make:
    """The questions of `count` entries of a data set."""

    def make(count: int, seed: int) -> list[str]:
        from reasoning_gym import create_dataset

        return [entry["question"] for entry in create_dataset(name, size=count, seed=seed)]

    return make


class Way:
    """One maker of problems, and what was measured of it."""

    def __init__(self, make: Make) -> None:
        self.make, self.rates, self.length = make, list[float](), 0.0

    def measure(self, count: int, seed: int) -> None:
        began = time.process_time()
        prompts = self.make(count, seed)
        self.rates.append(len(prompts) / (time.process_time() - began))
        self.length = statistics.mean(map(len, prompts))

    @property
    def rate(self) -> float:
        return statistics.median(self.rates)


def measured(ways: dict[str, Way], count: int, rounds: int) -> None:
    """Alternating rounds of all ways, after a short one that nobody counts: it imports."""
    for way in ways.values():
        way.make(2, 0)
    for number in range(1, rounds + 1):
        for way in ways.values():
            way.measure(count, 1000 * number)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="These families only, comma-separated.")
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[-1]})
    print(f"load average {os.getloadavg()[0]:.2f}, one core, {options.problems} problems a round", flush=True)
    names = [name for name in families.names() if "answer" in families.get(name).forms]
    if options.only:
        names = [name for name in names if name in options.only.split(",")]
    pairs = [(mine, other) for mine, other in PAIRS if mine in names]
    ways = {name: Way(ours(name)) for name in names}
    ways |= {f"gym:{other}": Way(theirs(other)) for _, other in pairs}
    measured(ways, options.problems, options.rounds)
    print(f"{'family':20}{'problems/s':>12}{'prompt':>8}")
    for name in names:
        print(f"{name:20}{ways[name].rate:12,.0f}{ways[name].length:8.0f}")
    print(f"\n{'family':18}{'reasoning-gym':26}{'ours/s':>9}{'theirs/s':>10}{'ratio':>8}{'prompt':>8}{'theirs':>8}")
    for mine, other in pairs:
        our_run, their_run = ways[mine], ways[f"gym:{other}"]
        ratio = statistics.median(a / b for a, b in zip(our_run.rates, their_run.rates, strict=True))
        figures = f"{our_run.rate:9,.0f}{their_run.rate:10,.0f}{ratio:8.2f}{our_run.length:8.0f}{their_run.length:8.0f}"
        print(f"{mine:18}{other:26}{figures}{'' if ratio >= 3 else '  under 3'}")


if __name__ == "__main__":
    main()
