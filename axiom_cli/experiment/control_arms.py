"""Control arms: what the same compute does without the signal. A gain is only worth what it is above them.

`shuffled` trains on samples whose verdicts are dealt out at random: among all samples of the round or, where attempts
at one problem are compared, among those at each problem. `cold-only` takes the same number of loss tokens from the cold
start alone. `unfiltered` takes as many of all its samples, right or wrong; `format-only` of those that are well-formed.
`one-shot` draws the samples of all rounds from the start model, and trains once, on as many loss tokens as they all.
Some models gain from these (2506.10947), and where most samples are right, so does anyone (2502.01612).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from random import Random

from axiom_cli.errors import UsageError, did_you_mean
from axiom_cli.evaluation.experiment_folder import FORMAT_ONLY, UNFILTERED
from axiom_cli.problems.written_programs import parses
from axiom_cli.records import Verdict

SHUFFLED, COLD_ONLY, ONE_SHOT = "shuffled", "cold-only", "one-shot"
ARMS = (SHUFFLED, COLD_ONLY, UNFILTERED, FORMAT_ONLY, ONE_SHOT)


def parse(text: str) -> list[str]:
    """The arms named in a comma-separated list, each once. UsageError for one that does not exist, and for a text that
    names none though it is not empty."""
    arms = list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if text and not arms:
        raise UsageError(f"--control {text} names no control arm", f"choose from {', '.join(ARMS)}")
    for arm in arms:
        if arm not in ARMS:
            raise UsageError(
                f"there is no control arm called {arm!r}", did_you_mean(arm, ARMS, f"choose from {', '.join(ARMS)}")
            )
    return arms


def shuffle(verdicts: Sequence[Verdict], seed: int, *, within: bool = False) -> list[Verdict]:
    """The same samples with the labels of others: as many pass, but which ones says nothing.

    Infra verdicts stay infra, and samples that were cut off stay failed, so that the control can learn the format as
    well. With `within`, as many attempts at each problem pass as before: the contrast stays, its direction is chance.
    """
    random, groups = Random(f"{seed}/shuffled"), defaultdict(list)
    for place, verdict in enumerate(verdicts):
        if verdict.status != "infra" and verdict.sample.finish == "stop":
            groups[verdict.sample.problem.id if within else ""].append(place)
    out = list(verdicts)
    for places in groups.values():
        labels = [verdicts[place].status for place in places]
        random.shuffle(labels)
        for place, label in zip(places, labels, strict=True):
            passed = out[place].total_tests if label == "pass" else 0
            out[place] = replace(out[place], status=label, passed_tests=passed, reason="shuffled control")
    return out


def accept(verdicts: Sequence[Verdict], arm: str) -> list[Verdict]:
    """The same samples as though each were right, or with `format-only` each from which an answer or a program can be
    read. Infra verdicts stay infra, and samples that were cut off stay as they are: no arm learns from them."""
    out = list(verdicts)
    for place, verdict in enumerate(verdicts):
        if verdict.status == "infra" or verdict.sample.finish != "stop":
            continue
        good = arm == UNFILTERED or parses(verdict.sample)
        status, passed = ("pass", verdict.total_tests) if good else ("fail", 0)
        out[place] = replace(verdict, status=status, passed_tests=passed, reason=f"{arm} control")
    return out
