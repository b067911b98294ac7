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
ARCHITECTURES: dict[str, dict[str, Any]] = {
    "apertus": {}, "arcee": {}, "bamba": {**HYBRID, "attn_layer_indices": [1]}, "biogpt": {}, "bitnet": {},
    "bloom": {}, "codegen": {"rotary_dim": 4}, "cohere": {}, "cohere2": {"sliding_window": 16}, "ctrl": {"dff": 64},
    "deepseek_v2": {**LATENT, "q_lora_rank": None}, "deepseek_v3": LATENT, "doge": {}, "dots1": {"n_shared_experts": 1, "n_group": 1, "topk_group": 1, "first_k_dense_replace": 1},
    "ernie4_5": {}, "ernie4_5_moe": {"moe_layer_start_index": 1}, "exaone4": {"sliding_window": 16},
    "falcon": {"alibi": False}, "falcon_h1": {**HYBRID, "mamba_d_ssm": 64}, "falcon_mamba": STATE, "gemma": {},
    "gemma2": {"sliding_window": 16}, "gemma3_text": {"sliding_window": 16},
    "glm": {}, "glm4": {}, "glm4_moe": {"n_routed_experts": 4, "n_shared_experts": 1, "first_k_dense_replace": 1},
    "gpt2": {}, "gpt_bigcode": {}, "gpt_neo": {"attention_types": [[["global", "local"], 1]], "window_size": 16},
    "gpt_neox": {}, "gpt_oss": {"sliding_window": 16}, "gptj": {"rotary_dim": 4}, "granite": {}, "granitemoe": {},
    "granitemoehybrid": {**HYBRID, "layer_types": ["mamba", "attention"], "shared_intermediate_size": 24}, "helium": {},
    "hunyuan_v1_dense": {}, "jamba": {**HYBRID, "attn_layer_offset": 1, "attn_layer_period": 2},
    "lfm2": {"layer_types": ["conv", "full_attention"]}, "llama": {},
    "mamba": STATE, "mamba2": STATE, "minimax": {"layer_types": ["linear_attention", "full_attention"], "block_size": 8},
    "mistral": {"sliding_window": 16}, "mixtral": {}, "mpt": {}, "nemotron": {}, "olmo": {}, "olmo2": {}, "olmo3": {"sliding_window": 16},
    "olmoe": {}, "opt": {"word_embed_proj_dim": 32}, "persimmon": {}, "phi": {}, "phi3": {"sliding_window": None}, "phimoe": {}, "qwen2": {},
    "qwen2_moe": {}, "qwen3": {}, "qwen3_moe": {}, "qwen3_next": {"layer_types": ["linear_attention", "full_attention"]},
    "jetmoe": {}, "granitemoeshared": {"shared_intermediate_size": 24}, "lfm2_moe": {"layer_types": ["conv", "full_attention"]},
    "hunyuan_v1_moe": {"moe_topk": 2, "num_shared_expert": 1}, "minimax_m2": {"rotary_dim": 4}, "afmoe": {"num_dense_layers": 1, "num_shared_experts": 1}, "nanochat": {}, "vaultgemma": {"sliding_window": 16},
    "internlm3": {}, "ministral": {"sliding_window": 16}, "youtu": LATENT, "flex_olmo": {}, "glm4_moe_lite": LATENT, "nemotron_h": HYBRID, "olmo_hybrid": {},
    "gemma4_text": {}, "qwen3_5_text": {"layer_types": ["linear_attention", "full_attention"]}, "llama4_text": {}, "longcat_flash": LATENT, "kimi_linear": LATENT, "xlstm": {}, "gpt_neox_japanese": {},
    "openai-gpt": {"n_layer": 2}, "mimo_v2_flash": {}, "jais2": {}, "solar_open": {}, "diffllama": {}, 
    "recurrent_gemma": {"block_types": ["recurrent", "attention"], "attention_window_size": 16, "lru_width": 32}, "rwkv": {}, "seed_oss": {}, "smollm3": {},
    "stablelm": {}, "starcoder2": {}, "xglm": {}, "zamba2": {**HYBRID, "layer_types": ["mamba", "hybrid"], "num_key_value_heads": 4, "use_mem_eff_path": False, "hybrid_layer_ids": [1]},
}  # fmt: skip
NEW_TOKENS = 24


