"""What a shell gets when Tab is pressed, asked in the way that bash asks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from command_line import AXIOM, axiom, environment, failed


def asked(line: str) -> dict[str, str]:
    return {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split(" ")) - 1), "_AXIOM_COMPLETE": "complete_bash"}


def completed(line: str, cwd: Path) -> subprocess.CompletedProcess[bytes]:
    return axiom(cwd=cwd, env=asked(line))


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("axiom so", ["solve"]),
        ("axiom --quiet --workspace elsewhere ver", ["verify"]),
        ("axiom solve --strategy ", ["best-of-n", "retry", "vote", "value", "adaptive"]),
        ("axiom loop --preset n", ["nano"]),
        ("axiom verify --format s", ["solutions"]),
        ("axiom problems gen ari", ["arithmetic"]),
        ("axiom loop --problems rpn,list", ["rpn,list_ops"]),
        ("axiom loop --problems rpn,mi", ["rpn,mine.csv"]),
        ("axiom loop --problems da", ["data/"]),
        ("axiom eval nano --problems data/", ["data/more.jsonl"]),
        ("axiom problems gen mi", []),
        ("axiom solve --model n", ["nano"]),
        ("axiom loop --control cold-only,sh", ["cold-only,shuffled"]),
        ("axiom report fi", ["first"]),
        ("axiom report --compare ", ["first", "second"]),
        ("axiom report --compare first se", ["second"]),
        ("axiom loop --experiment ", ["first", "second"]),
        ("axiom solve --until", []),
    ],
)
def test_what_is_offered(line: str, offered: list[str], tmp_path: Path) -> None:
    for name in ("first", "second"):
        (tmp_path / "experiments" / name).mkdir(parents=True)
        (tmp_path / "experiments" / name / "metrics.jsonl").touch()
    (tmp_path / "data").mkdir()
    for file in ("mine.csv", "data/more.jsonl", "data/.hidden.csv", "data/notes.md"):
        (tmp_path / file).touch()
    done = completed(line, tmp_path)
    assert (done.stdout.decode().split(), done.stderr, done.returncode) == (offered, b"", 0)


def test_names_in_the_workspace_are_offered(tmp_path: Path) -> None:
    from axiom_cli.workspace.store import Workspace

    workspace = Workspace.open_or_create(tmp_path / ".axiom")
    workspace.set_ref("mine", workspace.put_records([]))
    assert completed("axiom solve --model mi", tmp_path).stdout.split() == [b"mine"]


def test_completion_loads_nothing_heavy(tmp_path: Path) -> None:
    script = (
        "import sys\nfrom axiom_cli.app import main\ntry:\n    main([])\nexcept SystemExit:\n    pass\n"
        "print(*{'torch', 'transformers', 'numpy', 'scipy', 'rich'} & {name.split('.')[0] for name in sys.modules})"
    )
    for line in ("axiom solve --model n", "axiom report "):
        command = [sys.executable, "-c", script]
        done = subprocess.run(command, cwd=tmp_path, env=environment(**asked(line)), capture_output=True, timeout=100)
        assert done.stdout.splitlines()[-1] == b"", line


def test_how_completion_is_installed(tmp_path: Path) -> None:
    script = subprocess.run(
        ["bash", "-c", f"{' '.join(AXIOM)} --show-completion; exit $?"], env=environment(), capture_output=True
    )
    assert b"_AXIOM_COMPLETE=complete_bash" in script.stdout, script.stderr
    assert b"--install-completion" in axiom("--help", cwd=tmp_path).stdout


@pytest.mark.parametrize(
    ("shell", "file"),
    [
        ("bash", ".bash_completions/axiom.sh"),
        ("zsh", ".zfunc/_axiom"),
        ("fish", ".config/fish/completions/axiom.fish"),
    ],
)
def test_completion_is_installed_for_the_shell_that_is_named(shell: str, file: str, tmp_path: Path) -> None:
    command = f"{' '.join(AXIOM)} --install-completion {shell}; exit $?"
    env = environment(HOME=str(tmp_path))
    done = subprocess.run(["bash", "-c", command], env=env, cwd=tmp_path, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert f"_AXIOM_COMPLETE=complete_{shell}" in (tmp_path / file).read_text()
    assert shell == "bash" or not (tmp_path / ".bash_completions").exists()


def test_a_shell_without_completion(tmp_path: Path) -> None:
    failed(axiom("--install-completion", "tcsh", cwd=tmp_path), 2, "'tcsh'", "bash|zsh|fish")
    failed(axiom("--show-completion=zhs", cwd=tmp_path), 2, "did you mean zsh?")
