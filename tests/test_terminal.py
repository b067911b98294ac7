"""What somebody at a terminal gets to see: whole numbers on a narrow one, and data in spite of --quiet."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
from rich.cells import cell_len

import fork_server
import tiny
from axiom_cli import jsonl
from axiom_cli.evaluation.experiment_folder import read_experiment
from axiom_cli.report.outcome.summary import summarize
from axiom_cli.report.tables.experiment import experiment_table
from command_line import AXIOM, axiom, environment
from made_experiment import make

COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def on_terminal(*words: str, cwd: Path, width: int = 80) -> list[str]:
    """The lines that `axiom WORDS` shows on a terminal of this width, without colours."""
    return COLOURS.sub("", coloured(*words, cwd=cwd, width=width)).splitlines()


def coloured(*words: str, cwd: Path, width: int = 80) -> str:
    """All that `axiom WORDS` sends to a terminal of this width."""

    def start(theirs: int, env: dict[str, str]) -> Callable[[float], int]:
        return fork_server.begin(words, cwd, env, (theirs, theirs, theirs))

    return shown_by(start, width)


def shown_by(start: Callable[[int, dict[str, str]], Callable[[float], int]], width: int = 80) -> str:
    """All that a process sends to a terminal of this width, which `start` gives to it as its three streams."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 200, width, 0, 0))
    env = environment(TERM="xterm")
    env.pop("COLUMNS", None)
    finished = start(theirs, env)
    os.close(theirs)
    shown = b""
    while piece := _read(ours):
        shown += piece
    os.close(ours)
    assert finished(60) == 0, shown
    return shown.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux's way of saying that the other end was closed
        return b""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one experiment."""
    path = tmp_path_factory.mktemp("work")
    make(path / "experiments" / "demo", 3, 4, 3)
    return path


def split(row: str) -> list[str]:
    """The cells of a line of a table without lines between its columns."""
    return re.split(r"  +", row.strip())


@pytest.mark.parametrize("width", [60, *(pytest.param(width, marks=pytest.mark.slow) for width in (80, 120, 250))])
def test_no_number_of_a_report_is_cut_on_a_narrow_terminal(folder: Path, width: int) -> None:
    lines = on_terminal("report", "demo", cwd=folder, width=width)
    table = experiment_table(summarize(read_experiment("demo", folder / "experiments")))
    columns, rows = table.columns, table.rows
    told = [part for line in lines for part in split(line)]
    constant = [i for i in range(len(columns)) if len({row[i] for row in rows}) == 1]
    for i, name in enumerate(columns):
        assert i in constant or all(told.count(row[i]) for row in rows if row[i]), name
    assert "…" not in "".join(lines)
    tables = [line for line in lines if line.startswith(("run ", "shuffled ", "cold-only "))]
    assert tables and max(map(len, map(str.rstrip, tables))) <= width


EVERY_WIDTH = """
import fcntl, struct, sys, termios
from axiom_cli.terminal import console
columns = ["file", "split", "sampling", "problems", "pass rate", "95 % interval", "arithmetic", "rpn", "pass@k"]
alike = ["test", "T = 0.7 x 8", "40", "35.3 %", "27.2 to 43.8", "38.8 %"]
rows = [[f"{name}.jsonl", *alike, f"{at}1.9 %", f"@8 8{at}.0 %"] for at, name in enumerate(("v", "vt", "報告"))]
for width in range(40, 121):
    fcntl.ioctl(2, termios.TIOCSWINSZ, struct.pack("HHHH", 200, width, 0, 0))
    console.note(f"width {width}")
    console.table("pass rates", columns, rows, keys=2)
