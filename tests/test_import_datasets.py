"""Data sets come in as files, folders and from a hub: a real server on loopback that speaks the hub's protocol."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import pytest

from axiom_cli.errors import InputError, UsageError
from axiom_cli.importing.hub import of_data_set
from axiom_cli.importing.sources import open_sources
from command_line import axiom, environment, extra, failed, rows, talk
from hub_server import hub_server
from published_rows import CODECONTESTS, GSM8K

datasets = pytest.importorskip("datasets", reason="the extra axiom-rl[datasets] is not installed")
import pyarrow as pa  # noqa: E402
from pyarrow import parquet  # noqa: E402

CARD = """\
---
configs:
- config_name: main
  data_files:
  - {split: train, path: main/train.parquet}
  - {split: validation, path: main/val.parquet}
- config_name: hard
  data_files: hard/*.parquet
---
# Sums
"""
READ = ("--column", "prompt=question", "--answer-after", "####")
MAIN = ("--subset", "main", "--split", "validation")
ANSWERS = [("1 + 1?", "2", "val"), ("2 + 2?", "4", "val")]


def table(start: int, end: int) -> bytes:
    """Sums as Parquet, with columns of types that JSON has, and has not."""
    numbers = range(start, end)
    columns = {
        "question": [f"{n} + {n}?" for n in numbers],
        "answer": [f"Twice {n} is #### {2 * n}" for n in numbers],
        "picture": [b"\x00\xff" for _ in numbers],
        "share": [float("nan") for _ in numbers],
        "level": [None for _ in numbers],
    }
    sink = pa.BufferOutputStream()
    parquet.write_table(pa.table(columns), sink)
    return sink.getvalue().to_pybytes()


FILES: Mapping[str, bytes] = {
    "README.md": CARD.encode(),
    "main/train.parquet": table(100, 105),
    "main/val.parquet": table(1, 3),
    "hard/a.parquet": table(7, 8),
}


@pytest.fixture
def folder(tmp_path) -> Path:
    for name, data in FILES.items():
        (tmp_path / "sums" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "sums" / name).write_bytes(data)
    return tmp_path


def imported(done: subprocess.CompletedProcess[bytes]) -> list[tuple[str, str, str]]:
    assert done.returncode == 0, done.stderr
    return [(row["prompt"], row["answer"], row["split"]) for row in rows(done.stdout)]


def test_a_parquet_file(folder):
    (folder / "val.parquet").write_bytes(FILES["main/val.parquet"])
    done = axiom("problems", "import", "val.parquet", *READ, "--split", "val", cwd=folder)
    assert imported(done) == ANSWERS
    assert {"picture", "share"} & set(rows(done.stdout)[0]) == set()
    failed(
        axiom("problems", "import", "val.parquet", "--column", "prompt=q", cwd=folder),
        3,
        "'q'; the columns are question",
    )
    (folder / "val.parquet").write_bytes(FILES["main/val.parquet"][:-9])
    failed(axiom("problems", "import", "val.parquet", *READ, cwd=folder), 3, "Parquet data is damaged")


def test_a_folder(folder):
    done = axiom("problems", "import", "sums", *READ, *MAIN, cwd=folder)
    assert imported(done) == ANSWERS
    assert talk(done) == ["2 problems imported from sums, 0 refused"]
    hard = of_data_set(str(folder / "sums"), subset="hard")
    assert (hard.split, [line.data["question"] for line in hard.lines]) == ("train", ["7 + 7?"])
    done = axiom("problems", "import", "sums", "--column", "answer=anser", *MAIN, "-o", "out", cwd=folder)
    failed(done, 3, "a column 'anser'; the columns are question, answer", "did you mean answer?")
    assert not (folder / "out").exists()


@pytest.mark.parametrize(
    ("split", "subset", "said"),
    [
        ("", "", "sums has the subsets main, hard: choose one"),
        ("", "mian", "no subset 'mian': .*sums has the subsets main, hard"),
        ("", "main", "sums has the splits train, validation: choose one"),
        ("test", "main", "no split 'test': .*sums has the splits train, validation"),
    ],
)
def test_what_has_to_be_chosen_is_named(folder, split, subset, said):
    with pytest.raises(UsageError, match=said) as error:
        of_data_set(str(folder / "sums"), split, subset)
    assert subset != "mian" or error.value.hint == "did you mean main?"


def test_a_saved_folder_an_empty_and_a_damaged_one(folder):
    saved = datasets.Dataset.from_dict({"prompt": ["p"], "when": [datetime(2020, 1, 2)]})
    saved.save_to_disk(folder / "saved")
    assert [line.data for line in of_data_set(str(folder / "saved")).lines] == [
        {"prompt": "p", "when": "2020-01-02T00:00:00"}
    ]
    (folder / "empty").mkdir()
    with pytest.raises(InputError, match="empty cannot be read as a data set"):
        of_data_set(str(folder / "empty"))
    (folder / "sums" / "main" / "val.parquet").write_bytes(b"no table")
    with pytest.raises(InputError, match="sums cannot be read as a data set"):
        list(of_data_set(str(folder / "sums"), "validation", "main").lines)


def test_a_folder_is_a_source_of_a_loop_with_all_its_splits(folder, monkeypatch):
    monkeypatch.chdir(folder)
    (source,) = open_sources("sums:main").sources
    assert sorted((p.family, p.split) for p in source.problems) == [("gsm8k", "train")] * 5 + [("gsm8k", "val")] * 2
    with pytest.raises(UsageError, match="sums has the subsets main, hard: choose one") as error:
        open_sources("sums")
    assert error.value.hint == "write it behind the name: sums:SUBSET"


def hub(folder: Path, address: str) -> dict[str, str]:
    return {"HF_ENDPOINT": address, "HF_HOME": str(folder / "home"), "HF_TOKEN": ""}


def test_a_data_set_of_the_hub_is_streamed(tmp_path):
    with hub_server({"toys/sums": FILES}) as server:
        done = axiom("problems", "import", "toys/sums", *READ, *MAIN, cwd=tmp_path, env=hub(tmp_path, server.address))
        assert imported(done) == ANSWERS
        assert len(talk(done)) == 2, "the library's own talk is held back"
        assert any(line.endswith("/main/val.parquet") for line in server.requests)
        assert not any("hard" in line and "resolve" in line for line in server.requests)
        kept = [file for file in (tmp_path / "home").rglob("*.parquet")]
        assert kept == [], "rows are streamed, not kept"
        done = axiom("problems", "import", "toys/sums", *READ, cwd=tmp_path, env=hub(tmp_path, server.address))
        failed(done, 2, "toys/sums has the subsets main, hard")


def test_a_data_set_of_the_hub_is_a_source_of_a_loop(tmp_path):
    with hub_server({"toys/sums": FILES}) as server:
        env = hub(tmp_path, server.address)
        done = axiom("loop", "--problems", "hub:toys/sums:main", "--test", "rpn", "--plan", cwd=tmp_path, env=env)
        failed(done, 5, "hub:toys/sums:main: 5 training problems x 1 sample", "add rows")
        done = axiom("loop", "--problems", "hub:toys/sums", "--plan", cwd=tmp_path, env=env)
        failed(done, 2, "has the subsets main, hard", "write it behind the name: toys/sums:SUBSET")
    off = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "nowhere")}
    done = axiom("loop", "--problems", "hub:toys/sums:main", "--plan", cwd=tmp_path, env=off)
    failed(done, 4, "no data set 'toys/sums'", "hf download toys/sums")


def test_published_sets_of_the_hub_are_read_by_their_columns(tmp_path):
    """CodeContests as it is stored there: structs of lists. A class label is its number."""
    sink = pa.BufferOutputStream()
    parquet.write_table(pa.Table.from_pylist([CODECONTESTS]), sink)
    contests = {"data/test-00000-of-00001.parquet": sink.getvalue().to_pybytes()}
    sink = pa.BufferOutputStream()
    parquet.write_table(pa.Table.from_pylist([GSM8K]), sink)
    math = {"main/test-00000-of-00001.parquet": sink.getvalue().to_pybytes()}
    with hub_server({"toys/contests": contests, "toys/gsm": math}) as server:
        env = hub(tmp_path, server.address)
        done = axiom("problems", "import", "toys/contests", cwd=tmp_path, env=env)
        (found,) = rows(done.stdout)
        assert (found["family"], found["split"], len(found["program"]["tests"])) == ("codecontests", "test", 4)
        done = axiom("problems", "import", "hub:toys/gsm", cwd=tmp_path, env=env)
        assert [(row["answer"], row["answer_type"]) for row in rows(done.stdout)] == [("2400", "integer")]


def test_a_name_that_the_hub_does_not_know(tmp_path):
    with hub_server({"toys/sums": FILES}) as server:
        done = axiom("problems", "import", "toys/none", cwd=tmp_path, env=hub(tmp_path, server.address))
        failed(done, 4, "no data set 'toys/none'; tried a file, a folder, and the hub at http://127", "hf download")
        server.repositories = {"toys/none": {"README.md": b"# Nothing here"}}
        done = axiom("problems", "import", "toys/none", cwd=tmp_path, env=hub(tmp_path, server.address))
        failed(done, 3, "toys/none cannot be read as a data set")


def test_a_hub_that_may_not_be_asked(tmp_path):
    env = {**hub(tmp_path, "http://127.0.0.1:9"), "HF_HUB_OFFLINE": "1"}
    failed(axiom("problems", "import", "toys/sums", cwd=tmp_path, env=env), 4, "no data set 'toys/sums'", "reach")


@pytest.mark.slow
def test_a_hub_that_cannot_be_reached(tmp_path):
    """The hub's own library tries it again for half a minute."""
    done = axiom("problems", "import", "toys/sums", cwd=tmp_path, env=hub(tmp_path, "http://127.0.0.1:9"))
    failed(done, 4, "no data set 'toys/sums'", "reach")
    assert len(talk(done)) == 3


def test_without_the_extra_it_is_named(folder):
    """A Python that has neither library: a path in front of the others, where they fail to import as if not there."""
    for name in ("datasets", "pyarrow"):
        (folder / "bare" / name).mkdir(parents=True)
        (folder / "bare" / name / "__init__.py").write_text(f'raise ModuleNotFoundError("No module named {name}")')
    env = {"PYTHONPATH": os.pathsep.join([str(folder / "bare"), environment()["PYTHONPATH"]])}
    (folder / "val.parquet").write_bytes(FILES["main/val.parquet"])
    for source in ("val.parquet", "sums", "toys/sums"):
        failed(axiom("problems", "import", source, cwd=folder, env=env), 4, extra("datasets", folder))
