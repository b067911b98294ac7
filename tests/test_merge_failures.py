"""What goes wrong with a merge is one line with a hint, and leaves nothing behind."""

from __future__ import annotations

import json
import math
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

import tiny
from axiom_cli import models
from axiom_cli.errors import AxiomError, InputError, MissingError
from axiom_cli.learning.merge import merge as merge_stage
from axiom_cli.learning.train import train
from axiom_cli.learning.training.certificate import Certificate
from axiom_cli.learning.training.merge import merge
from axiom_cli.models import adapters, folders, loading
from axiom_cli.records import Adapter
from axiom_cli.settings.configs import MergeConfig, TrainConfig
from axiom_cli.workspace.store import Workspace
from cases import slow_but

CONFIG = TrainConfig(lora_r=2, lora_alpha=4, epochs=1, lr=1e-2)


class Made:
    """A base in several files, and an adapter of it in a workspace."""

    def __init__(self, root: Path) -> None:
        self.base = root / "base"
        model = loading.load_model(tiny.write_model(root / "whole"))
        model.save_pretrained(self.base, max_shard_size=30_000)
        tiny.tiny_tokenizer().save_pretrained(self.base)
        self.workspace = Workspace.create(root / ".axiom")
        judged = [tiny.verdict(tiny.sample(tiny.problem(i), f"Answer: {i % 7}")) for i in range(20)]
        self.adapter = train(judged, str(self.base), CONFIG, self.workspace)
        self.folder = root / "adapter"
        self.folder.mkdir()
        for path in Path(self.adapter.path).iterdir():
            (self.folder / path.name).write_bytes(path.read_bytes())


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return Made(tmp_path)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def first_shard(folder: Path) -> Path:
    return folder / folders.safetensors_files(folder)[1]


def no_number(path: Path) -> None:
    weights = load_file(path)
    name = sorted(weights)[0]
    save_file(weights | {name: torch.full_like(weights[name], math.nan)}, path)


def half(path: Path) -> None:
    weights = load_file(path)
    save_file({name: value for name, value in weights.items() if "lora_B" not in name}, path)


DAMAGE: dict[str, tuple[Callable[[Made], None], str]] = {
    "adapter cut off": (lambda made: cut(made.folder / adapters.WEIGHTS), "is cut off"),
    "adapter no file": (lambda made: (made.folder / adapters.WEIGHTS).unlink(), "missing"),
    "adapter empty": (lambda made: (made.folder / adapters.WEIGHTS).write_bytes(b""), "is not a safetensors file"),
    "adapter no number": (lambda made: no_number(made.folder / adapters.WEIGHTS), "is damaged"),
    "adapter half": (lambda made: half(made.folder / adapters.WEIGHTS), "half of the matrices"),
    "config missing": (lambda made: (made.folder / adapters.CONFIG).unlink(), "has no adapter_config.json"),
    "config no json": (lambda made: (made.folder / adapters.CONFIG).write_text("{"), "is damaged"),
    "config no object": (lambda made: (made.folder / adapters.CONFIG).write_text("[]"), "is damaged"),
    "base cut off": (lambda made: cut(first_shard(made.base)), "is cut off"),
    "base shard gone": (lambda made: first_shard(made.base).unlink(), "missing"),
    "base index": (lambda made: (made.base / folders.INDEX).write_text("{}"), "is damaged"),
    "base config": (lambda made: (made.base / "config.json").write_text("{"), "is damaged"),
}


@pytest.mark.parametrize(
    "what", slow_but({"adapter cut off", "adapter half", "config missing", "base shard gone"}, DAMAGE.keys())
)
def test_damaged_files_are_named(what: str, made: Made, tmp_path: Path) -> None:
    harm, said = DAMAGE[what]
    harm(made)
    home = tmp_path / "home"
    home.mkdir()
    with pytest.raises(InputError, match=said) as caught:
        merge(made.base, [made.folder], home / "m")
    assert caught.value.exit_code == 3 and caught.value.hint and "\n" not in str(caught.value)
    assert list(home.iterdir()) == []


