"""Program problems, generated and hand-written: what is stated is what is graded, by a verifier that runs them."""

from __future__ import annotations

import json
from itertools import islice
from random import Random

import pytest

from axiom_cli.problems import families
from axiom_cli.problems.families import arithmetic, draw, expressions, handwritten, list_ops, oracles, programs, teacher
from axiom_cli.problems.families.handwritten import basics
from axiom_cli.records import ModelRef, Problem, Sample
from axiom_cli.settings.configs import VerifyConfig
from axiom_cli.verification.verify import verify

TEN = [
    "two_sum",
    "fizzbuzz",
    "reverse_string",
    "is_palindrome",
    "max_subarray",
    "fibonacci",
    "binary_search",
    "valid_parentheses",
    "merge_sorted_arrays",
    "remove_duplicates",
]


def _verdicts(attempts):
    samples = [
        Sample(problem, ModelRef("test", "0"), "scripted", {}, n, 0, text) for n, (problem, text) in enumerate(attempts)
    ]
    return list(verify(samples, VerifyConfig(jobs=1)))


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in families.names() if "program" in families.get(name).forms])
def test_what_a_statement_does_not_say_tells_no_two_problems_apart(name):
    """The same statement with other examples would be in train and in test."""
    family, met, compared = families.get(name), {}, 0
    for n in range(600):
        random = Random(n)
        exercise = family.exercise(family.draw(random, 1), 1, random)
        first = met.setdefault((exercise.signature, exercise.returns), exercise)
        if first is not exercise and compared < 5:
            compared += 1
            assert _built(first) == _built(exercise)
    assert compared == 5 or len(met) > 590


def _built(exercise):
    try:
        return programs.build(exercise)
    except programs.ConstantResultError:
        return None


def test_the_ten_are_there_and_forty_more():
    assert handwritten.names()[:10] == TEN
    assert len(set(handwritten.names())) == 50
    assert min(len(problem.program.tests) for problem in handwritten.problems()) >= 20
    assert [problem.id for problem in handwritten.problems()] == handwritten.names()
    assert handwritten.get("four_sum") is None


@pytest.mark.parametrize("name", handwritten.names())
def test_a_handwritten_problem_has_one_right_result_for_each_call(name):
    problem = handwritten.get(name)
    program = problem.program
    calls = [json.dumps(test["args"]) for test in program.tests]
    assert len(set(calls)) == len(calls) >= 15
    assert not set(calls) & {json.dumps(case["args"]) for case in program.examples}
    assert len({json.dumps(test["expected"]) for test in program.tests}) >= 2
    other = oracles.function(handwritten.FAMILY, problem.prompt, name)
    reference = programs.compiled(program.reference, name)
    for test in program.tests + program.examples:
        before = json.dumps(test["args"])
        for solver in (other, reference):
            result = solver(*test["args"])
            assert (type(result), result) == (type(test["expected"]), test["expected"])
        assert json.dumps(test["args"]) == before
    assert Problem.from_dict(json.loads(json.dumps(problem.to_dict()))) == problem


def test_no_call_of_two_sum_has_two_right_results():
    """One in five did, in a prototype that graded by equality."""
    program = handwritten.get("two_sum").program
    for test in program.tests + program.examples:
        assert basics.pairs(*test["args"]) == bool(test["expected"])


@pytest.mark.slow
def test_the_verifier_accepts_the_teacher_and_no_constant():
    problems = handwritten.problems()
    for name in ("arithmetic", "rpn", "parentheses", "list_ops"):
        for level in (1, 6, 10):
            problems += islice(draw.stream(name, level, "test", 1, "program"), 2)
    taught = [(problem, teacher.teach(problem)) for problem in problems]
    assert [v.reason for v in _verdicts(taught) if not v.passed] == []
    constants = []
    for problem in problems:
        head = f"def {problem.program.entry_point}(*args):\n    return "
        constants += [(problem, f"{head}{case['expected']!r}") for case in problem.program.examples]
    passed = [verdict.sample for verdict in _verdicts(constants) if verdict.passed]
    assert [(sample.problem.prompt, sample.text) for sample in passed] == []


