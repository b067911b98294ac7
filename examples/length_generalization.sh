#!/bin/sh
# From random weights to programs far longer than any that a teacher showed: does a model climb by its own verified answers?
#
#     sh examples/length_generalization.sh [OPTIONS OF axiom loop]     half an hour on two cores; if killed, it resumes
#
# First nano's recipe: a model of 0.4 million parameters learns from the solver's solutions of listings of at most 9 lines
# (and the copying of at most 14). Then the default run, on listings of up to 60 lines, with three controls at equal
# compute: verdicts dealt out at random, more of the solver's solutions, and samples that nobody judged. The last lines say
# how far each came; length_generalization/ has tables.md, and the plots in experiments/climb/report.html.
#
# The long climb, to 85 lines:   sh examples/length_generalization.sh --preset climb
# A worse start in less time:    SHARE=0.3 sh examples/length_generalization.sh
set -eu
mkdir -p length_generalization && cd length_generalization
start="start${SHARE:+-$SHARE}"
[ -f "$start/model.safetensors" ] || python -m axiom_cli.models.nano.recipe "$start" "${SHARE:-1}"
axiom loop --model "$start" --experiment climb --control shuffled,cold-only,unfiltered "$@" > metrics.jsonl
axiom report climb --format md > tables.md
