#!/bin/sh
# Records are JSON lines, so a filter fits between any two commands. Here: keep the hard problems, sample and verify them,
# and keep the accepted samples of at most 120 tokens. `jq -c 'select(...)'` does the same as where.py.
#
#     sh examples/pipe.sh [ENGINE [MODEL]]      with a real model: sh examples/pipe.sh auto nano
set -eu
here=$(dirname "$0")
engine=${1:-scripted}
model=${2:-solver:0.3}

axiom problems gen robot_walk queue_listing --count 40 --difficulty 2-5 --seed 7 |
    python "$here/where.py" level '>=' 4 |
    axiom solve --engine "$engine" --model "$model" --samples 4 |
    axiom verify |
    python "$here/where.py" status '==' pass |
    python "$here/where.py" sample.tokens '<=' 120
