"""How much a merge costs beside peft's, and what is left of ten rounds: `python tests/benchmarks/merge.py FOLDER`.

FOLDER is a model as transformers reads it, SmolLM2-135M say. An adapter of rank 16 on every linear layer is made for
it. Then, each in a process of its own and in turn, three times: peft's merge_and_unload and save_pretrained with the
tokenizer, and axiom's merge with its certificate. Time is that of the merge alone, once everything is imported; memory
is the process's peak. Set OMP_NUM_THREADS=1 on a machine that is busy:
threads that wait for each other are not what is compared.

`--peak FOLDER` measures what the merge takes beyond the interpreter with everything imported, with the base in files of
100 MB and in one, against the largest of them: during the pass over the weights, and all in all (Linux).

Then (or alone, with `--rounds FOLDER`) ten rounds on the same base in bfloat16: the error of the sum of ten adapters,
merged once from the original base, into bfloat16 and into float32, against ten bfloat16 merges one on top of the other,
as a share of the change that was asked for.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

ROUNDS, RANK, TIMES = 10, 16, 3


def adapter(base: Path, out: Path, seed: int, scale: float = 0.003) -> None:
    """An adapter as training leaves it: A as it was drawn, B small."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    settings = LoraConfig(r=RANK, lora_alpha=2 * RANK, target_modules="all-linear", task_type="CAUSAL_LM")
    wrapped = get_peft_model(model, settings)
    for name, parameter in wrapped.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=scale)
    wrapped.save_pretrained(str(out))


def by_peft(base: Path, folder: Path, out: Path) -> dict[str, float]:
    """peft's merge, as its documentation has it."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.models.llama import modeling_llama  # noqa: F401

    start = Clock()
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    PeftModel.from_pretrained(model, str(folder)).merge_and_unload().save_pretrained(out)
    AutoTokenizer.from_pretrained(base).save_pretrained(out)
    return start.stop()


def by_axiom(base: Path, folder: Path, out: Path) -> dict[str, float]:
    """axiom's, certificate included."""
    from transformers.models.llama import modeling_llama  # noqa: F401

    from axiom_cli.learning.training.merge import merge

    start = Clock()
    certificate = merge(base, [folder], out, "float32")
    assert not certificate.failures(0.02)
    return start.stop()


class Clock:
    """Seconds, processor seconds and peak MB from now on."""

    def __init__(self) -> None:
        self.wall, self.processor = time.perf_counter(), time.process_time()

    def stop(self) -> dict[str, float]:
        wall, processor = time.perf_counter() - self.wall, time.process_time() - self.processor
        return {"seconds": wall, "processor": processor, "peak": peak()}


def peak() -> float:
    """The process's largest resident size so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def alone(way: str, *paths: Path) -> dict[str, float]:
    """One of the two in a fresh process."""
    command = [sys.executable, "-W", "ignore", __file__, f"--{way}", *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ)
    return json.loads(done.stdout.splitlines()[-1])


def ten_rounds(base: Path, home: Path) -> dict[str, float]:
    """Relative errors of the three ways, over all changed weights, and the first two as shares of the last."""
    import torch
    from transformers import AutoModelForCausalLM

    from axiom_cli.learning.training.merge import merge
    from axiom_cli.models.adapters import Chain

    half = home / "half"
    merge(base, [], half, "bfloat16")
    chain, chained = [], half
    for number in range(ROUNDS):
        adapter(half, home / f"round-{number}", number, scale=0.0003)
        chain.append(home / f"round-{number}")
        merge(chained, [chain[-1]], home / f"chained-{number}")
        chained = home / f"chained-{number}"
    merge(half, chain, home / "once")
    merge(half, chain, home / "whole", "float32")
    places = (half, home / "once", home / "whole", chained)
    start, *ends = (AutoModelForCausalLM.from_pretrained(place, dtype=torch.float32) for place in places)
    sums, original = Chain(chain, start), dict(start.named_parameters())
    errors, wanted_squares = [0.0, 0.0, 0.0], 0.0
    for name in sums.names:
        wanted = sums.target(name, original[name].detach())[1]
        wanted_squares += float(wanted.square().sum())
        for number, end in enumerate(ends):
            applied = end.get_parameter(name).detach() - original[name].detach()
            errors[number] += float((applied - wanted).square().sum())
    once, whole, ten = ((error / wanted_squares) ** 0.5 for error in errors)
    return {"once": once, "float32": whole, "chained": ten, "ratio": once / ten, "ratio_float32": whole / ten}


def by_peak(base: Path, folder: Path, out: Path) -> dict[str, float]:
    """The largest resident size beyond that at the start, in MB: of the pass over the weights, of the whole merge."""
    from transformers.models.llama import modeling_llama  # noqa: F401

    from axiom_cli.learning.training import merge
    from axiom_cli.models import loading

    loading.load_tokenizer(base)  # which imports what it needs
    write, peaks_mb, start = merge._write, {}, resident("VmRSS")

    def measured(*args):
        peaks_mb["before"] = resident("VmHWM") - start
        renew_peak()
        figures = write(*args)
        peaks_mb["weights"] = resident("VmHWM") - start
        return figures

    merge._write = measured
    renew_peak()
    merge.merge(base, [folder], out, "float32")
    return {"weights": peaks_mb["weights"], "whole": max(*peaks_mb.values(), resident("VmHWM") - start)}


def resident(name: str) -> float:
    """A line of this process's status, in MB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:")) / 1024


def renew_peak() -> None:
    """VmHWM begins anew from what is resident (proc(5))."""
    Path("/proc/self/clear_refs").write_text("5")


def peaks(base: Path) -> None:
    """What the merge takes, against the base's largest file."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        adapter(base, home / "adapter", 0)
        model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
        for size in ("100MB", "100GB"):
            model.save_pretrained(home / size, max_shard_size=size)
            AutoTokenizer.from_pretrained(base).save_pretrained(home / size)
            largest = max(file.stat().st_size for file in (home / size).glob("*.safetensors")) / 2**20
            parts_mb = alone("memory", home / size, home / "adapter", home / f"merged-{size}")
            shares = ", ".join(f"{part} {mb:.0f} MB ({mb / largest:.2f})" for part, mb in parts_mb.items())
            print(f"files of {size}: the largest has {largest:.0f} MB; {shares}", flush=True)


def main(base: Path) -> None:
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        adapter(base, home / "adapter", 0)
        figures: dict[str, list[dict[str, float]]] = {"peft": [], "axiom": []}
        for _ in range(TIMES):
            for way, runs in figures.items():
                runs.append(alone(way, base, home / "adapter", home / "merged"))
                subprocess.run(["rm", "-r", str(home / "merged")], check=True)
        for figure in figures["peft"][0]:
            ours, theirs = (statistics.median(run[figure] for run in figures[way]) for way in ("axiom", "peft"))
            print(f"{figure}: axiom {ours:.2f}, peft {theirs:.2f}, ratio {ours / theirs:.2f}", flush=True)
        print(ten_rounds(base, home))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    ways = {"--peft": by_peft, "--axiom": by_axiom, "--memory": by_peak}
    if sys.argv[1] == "--rounds":
        with tempfile.TemporaryDirectory() as name:
            print(ten_rounds(Path(sys.argv[2]), Path(name)))
    elif sys.argv[1] == "--peak":
        peaks(Path(sys.argv[2]))
    elif sys.argv[1] in ways:
        print(json.dumps(ways[sys.argv[1]](*map(Path, sys.argv[2:]))))
    else:
        main(Path(sys.argv[1]))
