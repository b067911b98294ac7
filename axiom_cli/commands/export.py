"""`axiom export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from axiom_cli.commands import completion
from axiom_cli.commands.pages import argument, own_option, page
from axiom_cli.commands.streams import write
from axiom_cli.errors import UsageError
from axiom_cli.settings.configs import ExportConfig
from axiom_cli.settings.options import configured
from axiom_cli.terminal import console
from axiom_cli.wording import plural

app = typer.Typer(add_completion=False, rich_markup_mode=None)
Name = Annotated[str, argument("NAME", "The model, as for --model of axiom solve.", completion.models)]
Folder = Annotated[Path | None, argument("DIR", "New folder for it; an earlier export there is replaced.")]
Gguf = Annotated[Path | None, own_option("--gguf", "FILE", "Write one file, for llama.cpp.")]
Ollama = Annotated[
    str,
    own_option("--ollama", "NAME", "Write a .gguf file and a Modelfile to DIR [./NAME], and have Ollama take them."),
]
SPELLED = "axiom export NAME DIR, axiom export NAME --gguf FILE, or axiom export NAME --ollama NAME"


@app.command(
    **page(
        "axiom export self_improve_v1@best my_model",
        "axiom export self_improve_v1@best --gguf my_model.gguf",
        "axiom export mine --ollama mine",
    )
)
@configured()
def export(
    ctx: typer.Context,
    config: ExportConfig,
    name: Name,
    folder: Folder = None,
    gguf: Gguf = None,
    ollama: Ollama = "",
) -> None:
    """Write a model for use elsewhere: a folder for transformers and vLLM, a file for llama.cpp, a model for Ollama.

    A certificate says what was checked: with llama.cpp's runtime installed (the extra llamacpp), that it gives the
    model's own greedy answers from the file. Exit code 6 if it does not, and then nothing is kept.
    """
    from axiom_cli.learning import export as exporting
    from axiom_cli.workspace.store import Workspace

    if gguf and ollama:
        raise UsageError("--gguf and --ollama do not go together", "--ollama NAME writes a .gguf file of its own")
    if not (folder or gguf or ollama):
        raise UsageError("it is not said where to export the model to", SPELLED)
    if config.dtype != "auto" and not (gguf or ollama):
        raise UsageError(f"--dtype {config.dtype} has no effect on a folder", "--gguf FILE --dtype TYPE")
    workspace = Workspace.open_or_create(ctx.obj.config.workspace or None)
    made: list[dict[str, Any]] = []
    if ollama:
        folder = folder or Path(ollama.replace("/", "-").replace(":", "-"))
        made.append(exporting.export_ollama(name, ollama, folder, config.dtype, workspace))
        console.note(f"{name} exported to {folder} for Ollama{_checked(made[-1])}")
    elif folder:
        made.append(exporting.export_folder(name, folder, workspace))
        console.note(f"{name} exported to {folder}: {plural(len(made[-1]['files']), 'file')}")
    if gguf:
        made.append(exporting.export_gguf(name, gguf, config.dtype, workspace))
        console.note(f"{name} exported to {gguf}{_checked(made[-1])}")
    if console.data_wanted():
        write(made, None)
    if ollama and folder:
        exporting.create_in_ollama(ollama, folder)
        console.note(f"Ollama has it: ollama run {ollama}")


def _checked(certificate: dict[str, Any]) -> str:
    """What llama.cpp said, to be added to a sentence."""
    replies = certificate["llama.cpp"]
    if isinstance(replies, str):
        return f"; llama.cpp was {replies}"
    equal = f"; llama.cpp gives the model's own answer to {replies['same_answers']} of {replies['prompts']} prompts"
    if replies["same_answers"] < replies["prompts"]:
        equal += f", and parts from it elsewhere by {replies['widest_gap']:.2g} nats at most"
    if replies["same_templates"] < replies["prompts"]:
        console.warn("llama.cpp's own renderer makes other prompts of the chat template than transformers does")
    return equal
