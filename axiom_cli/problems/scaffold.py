"""A new problem family: the files of a package that works as it is, for its author to change."""

from __future__ import annotations

import keyword
from importlib import util
from importlib.resources import files
from string import Template

from axiom_cli.errors import UsageError
from axiom_cli.problems import families

RESERVED = ("handwritten", "imported", "humaneval", "mbpp", "evalplus", "gym", "all")
"""The family names of problems that no family draws, and names that stand for several families."""
TEMPLATES = {"{name}.py": "family.txt", "test_{name}.py": "test.txt", "pyproject.toml": "pyproject.txt"}


def new_family(name: str) -> dict[str, str]:
    """File name to contents. Raises UsageError where `name` is not a module's name, or is taken by a family or by any
    module that can be imported here."""
    if not (name.isascii() and name.isidentifier() and name == name.lower()) or keyword.iskeyword(name):
        raise UsageError(f"{name!r} is not a family name", "use lower-case letters, digits and _, such as roman_sums")
    if not any(map(str.isalpha, name)):
        raise UsageError(f"{name!r} has no letter", "use a name such as roman_sums")
    if name in families.names() or name in RESERVED:
        raise UsageError(f"a family called {name!r} exists already", "axiom problems list shows all of them")
    module = util.find_spec(name)
    if module and module.origin:  # a folder of that name is not a module
        raise UsageError(
            f"a module called {name!r} exists already, and the family would hide it", "use a name such as roman_sums"
        )
    words = {"name": name, "Name": name.title().replace("_", ""), "dashed": name.strip("_").replace("_", "-")}
    folder = files("axiom_cli.problems") / "scaffold_templates"
    return {
        file.format(name=name): Template((folder / source).read_text("utf-8")).substitute(words)
        for file, source in TEMPLATES.items()
    }