def test_quantised_weights_are_no_base(made: Made, tmp_path: Path) -> None:
    config = json.loads((made.base / "config.json").read_text())
    (made.base / "config.json").write_text(json.dumps(config | {"quantization_config": {"load_in_4bit": True}}))
    with pytest.raises(InputError, match="quantised") as caught:
        merge(made.base, [made.folder], tmp_path / "m")
    assert "16- or 32-bit" in caught.value.hint


@contextmanager
def room(bytes_: int) -> Iterator[None]:
    """No file of this process may become larger, which is how a full disk looks to it."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.parametrize("way", slow_but({"later"}, ["first", "later"]))
def test_a_full_disk_leaves_nothing_behind(way: str, made: Made, tmp_path: Path) -> None:
    """Whether there is no room from the start, or for the largest file only."""
    home = tmp_path / "home"
    home.mkdir()
    sizes = sorted((made.base / name).stat().st_size for name in folders.safetensors_files(made.base)[1:])
    with room(2000 if way == "first" else sizes[-1] - 1), pytest.raises(MissingError, match="cannot write") as caught:
        merge(made.base, [made.folder], home / "m")
    assert caught.value.exit_code == 4 and list(home.iterdir()) == []
    before = everything(made.workspace)
    with room(2000 if way == "first" else sizes[-1] - 1), pytest.raises(MissingError):
        merge_stage(made.adapter, MergeConfig(), made.workspace)
    assert everything(made.workspace) == before
    assert merge_stage(made.adapter, MergeConfig(), made.workspace).digest


def everything(workspace: Workspace) -> set[str]:
    """Every file of a workspace but its locks."""
    found = {str(p.relative_to(workspace.root)) for p in workspace.root.rglob("*") if p.is_file()}
    return {name for name in found if not name.startswith("locks")}


def refused(adapter: Adapter, made: Made, code: int, *said: str, config: MergeConfig | None = None) -> None:
    before = everything(made.workspace)
    with pytest.raises(AxiomError) as caught:
        merge_stage(adapter, config or MergeConfig(), made.workspace)
    assert caught.value.exit_code == code and caught.value.hint
    assert all(part in str(caught.value) for part in said), caught.value
    assert everything(made.workspace) == before


def test_a_base_that_changed_on_disk_is_refused(made: Made) -> None:
    weights = load_file(first_shard(made.base))
    save_file({name: value + 1 for name, value in weights.items()}, first_shard(made.base), metadata={"format": "pt"})
    refused(made.adapter, made, 3, "has changed since it was trained")


def test_an_adapter_that_changed_on_disk_is_refused(made: Made, tmp_path: Path) -> None:
    elsewhere = Workspace.create(tmp_path / "elsewhere")
    config = json.loads((made.folder / adapters.CONFIG).read_text())
    (made.folder / adapters.CONFIG).write_text(json.dumps(config | {"lora_alpha": 1000}))
    with pytest.raises(InputError, match="has changed since it was trained"):
        merge_stage(replace(made.adapter, path=str(made.folder)), MergeConfig(), elsewhere)


def test_an_adapter_of_another_base_is_refused(made: Made, tmp_path: Path) -> None:
    other = tiny.write_model(tmp_path / "other", hidden=48)
    name = models.resolve(str(other))
    refused(replace(made.adapter, base=name.ref), made, 3, "does not have in that shape")


def test_a_failed_certificate_is_exit_6_and_keeps_nothing(made: Made) -> None:
    refused(made.adapter, made, 6, "relative error", config=MergeConfig(max_relative_error=0.0))


def test_figures_that_are_no_numbers_fail() -> None:
    """Comparisons with NaN are false: they must not let a broken merge pass."""
    good = Certificate("float32", 1.0, 1.0, 1e-7, 1e-5, 1.0, 1e-6)
    for broken in ({"relative_error": math.nan}, {"max_logit_difference": math.nan}, {"effect_error": math.nan}):
        assert replace(good, **broken).failures(0.02), broken
