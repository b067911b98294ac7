"""Where a value comes from: flag > AXIOM_* variable > ./axiom.toml > user's axiom.toml > default."""

from __future__ import annotations

from pathlib import Path

import pytest

from command_line import SCRIPTED, axiom, failed, rows, talk


def in_force(cwd: Path, setting: str, **env: str) -> tuple[object, str]:
    done = axiom("config", cwd=cwd, env=env)
    assert done.returncode == 0, done.stderr
    [row] = [row for row in rows(done.stdout) if row["setting"] == setting]
    return row["value"], row["origin"]


def test_each_source_beats_the_ones_below_it(tmp_path: Path) -> None:
    user = tmp_path / "home" / "axiom" / "axiom.toml"
    env = {"XDG_CONFIG_HOME": str(tmp_path / "home")}
    assert in_force(tmp_path, "solve.samples", **env) == (8, "default")
    user.parent.mkdir(parents=True)
    user.write_text("samples = 5\n")
    assert in_force(tmp_path, "solve.samples", **env) == (5, str(user))
    user.write_text("samples = 5\n[solve]\nsamples = 6\n")
    assert in_force(tmp_path, "solve.samples", **env) == (6, f"{user} [solve]")
    assert in_force(tmp_path, "loop.samples", **env) == (6, f"{user} [solve]")
    (tmp_path / "axiom.toml").write_text("samples = 7\n")
    assert in_force(tmp_path, "solve.samples", **env) == (7, "axiom.toml")
    env["AXIOM_SAMPLES"] = "3"
    assert in_force(tmp_path, "solve.samples", **env) == (3, "variable AXIOM_SAMPLES")
    env["AXIOM_SOLVE_SAMPLES"] = "2"
    assert in_force(tmp_path, "solve.samples", **env) == (2, "variable AXIOM_SOLVE_SAMPLES")
    problem = axiom("problems", "gen", "rpn", "--count", "1", cwd=tmp_path).stdout
    words = ["solve", *SCRIPTED, "--model", "solver"]
    assert len(rows(axiom(*words, cwd=tmp_path, stdin=problem, env=env).stdout)) == 2
    assert len(rows(axiom(*words, "--samples", "1", cwd=tmp_path, stdin=problem, env=env).stdout)) == 1


def test_every_field_of_every_stage_is_a_setting(tmp_path: Path) -> None:
    from axiom_cli.settings.fields import spelled
    from axiom_cli.settings.names import STAGES, option_names, section

    shown = {row["setting"] for row in rows(axiom("config", cwd=tmp_path).stdout)}
    assert {f"{section(cls)}.{spelled(name)}" for cls in STAGES for name in option_names(cls).values()} < shown
    assert {"workspace", "quiet", "model"} < shown


def test_the_workspace_comes_from_flag_variable_or_file(tmp_path: Path) -> None:
    (tmp_path / "axiom.toml").write_text('workspace = "a"\nmodel = "solver"\n[solve]\nengine = "scripted"\n')
    problem = axiom("problems", "gen", "rpn", "--count", "1", cwd=tmp_path).stdout
    axiom("solve", cwd=tmp_path, stdin=problem)
    axiom("solve", cwd=tmp_path, stdin=problem, env={"AXIOM_WORKSPACE": "b"})
    axiom("--workspace", "c", "solve", cwd=tmp_path, stdin=problem)
    axiom("solve", "--workspace=d", cwd=tmp_path, stdin=problem)
    assert sorted(path.parent.name for path in tmp_path.glob("*/format")) == ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[solve]\nsampels = 4\n", "axiom.toml: [solve] has no setting 'sampels'"),
        ("[solve]\nsamples = 'many'\n", "axiom.toml [solve]: samples = 'many'"),
        ("[solv]\nsamples = 4\n", "axiom.toml: there is no table [solv]\nhint: did you mean solve?"),
        ("[samples]\nsolve = 4\n", "axiom.toml: there is no table [samples]"),
        ("solve = 4\n", "axiom.toml: solve is a table"),
        ("samples = \n", "axiom.toml is not TOML"),
        (f"samples = {'9' * 5000}\n", "axiom.toml is not TOML"),
    ],
)
def test_a_bad_file_is_named(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "axiom.toml").write_text(text)
    failed(axiom("config", cwd=tmp_path), 2, said)


