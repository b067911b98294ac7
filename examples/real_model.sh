#!/bin/sh
# A real model teaches itself to write programs, and is measured on the problems it trained on and on held-out ones.
#
#     sh examples/real_model.sh [MODEL]        an hour and a half on two cores; if killed, the same command resumes
#
# The training problems are 40 hand-written ones and some composed ones; the held-out problems are the other 10, and
# composed ones of the test split. A model of this size follows no output format by itself, so it is first shown the
# solver's verified solutions of composed problems that are in neither set. Then, in each round: attempt the training
# problems, train the cold-started model on everything that has passed so far, merge, and attempt both sets again. Two
# controls accompany the last round: `shuffled` trains on its samples with verdicts dealt out at random, `cold-only` on
# as many rows of the cold start. Finally a value function learns from the last model's attempts what is right.
#
# The problems, verdicts and summary.txt end up in real_model/, the models in its workspace. With less of everything:
#     FAMILIES=arithmetic,rpn FORM=answer COLD=100 TRAIN=40 HELD_OUT=40 SAMPLES=4 sh examples/real_model.sh nano
set -eu
here=$(cd "$(dirname "$0")" && pwd)
model=${1:-HuggingFaceTB/SmolLM2-135M-Instruct}
if [ -e "$model" ]; then model=$(realpath "$model"); fi
families=${FAMILIES:-number_programs,string_programs,dict_programs} form=${FORM:-program} levels=${LEVELS:-1}
cold=${COLD:-300} train=${TRAIN:-240} held_out=${HELD_OUT:-150} rounds=${ROUNDS:-2}
sampling="--samples ${SAMPLES:-4} --temperature 0.8 --max-tokens 256"
mkdir -p real_model && cd real_model

# One stream of problems, cut in two; the splits of a family share no problem.
gen="axiom problems gen $families --form $form --difficulty $levels"
$gen --count "$((cold + train))" -o stream.jsonl
head -n "$cold" stream.jsonl > cold_problems.jsonl
axiom problems show -o hand.jsonl
{ head -n 40 hand.jsonl && tail -n "$train" stream.jsonl; } > train.jsonl
{ tail -n 10 hand.jsonl && $gen --count "$held_out" --split test; } > held_out.jsonl

attempt() { # MODEL NAME: verdicts on the model's attempts at both sets
    for set in train held_out; do
        axiom solve "$set.jsonl" --model "$1" $sampling | axiom verify -o "$2.$set.jsonl"
    done
}
learn() { # VERDICTS NAME: train the cold-started model on what passed, merge, and attempt both sets
    axiom train "$1" --model cold --decontaminate held_out.jsonl --experiment "$2" -o "$2.json"
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

python "$here/shuffle.py" < "tried$rounds.jsonl" > shuffled_rows.jsonl
learn shuffled_rows.jsonl shuffled
rows=$(grep -o '"rows":[0-9]*' "round$rounds.json" | head -n 1 | cut -d : -f 2)
head -n "$rows" cold_rows.jsonl > cold_again.jsonl
learn cold_again.jsonl cold-only

last="round$rounds"
axiom train "$last.train.jsonl" --model "$last" --objective value --epochs 1 --experiment judge -o judge.json
axiom solve held_out.jsonl --model "$last" $sampling --samples 16 --value-function judge | axiom verify -o judged.jsonl

{
    for set in train held_out; do
        names="start cold $(seq -f round%g "$rounds") shuffled cold-only"
        axiom report $(for name in $names; do echo "$name.$set.jsonl"; done)
        for name in start cold shuffled cold-only; do axiom report --compare "$name.$set.jsonl" "$last.$set.jsonl"; done
    done
    axiom report --verdicts judged.jsonl
} 2>&1 > /dev/null | tee summary.txt
