"""Tiny models of random weights of many architectures, and what axiom does with each: `python tests/zoo.py` prints
docs/models.md."""

from __future__ import annotations

import tempfile
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tiny import problem, sample, tiny_tokenizer

SIZES = {
    "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
    "max_position_embeddings": 512, "intermediate_size": 48, "head_dim": 8, "bos_token_id": None,
}  # fmt: skip
"""What every config is given of these that it has a field for."""
EXPERTS = {"num_experts": 4, "num_local_experts": 4, "n_routed_experts": 4, "num_experts_per_tok": 2}
EXPERTS |= {"moe_intermediate_size": 24, "shared_expert_intermediate_size": 24, "moe_num_experts": 4, "moe_k": 2}
LATENT = {"kv_lora_rank": 8, "q_lora_rank": 8, "qk_rope_head_dim": 8, "qk_nope_head_dim": 8, "v_head_dim": 8}
LATENT |= {"first_k_dense_replace": 1, "n_shared_experts": 1, "n_group": 1, "topk_group": 1, "num_key_value_heads": 4}
STATE = {"state_size": 8, "num_heads": 4, "head_dim": 16, "n_groups": 1, "chunk_size": 8, "time_step_rank": 4}
HYBRID = {"mamba_d_state": 8, "mamba_n_heads": 4, "mamba_d_head": 16, "mamba_n_groups": 1, "mamba_chunk_size": 8}
HYBRID |= {"mamba_expand": 2}
LINEAR = {"layer_types": ["linear_attention", "full_attention"], "linear_num_key_heads": 2, "linear_num_value_heads": 4}
LINEAR |= {"linear_key_head_dim": 8, "linear_value_head_dim": 8}
NEMOTRON = {**HYBRID, "mamba_num_heads": 4, "mamba_head_dim": 16, "ssm_state_size": 8, "n_groups": 1}
NEMOTRON["moe_shared_expert_intermediate_size"] = 24
PER_LAYER = {"vocab_size_per_layer_input": 512, "hidden_size_per_layer_input": 16}
ARCHITECTURES: dict[str, dict[str, Any]] = {
    "afmoe": {"num_dense_layers": 1, "num_shared_experts": 1}, "apertus": {}, "arcee": {},
    "bamba": {**HYBRID, "attn_layer_indices": [1]}, "biogpt": {}, "bitnet": {}, "bloom": {},
    "codegen": {"rotary_dim": 4}, "cohere": {}, "cohere2": {"sliding_window": 16}, "ctrl": {"dff": 64},
    "deepseek_v2": {**LATENT, "q_lora_rank": None}, "deepseek_v3": LATENT, "diffllama": {}, "doge": {},
    "dots1": {"n_shared_experts": 1, "n_group": 1, "topk_group": 1, "first_k_dense_replace": 1}, "ernie4_5": {},
    "ernie4_5_moe": {"moe_layer_start_index": 1}, "exaone4": {"sliding_window": 16}, "falcon": {"alibi": False},
    "falcon_h1": {**HYBRID, "mamba_d_ssm": 64}, "falcon_mamba": STATE, "flex_olmo": {}, "gemma": {},
    "gemma2": {"sliding_window": 16}, "gemma3_text": {"sliding_window": 16}, "gemma4_text": PER_LAYER,
    "glm": {}, "glm4": {},
    "glm4_moe": {"n_routed_experts": 4, "n_shared_experts": 1, "first_k_dense_replace": 1}, "glm4_moe_lite": LATENT,
    "gpt2": {}, "gpt_bigcode": {}, "gpt_neo": {"attention_types": [[["global", "local"], 1]], "window_size": 16},
    "gpt_neox": {}, "gpt_neox_japanese": {}, "gpt_oss": {"sliding_window": 16}, "gptj": {"rotary_dim": 4},
    "granite": {}, "granitemoe": {},
    "granitemoehybrid": {**HYBRID, "layer_types": ["mamba", "attention"], "shared_intermediate_size": 24},
    "granitemoeshared": {"shared_intermediate_size": 24}, "helium": {}, "hunyuan_v1_dense": {},
    "hunyuan_v1_moe": {"moe_topk": 2, "num_shared_expert": 1}, "internlm3": {}, "jais2": {},
    "jamba": {**HYBRID, "attn_layer_offset": 1, "attn_layer_period": 2}, "jetmoe": {}, "kimi_linear": {
    **LATENT, "layer_types": ["linear_attention", "full_attention"], "linear_head_dim": 8, "linear_num_heads": 4},
    "lfm2": {"layer_types": ["conv", "full_attention"]},
    "lfm2_moe": {"layer_types": ["conv", "full_attention"], "num_dense_layers": 1},
    "llama": {}, "llama4_text": {}, "longcat_flash": {
    **LATENT, "ffn_hidden_size": 48, "expert_ffn_hidden_size": 24, "zero_expert_num": 2, "moe_topk": 2,
    "num_layers": 1},
    "mamba": STATE, "mamba2": STATE, "mimo_v2_flash": {},
    "minimax": {"layer_types": ["linear_attention", "full_attention"], "block_size": 8},
    "minimax_m2": {"rotary_dim": 4}, "ministral": {"sliding_window": 16}, "mistral": {"sliding_window": 16},
    "mixtral": {}, "mpt": {}, "nanochat": {}, "nemotron": {}, "nemotron_h": NEMOTRON, "olmo": {}, "olmo2": {},
    "olmo3": {"sliding_window": 16}, "olmo_hybrid": {}, "olmoe": {}, "openai-gpt": {"n_layer": 2},
    "opt": {"word_embed_proj_dim": 32}, "persimmon": {}, "phi": {}, "phi3": {"sliding_window": None}, "phimoe": {},
    "qwen2": {}, "qwen2_moe": {}, "qwen3": {},
    "qwen3_5_text": LINEAR, "qwen3_moe": {},
    "qwen3_next": LINEAR,
    "recurrent_gemma": {"block_types": ["recurrent", "attention"], "attention_window_size": 16, "lru_width": 32},
    "rwkv": {}, "seed_oss": {}, "smollm3": {}, "solar_open": {}, "stablelm": {}, "starcoder2": {},
    "vaultgemma": {"sliding_window": 16}, "xglm": {}, "xlstm": {}, "youtu": LATENT,
    "zamba2": {
        **HYBRID, "layer_types": ["mamba", "hybrid"], "hybrid_layer_ids": [1], "num_key_value_heads": 4,
        "use_mem_eff_path": False,
    },
}  # fmt: skip
"""Model types of transformers, and what else each config is given."""
NEW_TOKENS = 24
VLLM = {"llama": "runs on CPU"}
"""What has been tried with vLLM: the Qwen, SmolLM and Llama models of docs/results.md."""
PAGE = """\
# Models

What axiom does with a causal language model of transformers, by its `model_type`. The table is made by
`python tests/zoo.py > docs/models.md` with transformers {version}: a tiny model of random weights of each architecture
is sampled, trained for three steps and merged, and a test compares the table with what it finds.

- **solve**: `yes`, greedy samples are those of the library's `generate`; `slower`, they are, by `generate` itself, as
  the model cannot be sampled in slots.
- **train**: the training pass gives the model's own log-probabilities, a fresh adapter changes nothing, and the loss
  falls. In parentheses what an adapter leaves as it is; `--method full` trains all.
- **merge**: the merged folder, as transformers loads it, answers as base + adapter. Its tensors have the names that
  they have in the base's files, whatever transformers calls them: experts stay one by one, GPT-NeoX keeps its
  `embed_out`. Only where `--method full` has trained what the files hold in several pieces (the experts of a
  mixture), tensors get transformers' own names, which vLLM and llama.cpp may not know.
- **vLLM**: `not tried` says just that: the weights are passed on as they are.
- **GGUF**: whether `axiom merge --gguf` writes it; other architectures are refused.

Any other causal language model of transformers is tried in the same way each time it is used, before a sample is drawn
or a step is taken: what it computes is compared with its own plain forward pass. One that differs is run in a slower
way, with a warning, or refused (exit code 3). So are folders of quantised weights, before anything is spent: an adapter
of them could not be merged.

| model_type | solve | train | merge | vLLM | GGUF |
| --- | --- | --- | --- | --- | --- |
{rows}
"""


