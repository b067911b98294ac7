#!/bin/sh
# Is B better than A? The same problems, the same number of samples each, and a paired test: the answer is better, worse
# or inconclusive, never a bare pair of percentages.
#
#     sh examples/compare.sh [ENGINE [A [B]]]   for real models: sh examples/compare.sh auto nano myrun@best
set -eu
engine=${1:-scripted}
a=${2:-solver:0.5}
b=${3:-solver:0.2}

axiom problems gen --count 40 --split test --seed 1 -o problems.jsonl
for one in "$a" "$b"; do
    name=$(printf %s "$one" | tr -c 'A-Za-z0-9._\n' _)
    axiom solve problems.jsonl --engine "$engine" --model "$one" --samples 4 | axiom verify -o "verdicts_$name.jsonl"
    set -- "$@" "verdicts_$name.jsonl"
done
while [ $# -gt 2 ]; do shift; done
axiom report --compare "$1" "$2"
