"""The page stands alone, can be read without seeing the plots, and holds nothing that a name could smuggle in."""

from __future__ import annotations

import itertools
import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from axiom_cli import jsonl
from axiom_cli.evaluation.experiment_folder import read_experiment
from axiom_cli.evaluation.metrics import evaluate, phase_row
from axiom_cli.records import Metrics
from axiom_cli.report.drawing.charts import LABEL_GAP, spread
from axiom_cli.report.formats import render
from axiom_cli.report.outcome.summary import ExperimentSummary, summarize
from axiom_cli.report.pages.experiment import page
from axiom_cli.report.tables.experiment import experiment_findings
from made_experiment import make, problem, verdict

calm = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""A busy machine is no failure."""
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
VOID = {"meta", "br", "hr", "img", "link", "input"}


class Reader(HTMLParser):
    """Collects the elements, and insists that they nest."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes another element"


@pytest.fixture(scope="module")
def summary(tmp_path_factory: pytest.TempPathFactory) -> ExperimentSummary:
    """An experiment with controls."""
    return summarize(read_experiment(str(make(tmp_path_factory.mktemp("page") / "run", 2, 4, 3))))


@pytest.fixture(scope="module")
def text(summary: ExperimentSummary) -> str:
    """Its page."""
    return page(summary)


def elements(text: str) -> list[tuple[str, dict[str, str | None]]]:
    """Every element of a page that nests properly."""
    reader = Reader()
    reader.feed(text)
    assert not reader.open
    return reader.seen


def test_the_page_asks_the_network_for_nothing(text: str):
    found = elements(text)
    assert {tag for tag, _ in found}.isdisjoint({"script", "link", "img", "iframe", "object", "embed", "video"})
    for _, attributes in found:
        assert not attributes.keys() & {"src", "srcset", "action", "data", "xlink:href"}
        assert (attributes.get("href") or "#").startswith("#")
    assert not re.search(r"https?://|url\(|@import|//cdn", text)
    assert "default-src 'none'" in text


def test_every_plot_has_a_name_a_description_and_a_table_behind_it(text: str):
    plots = re.findall(r"<svg.*?</svg>", text, re.S)
    assert len(plots) >= 10
    for plot in plots:
        root = ElementTree.fromstring(plot)
        title, desc = root.find("title"), root.find("desc")
        assert title.text and desc.text
        assert root.get("aria-labelledby") == f"{title.get('id')} {desc.get('id')}" and root.get("role") == "img"
    for card in re.findall(r'<div class="card">.*?</section>', text, re.S):
        assert "<svg" not in card or "<details>" in card


