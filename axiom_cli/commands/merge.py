"""`axiom merge`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from axiom_cli.commands.pages import own_option, page
from axiom_cli.commands.streams import AsJson, Output, SkipBad, Source, records, write
from axiom_cli.records import Adapter, Model
from axiom_cli.settings.configs import MergeConfig
from axiom_cli.settings.options import configured
from axiom_cli.terminal import console
from axiom_cli.wording import plural
from axiom_cli.workspace.objects import short

app = typer.Typer(add_completion=False, rich_markup_mode=None)
Export = Annotated[Path | None, own_option("--export", "DIR", "Also copy the folder of the model here.")]
Gguf = Annotated[Path | None, own_option("--gguf", "FILE", "Also write a .gguf file, for llama.cpp.")]


@app.command(**page("axiom merge adapter.jsonl -o model.jsonl", "axiom merge adapter.jsonl --gguf model.gguf"))
@configured()
def merge(
    ctx: typer.Context,
    config: MergeConfig,
    file: Source = None,
    output: Output = None,
    skip_bad: SkipBad = False,
    export: Export = None,
    gguf: Gguf = None,
    json: AsJson = False,
) -> None:
    """Merge adapters into their base, in float32 and from the original weights.

    Exit code 6 if a certificate fails. The name that an adapter has in the workspace passes to the model.
    """
    from axiom_cli.learning.training import requirements
    from axiom_cli.workspace.store import Workspace

    if gguf:
        requirements.gguf()
    workspace = Workspace.open_or_create(ctx.obj.config.workspace or None)

    def models() -> Iterator[Model]:
        from axiom_cli.learning import model_names
        from axiom_cli.learning.merge import merge as merged

        for adapter in adapters:
            model = merged(adapter, config, workspace, export, gguf=gguf)
            names = model_names.transfer(adapter.digest, model.digest, workspace)
            for name in names:
                console.note(f"the model is now called {name}")
            called.append(next(iter(names), short(model.digest)))
            yield model

    called: list[str] = []
    adapters = records(file, Adapter, skip_bad=skip_bad)
    count = write(models(), output, as_json=json)
    next_step = f": axiom solve --model {called[0]}" if count == 1 else ""
    console.note(f"{plural(count, 'model')} merged{next_step}")
