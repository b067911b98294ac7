"""How this copy of axiom was installed, and so what to type to add a package to it.

An extra is asked for in the way in which the copy came (PEP 610's direct_url.json): from a checkout, an archive, a
repository, or the package index; with pip, uv or pipx.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import orjson

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

NAME = "axiom-rl"
UV_RECEIPT = "uv-receipt.toml"


def extra(name: str) -> str:
    """The command that installs the extra `name` beside this copy, ready to paste."""
    return this_copy().extra(name)


def package(*requirements: str) -> str:
    """The command that installs packages beside this copy, ready to paste."""
    return this_copy().package(*requirements)


def folder(path: Path) -> str:
    """The command that installs the package in a folder beside this copy, so that changes in it take effect."""
    return this_copy().editable(str(path))


def this_copy() -> Copy:
    """The copy that is running."""
    try:
        installed = distribution(NAME)
    except PackageNotFoundError:
        installed = None
    return Copy(installed, Path(sys.prefix), Path.cwd())


@dataclass(frozen=True)
class Copy:
    """An installed axiom: its metadata (None if it runs without being installed), the environment that it is in, and
    the folder where the user types."""

    distribution: Distribution | None
    environment: Path
    folder: Path

    def extra(self, name: str) -> str:
        """The command that installs the extra `name`."""
        if self._is_uv_tool():
            return self._uv_tool(name)
        source = [] if self._is_pipx_tool() else self._source([name])
        return shlex.join([*self._installer(), *source]) if source else self.package(*self._requirements(name))

    def package(self, *requirements: str) -> str:
        """The command that installs packages."""
        if self._is_uv_tool():
            return self._uv_tool(packages=requirements)
        return shlex.join([*self._installer(), *requirements])

    def editable(self, folder: str) -> str:
        """The command that installs the package in `folder`, to be changed there."""
        return self._uv_tool(folder=folder) if self._is_uv_tool() else self.package("-e", folder)

    def _is_pipx_tool(self) -> bool:
        return (self.environment / "pipx_metadata.json").is_file()

    def _is_uv_tool(self) -> bool:
        return (self.environment / UV_RECEIPT).is_file()

    def _uv_tool(self, *extras: str, packages: Sequence[str] = (), folder: str = "") -> str:
        """The tool installed again: uv forgets the extras and packages that it had unless they are named again."""
        had = tomllib.loads((self.environment / UV_RECEIPT).read_text("utf-8"))["tool"]["requirements"]
        extras = tuple(
            sorted(
                {
                    *extras,
                    *(
                        name
                        for requirement in had
                        if requirement["name"] == NAME
                        for name in requirement.get("extras", ())
                    ),
                }
            )
        )
        beside = [
            requirement["name"] + requirement.get("specifier", "") for requirement in had if requirement["name"] != NAME
        ]
        source = self._source(extras) or [f"{NAME}[{','.join(extras)}]"]
        more = [word for requirement in (*beside, *packages) for word in ("--with", requirement)]
        more += ["--with-editable", folder] if folder else []
        return shlex.join(["uv", "tool", "install", *source, *more])

    def _installer(self) -> list[str]:
        """What installs into the environment, wherever it is typed."""
        if self._is_pipx_tool():
            return ["pipx", "inject", self.environment.name]
        pip = self.environment / "bin" / "pip"
        if pip.exists():
            return ["pip" if shutil.which("pip") == str(pip) else self._near(pip), "install"]
        if not shutil.which("uv"):
            return [self._near(self.environment / "bin" / "python"), "-m", "pip", "install"]
        active = os.environ.get("VIRTUAL_ENV") == str(self.environment)
        return ["uv", "pip", "install", *([] if active else ["--python", self._near(self.environment)])]

    def _source(self, names: Sequence[str]) -> list[str]:
        """The arguments that name this copy again, with extras; none if the place that it came from is gone."""
        extras = f"[{','.join(names)}]" if names else ""
        came_from = self._direct_url()
        if came_from is None:
            return [f"{NAME}{extras}"]
        url = str(came_from.get("url", ""))
        path = Path(unquote(urlsplit(url).path)) if url.startswith("file:") else None
        if path and not path.exists():
            return []
        if path and path.is_dir():
            place = "." if path.samefile(self.folder) else str(path)
            editable = came_from.get("dir_info", {}).get("editable")
            return ["-e"] * bool(editable) + [f"{place}{extras}"]
        repository = came_from.get("vcs_info")
        if repository:
            url = f"{repository['vcs']}+{url}@{repository.get('requested_revision') or repository['commit_id']}"
        return [f"{NAME}{extras} @ {url}"]

    def _direct_url(self) -> dict[str, Any] | None:
        """Where the copy came from, as PEP 610 has it; None for the package index."""
        if self.distribution is None:  # run from a checkout
            return {"url": Path(__file__).parents[1].as_uri(), "dir_info": {}}
        text = self.distribution.read_text("direct_url.json")
        return orjson.loads(text) if text else None

    def _requirements(self, extra: str) -> list[str]:
        """What the extra requires, without the conditions."""
        every = (self.distribution.requires if self.distribution else None) or []
        parts = (line.partition(";") for line in every)
        return [spec.strip() for spec, _, marker in parts if re.search(rf"extra\s*==\s*['\"]{extra}['\"]", marker)]

    def _near(self, path: Path) -> str:
        """The path as short as the folder allows."""
        return str(path.relative_to(self.folder)) if path.is_relative_to(self.folder) else str(path)
