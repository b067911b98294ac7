"""What somebody is told who types a name that is nearly ours, or another tool's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from axiom_cli.app import application
from axiom_cli.commands.meant import OTHER_TOOLS
from axiom_cli.workspace.store import Workspace
from command_line import axiom, environment, failed


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ("train --learning-rate 3", "hint: did you mean --lr?"),
        ("solve --num-samples 3", "hint: did you mean --samples?"),
        ("solve --problem two_sum", "hint: did you mean --problems?"),
        ("loop --resume", "hint: leave it out: the same command resumes"),
        ("loop --plann", "hint: did you mean --plan?"),
        ("problems gen -n 3", "hint: did you mean --count?"),
        ("solve --lora-r 8", "hint: --lora-r is an option of axiom coldstart, axiom train and axiom loop"),
        ("solve --rank 8", "hint: --lora-r is an option of axiom coldstart, axiom train and axiom loop"),
        ("solve --colour", "hint: axiom solve --help shows its options"),
        ("lop", "hint: did you mean loop?"),
        ("generate", "hint: did you mean axiom problems gen?"),
        ("problems generate", "hint: did you mean axiom problems gen?"),
        ("workspace list", "hint: did you mean ls?"),
        ("ask nano what is 3 + 4", 'hint: put the text in quotes: axiom ask nano "what is 3 + 4"'),
        ("ask nano 3 + 4 --seed 1", 'hint: put the text in quotes: axiom ask nano "3 + 4"'),
    ],
)
def test_a_name_that_is_nearly_ours_or_another_tools(words: str, hint: str, tmp_path: Path) -> None:
    done = axiom(*words.split(), cwd=tmp_path)
    failed(done, 2)
    assert done.stderr.decode().splitlines()[-1] == hint
    assert "Possible options" not in done.stderr.decode()


@pytest.mark.slow
def test_each_name_of_another_tool_leads_to_an_option_that_there_is() -> None:
    from axiom_cli.commands.meant import owners

    root = application()
    for name, ours in OTHER_TOOLS.items():
        for flag in ours:
            assert owners(root, flag), (name, flag)


def test_a_model_that_is_not_there_is_refused_before_a_library_that_loads_models_is() -> None:
    script = "import sys\nfrom axiom_cli.app import main\nmain(sys.argv[1:])\nprint('torch' in sys.modules)\n"
    for words in (("ask", "nanoo", "why?"), ("solve", "--model", "nanoo", "--problems", "two_sum")):
        done = subprocess.run(
            [sys.executable, "-c", script, *words], env=environment(), capture_output=True, check=False, timeout=60
        )
        assert done.stdout == b"False\n" and b"did you mean nano?" in done.stderr, words


def test_a_model_whose_name_is_nearly_one_that_is_there(tmp_path: Path) -> None:
    workspace = Workspace.open_or_create(tmp_path / ".axiom")
    workspace.set_ref("sums@best", workspace.put_records([]))
    problems = axiom("problems", "gen", "--count", "1", cwd=tmp_path).stdout
    for typed, meant in (("nanoo", "nano"), ("sum@best", "sums@best")):
        failed(axiom("solve", "--model", typed, cwd=tmp_path, stdin=problems), 4, f"hint: did you mean {meant}?")