"""


def test_at_no_width_is_a_line_of_a_table_longer_than_the_terminal(tmp_path: Path) -> None:
    """A terminal breaks what is too long, in the middle of a number."""

    def start(theirs: int, env: dict[str, str]) -> Callable[[float], int]:
        command = [sys.executable, "-c", EVERY_WIDTH]
        return subprocess.Popen(command, cwd=tmp_path, stdin=theirs, stdout=theirs, stderr=theirs, env=env).wait

    shown = COLOURS.sub("", shown_by(start))
    for width, *lines in (one.splitlines() for one in shown.split("width ")[1:]):
        assert max(cell_len(line) for line in lines if not line.startswith("in every row: ")) <= int(width), lines
        told = [part for line in lines for part in split(line)]
        assert {"報告.jsonl", "01.9 %", "21.9 %", "@8 82.0 %"} <= {*told}, lines
    assert ["file", "split", "sampling", "problems", "pass rate", "95 % interval"] in map(split, shown.splitlines())


def test_an_overlap_is_told_in_words_with_problems_as_they_were_asked(tmp_path: Path) -> None:
    axiom("problems", "gen", "cipher", "--count", "20", "-o", "a.jsonl", cwd=tmp_path)
    axiom("problems", "gen", "cipher", "--count", "5", "-o", "b.jsonl", cwd=tmp_path)
    lines = on_terminal("problems", "overlap", "a.jsonl", "b.jsonl", cwd=tmp_path)
    assert any(split(line)[:3] == ["are in B", "5", "25.0 %"] for line in lines)
    prompts = [orjson.loads(line)["prompt"] for line in (tmp_path / "b.jsonl").read_text().splitlines()]
    told = [
        line.removeprefix("for example: ").removesuffix(" ...") for line in lines if line.startswith("for example: ")
    ]
    assert len(told) == 3 and all(prompt.startswith(part) for prompt, part in zip(prompts, told, strict=False))


def test_eighty_columns_hold_the_rate_and_its_interval_side_by_side(folder: Path) -> None:
    lines = on_terminal("report", "demo", cwd=folder)
    assert ["run", "2 *", "test", "greedy", "120", "67.5 %", "58.7 to 75.2"] in map(split, lines)
    assert "in every row: parsed 100.0 %, infra 0" in lines


def test_quiet_on_a_terminal_still_gives_the_data(folder: Path) -> None:
    metrics = [orjson.loads(line) for line in on_terminal("--quiet", "report", "demo", cwd=folder, width=5000)]
    assert {row["kind"] for row in metrics} == {"metrics"}
    listed = [orjson.loads(line) for line in on_terminal("--quiet", "problems", "list", cwd=folder, width=5000)]
    assert "arithmetic" in [row["name"] for row in listed]
    ask = ("--quiet", "report", "--compare", "demo@0", "demo@2")
    compared = [orjson.loads(line) for line in on_terminal(*ask, cwd=folder, width=5000)]
    assert compared[0]["verdict"] == "better"


def test_rows_are_shown_in_the_colours_of_their_places(tmp_path: Path) -> None:
    """Nothing else: no JSON beside them, and no orders to the terminal that a sample may hold."""
    base = str(tiny.write_model(tmp_path / "base"))
    jsonl.save(tmp_path / "v.jsonl", [tiny.verdict(tiny.sample(tiny.problem(1), "Answer: 1\x0b\n2"))])
    shown = coloured("train", "v.jsonl", "--show", "--model", base, cwd=tmp_path, width=120)
    styles = {"90": "prompt", "37": "prompt", "32": "learned", "30": "end"}
    found, style = {}, ""
    for code, text in re.findall(r"\x1b\[([0-9;]*)m|([^\x1b\r\n]+)", shown[shown.index("row 1") :]):
        style = next((styles[part] for part in code.split(";") if part in styles), "" if code in ("0", "39") else style)
        found[style] = found.get(style, "") + text
    assert found["prompt"].startswith("<user>Evaluate: 1<assistant>")
    assert found["learned"].startswith(r"Answer: 1\x0b⏎2")
    assert found["end"].startswith("<eos>")
    plain = COLOURS.sub("", shown)
    assert '"tokens"' not in plain and "\x0b" not in plain
    for legend in ("prompt: no loss", "learned", "end of text: learned", "padding: no loss"):
        assert legend in plain


def test_quiet_gives_the_rows_as_data_on_a_terminal_too(tmp_path: Path) -> None:
    base = str(tiny.write_model(tmp_path / "base"))
    jsonl.save(tmp_path / "v.jsonl", [tiny.verdict(tiny.sample(tiny.problem(1), "Answer: 1"))])
    ask = ("--quiet", "train", "v.jsonl", "--show", "1", "--model", base)
    (line,) = on_terminal(*ask, cwd=tmp_path, width=5000)
    assert orjson.loads(line)["tokens"][-1] == ["<eos>", 1]


def test_sampling_shows_how_far_and_how_fast_it_is(tmp_path: Path) -> None:
    (tmp_path / "problems.jsonl").write_bytes(b"".join(map(jsonl.dump, (tiny.problem(n) for n in range(9)))))
    ask = ("solve", "problems.jsonl", "--engine", "scripted", "--model", "solver", "--samples", "3")
    shown = COLOURS.sub("", coloured(*ask, "-o", "samples.jsonl", cwd=tmp_path, width=120))
    assert re.search(r"samples, [\d,]+ tokens/s .*27/", shown)
    assert "tokens/s" not in coloured(*ask, cwd=tmp_path, width=120)


def test_a_name_that_is_wider_than_its_column_is_folded_and_not_cut(tmp_path: Path) -> None:
    lines = on_terminal("problems", "list", cwd=tmp_path)
    assert any("longest_common_subseque" in line for line in lines)
    assert not any("…" in line for line in lines)


TALK = """
import sys
from axiom_cli.terminal import console
sentence = "the best-of-n strategy solved eleven of twenty problems, and the interval of its rate is wide; "
for say in (console.note, console.warn, console.hint, console.error):
    say(sentence * 3 + "/a/path/" + "x" * 90)
