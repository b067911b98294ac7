"""Presets: what each sets, for which models, and that it is a whole experiment when it is written to axiom.toml."""

from __future__ import annotations

import shutil
from pathlib import Path

import orjson
import pytest

from axiom_cli.errors import UsageError
from axiom_cli.experiment.combinations import check_settings
from axiom_cli.experiment.effects import check_effects
from axiom_cli.experiment.memory_forecast import GIB, Machine, Shape, memory_needed, recommended
from axiom_cli.models.kind import kind_of
from axiom_cli.models.nano import WEIGHTS
from axiom_cli.settings.configs import LoopConfig
from axiom_cli.settings.files import SettingsFile, preset_file, preset_text
from axiom_cli.settings.names import option_names
from axiom_cli.settings.sources import resolve
from command_line import ROOT, axiom, failed, rows
from hub_server import hub_server

NAMES = LoopConfig.parts()[""].shown_choices("preset")
QWEN = {"vocab_size": 152_064, "dtype": "bfloat16", "max_position_embeddings": 32_768}
SHAPES = {
    "gpu-12gb": {
        **QWEN, "num_hidden_layers": 36, "hidden_size": 2048, "intermediate_size": 11_008, "num_attention_heads": 16,
        "num_key_value_heads": 2, "tie_word_embeddings": True,
    },
    "gpu-24gb": {
        **QWEN, "num_hidden_layers": 28, "hidden_size": 3584, "intermediate_size": 18_944, "num_attention_heads": 28,
        "num_key_value_heads": 4, "tie_word_embeddings": False,
    },
    "gpu-80gb": {
        **QWEN, "num_hidden_layers": 48, "hidden_size": 5120, "intermediate_size": 13_824, "num_attention_heads": 40,
        "num_key_value_heads": 8, "tie_word_embeddings": False,
    },
}  # fmt: skip
"""The models of the presets for GPUs, as their config.json has them."""


