"""The vocabulary of the pipe. Every record is frozen and holds the one that it was made from.

A record crosses a pipe as one JSON object a line, its `kind` first. Fields that this version does not know are kept in
`extra` and written back, so that annotations made by other tools (`jq '. + {note: "hard"}'`) survive every stage.
What was merely observed (seconds, where a file lies) takes no part in equality.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from functools import cache
from typing import Any, ClassVar, TypeVar

from axiom_cli.errors import InputError

R = TypeVar("R", bound="Record")
STDIN_STDOUT = "<stdin>"  # the entry point of a program that is run as a script: standard input in, what it prints out


@cache
def _layout(cls: type) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The field names of `cls` (without `extra`), and those that a line must have."""
    named = [f for f in fields(cls) if f.name != "extra"]
    required = [f.name for f in named if f.default is MISSING and f.default_factory is MISSING]
    return tuple(f.name for f in named), tuple(required)


@dataclass(frozen=True)
class Record:
    """What all records share: to and from plain dictionaries. Fields that are None are left out of a line."""

    kind: ClassVar[str] = ""
    parents: ClassVar[Mapping[str, type[Record]]] = {}

    def to_dict(self) -> dict[str, Any]:
        """A plain dictionary, ready for JSON."""
        out: dict[str, Any] = {"kind": self.kind} if self.kind else {}
        for name in _layout(type(self))[0]:
            value = getattr(self, name)
            if value is not None:
                out[name] = value.to_dict() if isinstance(value, Record) else value
        out.update(self.extra)  # type: ignore[attr-defined]
        return out

    @classmethod
    def from_dict(cls: type[R], data: Mapping[str, Any]) -> R:
        """The record that `data` describes. Raises InputError naming what is missing or misplaced."""
        known, required = _layout(cls)
        missing = [name for name in required if name not in data]
        if missing:
            raise InputError(f"{cls.kind or cls.__name__.lower()} record without {', '.join(missing)}")
        values = {name: data[name] for name in known if name in data}
        for name, parent in cls.parents.items():
            if values.get(name) is not None:
                values[name] = _parent(cls, name, parent, values[name])
        extra = {key: value for key, value in data.items() if key not in known and key != "kind"}
        record = cls(**values, extra=extra)
        record.check()
        return record

    def check(self) -> None:
        """Raises InputError where a field has the wrong type. Subclasses add what they rely on."""


def _parent(cls: type[Record], name: str, parent: type[R], value: Any) -> R:
    if not isinstance(value, Mapping):
        raise InputError(f"{cls.kind} record whose {name} is not an object")
    return parent.from_dict(value)


def _expect(record: Record, name: str, types: type | tuple[type, ...]) -> None:
    value = getattr(record, name)
    if not isinstance(value, types) or (isinstance(value, bool) and types is int):
        raise InputError(f"{record.kind or type(record).__name__.lower()} record whose {name} is {value!r:.40}")


@dataclass(frozen=True)
class Program(Record):
    """What a program must do. `tests` are graded and `examples` shown; in imported sets an example may be a test, too.

    Each test is `{"args": [...], "expected": value}`; `test_code` holds asserts instead, for imported sets. The entry
    point is a function, a `Class.method`, or STDIN_STDOUT.
    """

    entry_point: str
    signature: str
    examples: list[dict[str, Any]] = field(default_factory=list)
    tests: list[dict[str, Any]] | None = None
    test_code: str | None = None
    checker: str | None = None
    reference: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict, compare=False)

    def check(self) -> None:
        """A program needs a name to call and something to be graded by."""
        _expect(self, "entry_point", str)
        _expect(self, "signature", str)
        for name in ("test_code", "checker", "reference"):
            _expect(self, name, (str, type(None)))
        if not self.tests and not self.test_code:
            raise InputError(f"program {self.entry_point!r} has neither tests nor test_code")


@dataclass(frozen=True)
class Problem(Record):
    """A question with a right answer (`answer`), or a program to write (`program`).

    The answer is the only right one, unless `checker` names a family that says which ones it accepts.
    """

    kind: ClassVar[str] = "problem"
    parents: ClassVar[Mapping[str, type[Record]]] = {"program": Program}

    id: str
    family: str
    title: str
    prompt: str
    level: int
    split: str
    answer: str | None = None
    checker: str | None = None
    program: Program | None = None
    extra: Mapping[str, Any] = field(default_factory=dict, compare=False)

    def check(self) -> None:
        """A problem is of one form: an answer, or a program."""
        _expect(self, "checker", (str, type(None)))
        for name in ("id", "family", "prompt"):
            _expect(self, name, str)
        _expect(self, "level", int)
        if (self.answer is None) == (self.program is None):
            raise InputError(f"problem {self.id} needs either an answer or a program")
        if self.answer is not None:
            _expect(self, "answer", str)

    @property
    def form(self) -> str:
        """`answer` or `program`."""
        return "program" if self.program else "answer"