def test_division_is_graded_as_it_is_stated():
    """Text said "toward zero", the grader floored, in up to a fifth of a prototype's problems."""
    tree = ("%", ("//", "a", 2), "b")
    exercise = expressions.exercise(tree, ["a", "b"], f"`{expressions.infix(tree)}`")
    prompt, program = programs.build(exercise)
    assert "// rounds down, % takes the sign of the divisor" in prompt
    assert "by zero, it returns None" in prompt
    solve = programs.compiled(program.reference, "solve")
    assert solve(-7, 3) == 2
    assert solve(-7, -3) == -1
    assert solve(1, 0) is None
    assert {"args": [0, 0], "expected": None} in program.tests
    assert any(test["expected"] is not None and min(test["args"]) < 0 for test in program.tests)


def test_no_rule_is_stated_that_does_not_apply():
    exercise = expressions.exercise(("+", "a", 17), ["a"], "`a + 17`")
    prompt, _ = programs.build(exercise)
    assert "divisor" not in prompt and "None" not in prompt
    assert arithmetic.Arithmetic().statement(("+", 1, 17)) == "Evaluate: 1 + 17"


def test_list_operations_are_one_definition():
    """The words, the step of the oracle, the line of the reference: three columns of one table."""
    lists = [[3, -1, 4, -1, 5, 19, 44], [2], [7, 7], [0, 60, 33, -8]]
    for operation in (*list_ops.OPERATIONS, *list_ops.OPENINGS):
        for k in {operation.k[0], operation.k[1]}:
            run = programs.compiled(f"def f(xs):\n    return {operation.code.format(k=k)}\n", "f")
            for numbers in lists:
                applied = operation.apply(list(numbers), k)
                assert run(list(numbers)) == applied, (operation.meaning, k)


def test_the_second_solver_knows_every_opening_of_a_list_program():
    lists = [[3, -1, 4, -1, 5, 19, 44], [2], [], [7, 6], [0, 60, 33, -8, 4]]
    for operation in list_ops.OPENINGS:
        for k in range(operation.k[0], operation.k[1] + 1):
            what = f"does in order: {operation.meaning.format(k=k)}; reverse it; return the list."
            solve = oracles.function("list_ops", what, "solve")
            found = [(solve(list(numbers)), operation.apply(list(numbers), k)[::-1]) for numbers in lists]
            assert [one for one, other in found if one != other] == [], (operation.meaning, k)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["list_ops", pytest.param("nested_programs", marks=pytest.mark.slow)])
def test_the_first_level_has_programs_enough_to_test_on_200(name):
    """A tenth of them belongs to the split: list_ops had 49 in all."""
    drawn = islice(draw.draws(families.get(name), 1, "test", 0, "program"), 200)
    assert len({one.id for one in drawn}) == 200


def test_one_prompt_is_one_program():
    """Tests come from the exercise's content, so that equal prompts cannot be graded differently."""
    problems = list(islice(draw.stream("parentheses", 2, "train", 0, "program"), 150))
    by_text = {problem.prompt.partition("\n")[0]: problem for problem in problems}
    assert len(by_text) == len(problems)
    again = {p.prompt.partition("\n")[0]: p for p in islice(draw.stream("parentheses", 2, "train", 1, "program"), 150)}
    shared = by_text.keys() & again.keys()
    assert shared
    assert all(by_text[text].id == again[text].id and by_text[text].program == again[text].program for text in shared)


def test_words_before_a_vowel_have_their_article():
    """Drawn without their programs, which are not needed to read a sentence."""
    family = families.get("record_programs")
    said = [family.exercise(family.draw(Random(n), 6), 6, Random(n)).returns for n in range(200)]
    assert any("with an age that" in text for text in said)
    assert not any(" a age" in text for text in said)