@dataclass(frozen=True)
class Line:
    """What axiom does with one architecture: a word for each step, `refused: reason` where it is refused."""

    solve: str
    train: str
    merge: str


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


def solves(folder: Path) -> str:
    """Greedy samples, equal to the library's `generate`; `differs` where they are not."""
    import torch

    from axiom_cli.errors import AxiomError
    from axiom_cli.problems import answers
    from axiom_cli.sampling import prompts
    from axiom_cli.sampling.engines.protocol import Request
    from axiom_cli.sampling.engines.transformers import TransformersEngine
    from axiom_cli.settings.configs import SolveConfig

    problems = [problem(10 ** (5 * i)) for i in range(4)]
    try:
        engine = TransformersEngine(str(folder))
        params = SolveConfig(temperature=0.0, max_tokens=NEW_TOKENS)
        found = dict(engine.stream([Request(one) for one in problems], params, 1))
    except AxiomError as error:
        return f"refused: {error}"
    model = load_again(folder)
    for place, one in enumerate(problems):
        ids = prompts.conversation_ids(engine._tokenizer, answers.messages(one))
        with torch.no_grad():
            expected = model.generate(
                torch.tensor([ids]), attention_mask=torch.ones(1, len(ids), dtype=torch.long), do_sample=False,
                max_new_tokens=NEW_TOKENS,
            )[0, len(ids) :].tolist()  # fmt: skip
        if found[place].token_ids != expected:
            return "differs"
    return "yes"


def load_again(folder: Path) -> Any:
    import torch
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()


def trains(folder: Path, out: Path) -> str:
    """Two steps that lower the loss."""
    from axiom_cli.errors import AxiomError
    from axiom_cli.learning.training.rows import encode
    from axiom_cli.learning.training.trainer import Trainer
    from axiom_cli.settings.configs import TrainConfig

    try:
        trainer = Trainer(str(folder))
        texts = [(sample(problem(i), f"Answer: {i % 7}" * (1 + i % 3)), 1.0) for i in range(8)]
        rows = encode(texts, trainer.tokenizer, trainer.ends, 512).rows
        config = TrainConfig(epochs=3, batch_size=8, grad_accum=1, lr=3e-3, warmup=0, lora_r=8)
        losses: list[float] = []
        trainer.fit(rows, config, out, on_step=lambda step: losses.append(step.loss))
    except AxiomError as error:
        return f"refused: {error}"
    return "yes" if losses[2] < losses[0] else f"differs: {losses}"


def merges(folder: Path, adapter: Path, out: Path) -> str:
    """The merged folder, as transformers loads it, answers as peft's base + adapter."""
    import torch
    from peft import PeftModel

    from axiom_cli.errors import AxiomError
    from axiom_cli.learning.training.merge import merge

    try:
        merge(folder, [adapter], out)
    except AxiomError as error:
        return f"refused: {error}"
    ids = torch.tensor([list(range(10, 60))])
    with torch.no_grad():
        merged = load_again(out)(input_ids=ids, use_cache=False).logits
        base = load_again(folder)
        before = base(input_ids=ids, use_cache=False).logits
        both = PeftModel.from_pretrained(base, str(adapter)).eval()(input_ids=ids, use_cache=False).logits
    effect, error = float((both - before).norm()), float((merged - both).norm())
    return "yes" if error < 1e-2 * effect else f"differs: {error:.3g} of {effect:.3g}"


def attempt(step: Callable[..., str], *paths: Path) -> str:
    """What the step says; the last words of its traceback where it has one."""
    try:
        return step(*paths)
    except Exception as error:  # a bug is a line of the table, too
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
    import time

    for kind in sys.argv[1:] or ARCHITECTURES:
        start = time.process_time()
        print(kind, line(kind), f"{time.process_time() - start:.1f} s", flush=True)
