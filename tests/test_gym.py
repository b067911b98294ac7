"""The data sets of reasoning-gym as families: reproducible, distinct, and graded so that no answer can run anything."""

from __future__ import annotations

import ast
import importlib.util
import marshal
import subprocess
import sys
import time
from itertools import islice
from pathlib import Path

import orjson
import pytest

from axiom_cli.audit import guess_rate
from axiom_cli.errors import InputError, NothingToDoError, UsageError
from axiom_cli.problems import families
from axiom_cli.problems.families import draw, gym
from axiom_cli.problems.families.gym import scorer
from axiom_cli.records import ModelRef, Problem, Sample
from axiom_cli.sandbox.inside import messages
from axiom_cli.settings.configs import VerifyConfig
from axiom_cli.verification.verify import verify
from command_line import ROOT, SCRIPTED, axiom, environment, extra, failed, rows, talk

HERE = importlib.util.find_spec("reasoning_gym") is not None
installed = pytest.mark.skipif(not HERE, reason="needs the extra: pip install 'axiom-rl[gym]'")
NAMES = gym.names()
SCORED = [f"gym:{name}" for name, row in gym.table()["listed"].items() if row["scorer"]]
DRAWN = """
import sys
from axiom_cli.problems.families import draw
for name in sys.argv[1:]:
    family = draw.families.get(name)
    for problem in draw.problems([name], 2, [family.has[-1]], "train", 5):
        print(problem.id, problem.answer)
"""


def sample(problem: Problem, answer: str) -> Sample:
    again = Problem.from_dict(orjson.loads(orjson.dumps(problem.to_dict())))
    return Sample(again, ModelRef("m", "0" * 64), "scripted", {}, 0, 1, f"Answer: {answer}")


def verdict(problem: Problem, answer: str):
    return next(verify([sample(problem, answer)], VerifyConfig()))


def status(problem: Problem, answer: str) -> str:
    return verdict(problem, answer).status


def first(name: str, level: int | None = None, split: str = "train") -> Problem:
    return next(draw.stream(name, level or families.get(name).has[0], split, 0))


def drawn_with(hash_seed: str, names: list[str]) -> bytes:
    command = [sys.executable, "-c", DRAWN, *names]
    return subprocess.run(
        command, env=environment(PYTHONHASHSEED=hash_seed), capture_output=True, check=True, timeout=1000
    ).stdout


@installed
def test_problems_flow_from_gen_to_verdict(tmp_path):
    made = axiom("problems", "gen", "gym:chain_sum,gym:countdown", "arithmetic", "--count", "12", cwd=tmp_path)
    problems = rows(made.stdout)
    assert {row["family"] for row in problems} == {"gym:chain_sum", "gym:countdown", "arithmetic"}
    assert len({row["prompt"] for row in problems}) == 12
    solved = axiom("solve", *SCRIPTED, "--model", "solver", "--samples", "1", cwd=tmp_path, stdin=made.stdout)
    judged = rows(axiom("verify", cwd=tmp_path, stdin=solved.stdout).stdout)
    assert [row["status"] for row in judged] == ["pass"] * 12


@installed
def test_the_nth_problem_does_not_depend_on_the_process():
    quick = ["gym:chain_sum", "gym:syllogism", "gym:knights_knaves"]
    assert drawn_with("1", quick) == drawn_with("2", quick) != b""


@installed
def test_streams_hold_no_question_twice_and_splits_share_none():
    name = "gym:gcd"
    has = families.get(name).has
    prompts = [one.prompt for split in draw.SPLITS for one in draw.problems([name], 60, has, split, 3)]
    assert len(set(prompts)) == 180
    again = [one.prompt for one in draw.problems([name], 30, has, "train", 3)]
    assert again == prompts[:30]


@installed
def test_only_its_own_levels_are_drawn():
    found = [one.level for one in draw.problems(["gym:gcd"], 10, range(3, 8), "train", 0)]
    assert set(found) == {3, 4}
    with pytest.raises(UsageError, match="gym:gcd has no such levels") as error:
        draw.problems(["gym:gcd"], 1, [9], "train", 0)
    assert "1-4" in error.value.hint


