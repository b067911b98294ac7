"""`axiom export`: a model for transformers, llama.cpp and Ollama, that answers there as it does here."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, GPTNeoXConfig, GPTNeoXForCausalLM

import small_llama
import templates
import tiny
from axiom_cli.errors import InputError
from axiom_cli.learning import ollama
from axiom_cli.learning.export import export_folder
from axiom_cli.learning.merge import merge
from axiom_cli.learning.train import train
from axiom_cli.models import loading
from axiom_cli.models.nano import WEIGHTS
from axiom_cli.problems.answers import INSTRUCTIONS
from axiom_cli.sampling import prompts
from axiom_cli.settings.configs import MergeConfig, TrainConfig
from axiom_cli.workspace.gc import gc
from axiom_cli.workspace.store import Workspace
from command_line import AXIOM, ROOT, axiom, environment, failed, rows

QUESTION = "Evaluate: 3 + 4 * (9 - 7)"


def certificate(folder: Path) -> dict:
    return json.loads((folder / "certificate.json").read_text())


@pytest.mark.slow
def test_a_folder_is_what_transformers_reads_and_can_be_written_again(tmp_path: Path) -> None:
    done = axiom("export", "nano", "out", cwd=tmp_path)
    assert (done.returncode, rows(done.stdout)) == (0, [certificate(tmp_path / "out")])
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "out")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "out")
    ids = tokenizer.apply_chat_template(
        [{"role": "user", "content": QUESTION}], add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    said = model.generate(**ids, do_sample=False, max_new_tokens=60)[0, ids["input_ids"].shape[1] :]
    answer = axiom("ask", "out", QUESTION, cwd=tmp_path).stdout.decode()
    assert tokenizer.decode(said, skip_special_tokens=True) + "\n" == answer
    assert axiom("export", "nano", "out", cwd=tmp_path).returncode == 0
    (tmp_path / "out" / "mine.txt").touch()
    failed(axiom("export", "nano", "out", cwd=tmp_path), 2, "mine.txt")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]
    assert {"README.md", "model.safetensors", "mine.txt"} < {path.name for path in (tmp_path / "out").iterdir()}


@pytest.mark.slow
def test_every_token_that_ends_an_answer_is_in_the_generation_config(tmp_path: Path) -> None:
    folder = templates.write_model(tmp_path / "m", templates.KINDS["llama-3"])
    (folder / "generation_config.json").unlink()
    export_folder(str(folder), tmp_path / "out", Workspace.open_or_create(tmp_path / ".axiom"))
    ends = json.loads((tmp_path / "out" / "generation_config.json").read_text())["eos_token_id"]
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert set(tokenizer.convert_tokens_to_ids(["<|end_of_text|>", "<|eot_id|>"])) == set(ends)


@pytest.mark.slow
def test_a_base_with_an_adapter_is_exported_merged(tmp_path: Path) -> None:
    base = tiny.write_model(tmp_path / "base")
    changed = get_peft_model(loading.load_model(base), LoraConfig(r=4, target_modules="all-linear"))
    for name, weight in changed.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.2)
    changed.save_pretrained(str(tmp_path / "adapter"))
    name = f"{base}+{tmp_path / 'adapter'}"
    found = export_folder(name, tmp_path / "out", Workspace.open_or_create(tmp_path / ".axiom"))
    ids = torch.arange(5, 40)[None]
    with torch.no_grad():
        wanted, got = changed(input_ids=ids).logits, loading.load_model(tmp_path / "out")(ids).logits
    assert torch.allclose(wanted, got, atol=1e-4) and not torch.allclose(got, loading.load_model(base)(ids).logits)
    assert found["weights"] == "merged" and found["merge"]["greedy_agreement"] == 1


@pytest.mark.slow
@pytest.mark.parametrize("base", ["nano", "folder"])
def test_a_model_whose_weights_were_freed_is_made_again(base: str, tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / ".axiom")
    name = base if base == "nano" else str(tiny.write_model(tmp_path / "folder"))
    judged = [tiny.verdict(tiny.sample(tiny.problem(i), f"Answer: {i % 7}")) for i in range(20)]
    model = merge(train(judged, name, TrainConfig(lora_r=2, epochs=1, lr=1e-2), workspace), MergeConfig(), workspace)
    workspace.set_ref("mine", model.digest)
    weights = (Path(model.path) / "model.safetensors").read_bytes()
    assert gc(workspace, everything=True).evicted == [model.digest]
    if base == "folder":
        (tmp_path / "folder").rename(tmp_path / "moved")
        failed(axiom("export", "mine", "out", cwd=tmp_path), 4, "were freed", "axiom merge")
        (tmp_path / "moved").rename(tmp_path / "folder")
    done = axiom("export", "mine", "out", cwd=tmp_path)
    assert done.returncode == 0 and (tmp_path / "out" / "model.safetensors").read_bytes() == weights
    assert "Lineage" in (tmp_path / "out" / "README.md").read_text()


@pytest.mark.slow
def test_llama_cpp_answers_from_the_file_as_the_model_does(tmp_path: Path) -> None:
    pytest.importorskip("gguf")
    pytest.importorskip("xllamacpp", reason="llama.cpp's runtime comes with pip install '.[llamacpp]'")
    small_llama.write_model(tmp_path / "m")
    (found,) = rows(axiom("export", "m", "--gguf", "m.gguf", cwd=tmp_path).stdout)
    said = found["llama.cpp"]
    assert (said["same_tokens"], said["same_templates"]) == (20, 20)
    assert said["same_answers"] >= 10, "random weights are often nearly undecided, and llama.cpp remembers in 16 bits"
    assert said["tokens"] > 200 and said["widest_gap"] < 0.1
    small = axiom("export", "m", "--gguf", "small.gguf", "--dtype", "q8_0", cwd=tmp_path)
    assert small.returncode == 0 and b"prompts" in small.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m", "m.gguf", "small.gguf"]
    failed(axiom("export", "m", "--gguf", "m.gguf", cwd=tmp_path), 2, "already exists")


@pytest.mark.slow
def test_a_file_of_other_weights_fails_the_certificate(tmp_path: Path) -> None:
    pytest.importorskip("gguf")
    pytest.importorskip("xllamacpp")
    from axiom_cli.learning.training import gguf_certificate, gguf_file

    folder = small_llama.write_model(tmp_path / "m")
    gguf_file.write(folder, tmp_path / "m.gguf")
    other = shutil.copytree(folder, tmp_path / "other")
    model = AutoModelForCausalLM.from_pretrained(other)
    with torch.no_grad():
        model.model.layers[2].mlp.down_proj.weight.mul_(-1)
    model.save_pretrained(other)
    (why,) = gguf_certificate.certify(other, tmp_path / "m.gguf", "auto").failures
    assert "nats behind" in why
    template = (other / "tokenizer.json").read_text().replace("[A-Za-z]+", "[A-Za-z]")
    (other / "tokenizer.json").write_text(template)
    assert "20 of 20 prompts" in gguf_certificate.certify(other, tmp_path / "m.gguf", "auto").failures[0]


@pytest.mark.slow
def test_without_the_runtime_the_certificate_says_so(tmp_path: Path) -> None:
    pytest.importorskip("gguf")
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['xllamacpp'] = None\n")
    env = environment(PYTHONPATH=f"{tmp_path}{os.pathsep}{environment()['PYTHONPATH']}")
    small_llama.write_model(tmp_path / "m")
    words = [*AXIOM, "export", "m", "--gguf", "m.gguf"]
    done = subprocess.run(words, cwd=tmp_path, env=env, capture_output=True, timeout=300)
    assert done.returncode == 0 and rows(done.stdout)[0]["llama.cpp"].startswith("not asked: ")
    assert b"llama.cpp was not asked: " in done.stderr


@pytest.mark.slow
def test_what_no_gguf_file_can_hold_is_refused_with_another_way(tmp_path: Path) -> None:
    pytest.importorskip("gguf")
    tokenizer = templates.tokenizer_of(templates.KINDS["marked"])
    config = GPTNeoXConfig(vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=1, num_attention_heads=4)
    GPTNeoXForCausalLM(config).save_pretrained(tmp_path / "m")
    tokenizer.save_pretrained(tmp_path / "m")
    failed(axiom("export", "m", "--gguf", "m.gguf", cwd=tmp_path), 3, "gpt_neox", "convert_hf_to_gguf.py")
    failed(axiom("export", "m", "--ollama", "m2", cwd=tmp_path), 3, "gpt_neox")
    assert axiom("export", "m", "out", cwd=tmp_path).returncode == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m", "out"]


def test_nano_has_no_gguf_file_and_the_line_says_why(tmp_path: Path) -> None:
    for words in (("--gguf", "nano.gguf"), ("--ollama", "mine"), ("there", "--ollama", "mine")):
        failed(
            axiom("export", "nano", *words, cwd=tmp_path), 3, "smollm3 model with a sliding window", "writes a folder"
        )
    assert not any(path for path in tmp_path.iterdir() if path.name != ".axiom")


@pytest.mark.slow
def test_ollama_is_given_the_file_the_template_and_the_stops(tmp_path: Path) -> None:
    pytest.importorskip("gguf")
    empty = tmp_path / "bin"
    empty.mkdir()
    path = {"PATH": f"{empty}{os.pathsep}/usr/bin{os.pathsep}/bin"}
    small_llama.write_model(tmp_path / "m")
    words = ["export", "m", "--ollama", "me/nano:v1"]
    done = axiom(*words, cwd=tmp_path, env=path)
    failed(done, 4, "not on the PATH", "cd me-nano-v1 && ollama create me/nano:v1 -f Modelfile")
    files = ["Modelfile", "certificate.json", "model.gguf"]
    assert sorted(p.name for p in (tmp_path / "me-nano-v1").iterdir()) == files
    (empty / "ollama").write_text('#!/bin/sh\necho "$PWD $*" > ../called\ncp Modelfile ../modelfile\n')
    (empty / "ollama").chmod(0o755)
    done = axiom(*words, "there", cwd=tmp_path, env=path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "called").read_text() == f"{tmp_path / 'there'} create me/nano:v1 -f Modelfile\n"
    first, template, stop = (tmp_path / "modelfile").read_text().splitlines()
    assert (first, stop) == ("FROM ./model.gguf", 'PARAMETER stop "<|end|>"')
    assert "<|user|>{{ .Content }}<|assistant|>" in template
    (empty / "ollama").write_text("#!/bin/sh\necho 'no server' >&2\nexit 1\n")
    done = axiom(*words, "there", cwd=tmp_path, env=path)
    failed(done, 4, "no server", "cd there && ollama create")


TALK = [
    {"role": "system", "content": "Be kind {{ .Prompt }}"},
    {"role": "user", "content": "Who?"},
    {"role": "assistant", "content": 'I "am".'},
    {"role": "user", "content": "Why?\nSay!"},
]


@pytest.mark.parametrize("kind", [*templates.KINDS, "nano"])
def test_a_template_for_ollama_writes_what_the_models_own_does(kind: str) -> None:
    if kind == "nano":
        tokenizer = AutoTokenizer.from_pretrained(WEIGHTS)
    else:
        tokenizer = templates.tokenizer_of(templates.KINDS[kind])
    parts = ollama.parts(tokenizer)
    template = parts.template()
    for talk in (TALK[:2], TALK[1:2], *([TALK, TALK[1:]] if parts.turns else [])):
        wanted = prompts.conversation(tokenizer, talk)
        begins = tokenizer("a")["input_ids"][0] == tokenizer.bos_token_id
        assert rendered(template, talk) == (wanted.removeprefix(tokenizer.bos_token) if begins else wanted)
    assert parts.turns or kind in ("gemma", "mistral")


def rendered(template: str, messages: list[dict]) -> str:
    """What Go's template engine writes, of the few words that are used here, translated into Jinja's."""
    from jinja2 import Environment

    words = {
        "{{ if not .System }}": "{% if not System %}",
        "{{ if .System }}": "{% if System %}",
        "{{ range .Messages }}": "{% for m in Messages %}",
        '{{ if eq .Role "user" }}': "{% if m.role == 'user' %}",
        '{{ else if eq .Role "assistant" }}': "{% elif m.role == 'assistant' %}",
        '{{ else if eq .Role "system" }}': "{% elif m.role == 'system' %}",
        "{{ .Content }}": "{{ m.content }}",
        "{{ .System }}": "{{ System }}",
        "{{ .Prompt }}": "{{ Prompt }}",
        "{{ .Response }}": "",
    }
    for go, jinja in words.items():
        template = template.replace(go, jinja)
    blocks, out = [], []
    for part in template.split("{{ end }}"):  # which ends whatever was begun last
        out.append(part)
        for begun in part.split("{% ")[1:]:
            if begun.startswith(("if", "for")):
                blocks.append(begun.split()[0])
        out.append(f"{{% end{blocks.pop()} %}}" if blocks else "")
    system = "".join(m["content"] for m in messages if m["role"] == "system")
    text = Environment(keep_trailing_newline=True).from_string("".join(out))
    return text.render(System=system, Messages=messages, Prompt=messages[-1]["content"])


def test_a_template_that_cannot_be_translated_is_refused() -> None:
    tokenizer = templates.tokenizer_of(templates.KINDS["marked"])
    tokenizer.chat_template = "{% for m in messages %}{{ m.content }} ({{ m.content | length }}){% endfor %}"
    with pytest.raises(InputError, match="Ollama"):
        ollama.parts(tokenizer)


@pytest.mark.slow
def test_wrong_uses(tmp_path: Path) -> None:
    failed(axiom("export", "nano", cwd=tmp_path), 2, "--gguf FILE")
    failed(axiom("export", "nano", "--gguf", "a", "--ollama", "b", cwd=tmp_path), 2, "do not go together")
    failed(axiom("export", "nano", "out", "--dtype", "q8_0", cwd=tmp_path), 2, "no effect")
    failed(axiom("export", "nanoo", "out", cwd=tmp_path), 4, "nano?")
    failed(axiom("export", "http://127.0.0.1:9/v1#x", "out", cwd=tmp_path), 4, "is a server")
    failed(axiom("export", "nano", "--ollama=-rf", cwd=tmp_path), 2, "not a name")
    failed(axiom("export", "nano", ".", cwd=tmp_path), 2, "the folder that you are in")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a").touch()
    failed(axiom("export", "nano", "full", cwd=tmp_path), 2, "not empty")
    failed(axiom("export", "nano", "full/a", cwd=tmp_path), 2, "is a file")
    assert [path.name for path in tmp_path.rglob("*")] == ["full", "a"]


@pytest.mark.slow
def test_the_page_shows_how_transformers_is_asked(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "use_the_result.md").read_text()
    code = page.partition("```python\n")[2].partition("```")[0]
    export_folder("nano", tmp_path / "my_model", Workspace.open_or_create(tmp_path / ".axiom"))
    (tmp_path / "question.txt").write_text(QUESTION)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment(), capture_output=True, timeout=300
    )
    assert done.stdout == axiom("ask", "my_model", QUESTION, cwd=tmp_path).stdout
    assert INSTRUCTIONS["answer"] in "".join(re.findall(r'^    "(.*)"$', code, re.MULTILINE))
