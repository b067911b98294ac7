"""Models of the hub: fetched whole, or refused with the reason. The hub is a server on loopback."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from axiom_cli.models.nano import WEIGHTS
from command_line import axiom, environment, failed, talk
from hub_server import HubServer, hub_server

NANO = {path.name: path.read_bytes() for path in WEIGHTS.iterdir()}
RESOLVE = """
import json, sys
from axiom_cli import permitted
from axiom_cli.errors import AxiomError
from axiom_cli.models import resolve
permitted.allow(*[word for word in sys.argv[1:] if word.startswith("--")])
for name in sys.argv[1:]:
    if not name.startswith("--"):
        try:
            found = resolve(name)
            print(json.dumps({"digest": found.digest, "files": sorted(path.name for path in found.path.iterdir())}))
        except AxiomError as error:
            print(json.dumps({"code": error.exit_code, "said": str(error), "hint": error.hint}))
"""
FETCH = """
import sys
from huggingface_hub import hf_hub_download
for name in sys.argv[1:]:
    hf_hub_download("some/model", name)
"""


def resolved(folder: Path, address: str, *words: str, **more: str) -> list[dict]:
    """What `models.resolve` says to each name, in one new process."""
    env = {"HF_ENDPOINT": address, "HF_HOME": str(folder / "home"), "HF_TOKEN": "", "HF_HUB_OFFLINE": "0", **more}
    done = subprocess.run(
        [sys.executable, "-c", RESOLVE, *words], env=environment(**env), capture_output=True, text=True, check=True
    )
    assert not done.stderr, "what the hub's library says besides"
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def pickled() -> dict[str, bytes]:
    stream = io.BytesIO()
    torch.save(load_file(WEIGHTS / "model.safetensors"), stream)
    return {name: data for name, data in NANO.items() if name != "model.safetensors"} | {
        "pytorch_model.bin": stream.getvalue()
    }


def asked(server: HubServer) -> int:
    count = len(server.requests)
    server.requests.clear()
    return count


@pytest.mark.slow
def test_half_a_snapshot_is_made_whole_and_a_whole_one_asks_for_nothing(tmp_path: Path) -> None:
    """The cache holds the tokenizer alone, as after any other program has looked at the model."""
    with hub_server({"some/model": NANO | {"README.md": b"#", "notes.txt": b"x"}}) as server:
        env = {"HF_ENDPOINT": server.address, "HF_HOME": str(tmp_path / "home"), "HF_HUB_OFFLINE": "0"}
        words = [sys.executable, "-c", FETCH, "config.json", "tokenizer.json", "tokenizer_config.json"]
        subprocess.run(words, env=environment(**env), check=True, capture_output=True)
        [offline] = resolved(tmp_path, server.address, "some/model", HF_HUB_OFFLINE="1")
        assert (offline["code"], "only a part of some/model" in offline["said"]) == (4, True)
        assert "model.safetensors is missing" in offline["said"]
        asked(server)
        [found] = resolved(tmp_path, server.address, "some/model")
        assert found["files"] == sorted(NANO), "what is not loaded is not downloaded"
        assert asked(server)
        assert resolved(tmp_path, server.address, "some/model") == [found]
        assert resolved(tmp_path, server.address, "some/model", HF_HUB_OFFLINE="1") == [found]
        assert not asked(server)


def test_the_hub_says_why(tmp_path: Path) -> None:
    gguf = {"config.json": b"{}", "model-Q4.gguf": b"GGUF"}
    with hub_server({"files/gguf": gguf, "no/weights": {"config.json": b"{}"}}) as server:
        server.refused = {"closed/m": (401, "GatedRepo"), "private/m": (403, "Forbidden"), "busy/m": (503, "Busy")}
        names = ("no/such", "closed/m", "private/m", "busy/m", "files/gguf", "no/weights")
        none, gated, denied, busy, files, empty = resolved(tmp_path, server.address, *names)
    assert [none["code"], gated["code"], denied["code"], busy["code"], files["code"], empty["code"]] == [4] * 4 + [
        3
    ] * 2
    assert "no model called 'no/such'" in none["said"] and "hf auth login" in none["hint"]
    assert "gated" in gated["said"] and f"{server.address}/closed/m" in gated["hint"]
    assert "does not permit" in denied["said"] and "token" in denied["hint"]
    assert "503" in busy["said"]
    assert "hf download files/gguf model-Q4.gguf" in files["hint"]
    assert "no safetensors" in empty["said"]


@pytest.mark.slow
def test_pickles_of_the_hub_need_the_users_word(tmp_path: Path, pickled: dict[str, bytes]) -> None:
    with hub_server({"some/model": pickled}) as server:
        [refused] = resolved(tmp_path, server.address, "some/model")
        assert (refused["code"], "pytorch_model.bin" in refused["said"]) == (3, True)
        assert "--allow-pickle" in refused["hint"]
        [found] = resolved(tmp_path, server.address, "some/model", "--allow-pickle")
        assert "pytorch_model.bin" in found["files"]


@pytest.mark.slow
def test_no_network_and_no_leave_to_use_it(tmp_path: Path) -> None:
    [gone] = resolved(tmp_path, "http://127.0.0.1:9", "some/model")
    assert (gone["code"], "cannot be reached" in gone["said"]) == (4, True)
    assert "hf download some/model" in gone["hint"]
    [offline] = resolved(tmp_path, "http://127.0.0.1:9", "some/model", HF_HUB_OFFLINE="1")
    assert (offline["code"], "HF_HUB_OFFLINE is set" in offline["said"]) == (4, True)


@pytest.mark.slow
@pytest.mark.timeout(300)  # the hub's library tries again and again
def test_a_hub_that_hangs_up(tmp_path: Path) -> None:
    with hub_server({"some/model": NANO}) as server:
        server.status = -1
        [lost] = resolved(tmp_path, server.address, "some/model")
    assert (lost["code"], "cannot be reached: Server disconnected" in lost["said"]) == (4, True)


def test_a_cache_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file, where a folder should be")
    with hub_server({"some/model": NANO}) as server:
        [found] = resolved(tmp_path, server.address, "some/model")
    assert found["code"] == 4
    assert f"cannot write to the hub's cache {tmp_path / 'home'}" in found["said"]
    assert "HF_HOME" in found["hint"]


@pytest.mark.slow
def test_a_model_of_the_hub_is_sampled(tmp_path: Path) -> None:
    with hub_server({"some/model": NANO}) as server:
        env = {"HF_ENDPOINT": server.address, "HF_HOME": str(tmp_path / "home"), "HF_HUB_OFFLINE": "0"}
        axiom("problems", "gen", "rpn", "--count", "2", "-o", "p.jsonl", cwd=tmp_path)
        words = ("solve", "p.jsonl", "--samples", "1", "--model")
        done = axiom(*words, "some/model", cwd=tmp_path, env=env)
        assert done.returncode == 0, talk(done)
        nano = axiom(*words, "nano", cwd=tmp_path)
        texts = [[json.loads(line)["text"] for line in run.stdout.splitlines()] for run in (done, nano)]
        assert texts[0] == texts[1]
        failed(axiom(*words, "some/other", cwd=tmp_path, env=env), 4, "no model called 'some/other'")
