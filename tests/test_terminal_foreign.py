"""Nothing that a stranger wrote is obeyed by a terminal, a browser or a reader of Markdown: escapes, control
characters, characters that turn the text, markup."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import orjson
import pytest

import fork_server
import made_experiment
from axiom_cli import models
from axiom_cli.learning import model_card
from axiom_cli.records import Adapter, Metrics, ModelRef
from axiom_cli.workspace.store import Workspace
from cases import slow_but
from command_line import axiom
from test_terminal import shown_by

EVIL = "\x1b]0;TITLE\x07\x1b[2J\x9b31m\u202egpj\u2066\x08\x7f[bold]"
OBEYED = re.compile("\x1b\\]|\x1b\\[2J|\x1b\\[31m|[\x80-\x9f\x07\x08\x7f\u202a-\u202e\u2066-\u2069]")
"""What a terminal would obey of it; Rich's own colours and lines that move are something else."""


def problem(number: int) -> dict[str, Any]:
    return {"kind": "problem", "id": f"i{number}{EVIL}", "family": f"f{EVIL}", "title": f"t{EVIL}",
            "prompt": f"p{number}{EVIL}", "level": 1, "split": "test", "answer": f"2{EVIL}"}  # fmt: skip


def sample(number: int) -> dict[str, Any]:
    return {"kind": "sample", "problem": problem(number), "model": {"name": f"m{EVIL}", "digest": "0" * 64},
            "engine": f"e{EVIL}", "params": {"temperature": 0.7}, "index": 0, "attempt": 1, "text": f"Answer: 3{EVIL}",
            "token_ids": [], "finish": "stop", "tokens": 3}  # fmt: skip


def verdict(number: int) -> dict[str, Any]:
    return {"kind": "verdict", "sample": sample(number), "status": "pass" if number % 2 else "fail", "passed_tests": 0,
            "total_tests": 1, "reason": f"r{EVIL}", "isolation": "exact"}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Records of every kind, a column, a file's name and a workspace with foreign text in all that is text."""
    folder = tmp_path_factory.mktemp("foreign")
    for name, make in (("p", problem), ("s", sample), ("v", verdict)):
        (folder / f"{name}.jsonl").write_bytes(b"".join(orjson.dumps(make(n)) + b"\n" for n in range(4)))
    (folder / f"{EVIL.replace('/', '')}.jsonl").write_bytes(b'{"kind":"\\u001b[2J"}\n')
    (folder / "rows.jsonl").write_bytes(orjson.dumps({f"q{EVIL}": EVIL, "b": EVIL}) + b"\n")
    (folder / "rows.csv").write_text(f'q{EVIL},b\n"{EVIL}",1\n')
    metrics = Metrics(f"e{EVIL}", 0, "test", f"f{EVIL}", 1, 10, 5, 0.5, (0.2, 0.8), {}, 1.0, 10)
    (folder / "experiments" / "k").mkdir(parents=True)
    (folder / "experiments" / "k" / "metrics.jsonl").write_bytes(orjson.dumps(metrics.to_dict()) + b"\n")
    workspace = Workspace.create(folder / ".axiom")
    recipe = {"stage": "train", "version": 1, "config": {f"c{EVIL}": EVIL}, "inputs": {f"i{EVIL}": EVIL}}
    made = workspace.remember(recipe, lambda: {f"a{EVIL}": workspace.put_bytes(EVIL.encode()), f"f{EVIL}": EVIL})
    workspace.set_ref("foreign", made.outputs[f"a{EVIL}"])
    other = workspace.remember({**recipe, "version": 2}, lambda: {"b": workspace.put_bytes(b"other")})
    workspace.set_ref("other", other["b"])
    (folder / "tree").mkdir()
    (folder / "tree" / f"file{EVIL}").write_text("x")
    workspace.set_ref("tree", workspace.put_tree(folder / "tree"))
    (workspace.root / "receipts" / f"{EVIL}.json").write_text(EVIL)
    return folder