def test_ids_are_unique(text: str):
    ids = [attributes["id"] for _, attributes in elements(text) if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_it_fits_a_phone_and_follows_light_and_dark(text: str):
    assert "width=device-width" in text and "prefers-color-scheme: dark" in text and "max-width: 640px" in text
    assert all(attributes.get("viewbox") for tag, attributes in elements(text) if tag == "svg")


def test_everything_is_there(text: str):
    for heading in (
        "Held-out pass rate",
        "Model N against Model N+1",
        "Families",
        "Levels",
        "Samples",
        "pass@k, start and selected",
        "Replay, acceptance, loss",
        "Controls",
        "Form, habit, skill",
        "Time, tokens and cost",
        "Configuration and lineage",
        "Twelve questions",
    ):
        assert f"<h2>{heading}</h2>" in text
    assert "shuffled" in text and "cold-only" in text and "$" not in text.partition("</style>")[2]


def test_the_contents_lead_to_every_section(text: str):
    found = elements(text)
    links = [attributes["href"] for tag, attributes in found if tag == "a"]
    assert links == [f"#{attributes['id']}" for tag, attributes in found if tag == "section"] and len(links) > 10


def test_what_a_model_wrote_is_text_and_not_markup(tmp_path: Path):
    hostile = "</pre></details><script>alert(1)</script><img src=x onerror=alert(1)>{{ 7 * 7 }}\x1b]0;x\x07\u202egnp"
    rows = []
    for iteration, solves in ((0, False), (1, True)):
        judged = []
        for number in range(40):
            of = verdict(problem("rpn", 3, number, "test"), solves and number < 30)
            of = replace(
                of, reason=hostile, sample=replace(of.sample, text=f"<think>{hostile}</think>\nAnswer: {hostile}")
            )
            judged.append(replace(of, sample=replace(of.sample, problem=replace(of.sample.problem, prompt=hostile))))
        jsonl.save(tmp_path / "run" / "evaluations" / f"test_{iteration}.jsonl", judged)
        rows += evaluate(judged, "run", iteration, "test")
    jsonl.save(tmp_path / "run" / "metrics.jsonl", rows)
    found = summarize(read_experiment("run", tmp_path))
    text = page(found)
    assert {tag for tag, _ in elements(text)}.isdisjoint({"script", "img"})
    assert "&lt;script&gt;alert(1)" in text and "{{ 7 * 7 }}" in text, "it is shown as it is"
    assert not {"\x1b", "\x07", "\u202e"} & set(text), "a browser obeys none of it"
    markdown = render(experiment_findings([found]), "md")
    assert "<script" not in markdown and "<img" not in markdown and "\x1b" not in markdown


def test_a_few_problems_of_each_kind_are_shown_with_what_both_models_wrote(summary: ExperimentSummary):
    found = summary.examples
    assert found and found.counts["newly solved"] > found.counts["lost"]
    for kind, (before, after) in {"newly solved": ("fail", "pass"), "still failing": ("fail", "fail")}.items():
        shown = found.shown[kind]
        assert 0 < len(shown) <= 6 and len({one.family for one in shown}) > 1
        assert {(one.start.status, one.selected.status) for one in shown} == {(before, after)}
    one = found.shown["newly solved"][0]
    assert one.selected.answer == one.right and one.start.answer == "no" and one.prompt == f"Say {one.right}."


def test_a_run_that_was_stopped_before_its_test_shows_samples_of_validation(tmp_path: Path):
    run = read_experiment(str(make(tmp_path / "run", 1, 1, 3)))
    run.folder.verdicts("test", 2).unlink()
    found = summarize(read_experiment(str(run.folder.path))).examples
    assert found and found.split == "val" and found.shown["newly solved"]


def test_names_are_text_and_not_markup(tmp_path: Path):
    folder = make(tmp_path / "<b>x&y", 1, 1, 2)
    text = page(summarize(read_experiment(str(folder))))
    elements(text)
    assert "<b>x" not in text and "&lt;b&gt;x&amp;y" in text


@given(st.lists(st.floats(20, 280), min_size=1, max_size=12))
@calm
def test_labels_never_cover_each_other(values: list[float]):
    placed = spread(sorted(values), 18, 262)
    assert all(right - left >= LABEL_GAP - 1e-9 for left, right in itertools.pairwise(placed))
    assert max(placed) <= 262


def test_the_e_value_is_shown_round_by_round_and_what_it_allows_to_say(tmp_path: Path):
    folder = make(tmp_path / "run", 1, 1, 3)
    rows = jsonl.load(folder / "metrics.jsonl", Metrics)
    facts = {"reference_passed": 20, "wins": 12, "losses": 4}
    for iteration, value in enumerate((0.6, 40.0)):
        extra = {**facts, "pairs": 16 * (iteration + 1), "e_value": value}
        rows.append(replace(phase_row("run", iteration, "evidence", 1.0, 10, 50, 30, extra), split="val"))
    rows.append(phase_row("run", 1, "stop", 0.0, extra={"reason": "it lost"}))
    jsonl.save(folder / "metrics.jsonl", rows)
    text = page(summarize(read_experiment(str(folder))))
    elements(text)
    assert "The e-value after round 2 is 40, enough from round 2. The run stopped: it lost." in text


@pytest.mark.slow
@pytest.mark.skipif(not CHROMIUM, reason="needs Chromium")
def test_a_browser_shows_it_without_a_word_of_complaint(text: str, tmp_path: Path):
    (tmp_path / "page.html").write_text(text)
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", f"--user-data-dir={tmp_path}"]
    shot = ["--window-size=390,3000", f"--screenshot={tmp_path / 'page.png'}"]
    command = [str(CHROMIUM), *flags, *shot, (tmp_path / "page.html").as_uri()]
    found = subprocess.run(command, capture_output=True, text=True, timeout=200)
    assert (tmp_path / "page.png").stat().st_size > 20_000
    assert ":CONSOLE" not in found.stderr, found.stderr