@installed
@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("gym:chain_sum", lambda answer: f"+{answer}.0"),
        ("gym:countdown", lambda answer: f"({answer})"),
        ("gym:simple_integration", lambda answer: f"{answer} + 7"),
        ("gym:fraction_simplification", lambda answer: f" {answer} "),
    ],
)
def test_another_right_answer_is_accepted_and_a_wrong_one_is_not(name, other):
    problem = first(name)
    assert status(problem, other(problem.answer)) == "pass"
    assert status(problem, f"2*({problem.answer}) + 1") == "fail"


@installed
def test_rows_of_an_answer_are_written_on_one_line():
    problem = first("gym:n_queens")
    assert gym.ON_ONE_LINE in problem.prompt
    family = families.get("gym:n_queens")
    for problem in islice(draw.stream("gym:n_queens", family.has[-1], "train", 0), 20):
        boards = family.origin_entry(problem)["metadata"]["valid_answers"]
        others = [board for board in boards if board.split() != problem.answer.split()]
        if others:
            assert status(problem, " ".join(others[0].split())) == "pass"
            assert status(problem, " ".join(others[0].split()[::-1][1:])) == "fail"
            return
    raise AssertionError("every board had one solution")


MALICIOUS = [
    "__import__('os').system('touch {place}')",
    "().__class__.__base__.__subclasses__()[0]",
    "[open('{place}', 'w') for x in [1]]",
    "(lambda: exit(0))()",
    "exec('import os')",
    "9**9**9",
    "(9**99)**99**99",
    "2**(10*10*10*10)",
    "x.__init__.__globals__",
    "Symbol('x')",
    "1" * 200_000,
    "(" * 5000 + "1" + ")" * 5000,
    "1+" * 30_000 + "1",
    "[" * 20_000,
    "ｅｖａｌ('1')",
]


@installed
@pytest.mark.parametrize("name", ["gym:countdown", "gym:simple_integration", "gym:n_queens", "gym:bitwise_arithmetic"])
def test_an_answer_runs_nothing(name, tmp_path):
    problem, place = first(name), tmp_path / "planted"
    status(problem, "0")  # the sandbox is there
    for text in MALICIOUS:
        began = time.monotonic()
        assert status(problem, text.format(place=place) if "{" in text else text) == "fail", text[:60]
        assert time.monotonic() - began < 30
    assert not place.exists()
    assert status(problem, problem.answer) == "pass"


@installed
@pytest.mark.parametrize("name", ["gym:countdown", "gym:n_queens"])
def test_an_answer_does_not_write_its_own_score(name):
    """What a scorer would send for full marks, sent by the answer: it passes where `eval` is not replaced."""
    sent = messages.frame(messages.VALUE, marshal.dumps(True, 2)) + messages.frame(messages.END)
    forged = f"__import__('os').write(3,{sent!r}) and __import__('os')._exit(0)"
    assert status(first(name), " ".join(forged.split())) == "fail"


@pytest.mark.parametrize("text", [one for one in MALICIOUS if not one.isdigit()])
def test_what_is_evaluated_is_a_plain_expression(text):
    for look in (lambda: scorer.check(scorer.tree_of(text)), lambda: scorer.evaluate(text)):
        with pytest.raises(scorer.NotPlainError):
            look()


def test_plain_expressions_have_the_value_that_python_gives_them():
    for text in ("1 + 2 * -3", "(0x1f << 3) ^ 7 | 2", "7 // 2 % 3", "['a', [1, 2.5]]", "~5 & 2 ** 10"):
        assert scorer.evaluate(text) == eval(text)
    for text in ("3*x**2/2 + C", "sin(2*x) - exp(-x)", "x**(5/2)", "100 - 4*(3 + 1)"):
        scorer.check(scorer.tree_of(text))


EVALUATING = {"eval", "exec", "compile", "parse_expr", "sympify"}
AT_GENERATION = {"gsm_symbolic", "contrib"}


@installed
def test_nothing_evaluates_outside_the_modules_that_are_guarded():
    import reasoning_gym
    from reasoning_gym.factory import DATASETS

    guarded = {Path(sys.modules[cls.__module__].__file__) for cls, _ in DATASETS.values()}
    for path in Path(reasoning_gym.__file__).parent.rglob("*.py"):
        calls = (node.func for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call))
        names = {func.id for func in calls if isinstance(func, ast.Name)} & EVALUATING
        own = any(isinstance(node, ast.FunctionDef) and node.name in names for node in ast.parse(path.read_text()).body)
        assert own or not names or path in guarded or AT_GENERATION & set(path.parts), (path, names)


