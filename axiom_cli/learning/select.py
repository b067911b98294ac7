"""Choose: which verdicts become rows for the objective that is trained, with every number told."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from axiom_cli.errors import NothingToDoError
from axiom_cli.learning import preference, value_labels
from axiom_cli.learning.preference import Contrast
from axiom_cli.learning.rejection_sampling import MANY_CUT_OFF, Screen, Selection, select
from axiom_cli.learning.value_labels import Labels
from axiom_cli.records import Verdict
from axiom_cli.settings.configs import TrainConfig

Chosen = Selection | Contrast | Labels
Note = Callable[[str], None]
OnSelection = Callable[[Chosen], None]


def choose(
    verdicts: Iterable[Verdict],
    config: TrainConfig,
    screen: Screen | None = None,
    on_selection: OnSelection | None = None,
    note: Note | None = None,
) -> Chosen:
    """The rows that `config.objective` learns from, told to whoever asks; samples that `screen` knows are left out.
    NothingToDoError, and why, where there are none."""
    if config.objective != "sft":
        kind = value_labels if config.objective == value_labels.OBJECTIVE else preference
        found = kind.gather(list(verdicts), config, screen)
        if on_selection:
            on_selection(found)
        kind.check(found)
        return found
    selection = select(verdicts, config, screen)
    if on_selection:
        on_selection(selection)
    if note and selection.verdicts and selection.cut_off >= MANY_CUT_OFF * selection.verdicts:
        share = selection.cut_off / selection.verdicts
        note(f"{share:.0%} of the samples ran into their length limit: raise --max-tokens of axiom solve")
    if not selection.choices:
        raise NothingToDoError("no accepted solution to train on", _why_none(selection))
    return selection


def _why_none(selection: Selection) -> str:
    if not selection.verdicts:
        return "the input is empty: axiom verify writes verdict records"
    if selection.infra == selection.verdicts:
        return "every verdict is infra, which says nothing of the sample: see the reason in each"
    if selection.screened:
        return f"{selection.screened} accepted solutions are of problems that they are to be evaluated on (--against)"
    if selection.truncated:
        return f"{selection.truncated} accepted solutions were cut off: raise --max-tokens of axiom solve"
    return f"none of {selection.verdicts} passed: lower --difficulty, raise --samples, or begin with axiom coldstart"
