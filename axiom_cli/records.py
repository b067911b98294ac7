"""The vocabulary of the pipe. Every record is frozen and holds the one it was made from.

A record crosses a pipe as one JSON object per line, its `kind` first. Fields that this version does not know are kept
in `extra` and written back, so that annotations made by other tools (`jq '. + {note: "hard"}'`) survive every stage.
Values that were merely observed (seconds, the path of a file) do not count for equality.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, ClassVar, Literal, NamedTuple, TypeVar, get_args

from axiom_cli.errors import InputError

R = TypeVar("R", bound="Record")
STDIN_STDOUT = "<stdin>"
"""The entry point of a program that is run as a script: it reads standard input, and its standard output is graded."""

HIGHEST_LEVEL = 30
"""Levels are 1 to 10; some families have more, up to this one."""

AnswerType = Literal["integer", "number", "text", "list", "choice", "math"]
"""What an answer is, which decides how two are compared: docs/answers.md."""


class _Layout(NamedTuple):
    names: tuple[str, ...]
    """Every field but `extra`, in the order of a line."""
    known: frozenset[str]
    required: frozenset[str]


_layouts: dict[type[Record], _Layout] = {}


def _layout(cls: type[Record]) -> _Layout:
    if cls not in _layouts:
        named = [f for f in fields(cls) if f.name != "extra"]
        names = tuple(f.name for f in named)
        required = (f.name for f in named if f.default is MISSING and f.default_factory is MISSING)
        _layouts[cls] = _Layout(names, frozenset(names), frozenset(required))
    return _layouts[cls]


@dataclass(frozen=True)
class Record:
    """What all records share: to and from plain dictionaries. A field that is None is left out of the line.

    `extra` holds the fields that this version does not know.
    """

    kind: ClassVar[str] = ""
    parents: ClassVar[Mapping[str, type[Record]]] = {}

    extra: Mapping[str, Any] = field(default_factory=dict, compare=False, kw_only=True)

    def to_dict(self) -> dict[str, Any]:
        """A plain dictionary, ready for JSON."""
        out: dict[str, Any] = {"kind": self.kind} if self.kind else {}
        for name in _layout(type(self)).names:
            value = getattr(self, name)
            if value is not None:
                out[name] = value.to_dict() if isinstance(value, Record) else value
        out.update(self.extra)
        return out

    @classmethod
    def from_dict(cls: type[R], data: Mapping[str, Any]) -> R:
        """The record that `data` describes. Raises InputError naming the field that is missing or has a wrong value."""
        layout = _layout(cls)
        values: dict[str, Any] = {}
        extra: dict[str, Any] = {}
        for key, value in data.items():
            if key in layout.known:
                values[key] = value
            elif key != "kind":
                extra[key] = value
        if not layout.required <= values.keys():
            missing = [name for name in layout.names if name in layout.required and name not in values]
            raise InputError(f"{_label(cls)} record without {', '.join(missing)}")
        for name, parent in cls.parents.items():
            value = values.get(name)
            if isinstance(value, Mapping):
                values[name] = parent.from_dict(value)
            elif value is not None or name in layout.required:
                raise InputError(f"{_label(cls)} record whose {name} is not an object")
        record = cls(**values, extra=extra)
        record.check_fields()
        return record

    def check_fields(self) -> None:
        """Raises InputError if a field has the wrong type. Subclasses check what they rely on."""


def _label(cls: type[Record]) -> str:
    return cls.kind or cls.__name__.lower()


def _expect(record: Record, name: str, types: type | tuple[type, ...]) -> None:
    value = getattr(record, name)
    if not isinstance(value, types) or (isinstance(value, bool) and types is int):
        raise InputError(f"{_label(type(record))} record whose {name} is {value!r:.40}")


@dataclass(frozen=True)
class Program(Record):
    """What a program must do. `tests` are graded, `examples` shown; in imported sets an example may also be a test.

    Each test is `{"args": [...], "expected": value}`; it may have a `checker` in place of the program's. Imported sets
    may have asserts in `test_code` instead. The entry point is a function, a `Class.method`, or STDIN_STDOUT. `prelude`
    is Python that runs before the program, in its module: what the set takes for granted.
    """

    entry_point: str
    signature: str
    examples: list[dict[str, Any]] = field(default_factory=list)
    tests: list[dict[str, Any]] | None = None
    test_code: str | None = None
    checker: str | None = None
    reference: str | None = None
    prelude: str | None = None

    def check_fields(self) -> None:
        """A program has a name to call and tests to pass."""
        _expect(self, "entry_point", str)
        _expect(self, "signature", str)
        for name in ("test_code", "checker", "reference", "prelude"):
            _expect(self, name, (str, type(None)))
        _expect(self, "examples", (list, tuple))
        _expect(self, "tests", (list, tuple, type(None)))
        if not self.tests and not self.test_code:
            raise InputError(f"program {self.entry_point!r} has neither tests nor test_code")


@dataclass(frozen=True)
class Problem(Record):
    """A question with a right answer (`answer`), or a program to write (`program`).

    `answer` is the only right one, however it is written, unless `checker` names a family that accepts others too.
    Without an `answer_type`, what it looks like decides how it is compared.
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
    answer_type: AnswerType | None = None

    def check_fields(self) -> None:
        """A problem has one form: an answer, or a program."""
        _expect(self, "checker", (str, type(None)))
        for name in ("id", "family", "title", "prompt", "split"):
            _expect(self, name, str)
        _expect(self, "level", int)
        if (self.answer is None) == (self.program is None):
            raise InputError(f"problem {self.id} needs either an answer or a program, and not both")
        if self.answer is not None:
            _expect(self, "answer", str)
        types = get_args(AnswerType)
        if self.answer_type is not None and (self.program or self.answer_type not in types):
            raise InputError(
                f"problem {self.id} has the answer_type {self.answer_type!r:.40}",
                f"a problem with an answer may have one of {', '.join(types)}",
            )

    @property
    def form(self) -> str:
        """`answer` or `program`."""
        return "program" if self.program else "answer"


