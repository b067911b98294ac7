"""Deal out a file's verdicts at random: a control that trains on as many samples, whether they are right or not.

python shuffle.py [SEED] < verdicts.jsonl
"""

import sys

from axiom_cli import jsonl
from axiom_cli.experiment.control_arms import shuffle
from axiom_cli.records import Verdict


def main(seed="0"):
    """Writes the verdicts of stdin with their labels shuffled: as many pass, but which ones carries no information."""
    for verdict in shuffle(list(jsonl.read(sys.stdin.buffer, Verdict)), int(seed)):
        sys.stdout.buffer.write(jsonl.dump(verdict))


if __name__ == "__main__":
    main(*sys.argv[1:])
