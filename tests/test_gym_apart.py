"""What a data set of reasoning-gym does to the process, or a problem of it to a stream, stays with it."""

from __future__ import annotations

import decimal
import os
import random
import subprocess
import sys

import pytest

from axiom_cli import jsonl
from axiom_cli.problems import families
from axiom_cli.problems.families import draw
from axiom_cli.records import Problem
from command_line import axiom, environment, rows, talk
from test_gym import NAMES, first, installed, sample


def shared_state() -> tuple:
    """What all code in a process draws and computes by."""
    import numpy

    kind, words, *rest = numpy.random.get_state()
    context = repr(decimal.getcontext())
    return random.getstate(), kind, words.tobytes(), rest, context, sys.getrecursionlimit(), dict(os.environ)


@installed
def test_data_sets_do_not_change_each_other():
    """One of them sets the precision of all decimals, and another seeds numpy's shared randomness."""
    names = ["gym:decimal_arithmetic", "gym:decimal_chain_sum", "gym:pool_matrix", "gym:chain_sum"]

    def drawn(wanted: list[str]) -> list[tuple[str, str]]:
        found = draw.problems(wanted, 40 * len(wanted), range(1, 11), "train", 0)
        return [(one.id, one.answer) for one in found if one.family == "gym:decimal_chain_sum"]

    drawn(names)  # what it imports may leave a trace
    before = shared_state()
    with decimal.localcontext(decimal.Context(prec=5)):
        together = drawn(names)
        assert decimal.getcontext().prec == 5
    assert together == drawn(["gym:decimal_chain_sum"])[: len(together)] and len(together) > 20
    assert shared_state() == before


@installed
def test_what_a_data_set_prints_goes_nowhere(tmp_path):
    done = axiom("problems", "gen", "gym:bf", "--count", "2", "--difficulty", "1-2", cwd=tmp_path)
    assert len(rows(done.stdout)) == 2
    assert talk(done) == ["2 problems (train, levels 1-2, seed 0)"]


@installed
@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", NAMES)
def test_no_data_set_leaves_a_trace_in_the_process(name, capfd):
    first(name)  # what it imports may
    before = shared_state()
    for level in {families.get(name).has[0], families.get(name).has[-1]}:
        families.get(name).draw(random.Random(name), level)
    assert shared_state() == before
    assert capfd.readouterr().out == ""


def test_listing_does_not_import_the_package():
    script = "import sys\nfrom axiom_cli.commands import problems\nrows = list(problems.list_rows())\n"
    script += "assert len(rows) > 40\nassert not {'reasoning_gym', 'sympy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", script], env=environment(), check=True, timeout=100)


@installed
def test_an_edited_problem_does_not_end_the_stream(tmp_path):
    problem = first("gym:countdown")
    edited = Problem.from_dict({**problem.to_dict(), "prompt": "another"})
    stream = [jsonl.dump(sample(one, answer)) for one, answer in ((edited, "7"), (problem, problem.answer))]
    done = axiom("verify", cwd=tmp_path, stdin=b"".join(stream))
    assert (done.returncode, [row["status"] for row in rows(done.stdout)]) == (0, ["infra", "pass"])
    assert talk(done)[0] == "1 of 1 sample passed (100.0%)"
    said = "warning: 1 sample could not be judged: the problem or its family failed, not the sample; first: "
    assert talk(done)[1].startswith(f"{said}its answer cannot be judged: problem {problem.id} is not what")