@dataclass(frozen=True)
class Line:
    """What axiom does with one architecture: a word for each step, `differs` where it is not what the library does."""

    solve: str
    train: str
    merge: str

    def row(self, kind: str) -> str:
        """The architecture's line of the table."""
        from axiom_cli.learning.training.gguf_file import ARCHITECTURES as EXPORTED

        gguf = "yes" if kind in EXPORTED else "refused"
        cells = (kind, self.solve, self.train, self.merge, VLLM.get(kind, "not tried"), gguf)
        return f"| {' | '.join(cells)} |"


def write_model(kind: str, folder: Path, **more: Any) -> Path:
    """A model folder of that architecture with weights that make its logits differ."""
    import torch
    from transformers import AutoModelForCausalLM
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    tokenizer = tiny_tokenizer()
    ids = {"eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id}
    config_class = CONFIG_MAPPING[kind]
    plain = config_class()
    names = {*vars(plain), *plain.attribute_map}
    given = {name: value for name, value in {**SIZES, **EXPERTS}.items() if name in names}
    wanted = {"vocab_size": len(tokenizer), **given, **ids, **ARCHITECTURES[kind], **more}
    config = config_class(**{name: value for name, value in wanted.items() if name in names or name in wanted})
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() == 2 and "embed" in name or "wte" in name:
                parameter.normal_(0, 1.0)
            elif parameter.dim() in (2, 3) and "conv" not in name and "A_log" not in name:
                parameter.normal_(0, 1.5 / parameter.shape[-1] ** 0.5)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def load_again(folder: Path) -> Any:
    """The model as transformers alone loads it."""
    import torch
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()


def solves(folder: Path) -> str:
    """Whether greedy samples equal the library's `generate`."""
    import torch

    from axiom_cli.models.loading import load_tokenizer
    from axiom_cli.problems import answers
    from axiom_cli.sampling import prompts
    from axiom_cli.sampling.engines.protocol import Request
    from axiom_cli.sampling.engines.transformers import TransformersEngine
    from axiom_cli.settings.configs import SolveConfig

    problems = [problem(10 ** (5 * i)) for i in range(4)]
    engine = TransformersEngine(str(folder))
    params = SolveConfig(temperature=0.0, max_tokens=NEW_TOKENS)
    found = dict(engine.stream([Request(one) for one in problems], params, 1))
    model, tokenizer = load_again(folder), load_tokenizer(folder)
    for place, one in enumerate(problems):
        ids = torch.tensor([prompts.conversation_ids(tokenizer, answers.messages(one))])
        settings = {"attention_mask": torch.ones_like(ids), "do_sample": False, "max_new_tokens": NEW_TOKENS}
        if found[place].token_ids != model.generate(ids, **settings)[0, ids.shape[1] :].tolist():
            return "differs"
    return "slower" if vars(engine).get("batch_dependent") else "yes"


def trains(folder: Path, out: Path) -> str:
    """Whether steps lower the loss, and what the adapter leaves out."""
    from axiom_cli.learning.training.rows import encode
    from axiom_cli.learning.training.trainer import Trainer
    from axiom_cli.settings.configs import TrainConfig

    trainer = Trainer(folder)
    texts = [(sample(problem(i), f"Answer: {i % 7}" * (1 + i % 3)), 1.0) for i in range(8)]
    rows = encode(texts, trainer.tokenizer, trainer.ends, 512).rows
    config = TrainConfig(epochs=3, batch_size=8, grad_accum=1, lr=3e-3, warmup=0, lora_r=8)
    losses: list[float] = []
    said: list[str] = []
    trainer.fit(rows, config, out, on_step=lambda step: losses.append(step.loss), warn=said.append)
    if losses[2] >= losses[0]:
        return f"differs: the loss goes from {losses[0]:.3f} to {losses[2]:.3f}"
    omitted = [text.partition(": ")[2] for text in said if text.startswith("the adapter leaves")]
    slower = ["row by row" for text in said if "one by one" in text]
    return "; ".join([f"yes ({omitted[0]})" if omitted else "yes", *slower])


def merges(folder: Path, adapter: Path, out: Path) -> str:
    """Whether the merged folder, as transformers loads it, answers as peft's base + adapter."""
    import torch
    from peft import PeftModel

    from axiom_cli.learning.training.merge import merge

    merge(folder, [adapter], out)
    ids = torch.tensor([list(range(10, 60))])
    with torch.no_grad():
        merged = load_again(out)(input_ids=ids, use_cache=False).logits
        base = load_again(folder)
        before = base(input_ids=ids, use_cache=False).logits
        both = PeftModel.from_pretrained(base, str(adapter)).eval()(input_ids=ids, use_cache=False).logits
    effect, error = float((both - before).norm()), float((merged - both).norm())
    return "yes" if error < 1e-2 * effect else f"differs by {error:.3g}, and the adapter moves them by {effect:.3g}"


def attempt(step: Callable[..., str], *paths: Path) -> str:
    """What the step says; `refused` if it refuses, and the end of its traceback if it has one."""
    from axiom_cli.errors import AxiomError

    try:
        return step(*paths)
    except AxiomError as error:
        return "refused" if error.exit_code == 3 else f"exit code {error.exit_code}"
    except Exception as error:  # noqa: BLE001 - a bug is a line of the table, too
        where = traceback.extract_tb(error.__traceback__)[-1]
        return f"bug: {type(error).__name__}: {error} ({Path(where.filename).name}:{where.lineno})"


def line(kind: str) -> Line:
    """What axiom does with that architecture."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = write_model(kind, Path(scratch) / kind)
        solve = attempt(solves, folder)
        train = attempt(trains, folder, Path(scratch) / "adapter")
        done = (Path(scratch) / "adapter").exists()
        merge = attempt(merges, folder, Path(scratch) / "adapter", Path(scratch) / "merged") if done else "-"
    return Line(solve, train, merge)


if __name__ == "__main__":
    import sys

    import transformers

    wanted = sys.argv[1:] or sorted(ARCHITECTURES)
    print(
        PAGE.format(version=transformers.__version__, rows="\n".join(line(kind).row(kind) for kind in wanted)), end=""
    )
