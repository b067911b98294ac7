"""Options that have an effect only beside others: typed without them, they are refused."""

from __future__ import annotations

from collections.abc import Callable, Collection

from axiom_cli.errors import UsageError
from axiom_cli.experiment.combinations import stays_adapter
from axiom_cli.importing.source_names import parse
from axiom_cli.sampling.strategies.registry import verifies
from axiom_cli.settings.configs import USES, LoopConfig
from axiom_cli.settings.fields import flag


def _has(config: LoopConfig, *kinds: str) -> bool:
    """Whether some of the problems come from a source of these kinds."""
    texts = [config.problems, *filter(None, (config.val, config.test))]
    return any(source.kind in kinds for text in texts for source in parse(text))


def _merges(config: LoopConfig) -> bool:
    """Whether some model is merged: round 0 makes one, whatever the rounds do."""
    return bool(config.coldstart) or not stays_adapter(config)


SERVER = ("concurrency", "requests_per_minute", "request_timeout")
TEACHER = tuple(option.name for option in LoopConfig.parts()["teaching"].options)


NEEDS: tuple[tuple[tuple[str, ...], Callable[[LoopConfig], object], str], ...] = (
    (TEACHER, lambda config: config.coldstart, "--coldstart N"),
    (("as_", "column"), lambda config: _has(config, "file", "data set"), "a file or a data set in --problems"),
    (("split",), lambda config: _has(config, "file", "data set", "handwritten"), "a file or a data set in --problems"),
    (("wrong_labels_kind",), lambda config: config.wrong_labels, "--wrong-labels SHARE"),
    (
        ("dense_until",),
        lambda config: config.form == "program" or _has(config, "file", "data set", "handwritten"),
        "programs: --form program, or a source of them in --problems",
    ),
    (("max_attempts",), lambda config: config.solve.strategy == "retry", "--strategy retry"),
    (("stop_on",), lambda config: config.solve.strategy == "adaptive", "--strategy adaptive"),
    (("target_passes",), lambda config: verifies(config.solve), "--early-stop, or --strategy retry or adaptive"),
    (("beta",), lambda config: "beta" in USES.get(config.train.objective, ()), "--objective dpo or kto"),
    (("clip",), lambda config: "clip" in USES.get(config.train.objective, ()), "--objective grpo"),
    (
        ("lora_r", "lora_alpha", "lora_dropout", "rslora"),
        lambda config: config.train.method != "full",
        "--method lora or dora",
    ),
    (("ray_address", "workers"), lambda config: config.distribute.distribute, "--distribute ray"),
    (SERVER, lambda config: config.solve.server or config.solve.engine in ("server", "remote"), "--server URL"),
    (("max_relative_error",), _merges, "a merge: leave out --unmerged and --server"),
    (("unsafe_no_sandbox",), lambda config: config.verify.isolation == "none", "--isolation none"),
)
"""Options, what they need to have an effect, and how that is written."""


def check_effects(config: LoopConfig, typed: Collection[str]) -> None:
    """Raises UsageError for the first of the options `typed` on the command line that would have no effect."""
    for names, has_effect, needed in NEEDS:
        idle = next((name for name in names if name in typed), "")
        if idle and not has_effect(config):
            raise UsageError(f"{flag(idle)} has no effect here", f"it goes with {needed}")
