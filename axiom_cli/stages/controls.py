"""Control arms: what the same compute does without the signal. A gain is only worth what it is above them.

`shuffled` trains on samples whose verdicts were dealt out at random among all of the round's; `cold-only` takes the
same number of steps on the cold start's rows alone. Some models gain from either (2506.10947).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random

from axiom_cli.errors import UsageError
from axiom_cli.records import Verdict

SHUFFLED, COLD_ONLY = "shuffled", "cold-only"
ARMS = (SHUFFLED, COLD_ONLY)


def parse(text: str) -> list[str]:
    """The arms named in a comma-separated list. UsageError for one that does not exist."""
    named = list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    for arm in named:
        if arm not in ARMS:
            raise UsageError(f"no control arm {arm!r}", f"there are {', '.join(ARMS)}")
    return named


def shuffle(verdicts: Sequence[Verdict], seed: int) -> list[Verdict]:
    """The same samples with the labels of others: as many pass, but which ones says nothing. Infra stays infra, and
    samples that were cut off stay failed, so that the control may learn the format as well."""
    places = [i for i, v in enumerate(verdicts) if v.status != "infra" and v.sample.finish == "stop"]
    labels = [verdicts[i].status for i in places]
    Random(f"{seed}/shuffled").shuffle(labels)
    out = list(verdicts)
    for i, label in zip(places, labels, strict=True):
        passed = out[i].total_tests if label == "pass" else 0
        out[i] = replace(out[i], status=label, passed_tests=passed, reason="shuffled control")
    return out
