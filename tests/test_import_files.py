"""`axiom problems import`: files of every kind, columns, and every refused row named and kept."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys

import pytest

from axiom_cli.commands.refusals import Refusals, check_apart
from axiom_cli.errors import UsageError
from axiom_cli.importing import readers
from command_line import AXIOM, axiom, failed, rows, talk

FREE = [{"prompt": "free", "answer": "1"}]
DOUBLE = "def f(x):\n    return 2 * x\n"


def _write(folder, *lines):
    (folder / "in.jsonl").write_text(
        "".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines)
    )


QUESTIONS = [{"question": f"{n} + {n}?", "final": {"answer": f"it is #### {2 * n}"}} for n in range(1, 5)]
MAPPED = ("--column", "prompt=question,answer=final.answer", "--answer-after", "####")


def test_refused_rows_are_named_and_kept_and_the_others_imported(tmp_path):
    bad = {"question": "odd"}
    _write(tmp_path, QUESTIONS[0], "", bad, bad, QUESTIONS[1], {"question": "x", "final": {"answer": "7"}}, bad)
    done = axiom("problems", "import", "in.jsonl", *MAPPED, "--refused", "no.jsonl", cwd=tmp_path)
    assert [row["answer"] for row in rows(done.stdout)] == ["2", "4"]
    assert done.returncode == 0
    assert talk(done) == [
        "warning: refused rows 3-4, 7: it has neither 'answer' nor 'entry_point'",
        "warning: refused row 6: its answer has no '####'",
        "2 problems imported from in.jsonl, 4 refused",
    ]
    refused = rows((tmp_path / "no.jsonl").read_bytes())
    assert [row["row"] for row in refused] == [3, 4, 6, 7]
    assert refused[0] == {"row": 3, "name": "", "reason": "it has neither 'answer' nor 'entry_point'", "data": bad}


LONG = readers.LONGEST_LINE + 10


@pytest.mark.slow
def test_a_line_that_is_too_long_is_refused_alone(tmp_path):
    row = json.dumps(FREE[0])
    (tmp_path / "in.jsonl").write_text(f'{row}\n{{"prompt": "{"x" * LONG}\n{row.replace("free", "last")}\n')
    done = axiom("problems", "import", "in.jsonl", "--refused", "no", cwd=tmp_path)
    assert [row["prompt"] for row in rows(done.stdout)] == ["free", "last"]
    assert talk(done)[0] == "warning: refused row 2: it is longer than 64 MiB"
    assert rows((tmp_path / "no").read_bytes())[0]["data"].startswith('{"prompt": "xxx')


CELL = readers.LARGEST_CELL + 10


@pytest.mark.slow
@pytest.mark.parametrize(
    ("long", "reason"),
    [("x" * LONG + ",1", readers.TOO_LONG), (f'"{"x" * CELL}",1', "it is not CSV: field larger than field limit")],
)
def test_a_csv_row_that_is_too_long_is_refused_alone(tmp_path, long, reason):
    (tmp_path / "in.csv").write_text(f"prompt,answer\r\nfree,1\r\n{long}\r\n\r\nlast,2\r\n")
    done = axiom("problems", "import", "in.csv", cwd=tmp_path)
    assert [row["prompt"] for row in rows(done.stdout)] == ["free", "last"]
    assert talk(done)[0].startswith(f"warning: refused row 2: {reason}")


MEASURED = """
import os, resource, subprocess, sys
code = subprocess.run(sys.argv[1:]).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
sys.exit(code)
"""
"""Runs a command and says its peak of memory in KiB. A process counts what the one that it was forked from held, so
this stands between it and the tests."""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "begin", "said"),
    [
        ("in.jsonl.gz", b'{"prompt": "free", "answer": "1"}\n', "refused row 2: it is longer than 64 MiB"),
        ("in.csv.gz", b"prompt,answer\nfree,1\n", "refused row 2: it is longer than 64 MiB"),
        ("in.csv.gz", b'prompt,answer\nfree,1\n"', "refused row 2: it is longer than 64 MiB"),
        ("in.json.gz", b"[", "its JSON array is larger than 128 MiB"),
    ],
)
def test_what_unpacks_to_gigabytes_is_read_in_flat_memory(tmp_path, name, begin, said):
    blank = gzip.compress(b" " * 2**26, 9)
    (tmp_path / name).write_bytes(gzip.compress(begin) + 40 * blank)  # 2.5 GiB on one line
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, *AXIOM, "problems", "import", name], cwd=tmp_path, capture_output=True
    )
    *err, peak = done.stderr.decode().splitlines()
    assert said in "\n".join(err) and int(peak) < 500 * 1024, (peak, err)
    assert done.returncode == (3 if name == "in.json.gz" else 0)
    assert [row["prompt"] for row in rows(done.stdout)] == ["free"] * (name != "in.json.gz")


def test_what_is_told_of_refused_rows_is_bounded(capsys):
    told = Refusals()
    for number in range(1, 3001):
        told.add(2 * number, "", "odd", None)
        told.add(2 * number + 1, "", f"reason {number}", None)
    told.report()
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1001 and told.count == 6000
    assert lines[0].startswith("warning: refused rows 2, 4, 6, ")
    assert lines[0].endswith(" and 2,900 more, listed by --refused FILE: odd")


@pytest.mark.parametrize(
    ("name", "data", "number", "reason", "kept"),
    [
        (
            "in.jsonl",
            '{"prompt": "free", "answer": "1"}\n{"prompt": \n{"prompt": "p", "answer": 2}\n',
            2,
            "not JSON: unexpected end of data, at character 13",
            '{"prompt": ',
        ),
        ("in.json", json.dumps([*FREE, 2, {"prompt": "p", "answer": 2}]), 2, "a number, expected an object", 2),
        (
            "in.csv",
            "prompt,answer\nfree,1\np,2,3\np,2\n",
            2,
            "it has 1 more cell than the header",
            {"prompt": "p", "answer": "2", "": ["3"]},
        ),
    ],
)
def test_a_row_that_cannot_be_read_is_refused_alone(tmp_path, name, data, number, reason, kept):
    (tmp_path / name).write_text(data)
    done = axiom("problems", "import", name, "-o", "out", "--refused", "no", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert [row["prompt"] for row in rows((tmp_path / "out").read_bytes())] == ["free", "p"]
    assert rows((tmp_path / "no").read_bytes()) == [{"row": number, "name": "", "reason": reason, "data": kept}]
    assert talk(done) == [f"warning: refused row {number}: {reason}", f"2 problems imported from {name}, 1 refused"]
    assert axiom("problems", "import", name, "--skip-bad", cwd=tmp_path).returncode == 0


def test_where_no_row_is_of_the_form_nothing_is_written(tmp_path):
    _write(tmp_path, *QUESTIONS)
    done = axiom("problems", "import", "in.jsonl", "-o", "out", "--refused", "no", cwd=tmp_path)
    failed(done, 3, "no row is in the format jsonl: line 1: it has no 'prompt'", "columns question, final", "--as")
    assert done.stdout == b"" and [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]
    _write(tmp_path)
    failed(axiom("problems", "import", "in.jsonl", cwd=tmp_path), 5, "in.jsonl has no rows")


def test_where_every_row_is_refused_there_is_nothing_to_go_on_with(tmp_path):
    wrong = {"prompt": "Double.", "entry_point": "f", "tests": [{"args": [2], "expected": 5}], "reference": DOUBLE}
    _write(tmp_path, wrong)
    (tmp_path / "out").write_text("kept")
    done = axiom("problems", "import", "in.jsonl", "-o", "out", "--refused", "no", cwd=tmp_path)
    failed(done, 5, "nothing imported from in.jsonl: 1 row refused", "its gold solution does not pass")
    assert (tmp_path / "out").read_text() == "kept"
    assert [row["data"] for row in rows((tmp_path / "no").read_bytes())] == [wrong]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("-o", "in.jsonl"), "-o would overwrite the file that is read, in.jsonl"),
        (("-o", "sub/../in.jsonl"), "-o would overwrite the file that is read, in.jsonl"),
        (("--refused", "linked.jsonl"), "--refused would overwrite the file that is read"),
        (("-o", "x", "--refused", "./x"), "the same file"),
    ],
)
def test_no_file_is_written_over_what_is_read(tmp_path, words, said):
    _write(tmp_path, *FREE)
    (tmp_path / "sub").mkdir()
    (tmp_path / "linked.jsonl").symlink_to("in.jsonl")
    failed(axiom("problems", "import", "in.jsonl", *words, cwd=tmp_path), 2, said)
    assert json.loads((tmp_path / "in.jsonl").read_text()) == FREE[0]


def test_inputs_that_are_left_out_are_told(tmp_path):
    body = {"prompt": "def add(a, b):\n", "entry_point": "add", "canonical_solution": "    return a + b\n"}
    _write(tmp_path, {**body, "task_id": "HumanEval/900", "base_input": [[n, 1] for n in range(300)]})
    done = axiom("problems", "import", "in.jsonl", "--as", "evalplus", "-o", "out", cwd=tmp_path)
    assert done.returncode == 0
    said = (
        "warning: row 1 (HumanEval/900): some tests are left out, beyond 200 inputs or of a kind that cannot be read; "
    )
    assert talk(done) == [
        f"{said}source.tests_left_out counts them",
        "1 problem imported from in.jsonl, 0 refused",
    ]
    (problem,) = rows((tmp_path / "out").read_bytes())
    assert (len(problem["program"]["tests"]), problem["source"]["tests_left_out"]) == (200, 100)


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("in.jsonl", '{"prompt": "é", "answer": "1"}\n'.encode("latin-1"), "line 1: not UTF-8, at byte 13\n"),
        ("in.json", '[{"prompt": "é", "answer": "1"}]'.encode("latin-1"), "in.json is not UTF-8: "),
        ("in.csv", "prompt,answer\né,1\n".encode("latin-1"), "in.csv is not UTF-8: "),
        ("in.jsonl", '{"prompt": "é", "answer": "1"}\n'.encode("utf-16"), "in.jsonl is UTF-16, not UTF-8"),
        ("in.csv.gz", gzip.compress("prompt,answer\n".encode("utf-16"), mtime=0), "in.csv.gz is UTF-16, not UTF-8"),
    ],
)
def test_files_of_other_encodings_are_told_so(tmp_path, name, data, said):
    (tmp_path / name).write_bytes(data)
    done = axiom("problems", "import", name, cwd=tmp_path)
    failed(done, 3, said, "hint: `iconv -f ", "-t UTF-8")
    if "latin" not in said and name == "in.jsonl" and "UTF-16" not in said:
        (tmp_path / name).write_bytes(b'{"prompt": "p", "answer": "1"}\n' + data)
        done = axiom("problems", "import", name, cwd=tmp_path)
        assert (done.returncode, talk(done)[0]) == (0, "warning: refused row 2: not UTF-8, at byte 13")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--column", "promt=question"), 2, "does not read a field 'promt'\nhint: did you mean prompt?"),
        (("--column", "prompt"), 2, "expected FIELD=COLUMN"),
        (("--column", "prompt=question", "--column", "prompt=x"), 2, "twice: question and x"),
        (
            ("--column", "prompt=qestion"),
            3,
            "a column 'qestion'; the columns are question, final, final.answer\nhint: did",
        ),
        (("--column", "prompt=question,answer=final.anser"), 3, "hint: did you mean final.answer?"),
        (("--as", "mbpp", "--answer-after", "####"), 2, "rows of your own, not for --as mbpp"),
        (("--split", "dev"), 2, "--split dev"),
        (("--subset", "main"), 2, "which has no subsets"),
        (("-o", "x", "--refused", "x"), 2, "the same file"),
    ],
)
def test_columns_and_options_that_do_not_fit(tmp_path, words, code, said):
    _write(tmp_path, *QUESTIONS)
    failed(axiom("problems", "import", "in.jsonl", "-o", "out", *words, cwd=tmp_path), code, said)
    assert not (tmp_path / "out").exists()


CSV = '\ufeffquestion,answer,note\r\n"1,\n2?",007,\r\nthen,1.50,x\r\n'


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("in.json", json.dumps([{"question": "1,\n2?", "answer": "007"}, {"question": "then", "answer": "1.50"}])),
        ("in.json", '{"question": "1,\\n2?", "answer": "007"}\n{"question": "then", "answer": "1.50"}'),
        ("in.jsonl", '\ufeff{"question": "1,\\n2?", "answer": "007"}\r\n{"question": "then", "answer": "1.50"}\r\n'),
        ("in.csv", CSV),
        ("in.tsv", CSV.replace("1,", "1;").replace(",", "\t").replace("1;", "1,")),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_other_files(tmp_path, name, data, packed):
    file = tmp_path / (name + ".gz" if packed else name)
    file.write_bytes(gzip.compress(data.encode()) if packed else data.encode())
    done = axiom("problems", "import", file.name, "--column", "prompt=question", "--split", "val", cwd=tmp_path)
    found = [(row["prompt"], row["answer"], row["split"]) for row in rows(done.stdout)]
    assert found == [("1,\n2?", "007", "val"), ("then", "1.50", "val")], done.stderr


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        (
            "in.jsonl.gz",
            gzip.compress(b'{"prompt": "p", "answer": 1}\n' * 999, mtime=0)[:-20],
            "gzip data is damaged or cut off",
        ),
        ("in.json", b"[1, 2", "in.json does not have the format that its name gives"),
        ("in.csv", b"prompt,answer\n\xff,1\n", "in.csv is not UTF-8"),
        ("in.csv", b"prompt,answer,answer\n1,2,3\n", "its header has the column 'answer' twice"),
        ("in.csv", b"prompt,answer\n1,2,3\n", "row 1: it has 1 more cell than the header"),
        ("none.jsonl", None, "No such file"),
    ],
)
def test_files_that_cannot_be_read(tmp_path, name, data, said):
    if data is not None:
        (tmp_path / name).write_bytes(data)
    failed(axiom("problems", "import", name, "-o", "out", cwd=tmp_path), 3, said)
    assert not (tmp_path / "out").exists()


def test_files_are_told_apart_whatever_their_names_lead_to(tmp_path):
    (tmp_path / "loop").symlink_to("loop")
    check_apart("in.jsonl", tmp_path / "loop", None)
    with pytest.raises(UsageError, match="the file that is read"):
        check_apart(str(tmp_path / "in"), tmp_path / "x" / ".." / "in", None)


def test_a_checker_that_checks_nothing_is_refused(tmp_path):
    _write(tmp_path, *FREE, {"prompt": "What is 1 + 1?", "answer": "2", "checker": "arithmetic"})
    done = axiom("problems", "import", "in.jsonl", cwd=tmp_path)
    assert len(rows(done.stdout)) == 1
    told = "refused row 2: its checker: problems of the family arithmetic have one answer, so it is not a checker"
    assert told in talk(done)[0]