LINES = """\
report v.jsonl
report v.jsonl --format md
report v.jsonl --format csv
report --compare v.jsonl v.jsonl
report k
problems calibrate v.jsonl
problems overlap p.jsonl p.jsonl
verify s.jsonl
verify s.jsonl --json
verify p.jsonl
train v.jsonl --plan
train v.jsonl --show 2
workspace ls
workspace ls --all
workspace ls --json
workspace show foreign
workspace show tree
workspace show foreign --json
workspace why foreign
workspace why foreign --json
workspace diff foreign other
workspace fsck
workspace gc
workspace import {evil}
workspace import rows.csv
workspace export foreign {evil} --bundle
problems import rows.jsonl --as jsonl
problems import rows.csv --as jsonl
solve {evil}
report {evil}
solve --model {evil} p.jsonl
{evil}
solve --{evil}
problems gen {evil}
problems gen rpn --count {evil}
--workspace {evil} workspace ls
solve p.jsonl --samples 1 --max-tokens 4 --engine {evil}
config --preset {evil}
export foreign out
merge v.jsonl
eval v.jsonl
coldstart v.jsonl
problems audit {evil}
""".splitlines()
QUICK = {"report v.jsonl", "workspace why foreign", "verify s.jsonl --json", "workspace fsck"}


@pytest.mark.parametrize("line", slow_but(QUICK, LINES))
def test_no_foreign_text_is_obeyed(folder: Path, line: str) -> None:
    words = [word.replace("{evil}", EVIL + ".jsonl" if "model" not in line else EVIL) for word in line.split()]

    def start(theirs: int, env: dict[str, str]):
        finished = fork_server.begin(words, folder, env, (theirs, theirs, theirs))
        return lambda seconds: 0 * finished(seconds)

    shown = shown_by(start)
    assert shown.strip() and not OBEYED.search(shown), repr(OBEYED.findall(shown))


def test_what_is_spelled_out_can_still_be_read(folder: Path) -> None:
    def start(theirs: int, env: dict[str, str]):
        return fork_server.begin(["verify", "s.jsonl", "--json"], folder, env, (theirs, theirs, theirs))

    lines = [line[line.index('{"kind"') :] for line in shown_by(start).split("\r\n") if '{"kind"' in line]
    assert [orjson.loads(line)["sample"]["problem"]["prompt"] for line in lines] == [f"p{n}{EVIL}" for n in range(4)]


MARKUP = f"<img src=x onerror=alert(1)>\u202e{EVIL}[x](javascript:1)|`"
UNTURNED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def test_the_page_and_the_tables_for_other_programs_obey_nothing_either(tmp_path: Path) -> None:
    """Foreign text in every place of an experiment that is text."""

    def evil(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {name: evil(inner, name) for name, inner in value.items()}
        return MARKUP if isinstance(value, str) and key not in ("kind", "split", "phase", "set", "digest") else value

    folder = made_experiment.make(tmp_path / "run", 1, 4, 2)
    (folder / "config.json").write_bytes(
        orjson.dumps({**evil(orjson.loads((folder / "config.json").read_bytes())), MARKUP: 1})
    )
    lines = [orjson.loads(line) for line in (folder / "metrics.jsonl").read_bytes().splitlines()]
    rows = [
        {**line, **{key: MARKUP for key in ("family", "model") if line.get(key) not in (None, "all")}} for line in lines
    ]
    (folder / "metrics.jsonl").write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    for form in ("md", "html"):
        words = ["--html", "page.html"] if form == "html" else ["--format", "md"]
        done = axiom("report", str(folder), *words, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        text = (tmp_path / "page.html").read_text() if form == "html" else done.stdout.decode()
        assert "onerror" in text and "<img" not in text and not UNTURNED.search(text), UNTURNED.findall(text)
        assert form == "html" or "](javascript" not in text


def test_the_model_card_obeys_nothing_either() -> None:
    adapter = Adapter(ModelRef(MARKUP, "0" * 64), "1" * 64, MARKUP, {"objective": MARKUP, MARKUP: [MARKUP]}, 1, {}, "")
    facts = model_card.facts(adapter, models.resolve("nano"))
    card = model_card.text(facts, {"base": "0" * 64, "chain": [], "adapter": "1" * 64}, {"dtype": MARKUP})
    assert "onerror" in card and "<img" not in card and "](javascript" not in card and not UNTURNED.search(card)
    assert all(line.count("|") - line.count("\\|") in (0, 3, 4) for line in card.splitlines())