@dataclass(frozen=True)
class ModelRef(Record):
    """Which weights spoke: a name for people, a digest for certainty."""

    name: str
    digest: str
    extra: Mapping[str, Any] = field(default_factory=dict, compare=False)


@dataclass(frozen=True)
class Sample(Record):
    """One completion of a problem's prompt. `token_ids` are what was sampled, EOS included where it was."""

    kind: ClassVar[str] = "sample"
    parents: ClassVar[Mapping[str, type[Record]]] = {"problem": Problem, "model": ModelRef}

    problem: Problem
    model: ModelRef
    engine: str
    params: Mapping[str, Any]
    index: int
    attempt: int
    text: str
    token_ids: list[int] = field(default_factory=list)
    finish: str = "stop"
    tokens: int = 0
    logprob: float | None = None
    extra: Mapping[str, Any] = field(default_factory=dict, compare=False)

    def check(self) -> None:
        """A sample has a text and says how it ended."""
        _expect(self, "text", str)
        _expect(self, "token_ids", list)
        if self.finish not in ("stop", "length", "error"):
            raise InputError(f"sample record whose finish is {self.finish!r:.40}")


@dataclass(frozen=True)
class Verdict(Record):
    """What the verifier says of a sample. `infra` is a failure of something else: never a label."""

    kind: ClassVar[str] = "verdict"
    parents: ClassVar[Mapping[str, type[Record]]] = {"sample": Sample}

    sample: Sample
    status: str
    passed_tests: int
    total_tests: int
    reason: str
    isolation: str
    seconds: float = field(default=0.0, compare=False)
    extra: Mapping[str, Any] = field(default_factory=dict, compare=False)

    def check(self) -> None:
        """There are three verdicts."""
        if self.status not in ("pass", "fail", "infra"):
            raise InputError(f"verdict record whose status is {self.status!r:.40}")

    @property
    def passed(self) -> bool:
        """Whether the verifier accepted the sample."""
        return self.status == "pass"


@dataclass(frozen=True)
class Adapter(Record):
    """What training wrote: a LoRA adapter in `path`, or whole weights where `method` is `full`."""

    kind: ClassVar[str] = "adapter"
    parents: ClassVar[Mapping[str, type[Record]]] = {"base": ModelRef}

    base: ModelRef
    digest: str
    method: str
    config: Mapping[str, Any]
    rows: int
    metrics: Mapping[str, Any]
    path: str = field(default="", compare=False)
    extra: Mapping[str, Any] = field(default_factory=dict, compare=False)


@dataclass(frozen=True)
class Model(Record):
    """A merged checkpoint in `path`, with the certificate that says how well it equals base + adapter."""

    kind: ClassVar[str] = "model"
    parents: ClassVar[Mapping[str, type[Record]]] = {"adapter": Adapter}

    adapter: Adapter
    digest: str
    certificate: Mapping[str, Any]
    path: str = field(default="", compare=False)
    extra: Mapping[str, Any] = field(default_factory=dict, compare=False)


@dataclass(frozen=True)
class Metrics(Record):
    """A pass rate with its interval. `family` and `level` are `all` and 0 where the row covers every one."""

    kind: ClassVar[str] = "metrics"

    experiment: str
    iteration: int
    split: str
    family: str
    level: int
    n: int
    passed: int
    rate: float
    interval: list[float]
    pass_at: Mapping[str, float] = field(default_factory=dict)
    seconds: float = field(default=0.0, compare=False)
    tokens: int = 0
    extra: Mapping[str, Any] = field(default_factory=dict, compare=False)


KINDS: Mapping[str, type[Record]] = {cls.kind: cls for cls in (Problem, Sample, Verdict, Adapter, Model, Metrics)}
WRITERS: Mapping[str, str] = {
    "problem": "axiom problems gen",
    "sample": "axiom solve",
    "verdict": "axiom verify",
    "adapter": "axiom train",
    "model": "axiom merge",
    "metrics": "axiom loop",
}
