"""Why an object is what it is: the receipts behind it and what its records say, back to the first seed."""

from __future__ import annotations

import mmap
import textwrap
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import orjson

from axiom_cli import json_codec, jsonl
from axiom_cli.errors import InputError, MissingError, UsageError
from axiom_cli.records import KINDS, Problem, Record, Sample, Verdict
from axiom_cli.workspace.objects import RECORDS_HEAD, is_digest, short
from axiom_cli.workspace.receipts import flat, origin
from axiom_cli.workspace.store import Workspace

_MAX_SHOWN = 12
LEAST_WIDTH = 20
"""Characters of a line in a deep tree, however narrow the terminal is."""
Links = list[tuple[str, str]]


@dataclass(frozen=True)
class WhyLine:
    """One line of `why`: at `depth` of the tree, an object (`digest`), what made it (`receipt`), or a fact about it."""

    depth: int
    text: str
    digest: str = ""
    receipt: Mapping[str, Any] | None = None


def why(workspace: Workspace, name: str, embedded: Collection[str] = ()) -> list[WhyLine]:
    """Everything behind an object: what made it, from what, and what made that.

    `name` is a ref, a digest or the start of one, or a problem's id. For a problem the lines are all records of it that
    were made or used here, or have a name, and what is behind the objects that hold them. `embedded` are the digests
    that ship with the package. Raises MissingError, UsageError, WorkspaceDamagedError.
    """
    try:
        digest = workspace.resolve(name)
    except (MissingError, UsageError):  # a problem may be called anything, such as HumanEval/0
        lines = _Explainer(workspace, embedded).problem(name)
        if not lines:
            raise
        return lines
    explainer = _Explainer(workspace, embedded)
    if not explainer.makers.get(digest) and not workspace.objects.has(digest):
        workspace.get_bytes(digest)  # raises: neither the object nor a receipt for it is here
    return list(explainer.chain(digest))


def draw_tree(lines: Sequence[WhyLine], width: int = 0) -> list[str]:
    """The lines with the branches of a tree in front, for people. With a `width`, longer texts are continued below,
    beside the branches."""
    rows: list[str] = []
    open_depths: set[int] = set()
    below = 0
    for line in reversed(lines):
        open_depths = {depth for depth in open_depths if depth <= line.depth}
        bars = "".join("│  " if depth in open_depths else "   " for depth in range(1, line.depth))
        last = line.depth not in open_depths
        corner = ("└─ " if last else "├─ ") if line.depth else ""
        beside = ("   " if last else "│  ") if line.depth else ""
        branch = "│  " if below > line.depth else "   "
        room = max(width - len(bars + corner + branch), LEAST_WIDTH) if width else len(line.text) + 1
        first, *more = textwrap.wrap(line.text, room, break_on_hyphens=False) or [""]
        rows += [f"{bars}{beside}{branch}{part}" for part in reversed(more)] + [bars + corner + first]
        open_depths.add(line.depth)
        below = line.depth
    return rows[::-1]