@dataclass(frozen=True)
class ModelRef(Record):
    """Which model wrote a sample: a name for people, a digest for certainty. `remote_code`: it ran code of its own."""

    name: str
    digest: str
    remote_code: bool | None = None

    def check_fields(self) -> None:
        """Both are texts."""
        _expect(self, "name", str)
        _expect(self, "digest", str)


MOST_IDS = 1 << 19
_IDS: dict[int, int] = {}
"""The object that stands for a token id, for each that was met, up to MOST_IDS."""


@dataclass(frozen=True)
class Sample(Record):
    """One completion of a problem's prompt. `token_ids` are the tokens sampled, the end token included if it was."""

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

    def __post_init__(self) -> None:
        """Equal token ids become one object, so that the samples of a long run take half of the memory."""
        ids = self.token_ids
        if isinstance(ids, list) and len(_IDS) < MOST_IDS and all(type(token) is int for token in ids):
            ids[:] = map(_IDS.setdefault, ids, ids)

    def check_fields(self) -> None:
        """A sample has a text and says how it ended."""
        for name in ("text", "engine"):
            _expect(self, name, str)
        for name in ("index", "attempt", "tokens"):
            _expect(self, name, int)
        _expect(self, "params", Mapping)
        _expect(self, "token_ids", list)
        if self.finish not in ("stop", "length", "error"):
            raise InputError(f"sample record whose finish is {self.finish!r:.40}", "it is stop, length or error")


@dataclass(frozen=True)
class Verdict(Record):
    """What the verifier says about a sample. `infra` means that verification itself failed; it is never a label."""

    kind: ClassVar[str] = "verdict"
    parents: ClassVar[Mapping[str, type[Record]]] = {"sample": Sample}

    sample: Sample
    status: str
    passed_tests: int
    total_tests: int
    reason: str
    isolation: str
    seconds: float = field(default=0.0, compare=False)

    def check_fields(self) -> None:
        """A verdict has one of three statuses."""
        for name in ("passed_tests", "total_tests"):
            _expect(self, name, int)
        _expect(self, "reason", str)
        if self.status not in ("pass", "fail", "infra"):
            raise InputError(f"verdict record whose status is {self.status!r:.40}", "it is pass, fail or infra")

    @property
    def passed(self) -> bool:
        """Whether the verifier accepted the sample."""
        return self.status == "pass"


@dataclass(frozen=True)
class Adapter(Record):
    """What training wrote to `path`: a LoRA adapter, or whole weights if `method` is `full`."""

    kind: ClassVar[str] = "adapter"
    parents: ClassVar[Mapping[str, type[Record]]] = {"base": ModelRef}

    base: ModelRef
    digest: str
    method: str
    config: Mapping[str, Any]
    rows: int
    metrics: Mapping[str, Any]
    path: str = field(default="", compare=False)


@dataclass(frozen=True)
class Model(Record):
    """A merged checkpoint in `path`, with a certificate that says how closely it equals base + adapter."""

    kind: ClassVar[str] = "model"
    parents: ClassVar[Mapping[str, type[Record]]] = {"adapter": Adapter}

    adapter: Adapter
    digest: str
    certificate: Mapping[str, Any]
    path: str = field(default="", compare=False)


@dataclass(frozen=True)
class Metrics(Record):
    """A pass rate with its interval. `family` is `all` and `level` 0 if the row covers every one."""

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

    def check_fields(self) -> None:
        for name in ("experiment", "split", "family"):
            _expect(self, name, str)
        for name in ("iteration", "level", "n", "passed", "tokens"):
            _expect(self, name, int)
        for name in ("rate", "seconds"):
            _expect(self, name, (int, float))
        _expect(self, "pass_at", Mapping)
        if not isinstance(self.interval, list) or [type(end) in (int, float) for end in self.interval] != [True, True]:
            raise InputError(f"metrics record whose interval is {self.interval!r:.40}")


KINDS: Mapping[str, type[Record]] = {cls.kind: cls for cls in (Problem, Sample, Verdict, Adapter, Model, Metrics)}
WRITERS: Mapping[str, str] = {
    "problem": "axiom problems gen",
    "sample": "axiom solve",
    "verdict": "axiom verify",
    "adapter": "axiom train",
    "model": "axiom merge",
    "metrics": "axiom loop",
}