@installed
def test_an_edited_problem_is_not_judged_by_its_own_measure():
    problem = first("gym:countdown")
    for change in ({"prompt": problem.prompt.replace("number", "n")}, {"origin": {}}, {"level": 99}):
        edited = Problem.from_dict({**problem.to_dict(), **change})
        with pytest.raises(InputError, match="not what gym:countdown makes"):
            families.get("gym:countdown").judge(edited, "1 + 1")
        found = verdict(edited, "1 + 1")
        assert found.status == "infra" and f"gym:countdown does not draw problem {problem.id}" in found.reason


@installed
def test_an_audit_lets_few_answers_be_judged(monkeypatch):
    """Each judgement runs the data set's scorer in the sandbox."""
    family, judged = families.get("gym:countdown"), []
    monkeypatch.setattr(family, "judge", lambda problem, answer: judged.append(problem.level))
    guess_rate.worst_guess_rate(family, 0, 50)
    assert len(judged) == guess_rate.LEAST_SLOWLY and len(set(judged)) == 1


@installed
def test_neither_gen_nor_names_take_them_in_unasked(tmp_path):
    assert not set(families.names()) & set(NAMES)
    made = rows(axiom("problems", "gen", "--count", "100", cwd=tmp_path).stdout)
    assert not any(row["family"].startswith("gym:") for row in made)
    listed = rows(axiom("problems", "list", cwd=tmp_path).stdout)
    assert set(NAMES) < {row["name"] for row in listed}
    left_out = {row["name"]: row["about"] for row in listed if row["kind"] == "left_out"}
    assert left_out == {f"gym:{name}": f"left out: {why}" for name, why in gym.table()["left_out"].items()}


@installed
def test_an_unknown_or_refused_data_set_says_why(tmp_path):
    failed(axiom("problems", "gen", "gym:chain_sums", cwd=tmp_path), 4, "did you mean gym:chain_sum?")
    failed(axiom("problems", "gen", "gym:composite", cwd=tmp_path), 4, "gym:composite is left out: ")


def test_without_the_package_the_extra_is_named(tmp_path):
    """Python without the folders that packages are installed in, save those that a bare axiom needs."""
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "sitecustomize.py").write_text(
        "from importlib import metadata\n"
        "class Hidden(metadata.MetadataPathFinder):\n"
        "    pass\n"
        "found = metadata.version\n"
        "def version(name):\n"
        "    if name == 'reasoning-gym': raise metadata.PackageNotFoundError(name)\n"
        "    return found(name)\n"
        "metadata.version = version\n"
    )
    path = {"PYTHONPATH": f"{hidden}:{ROOT}"}
    done = axiom("problems", "gen", "gym:chain_sum", cwd=tmp_path, env=path)
    failed(done, 4, "need reasoning-gym", extra("gym", tmp_path))
    listed = axiom("problems", "list", cwd=tmp_path, env=path)
    assert not any(row["name"].startswith("gym:") for row in rows(listed.stdout))
    assert sum("[gym]" in line for line in talk(listed)) == 1


@installed
@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_every_data_set_draws_the_same_in_every_process():
    mine, theirs = drawn_with("1", NAMES), drawn_with("2", NAMES)
    assert mine == theirs
    assert len(mine.splitlines()) == 2 * len(NAMES)


@installed
@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", NAMES)
def test_every_data_set_accepts_its_own_answer_and_no_garbage(name):
    for level in {families.get(name).has[0], families.get(name).has[-1]}:
        try:
            problem = first(name, level)
        except NothingToDoError:
            continue
        assert status(problem, problem.answer) == "pass"
        assert status(problem, "what nobody asked for") == "fail"
        assert problem.checker == (name if name in SCORED else None)


def test_the_table_knows_every_data_set():
    table = gym.table()
    assert len(table["listed"]) + len(table["left_out"]) > 100
    assert all(table["left_out"].values())
    assert Path(gym.__file__).with_name("table.json").exists()