class _Explainer:
    """The workspace's receipts and names, read once and shared by all lines of an answer."""

    def __init__(self, workspace: Workspace, embedded: Collection[str]) -> None:
        self.embedded, self.workspace = embedded, workspace
        self.makers = workspace.makers()
        self.names = workspace.names()
        self.summaries: dict[str, list[str]] = {}
        self.linked: set[str] = set()

    def chain(self, digest: str, base: int = 0) -> Iterator[WhyLine]:
        """Objects at even depths below `base`, what made them at odd ones."""
        for step in origin(digest, self.makers.get, self.inside):
            depth = base + 2 * step.depth
            if step.first:
                repeated = " (see above)" if step.repeated else ""
                yield WhyLine(depth, self.describe(step.name, step.digest) + repeated, step.digest)
                if not step.repeated:
                    yield from (WhyLine(depth + 1, text) for text in self.summaries.get(step.digest, ()))
                if step.digest in self.linked and not step.receipt and not step.repeated:
                    yield WhyLine(depth + 1, "from")
            if step.receipt:
                recipe = step.receipt.recipe
                made = f"made by {step.receipt.stage} (version {recipe['version']}) at {step.receipt.made}"
                how = _pairs(recipe["config"]) if isinstance(recipe["config"], dict) else str(recipe["config"])
                text = f"{made}: {how}" if how else made
                yield WhyLine(depth + 1, text, step.digest, step.receipt.to_dict())

    def inside(self, digest: str) -> Links:
        """What an object's content says of its origin, noted in `linked` if it says something."""
        links = self._links(digest)
        if links:
            self.linked.add(digest)
        return links

    def _links(self, digest: str) -> Links:
        """What an object's content says of its origin: the models of its records, the trees that a file belongs to."""
        kind = self.workspace.kind(digest)
        if kind == "records":
            with suppress(InputError):  # JSON lines of another program
                self.summaries[digest], links = _contents(self.workspace.get_records(digest, *KINDS.values()))
                return links
        if kind == "bytes" and not self.makers.get(digest):
            return self.holders.get(digest, [])
        return []

    @cached_property
    def holders(self) -> dict[str, Links]:
        """File digest -> (its path in a tree, that tree), for the trees that a receipt or a name points to."""
        holders: dict[str, Links] = defaultdict(list)
        for tree in dict.fromkeys([*self.makers.possible_trees(), *self.names]):
            if self.workspace.kind(tree) == "tree":
                for path, digest in self.workspace.tree(tree).items():
                    holders[digest].append((f"file {path} of", tree))
        return holders

    def describe(self, name: str, digest: str) -> str:
        """One line about an object, by the name its user gave it."""
        label = f"{name} " if name else ""
        if not is_digest(digest):
            return f"{label}{digest}"
        kind = self.workspace.kind(digest)
        if kind != "missing":
            what = f"{kind}, {self.workspace.size(digest):,} bytes"
        else:
            what = "embedded in the package" if digest in self.embedded else "not in the workspace"
        called = f", called {', '.join(self.names[digest])}" if digest in self.names else ""
        return f"{label}{short(digest)}: {what}{called}"

    def problem(self, name: str) -> list[WhyLine]:
        """Every record about the problem `name` that a receipt or a name leads to, then what is behind the objects that
        hold them."""
        lines: list[WhyLine] = []
        objects: dict[str, None] = {}
        for digest, record in self._lines_about(name):
            if not lines:
                problem = _problem_of(record)
                about = f"problem {problem.id}: {problem.title}, level {problem.level}, split {problem.split}"
                drawn_with = problem.extra.get("origin")
                if isinstance(drawn_with, dict):
                    about += f"; drawn with {_pairs(drawn_with)}"
                lines += [WhyLine(0, about), WhyLine(1, f"prompt: {problem.prompt!r}")]
            lines.append(WhyLine(1, f"{_describe_record(record)}, in {short(digest)}", digest))
            objects[digest] = None
        for digest in objects:
            lines += self.chain(digest, base=1)
        return lines

    def _lines_about(self, name: str) -> Iterator[tuple[str, Record]]:
        try:
            needle = orjson.dumps({"id": name})[1:-1]
        except TypeError:  # bytes of the command line that are not text
            return
        for digest in sorted({*self.makers.about(name), *self.names}):
            with suppress(MissingError):  # freed, or set aside
                for line in _lines_with(self.workspace, digest, needle):
                    with suppress(InputError):  # another kind of record that contains the same characters
                        record = jsonl.parse(line, 0, Problem, Sample, Verdict)
                        if _problem_of(record).id == name:
                            yield digest, record


def _lines_with(workspace: Workspace, digest: str, needle: bytes) -> Iterator[bytes]:
    """The lines of a records object that contain `needle`. Of other objects only the first bytes are read."""
    with workspace.objects.open(digest) as stream:
        if stream.read(len(RECORDS_HEAD)) != RECORDS_HEAD:
            return
        with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
            at = data.find(needle)
            while at >= 0:
                end = data.find(b"\n", at) + 1 or len(data)
                yield data[data.rfind(b"\n", 0, at) + 1 : end]
                at = data.find(needle, end)


def _lineage(record: Record) -> Iterator[Record]:
    yield record
    for name in record.parents:
        if getattr(record, name) is not None:
            yield from _lineage(getattr(record, name))


def _problem_of(record: Record) -> Problem:
    return next(part for part in _lineage(record) if isinstance(part, Problem))


def _contents(records: Iterable[Record]) -> tuple[list[str], Links]:
    """What records say about themselves: sentences, and (name, digest) of the models that wrote them."""
    seen: dict[str, Counter[str]] = defaultdict(Counter)
    problems: set[str] = set()
    models: dict[str, str] = {}

    def count(title: str, value: object) -> None:
        seen[title][str(value)] += 1

    for record in records:
        count("records", record.kind)
        for part in _lineage(record):
            if isinstance(part, Verdict):
                count("verdicts", part.status)
                count("isolation", part.isolation)
            elif isinstance(part, Sample):
                models[part.model.digest] = f"model {part.model.name}"
                count("engine", part.engine)
                if part.params:
                    count("sampling", _pairs(part.params))
            elif isinstance(part, Problem) and part.id not in problems:
                problems.add(part.id)
                count("problems", part.family)
                count("split", part.split)
                if isinstance(part.extra.get("origin"), dict):
                    count("problem seed", part.extra["origin"].get("seed"))
    sentences = []
    for title, values in seen.items():
        shown = ", ".join(f"{value} ({times:,})" for value, times in values.most_common(_MAX_SHOWN))
        more = f" and {len(values) - _MAX_SHOWN:,} more" if len(values) > _MAX_SHOWN else ""
        sentences.append(f"{title}: {shown}{more}")
    return sentences, [(name, digest) for digest, name in models.items()]


def _pairs(values: Mapping[str, Any]) -> str:
    return " ".join(f"{key}={json_codec.text(value)}" for key, value in flat(values))


def _describe_record(record: Record) -> str:
    if isinstance(record, Verdict):
        reason = f": {record.reason}" if record.reason else ""
        return f"verdict {record.status} (isolation {record.isolation}{reason}) on {_describe_record(record.sample)}"
    if isinstance(record, Sample):
        model = f"{record.model.name} {short(record.model.digest)}"
        return f"sample {record.index} by {model} (engine {record.engine}, {_pairs(record.params)})"
    return f"the {record.kind}"
