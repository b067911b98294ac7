"""Several runs together, in every format: a row a run, their mean and spread, and a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from axiom_cli.evaluation.comparison import points, points_range, spoken
from axiom_cli.evaluation.pooled import Pooled, Spread, common_split, differing, pooled_test, spread
from axiom_cli.report.formats import Findings, Table
from axiom_cli.report.outcome.summary import ExperimentSummary
from axiom_cli.report.tables.experiment import experiment_findings
from axiom_cli.wording import listed


def pool(summaries: Sequence[ExperimentSummary]) -> Pooled | None:
    """The runs together; None where there is one alone, or they share no split that all evaluated."""
    runs = [(summary.experiment, summary.selected) for summary in summaries]
    split = common_split(runs) if len(runs) > 1 else ""
    if not split:
        return None
    rates = [[_rate(summary, model, split) for summary in summaries] for model in ("start", "selected")]
    arms = [arm for arm in summaries[0].controls if all(arm in summary.controls for summary in summaries)]
    return Pooled(
        [summary.experiment.name for summary in summaries],
        split,
        spread(rates[0]),
        spread(rates[1]),
        spread([after - before for before, after in zip(*rates, strict=True)]),
        {arm: spread([summary.controls[arm].difference for summary in summaries]) for arm in arms},
        pooled_test(runs, split),
        differing([experiment for experiment, _ in runs]),
    )


def _rate(summary: ExperimentSummary, model: str, split: str) -> float:
    iteration = summary.experiment.iterations()[0] if model == "start" else summary.selected
    return next(row.rate for row in summary.experiment.evaluations(split=split) if row.iteration == iteration)


def pooled_table(summaries: Sequence[ExperimentSummary], pooled: Pooled) -> Table:
    """A row a run, then their mean and their standard deviation."""
    rows = [
        [
            summary.experiment.name,
            str(summary.experiment.config.get("seed", "")),
            f"{100 * _rate(summary, 'start', pooled.split):.1f}",
            f"{100 * _rate(summary, 'selected', pooled.split):.1f}",
            points(_rate(summary, "selected", pooled.split) - _rate(summary, "start", pooled.split)),
            summary.verdict,
        ]
        for summary in summaries
    ]
    means = [f"{100 * pooled.start.mean:.1f}", f"{100 * pooled.selected.mean:.1f}", points(pooled.gain.mean)]
    rows.append(["mean", "", *means, ""])
    rows.append(
        ["standard deviation", "", *(_deviation(of) for of in (pooled.start, pooled.selected, pooled.gain)), ""]
    )
    columns = ["run", "seed", "start, %", "selected, %", "gain, points", "verdict"]
    return Table(f"{len(summaries)} runs together ({spoken(pooled.split)})", columns, rows, keys=1)


def _deviation(of: Spread) -> str:
    return "" if of.deviation is None else f"{100 * of.deviation:.1f}"


def pooled_sentences(pooled: Pooled) -> list[str]:
    """The mean and its interval over runs, the pooled test, the controls, and whether the runs are of one recipe."""
    gain = pooled.gain
    over = f" (95 % interval over runs {points_range(gain.interval)})" if gain.interval else ""
    sentences = [f"The {gain.runs} runs gain {points(gain.mean)} points on average{over}, {_range(gain)}."]
    for arm, of in pooled.controls.items():
        bounds = f" ({points_range(of.interval)} over runs)" if of.interval else ""
        sentences.append(f"Against the control {arm}: {points(of.mean)} points on average{bounds}.")
    if pooled.tested:
        sentences.append(f"Pooled over the problems, {pooled.tested.sentence[:1].lower()}{pooled.tested.sentence[1:]}")
    else:
        sentences.append("The verdicts of a run were not kept, so its problems cannot be pooled.")
    if pooled.differ:
        values = [f"{name} ({', '.join(dict.fromkeys(of))})" for name, of in list(pooled.differ.items())[:4]]
        more = f", and {len(pooled.differ) - 4} more" if len(pooled.differ) > 4 else ""
        sentences.append(f"These runs differ in more than their seed: {listed(values)}{more}.")
    return sentences


def _range(of: Spread) -> str:
    return f"from {points(of.least)} to {points(of.most)}"


def several_findings(summaries: Sequence[ExperimentSummary]) -> Findings:
    """Each run as a report has it, then all together: the last value of the JSON list, and a part of the rest."""
    each, pooled = experiment_findings(summaries), pool(summaries)
    if pooled is None:
        return each
    parts: list[Table | str] = [pooled_table(summaries, pooled), *pooled_sentences(pooled)]
    return replace(
        each,
        json_value=[*each.json_value, {"pooled": pooled.to_dict()}],
        markdown=[*each.markdown, *parts],
        terminal=[*each.terminal, *parts],
    )