console.note("\\n  indented [x] and two lines\\nof talk")
"""


def test_sentences_break_between_words_on_a_terminal_only() -> None:
    def start(theirs: int, env: dict[str, str]) -> Callable[[float], int]:
        process = subprocess.Popen([sys.executable, "-c", TALK], stdin=theirs, stdout=theirs, stderr=theirs, env=env)
        return process.wait

    lines = COLOURS.sub("", shown_by(start)).splitlines()
    piped = subprocess.run([sys.executable, "-c", TALK], capture_output=True, env=environment(), check=True)
    plain = piped.stderr.decode().splitlines()
    assert len(plain) == 4 + 3 and max(map(len, plain)) > 300, "a sentence is a line in a log"
    path = "/a/path/" + "x" * 90
    assert lines.count(path) == 4, "a path stays whole"
    assert max(len(line) for line in lines if line != path) <= 80
    assert " ".join(lines).split() == " ".join(plain).split() and lines[-2:] == plain[-2:]


def test_ls_shows_an_object_a_line_on_a_narrow_terminal(tmp_path: Path) -> None:
    from axiom_cli.workspace.store import Workspace

    workspace = Workspace.open_or_create(tmp_path / ".axiom")
    made = [workspace.put_bytes(text) for text in (b"one", b"two")]
    for number, digest in zip((1, 0), made[::-1], strict=True):
        recipe = {"stage": "train", "version": 1, "config": {"number": number}, "inputs": {}}
        workspace.remember(recipe, lambda digest=digest: {"adapter": digest})
    workspace.set_ref("self_improve_v1@1", made[0])
    short = on_terminal("workspace", "ls", cwd=tmp_path)
    assert made[0][:12] in "".join(short) and made[1][:12] not in "".join(short)
    assert short[-1] == "1 object without a name: axiom workspace ls --all shows them too"
    lines = on_terminal("workspace", "ls", "--all", cwd=tmp_path)
    assert [made.index(digest) for line in lines for digest in made if digest[:12] in line] == [0, 1]
    (named,) = [line for line in lines if made[0][:12] in line]
    assert "self_improve_v1@1" in named and re.search(r"20\d\d-\d\d-\d\d \d\d:\d\d ", named)
    assert sum("train" in line for line in lines) == 2 and made[0] not in "".join(lines)
    whole = [orjson.loads(line) for line in on_terminal("workspace", "ls", "--json", cwd=tmp_path, width=5000)]
    assert {row["digest"] for row in whole} == set(made) and all("T" in row["made"] for row in whole)


def test_records_on_a_terminal_are_summed_up(tmp_path: Path) -> None:
    """Whoever looks at them sees the first problems, pass rates and what to type next; --json writes them all."""
    gen = ("problems", "gen", "arithmetic", "rpn", "--count", "40", "--seed", "7")
    shown = on_terminal(*gen, cwd=tmp_path)
    assert shown[0] == "arithmetic 3: Evaluate: 1 + (7 - (5 + 9)) = -6"
    assert shown[-2:] == [
        "40 problems (train, levels 3-7, seed 7)",
        "hint: add -o FILE to keep the records, or | axiom solve to pass them on",
    ]
    assert len(shown) < 10 and max(map(len, shown)) <= 80
    forced = [line for line in on_terminal(*gen, "--json", cwd=tmp_path, width=2000) if line.startswith("{")]
    assert len(forced) == 40

    axiom(*gen, "-o", "p.jsonl", cwd=tmp_path)
    scripted = ("--engine", "scripted", "--model", "solver:0.3", "--samples", "2")
    told = on_terminal("solve", "p.jsonl", *scripted, cwd=tmp_path)
    assert "arithmetic 3: Evaluate: 1 + (7 - (5 + 9)) -> Answer: -6" in told
    axiom("solve", "p.jsonl", *scripted, "-o", "s.jsonl", cwd=tmp_path)
    table = [split(line) for line in on_terminal("verify", "s.jsonl", cwd=tmp_path)]
    assert ["family", "samples", "passed", "pass rate"] in table
    assert [row[:2] for row in table if row[0] in ("arithmetic", "rpn")] == [["arithmetic", "40"], ["rpn", "40"]]


@pytest.mark.slow
def test_the_pipe_by_hand_ends_in_one_line_with_the_models_name(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    fork_server.write_program(tmp_path / "bin" / "axiom")
    pipe = (
        "axiom problems gen arithmetic rpn --count 40 --seed 7 |"
        " axiom solve --samples 4 | axiom verify | axiom train --epochs 1 --force --experiment first | axiom merge"
    )

    def start(theirs: int, env: dict[str, str]) -> Callable[[float], int]:
        command = ["bash", "-c", pipe]
        env["PATH"] = f"{tmp_path / 'bin'}{os.pathsep}{env['PATH']}"
        return subprocess.Popen(command, cwd=tmp_path, stdin=theirs, stdout=theirs, stderr=theirs, env=env).wait

    lines = COLOURS.sub("", shown_by(start)).splitlines()
    assert lines[-1] == "1 model merged: axiom solve --model first"
    assert not any('{"kind"' in line for line in lines)


@pytest.mark.slow
def test_a_command_that_loads_torch_says_so_before(tmp_path: Path) -> None:
    """The seconds that it takes are not silent; what only looks whether a package is there says nothing."""

    def start(theirs: int, env: dict[str, str]) -> Callable[[float], int]:
        command = [*AXIOM, "doctor"]
        return subprocess.Popen(command, cwd=tmp_path, stdin=theirs, stdout=theirs, stderr=theirs, env=env).wait

    lines = COLOURS.sub("", shown_by(start)).splitlines()
    assert lines[0] == "loading PyTorch ..."
    assert sum(line.startswith("loading ") for line in lines) == 1


def test_why_is_a_tree_whose_long_lines_go_on_beside_its_branches(tmp_path: Path) -> None:
    from axiom_cli.workspace.store import Workspace

    workspace = Workspace.open_or_create(tmp_path / ".axiom")
    rows, adapter = workspace.put_bytes(b"rows"), workspace.put_bytes(b"adapter")
    config = {"card": {f"setting_{n:02}": n for n in range(12)}}
    recipe = {"stage": "train", "version": 1, "config": config, "inputs": {"rows": rows, "base": "nano"}}
    workspace.remember(recipe, lambda: {"adapter": adapter})
    lines = on_terminal("workspace", "why", adapter[:12], cwd=tmp_path)
    assert max(map(cell_len, lines)) <= 80 and len(lines) > 5
    assert lines[1].startswith("└─ made by train (version 1) at ") and lines[2].startswith("   │  ")
    assert lines[-2] == "   ├─ base nano" and lines[-1].startswith("   └─ rows ")
    assert " ".join(line.strip(" │") for line in lines[1:-2]).endswith("card.setting_10=10 card.setting_11=11")


def test_what_the_workspace_shows_can_be_read_by_people_and_with_json_by_programs(tmp_path: Path) -> None:
    from axiom_cli.workspace.store import Workspace

    workspace = Workspace.open_or_create(tmp_path / ".axiom")
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text("{}")
    tree = workspace.put_tree(tmp_path / "model")
    workspace.set_ref("mine", tree)
    shown = on_terminal("workspace", "show", "mine", cwd=tmp_path)
    assert shown[0] == f"sha256:{tree[:12]}: tree, 2 bytes, called mine"
    assert any(line.startswith("config.json ") for line in shown)
    why = on_terminal("workspace", "why", "mine", "--json", cwd=tmp_path, width=2000)
    assert [orjson.loads(line)["digest"] for line in why] == [tree]
    axiom("problems", "gen", "rpn", "--count", "20", "-o", "p.jsonl", cwd=tmp_path)
    overlap = on_terminal("problems", "overlap", "p.jsonl", "p.jsonl", "--json", cwd=tmp_path, width=2000)
    assert orjson.loads(overlap[-1])["kind"] == "overlap"
    assert on_terminal("workspace", "fsck", cwd=tmp_path) == ["2 objects and 0 receipts read"]
    assert on_terminal("workspace", "gc", cwd=tmp_path) == ["0.0 MiB freed: 0 merged models"]
