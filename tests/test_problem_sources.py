"""What `--problems` names: families, files and data sets, with levels and weights; and what is refused."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import orjson
import pytest

from axiom_cli.errors import AxiomError, InputError, MissingError, NothingToDoError, UsageError
from axiom_cli.importing.source_names import parse
from axiom_cli.importing.sources import Reading, open_sources
from axiom_cli.problems.families import draw
from axiom_cli.workspace.store import Workspace

LEVELS = range(3, 8)


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of questions and answers of somebody's own, in the current folder."""
    monkeypatch.chdir(tmp_path)
    with (tmp_path / "mine.csv").open("w", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["Question", "Answer"])
        rows.writerows([f"A shop has {n} apples and sells {n % 7}. How many are left?", n - n % 7] for n in range(200))
    return tmp_path / "mine.csv"


def test_forms_of_sources_mix(table: Path) -> None:
    said: list[str] = []
    problems = open_sources(
        "arithmetic*2,rpn:4-5,mine.csv*0.5,handwritten:1-3", Reading(levels=LEVELS), note=said.append
    )
    arithmetic, rpn, mine, by_hand = problems.sources
    assert [source.source.weight for source in problems.sources] == [2, 1, 0.5, 1]
    assert (list(arithmetic.levels), list(rpn.levels)) == ([3, 4, 5, 6, 7], [4, 5])
    assert len(mine.problems) == 200 and {problem.family for problem in mine.problems} == {"mine"}
    assert {problem.level for problem in by_hand.problems} <= {1, 2, 3} and all(p.program for p in by_hand.problems)
    assert said == ["mine.csv: reading the column 'Question' as the prompt and 'Answer' as the answer"]
    drawn = problems.sample(48, "test")
    assert Counter(p.family for p in drawn) == {"mine": 12, "handwritten": 12, "arithmetic": 12, "rpn": 12}
    assert len({p.id for p in drawn}) == 48 and {p.split for p in drawn if p.family == "rpn"} == {"test"}


def test_one_family_is_sampled_as_problems_gen_draws_it() -> None:
    names = ["arithmetic", "rpn"]
    sampled = open_sources(",".join(names), Reading(levels=LEVELS, seed=5)).sample(40, "val")
    assert sampled == list(draw.problems(names, 40, LEVELS, "val", 5))


def test_a_form_is_for_families_that_have_both(table: Path) -> None:
    drawn = open_sources("rpn,number_programs,mine.csv", Reading(levels=LEVELS)).sample(9)
    assert {p.family: p.form for p in drawn} == {"rpn": "answer", "number_programs": "program", "mine": "answer"}
    drawn = open_sources("list_ops,mine.csv", Reading(form="program", levels=LEVELS)).sample(4)
    assert {p.family: p.form for p in drawn} == {"list_ops": "program", "mine": "answer"}
    with pytest.raises(UsageError, match="clock does not ask for programs"):
        open_sources("clock", Reading(form="program"))


def test_the_order_of_a_file_means_nothing(table: Path) -> None:
    before = open_sources("mine.csv").sample(200)
    head, *rows = table.read_text().splitlines()
    table.write_text("\n".join([head, *reversed(rows)]))
    assert open_sources("mine.csv").sample(200) == before


def test_solutions_are_run_once_for_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    row = {"prompt": "Add.", "entry_point": "add", "tests": [{"args": [1, 2], "expected": 3}]}
    rows = [
        {**row, "reference": "def add(a, b):\n    return a + b"},
        {**row, "prompt": "Add wrongly.", "reference": "def add(a, b):\n    return a - b"},
        {**row, "prompt": "Just add."},
    ]
    Path("add.jsonl").write_bytes(b"\n".join(map(orjson.dumps, rows)))
    workspace = Workspace.create(tmp_path / ".axiom")
    for _ in range(2):
        warned: list[str] = []
        (source,) = open_sources("add.jsonl", workspace=workspace, warn=warned.append).sources
        assert {problem.prompt for problem in source.problems} == {"Add.", "Just add."}
        assert len(warned) == 1 and "1 of 3 rows refused; first: line 2: its gold solution does not pass" in warned[0]
    assert [receipt.stage for receipt in workspace.receipts()] == ["import"]


@pytest.mark.parametrize(
    ("text", "error", "said", "hint"),
    [
        ("", UsageError, "--problems names nothing", "mine.csv"),
        ("rpn,,arithmetic", UsageError, "has an empty name in it", "mine.csv"),
        ("arithmetc", MissingError, "no family or file called 'arithmetc'", "did you mean arithmetic?"),
        ("two_sum", MissingError, "no family or file called 'two_sum'", "axiom problems show two_sum"),
        ("gym:no_such", MissingError, "gym:", ""),
        ("stack_listing:30-31", UsageError, "levels 30-31 are not between 1 and 30", "3-7"),
        ("stack_listing:31", UsageError, "level 31 is not between 1 and 30", "3-7"),
        ("rpn:3-20", UsageError, "rpn has no level above 10, and levels 3-20 were asked for", "such as stack_listing"),
        ("rpn:8-4", UsageError, "levels 8-4: the lower one", "3-7"),
        ("rpn:hard", UsageError, "'hard' is not a range of levels", "3-7"),
        ("arithmetic*0", UsageError, "the weight '0' is not a number above 0", "*2"),
        ("arithmetic*-1", UsageError, "the weight '-1' is not a number above 0", "*2"),
        ("arithmetic*many", UsageError, "the weight 'many' is not a number above 0", "*2"),
        ("arithmetic*nan", UsageError, "the weight 'nan' is not a number above 0", "*2"),
        ("*2", UsageError, "no name before the weight", "*2"),
        ("rpn,rpn:3-4", UsageError, "rpn is named twice", "once"),
        ("mine.cvs", InputError, "cannot read mine.cvs", "did you mean mine.csv?"),
        ("empty", InputError, "empty is a folder without a file of problems", "name a file"),
        ("nothing.jsonl", NothingToDoError, "nothing.jsonl has no rows", ""),
        ("words.jsonl", InputError, "words.jsonl: no row is in the format jsonl: line 1", "--as"),
        ("questions.jsonl", InputError, "it has neither 'answer' nor", "prompt, note: --column answer=COLUMN"),
        ("leveled.jsonl:2-3", NothingToDoError, "has no problem at levels 2-3", "it has some at level 5"),
        ("mixed.jsonl", InputError, "1 of the 3 rows in mixed.jsonl can be used; line 2", "axiom problems import"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_source_is_refused(
    table: Path, text: str, error: type[AxiomError], said: str, hint: str
) -> None:
    Path("empty").mkdir()
    Path("nothing.jsonl").touch()
    Path("words.jsonl").write_text("some words\nmore of them\n")
    Path("questions.jsonl").write_text('{"prompt": "Why?", "note": 1}\n{"prompt": "How?", "note": 2}\n')
    Path("leveled.jsonl").write_text('{"prompt": "1 + 1?", "answer": 2, "level": 5}\n')
    Path("mixed.jsonl").write_text(
        '{"prompt": "1 + 1?", "answer": 2}\n{"kind": "model", "digest": "ab"}\n{"text": "x"}\n'
    )
    with pytest.raises(error) as caught:
        open_sources(text)
    assert said in str(caught.value) and hint in caught.value.hint, (str(caught.value), caught.value.hint)


def test_names_carry_levels_and_weights() -> None:
    (source,) = parse("rpn:4-8*2")
    assert (source.name, list(source.levels), source.weight) == ("rpn", [4, 5, 6, 7, 8], 2)