def test_every_stage_has_its_table(tmp_path: Path) -> None:
    from axiom_cli.settings.names import STAGES, section

    names = ["global", "model", *map(section, STAGES)]
    (tmp_path / "axiom.toml").write_text("".join(f"[{name}]\n" for name in names))
    assert axiom("config", cwd=tmp_path).returncode == 0


def test_a_bad_variable_is_named_and_an_unknown_one_is_told(tmp_path: Path) -> None:
    failed(axiom("config", cwd=tmp_path, env={"AXIOM_SAMPLES": "few"}), 2, "variable AXIOM_SAMPLES: samples = 'few'")
    for words in (["config"], ["problems", "gen", "rpn", "--count", "1"]):
        done = axiom(*words, cwd=tmp_path, env={"AXIOM_SOLVE_SAMPELS": "3", "AXIOM_API_KEY": "k"})
        said = "AXIOM_SOLVE_SAMPELS is not a setting of axiom; did you mean AXIOM_SOLVE_SAMPLES?"
        assert [line for line in done.stderr.decode().splitlines() if "warning" in line] == [f"warning: {said}"]


def test_lists_are_comma_separated_or_repeated(tmp_path: Path) -> None:
    words = ["problems", "gen", "--count", "6"]
    expected = axiom(*words, "rpn", "arithmetic", cwd=tmp_path).stdout
    assert {row["family"] for row in rows(expected)} == {"rpn", "arithmetic"}
    assert axiom(*words, "rpn,arithmetic", cwd=tmp_path).stdout == expected
    solve = ["solve", *SCRIPTED, "--model", "solver", "--samples", "1"]
    expected = axiom(*solve, "--problems", "two_sum,fizzbuzz", cwd=tmp_path).stdout
    assert {row["problem"]["id"] for row in rows(expected)} == {"two_sum", "fizzbuzz"}
    assert axiom(*solve, "--problems", "two_sum", "--problems", "fizzbuzz", cwd=tmp_path).stdout == expected


FORMER_FLAGS = {
    "--value": "--value-function", "--enough": "--target-passes", "--settle": "--stop-on", "--shard": "--fsdp",
    "--against": "--decontaminate", "--address": "--ray-address", "--think-tokens": "--max-think-tokens",
    "--until-solved": "--early-stop",
}  # fmt: skip


def test_every_former_flag_is_read_as_the_new_one() -> None:
    from axiom_cli.commands.arguments import with_new_names

    for old, new in FORMER_FLAGS.items():
        words, sentences = with_new_names(["solve", old, "1", f"{old}=2", "--", old])
        assert words == ["solve", new, "1", f"{new}=2", "--", old]
        assert sentences[0] == f"{old} is now called {new}"
    assert with_new_names(["train", "--no-shard"])[0] == ["train", "--no-fsdp"]


def test_the_loop_takes_the_settings_of_its_stages_and_its_own_before_them(tmp_path: Path) -> None:
    (tmp_path / "axiom.toml").write_text("seed = 4\n[train]\nlr = 0.5\nseed = 6\n[solve]\nsamples = 9\n")
    assert in_force(tmp_path, "loop.lr") == (0.5, "axiom.toml [train]")
    assert in_force(tmp_path, "loop.seed")[0] == 4 and in_force(tmp_path, "loop.train.seed")[0] == 6
    assert in_force(tmp_path, "loop.samples", AXIOM_LOOP_SAMPLES="3") == (3, "variable AXIOM_LOOP_SAMPLES")
    with (tmp_path / "axiom.toml").open("a") as file:
        file.write("[loop]\nlr = 0.25\nseed = 5\n")
    assert in_force(tmp_path, "loop.lr") == (0.25, "axiom.toml [loop]")
    assert in_force(tmp_path, "train.lr") == (0.5, "axiom.toml [train]")
    assert "loop.train.seed" not in {row["setting"] for row in rows(axiom("config", cwd=tmp_path).stdout)}


@pytest.mark.parametrize("table", ["", "[solve]\n"])
@pytest.mark.parametrize("lines", [("enough = 2", "target_passes = 3"), ("target_passes = 3", "enough = 2")])
def test_a_new_name_beats_the_former_one_in_a_table_whatever_their_order(
    tmp_path: Path, table: str, lines: tuple[str, str]
) -> None:
    (tmp_path / "axiom.toml").write_text(table + "\n".join(lines))
    assert in_force(tmp_path, "solve.target_passes")[0] == 3