def keys(file: SettingsFile) -> set[str]:
    tables = {name for name, value in file.data.items() if isinstance(value, dict)}
    return file.data.keys() - tables | {f"{name}.{key}" for name in tables for key in file.data[name]}


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_in_axiom_toml_is_the_same_experiment(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    chosen = resolve(LoopConfig, {"preset": name}).config
    check_settings(chosen)
    assert keys(preset_file("pretrained")) <= keys(preset_file(name)), "what it leaves out, others set in its place"
    (tmp_path / "axiom.toml").write_text(preset_text(name))
    assert resolve(LoopConfig, {}).config == chosen
    assert resolve(LoopConfig, {"samples": 3}).config.solve.samples == 3


def test_the_values_follow_the_kind_of_the_model(tmp_path: Path) -> None:
    small = tmp_path / "small"
    shutil.copytree(WEIGHTS, small)
    assert [kind_of(name) for name in ("", "nano", str(small), f"{small}+adapter")] == ["nano"] * 4
    assert [kind_of(name) for name in ("some/model", "http://127.0.0.1:8000/v1#m")] == ["pretrained"] * 2
    with (small / "model.safetensors").open("ab") as file:
        file.truncate(200 * 2**20)
    assert kind_of(str(small)) == "pretrained"
    by_model = {model: resolve(LoopConfig, {"model": model}, kind_of).config for model in ("nano", "some/model")}
    assert [config.train.lr for config in by_model.values()] == [4e-3, 2e-4]
    assert by_model["some/model"] == resolve(LoopConfig, {"model": "some/model", "preset": "pretrained"}).config
    assert resolve(LoopConfig, {"preset": "classic"}).config.model.model == "Qwen/Qwen2.5-Coder-1.5B-Instruct"
    assert resolve(LoopConfig, {"preset": "classic", "model": "a/b"}).config.model.model == "a/b"


def test_each_preset_for_a_gpu_fits_it_and_is_recommended_there() -> None:
    for name, config in SHAPES.items():
        size = int(name[4:6])
        shape = Shape.of(config)
        assert shape
        gpu = Machine(int(0.95 * size * GIB), accelerator=True, half=True)
        needed = memory_needed(resolve(LoopConfig, {"preset": name}).config, shape, gpu, "vllm").needed
        assert 0.4 * gpu.free < needed < gpu.free, name
        assert recommended(gpu) == name
    assert recommended(Machine(16 * GIB)) == "smollm" and recommended(Machine(GIB)) == "nano"


@pytest.mark.slow
def test_what_cannot_fit_is_refused_before_anything_is_loaded(tmp_path: Path) -> None:
    huge = tmp_path / "huge"
    shutil.copytree(WEIGHTS, huge)
    config = orjson.loads((huge / "config.json").read_bytes())
    (huge / "config.json").write_bytes(orjson.dumps({**config, "intermediate_size": 10**9}))
    done = axiom("loop", "--plan", "--model", str(huge), cwd=tmp_path)
    failed(done, 4, "huge does not fit: training takes ", "activations", "GiB are free", "--gradient-checkpointing")
    done = axiom("loop", "--preset", "gpu-24gb", cwd=tmp_path, env={"CUDA_VISIBLE_DEVICES": ""})
    failed(done, 4, "--preset gpu-24gb is for a GPU", "hint: axiom loop --preset ")


def test_an_axiom_toml_of_the_documentation_is_a_whole_experiment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    page = (ROOT / "docs" / "your_machine.md").read_text("utf-8")
    (tmp_path / "axiom.toml").write_text(page.partition("```toml\n")[2].partition("```")[0])
    config = resolve(LoopConfig, {}).config
    assert (config.experiment, config.problems, config.model.model) == (
        "invoices",
        "invoices.csv",
        "Qwen/Qwen2.5-0.5B-Instruct",
    )
    assert (config.iterations, config.solve.samples, config.train.lr, config.train.lora_r) == (4, 8, 1e-4, 16)


@pytest.mark.parametrize(
    ("words", "needed"),
    [
        ("--teacher gemini", "--coldstart N"),
        ("--max-attempts 2", "--strategy retry"),
        ("--target-passes 2", "--early-stop"),
        ("--beta 0.5", "--objective dpo or kto"),
        ("--method full --lora-r 4", "--method lora or dora"),
        ("--workers 2", "--distribute ray"),
        ("--concurrency 2", "--server URL"),
        ("--server http://127.0.0.1:9/v1 --max-relative-error 0.1", "a merge"),
        ("--as mbpp", "a file or a data set"),
        ("--problems rpn,arithmetic --split 70/15/15", "a file or a data set"),
    ],
)
def test_an_option_without_effect_is_refused(words: str, needed: str, tmp_path: Path) -> None:
    name, value = words.split()[-2:]
    given = dict(zip(*[iter(words.split())] * 2, strict=True))
    typed = {option_names(LoopConfig)[flag[2:].replace("-", "_")]: value for flag, value in given.items()}
    if value.replace(".", "").isdigit():
        typed[name[2:].replace("-", "_")] = float(value) if "." in value else int(value)
    with pytest.raises(UsageError, match=f"{name} has no effect here") as caught:
        check_effects(resolve(LoopConfig, typed).config, typed)
    assert needed in caught.value.hint
    check_effects(resolve(LoopConfig, {}).config, ["lr", "samples", "timeout"])


@pytest.mark.slow
def test_of_a_model_of_the_hub_that_cannot_fit_no_weights_are_downloaded(tmp_path: Path) -> None:
    model = {path.name: path.read_bytes() for path in WEIGHTS.iterdir()}
    model["config.json"] = orjson.dumps({**orjson.loads(model["config.json"]), "intermediate_size": 10**9})
    with hub_server({"some/model": model}) as server:
        env = {"HF_ENDPOINT": server.address, "HF_HOME": str(tmp_path / "home"), "HF_HUB_OFFLINE": "0"}
        done = axiom("loop", "--model", "some/model", cwd=tmp_path, env=env)
        failed(done, 4, "some/model does not fit: training takes ", "--gradient-checkpointing")
        files = {request.rpartition("/")[2] for request in server.requests if "/resolve/" in request}
        assert files == {"config.json"}


def test_config_shows_the_values_in_force_with_a_preset(tmp_path: Path) -> None:
    shown = {row["setting"]: row for row in rows(axiom("config", "--preset", "smollm", "--json", cwd=tmp_path).stdout)}
    assert shown["loop.coldstart"] == {"setting": "loop.coldstart", "value": 300, "origin": "preset smollm"}
    assert shown["solve.samples"]["origin"] == "default"
    assert axiom("config", "--preset", "smollm", cwd=tmp_path).stdout.decode() == preset_text("smollm")
    failed(axiom("config", "--preset", "clasic", cwd=tmp_path), 2, "hint: did you mean classic?")
