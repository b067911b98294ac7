"""A run on each family: it trains and validates on it alone, and is tested on all (evaluation/transfer.py)."""

from __future__ import annotations

from dataclasses import replace

from axiom_cli.errors import UsageError
from axiom_cli.importing.source_names import parse
from axiom_cli.problems import families
from axiom_cli.settings.configs import LoopConfig


def check_transfer(config: LoopConfig) -> None:
    """UsageError where the families of a run cannot be compared with each other."""
    if not config.transfer:
        return
    for option in ("val", "test"):
        if getattr(config, option):
            raise UsageError(f"--transfer and --{option} do not go together", "every family is validated and tested")
    sources = parse(config.problems)
    if other := next((source.name for source in sources if source.kind != "family"), ""):
        raise UsageError(f"--transfer trains on each family alone, and {other} is not a family", "name families only")
    if len(sources) < 2:  # noqa: PLR2004 - from one to another
        raise UsageError("--transfer needs two families or more", "--problems register_machine,robot_walk")
    forms = {source.name: families.get(source.name).forms for source in sources}
    if alone := next((name for name, has in forms.items() if config.form not in has), ""):
        fault = f"--transfer holds the form of the output constant, and {alone} does not ask for one as {config.form}"
        raise UsageError(fault, "leave it out, or choose another --form")


def family_runs(config: LoopConfig) -> dict[str, LoopConfig]:
    """The run of each family, by its name."""
    texts = {parse(text)[0].name: text for text in (part.strip() for part in config.problems.split(","))}
    tested = ",".join(text.partition("*")[0] for text in texts.values())
    return {
        family: replace(config, transfer=False, experiment=f"{config.experiment}-{family}", problems=text, test=tested)
        for family, text in texts.items()
    }
