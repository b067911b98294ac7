#!/bin/sh
# A real model teaches itself to write programs, and is asked about the problems it trained on and about others.
#
#     sh examples/real_model.sh [MODEL]        an hour and a half on two cores; killed, the same command goes on
#
# The training problems are 40 of the hand-written set and composed ones; the held-out problems are the other 10, and
# composed ones of the test split. A model of this size follows no output format by itself, so it is first shown the
# solver's verified solutions of composed problems that are in neither set. Then, each round: attempt the training
# problems, train the cold-started model on all that has passed so far, merge, attempt both sets again. Two controls
# stand beside the last round: `shuffled` has its samples with the verdicts of others, `cold-only` as many rows of the
# cold start again. At last a value function learns from the last model's attempts to tell right from wrong.
#
# The problems, verdicts and summary.txt are left in real_model/, the models in its workspace. Less of everything:
#     FAMILIES=arithmetic,rpn FORM=answer COLD=100 TRAIN=40 HELD_OUT=40 SAMPLES=4 sh examples/real_model.sh nano
set -eu
here=$(cd "$(dirname "$0")" && pwd)
model=${1:-HuggingFaceTB/SmolLM2-135M-Instruct}
if [ -e "$model" ]; then model=$(realpath "$model"); fi
families=${FAMILIES:-number_programs,string_programs,dict_programs} form=${FORM:-program} levels=${LEVELS:-1}
cold=${COLD:-300} train=${TRAIN:-240} held_out=${HELD_OUT:-150} rounds=${ROUNDS:-2}
sampling="--samples ${SAMPLES:-4} --temperature 0.8 --max-tokens 256"
mkdir -p real_model && cd real_model

# One stream of problems, cut in two; the splits of a family have no problem in common.
gen="axiom problems gen $families --form $form --difficulty $levels"
$gen --count "$((cold + train))" -o stream.jsonl
head -n "$cold" stream.jsonl > cold_problems.jsonl
axiom problems show -o hand.jsonl
{ head -n 40 hand.jsonl && tail -n "$train" stream.jsonl; } > train.jsonl
{ tail -n 10 hand.jsonl && $gen --count "$held_out" --split test; } > held_out.jsonl

attempt() { # MODEL NAME: the model's attempts at both sets
    for set in train held_out; do
        axiom solve "$set.jsonl" --model "$1" $sampling | axiom verify -o "$2.$set.jsonl"
    done
}
learn() { # VERDICTS NAME: the cold-started model, trained further on what passed, and its attempts
    axiom train "$1" --model cold --against held_out.jsonl --experiment "$2" -o "$2.json"
    axiom merge "$2.json" -o "$2.model.json"
    attempt "$2" "$2"
}

attempt "$model" start
axiom coldstart cold_problems.jsonl -o cold_rows.jsonl
axiom train cold_rows.jsonl --model "$model" --experiment cold -o cold.json
axiom merge cold.json -o cold.model.json
attempt cold cold

cp cold.train.jsonl tried1.jsonl
for round in $(seq "$rounds"); do
    learn "tried$round.jsonl" "round$round"
    cat "tried$round.jsonl" "round$round.train.jsonl" > "tried$((round + 1)).jsonl"
done

python "$here/shuffle.py" < "tried$rounds.jsonl" > dealt.jsonl
learn dealt.jsonl shuffled
rows=$(grep -o '"rows":[0-9]*' "round$rounds.json" | head -n 1 | cut -d : -f 2)
head -n "$rows" cold_rows.jsonl > again.jsonl
learn again.jsonl cold-only

last="round$rounds"
axiom train "$last.train.jsonl" --model "$last" --objective value --epochs 1 --experiment judge -o judge.json
axiom solve held_out.jsonl --model "$last" $sampling --samples 16 --value judge | axiom verify -o judged.jsonl

{
    for set in train held_out; do
        names="start cold $(seq -f round%g "$rounds") shuffled cold-only"
        axiom report $(for name in $names; do echo "$name.$set.jsonl"; done)
        for name in start cold shuffled cold-only; do axiom report --compare "$name.$set.jsonl" "$last.$set.jsonl"; done
    done
    axiom report --verdicts judged.jsonl
} 2>&1 > /dev/null | tee summary.txt