def test_former_names_work_are_told_and_stand_in_no_help(tmp_path: Path) -> None:
    problem = axiom("problems", "gen", "rpn", "--count", "1", cwd=tmp_path).stdout
    words = ("solve", *SCRIPTED, "--model", "solver", "--samples", "8")
    new = axiom(*words, "--early-stop", "--target-passes", "2", cwd=tmp_path, stdin=problem)
    old = axiom(*words, "--until-solved", "--enough=2", cwd=tmp_path, stdin=problem)
    assert old.stdout == new.stdout and len(rows(old.stdout)) == 2
    said = "warning: --enough is now called --target-passes; the old name will be removed in the next version\n"
    assert said in old.stderr.decode()
    assert "is now called" not in new.stderr.decode()
    variable = axiom(*words, "--early-stop", cwd=tmp_path, stdin=problem, env={"AXIOM_SOLVE_ENOUGH": "2"})
    assert variable.stdout == new.stdout
    assert "AXIOM_SOLVE_ENOUGH is now called AXIOM_SOLVE_TARGET_PASSES" in variable.stderr.decode()
    (tmp_path / "axiom.toml").write_text("until-solved = true\n[solve]\nenough = 2\n")
    table = axiom(*words, cwd=tmp_path, stdin=problem)
    assert table.stdout == new.stdout
    assert "axiom.toml: enough is now called target_passes" in table.stderr.decode()
    for command in ("solve", "train", "verify"):
        names = axiom(command, "--help", cwd=tmp_path).stdout.decode().split()
        assert not FORMER_FLAGS.keys() & set(names)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("samples = 'many'", "axiom.toml: samples = 'many' is not a whole number"),
        ("samples = 1.5", "axiom.toml: samples = 1.5 is not a whole number"),
        ("[solve]\ntop_p = 'most'", "axiom.toml [solve]: top_p = 'most' is not a number"),
    ],
)
def test_a_value_of_another_type_is_one_line_and_a_hint(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "axiom.toml").write_text(text)
    failed(axiom("solve", cwd=tmp_path, stdin=None), 2, f"error: {said}\n", "hint: the default of --")


@pytest.mark.parametrize(
    ("text", "env", "said"),
    [
        ("[solve]\nstrategy = 'adaptiv'\n", {}, "axiom.toml [solve]: strategy = 'adaptiv' is not one of"),
        ("strategy = 'adaptiv'\n", {}, "axiom.toml: strategy = 'adaptiv' is not one of"),
        ("", {"AXIOM_STRATEGY": "adaptiv"}, "variable AXIOM_STRATEGY: strategy = 'adaptiv' is not one of"),
    ],
)
def test_every_source_is_held_to_the_choices(text: str, env: dict[str, str], said: str, tmp_path: Path) -> None:
    (tmp_path / "axiom.toml").write_text(text)
    failed(axiom("solve", cwd=tmp_path, stdin=None, env=env), 2, said, "hint: did you mean adaptive?")


@pytest.mark.parametrize(
    ("words", "said", "hint"),
    [
        ("solve --strategy adaptiv", "--strategy adaptiv is not one of best-of-n, retry", "did you mean adaptive?"),
        ("loop --control ,", "--control , names no control arm", "shuffled, cold-only, unfiltered, format-only"),
        ("train --method qlora", "--method qlora is not one of lora, dora, full", "--quantize 4bit"),
        ("loop --objective value", "--objective value is not one of sft, dpo, grpo, kto", "a loop needs a generator"),
        ("problems import x --as jsnl", "--as jsnl is not one of auto, jsonl, humaneval", "did you mean jsonl?"),
    ],
)
def test_a_word_that_is_not_a_choice_is_one_line_and_a_hint(words: str, said: str, hint: str, tmp_path: Path) -> None:
    failed(axiom(*words.split(), cwd=tmp_path), 2, f"error: {said}", "hint: ", hint)


def test_a_word_like_none_of_the_choices_has_a_hint_that_does_not_repeat_them(tmp_path: Path) -> None:
    done = axiom("loop", "--start", "nowhere", cwd=tmp_path)
    assert done.returncode == 2 and not done.stdout
    assert talk(done) == [
        "error: --start nowhere is not one of base, previous, continue",
        "hint: --help says what each of them does",
    ]
