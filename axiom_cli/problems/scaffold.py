"""A new problem family: the files of a package that works from the start, to be changed by its author."""

from __future__ import annotations

import keyword
from importlib import util
from importlib.resources import files
from string import Template

from axiom_cli.errors import UsageError
from axiom_cli.problems import families

NO_FAMILIES = ("handwritten", "imported", "humaneval", "mbpp", "evalplus", "gym", "all")
"""What problems that no family draws have in the place of its name, and what stands for many families."""
TEMPLATES = {"{name}.py": "family.txt", "test_{name}.py": "test.txt", "pyproject.toml": "pyproject.txt"}


def new_family(name: str) -> dict[str, str]:
    """The contents of each file by its name. Raises UsageError where `name` is none for a module or is taken, by a
    family or by any module that can be imported here."""
    if not (name.isascii() and name.isidentifier() and name == name.lower()) or keyword.iskeyword(name):
        raise UsageError(f"{name!r} is no name for a family", "lower-case letters, digits and _, such as roman_sums")
    if not any(map(str.isalpha, name)):
        raise UsageError(f"{name!r} has no letter", "such as roman_sums")
    if name in families.names() or name in NO_FAMILIES:
        raise UsageError(f"there is a family called {name!r} already", "axiom problems list shows all of them")
    module = util.find_spec(name)
    if module and module.origin:  # a folder of that name is no module
        raise UsageError(f"there is a module called {name!r} already, which a family would hide", "such as roman_sums")
    words = {"name": name, "Name": name.title().replace("_", ""), "dashed": name.strip("_").replace("_", "-")}
    folder = files("axiom_cli.problems") / "scaffold_templates"
    return {
        file.format(name=name): Template((folder / source).read_text("utf-8")).substitute(words)
        for file, source in TEMPLATES.items()
    }
