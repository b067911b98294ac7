#!/bin/sh
# Is model B better than model A? Both get the same problems and the same number of samples, and a paired test decides:
# the answer is better, worse or inconclusive, never just a pair of percentages.
#
#     sh examples/compare.sh [ENGINE [A [B]]]   with real models: sh examples/compare.sh auto nano myrun@best
set -eu
engine=${1:-scripted}
a=${2:-solver:0.5}
b=${3:-solver:0.2}

axiom problems gen robot_walk queue_listing --count 40 --split test --seed 1 -o problems.jsonl
for model in "$a" "$b"; do
    name=$(printf %s "$model" | tr -c 'A-Za-z0-9._\n' _)
    axiom solve problems.jsonl --engine "$engine" --model "$model" --samples 4 | axiom verify -o "verdicts_$name.jsonl"
    set -- "$@" "verdicts_$name.jsonl"
done
while [ $# -gt 2 ]; do shift; done
axiom report --compare "$1" "$2"
