"""Teachers: a server, Gemini's flavour of it, or a model on this machine; what they cost, and a budget that holds."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from random import Random

import pytest

from axiom_cli import jsonl
from axiom_cli.errors import MissingError, NothingToDoError, UsageError
from axiom_cli.models import nano
from axiom_cli.problems.families import draw
from axiom_cli.problems.families.teacher import teach
from axiom_cli.problems.reasoning import has_reasoning
from axiom_cli.sampling import teachers
from axiom_cli.sampling.coldstart import TraceCounts, coldstart
from axiom_cli.sampling.engines.spending import Price, parse_budget
from axiom_cli.settings.configs import ColdstartConfig
from axiom_cli.workspace.store import Workspace
from chat_server import (
    GEMINI_KEY,
    chat_server,
    completion,
    gemini_completion,
    gemini_error,
    gemini_quota,
    gemini_server,
)
from command_line import AXIOM, axiom, environment, failed, rows

PROBLEMS = list(draw.problems(["arithmetic", "rpn"], 10, [3], "train", 0))
BY_PROMPT = {problem.prompt: problem for problem in PROBLEMS}
LINES = b"".join(map(jsonl.dump, PROBLEMS))
KINDS = ("passed", "wrong", "ill_formed", "cut_off", "declined")
COST = {"passed": 200, "wrong": 50, "ill_formed": 40, "cut_off": 512, "declined": 10}


def kind_of(body):
    return Random(f"{body['seed']}").choice(KINDS)


def mixed(body):
    """Every kind of answer, by the seed; each costs its COST."""
    problem, kind = BY_PROMPT[body["messages"][-1]["content"]], kind_of(body)
    texts = {"passed": teach(problem), "wrong": "Answer: 987654", "ill_formed": "it is easy"}
    finish = {"cut_off": "length", "declined": "content_filter"}.get(kind, "stop")
    data = completion(texts.get(kind, "<think>\nwell"), finish)
    data["usage"] = {"prompt_tokens": 100, "completion_tokens": COST[kind], "total_tokens": 100 + COST[kind]}
    return data


def spent(bodies):
    return sum(100 + COST[kind_of(body)] for body in bodies)


@pytest.fixture(autouse=True)
def no_keys(monkeypatch):
    for name in ("AXIOM_API_KEY", "OPENAI_API_KEY", "GEMINI_API_KEY", "GOOGLE_API_KEY", teachers.GEMINI_BASE):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def workspace(tmp_path):
    return Workspace.create(tmp_path / ".axiom")


def told(server, **more):
    return ColdstartConfig(teacher=f"{server.address}#toy", teacher_max_tokens=512, **more)


def test_a_budget_is_never_exceeded_and_a_larger_one_buys_only_the_rest(workspace):
    with chat_server(mixed) as server:
        config, counts = told(server, budget="4000", include_failed=True), TraceCounts()
        first = list(coldstart(PROBLEMS, config, workspace=workspace, counts=counts))
        bought = len(server.requests)
        assert 4000 - 1400 < spent(server.requests) <= 4000
        assert len(first) == counts.traces == bought and counts.not_asked == 40 - bought
        whole = list(coldstart(PROBLEMS, told(server, include_failed=True), workspace=workspace))
        assert whole[:bought] == first and len(whole) == len(server.requests) == 40
        again = TraceCounts()
        assert list(coldstart(PROBLEMS, told(server, include_failed=True), workspace=workspace, counts=again)) == whole
        assert len(server.requests) == 40 and again.charged.total == spent(server.requests)
    kinds = [kind_of(body) for body in server.requests]
    assert {kind: getattr(again, kind) for kind in KINDS} == {kind: kinds.count(kind) for kind in KINDS}
    assert again.declined > 0 and again.lost == 0


@pytest.mark.slow
def test_the_forecast_comes_before_the_first_request_and_says_what_is_assumed(workspace):
    forecasts = []
    with chat_server(mixed) as server:
        config = told(server, price_in=1.0, price_out=10.0)

        def seen(forecast):
            forecasts.append((len(server.requests), forecast))

        for _ in range(2):
            list(coldstart(PROBLEMS, config, workspace=workspace, counts=TraceCounts(on_forecast=seen)))
    (before, first), (_, second) = forecasts
    lines = " ".join(first.lines())
    assert before == 0 and (first.traces, first.bought, first.expected.completion) == (40, 0, 40 * 512)
    assert "40 traces of 10 problems" in lines and "assumed: 512 a trace" in lines and "estimated" in lines
    assert f"about ${first.price.dollars(first.expected):.2f} ($1.00 in and $10.00 out" in lines
    assert second.bought == 40 and second.spent.total == spent(server.requests)
    assert list(second.lines())[0].endswith("nothing is asked")


@pytest.mark.parametrize("budget", ["500", "$0.004", "0"])
def test_a_budget_too_small_for_one_trace_asks_for_nothing(budget):
    with chat_server(mixed) as server:
        config = told(server, budget=budget, price_in=1.0, price_out=10.0)
        with pytest.raises(NothingToDoError, match="does not pay for one trace"):
            list(coldstart(PROBLEMS, config))
    assert server.requests == []


PRICE = Price(1, 1)


@pytest.mark.parametrize(
    ("text", "amount"),
    [("2000", 2000), ("2,000 tokens", 2000), ("200k", 200_000), ("1.5M", 1.5e6), ("$5", 5), ("0.5$", 0.5), ("3usd", 3)],
)
def test_budgets_are_tokens_or_dollars(text, amount):
    budget = parse_budget(text, PRICE)
    assert budget.amount == amount and bool(budget.price) == any(mark in text for mark in ("$", "usd"))


@pytest.mark.parametrize("text", ["", "five", "-3", "$", "1e9", "5€", "nan"])
def test_what_is_no_budget_is_a_usage_error(text):
    with pytest.raises(UsageError) as caught:
        parse_budget(text, PRICE)
    assert "in quotes" in caught.value.hint


def test_dollars_need_a_price():
    with pytest.raises(UsageError, match="not known") as caught:
        parse_budget("$5", None)
    assert "--price-in" in caught.value.hint


@pytest.mark.parametrize("form", ["answer", pytest.param("program", marks=pytest.mark.slow)])
def test_without_thinking_traces_are_bare_whoever_wrote_them(form):
    problems = list(draw.problems([], 6, [3, 4], "train", 0, form))
    known = {problem.prompt: problem for problem in problems}
    config = {"think": False, "traces": 1}
    solved = list(coldstart(problems, ColdstartConfig(**config)))
    with chat_server(lambda body: completion(teach(known[body["messages"][-1]["content"]]))) as server:
        bought = list(coldstart(problems, ColdstartConfig(f"{server.address}#toy", **config)))
    assert all("<think>" not in body["messages"][0]["content"] for body in server.requests)
    for verdicts in (solved, bought):
        assert len(verdicts) == 6 and all(verdict.passed for verdict in verdicts)
        assert not any(has_reasoning(verdict.sample.text) or "think>" in verdict.sample.text for verdict in verdicts)


def test_a_thought_in_other_tags_gets_those_that_the_student_learns():
    text = teach(PROBLEMS[0]).replace("think>", "thought>")
    with chat_server(lambda _: completion(text)) as server:
        config = ColdstartConfig(f"{server.address}#toy", traces=1)
        [verdict] = coldstart(PROBLEMS[:1], config)
    assert verdict.sample.text == teach(PROBLEMS[0])


def gemini(monkeypatch, server, **more):
    monkeypatch.setenv(teachers.GEMINI_BASE, server.root)
    monkeypatch.setenv("AXIOM_API_KEY", GEMINI_KEY)
    return ColdstartConfig("gemini", traces=1, **more)


def right(body):
    return gemini_completion(teach(BY_PROMPT[body["messages"][-1]["content"]]))


@pytest.mark.slow
def test_gemini_teaches_in_its_own_flavour(monkeypatch, workspace):
    with gemini_server(right) as server:
        server.faults = [gemini_quota("PerMinute", 0.2), 500, "cut", "malformed"]
        config, counts = gemini(monkeypatch, server, reasoning_effort="low", delay=0.01), TraceCounts()
        verdicts = list(coldstart(PROBLEMS, config, workspace=workspace, counts=counts))
    assert len(verdicts) == 10 and all(verdict.passed for verdict in verdicts)
    body = server.requests[-1]
    assert body["model"] == "gemini-2.5-flash" and body["reasoning_effort"] == "low" and "logprobs" not in body
    assert (counts.charged.prompt, counts.charged.completion) == (200, 800)  # thoughts are paid for, too
    assert counts.price == Price(0.30, 2.50, teachers.SOURCE)
    assert counts.cost == "200 tokens in, 800 out, $0.0021"


GEMINI_FINAL = {
    "quota": (gemini_quota("PerDay", 30), "quota of the day"),
    "key": (gemini_error(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key."), "GEMINI_API_KEY"),
    "no model": (gemini_error(404, "NOT_FOUND", "models/gemini-9 is not found for API version v1main"), "model"),
}


@pytest.mark.parametrize("name", GEMINI_FINAL)
def test_what_gemini_will_not_change_is_asked_once(monkeypatch, name):
    fault, hint = GEMINI_FINAL[name]
    with gemini_server(right) as server:
        server.faults = [fault] * 9
        with pytest.raises(MissingError) as caught:
            list(coldstart(PROBLEMS[:1], gemini(monkeypatch, server)))
    assert len(server.requests) == 1 and hint.replace("GEMINI", "AXIOM") in caught.value.hint.replace("GEMINI", "AXIOM")


@pytest.mark.slow
def test_a_prompt_that_gemini_blocks_is_bought_once(monkeypatch, workspace):
    blocked = {"choices": [], "promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}
    taboo = PROBLEMS[3].prompt
    with gemini_server(lambda body: blocked if body["messages"][-1]["content"] == taboo else right(body)) as server:
        asked = []
        for _ in range(2):
            counts = TraceCounts()
            list(coldstart(PROBLEMS, gemini(monkeypatch, server), workspace=workspace, counts=counts))
            assert (counts.passed, counts.declined) == (9, 1)
            asked.append(len(server.requests))
    assert asked[0] == asked[1]


@pytest.mark.slow
def test_a_model_on_this_machine_is_a_teacher_and_its_ids_stay_behind(workspace):
    config = ColdstartConfig("nano", traces=2, teacher_max_tokens=128, include_failed=True)
    problems = list(draw.problems(["bracket_listing"], 10, [2, 3], "train", 0))
    verdicts = list(coldstart(problems, config, workspace=workspace))
    assert len(verdicts) == 20 and {verdict.status for verdict in verdicts} <= {"pass", "fail"}
    assert any(verdict.passed for verdict in verdicts)
    for verdict in verdicts:
        sample = verdict.sample
        assert sample.model.name == "nano" and sample.token_ids == [] and sample.logprob is None and sample.extra == {}


def test_a_model_may_have_a_name_like_a_teacher_s(tmp_path, monkeypatch):
    shutil.copytree(nano.WEIGHTS, tmp_path / "gemma")
    monkeypatch.chdir(tmp_path)
    teachers.check_teacher(ColdstartConfig("gemma"))
    with pytest.raises(UsageError, match="no teacher called 'gemmi'"):
        teachers.check_teacher(ColdstartConfig("gemmi"))


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--teacher", "solvr"), 2, "did you mean solver?"),
        (("--teacher", "no-such-model"), 4, "there is no model called"),
        (("--teacher", "nano", "--teacher-model", "x"), 2, "--teacher-model is for a teacher behind an address"),
        (("--teacher", "gemini"), 4, "GEMINI_API_KEY"),
        (("--teacher", "gemini", "--budget", "abc"), 2, "--budget 'abc' is not a budget"),
        (("--teacher", "no-such-model", "--reasoning-effort", "low"), 2, "--reasoning-effort is for a teacher behind"),
        (("--budget", ""), 2, "in quotes"),
        (("--teacher", "http://127.0.0.1:9/v1#x", "--budget", "$5"), 2, "--price-in"),
        (("--teacher", "http://127.0.0.1:9/v1#x"), 4, "is the server running?"),
    ],
)
@pytest.mark.slow
def test_what_is_wrong_with_a_teacher_is_one_line(words, code, said, tmp_path):
    failed(axiom("coldstart", *words, cwd=tmp_path, stdin=LINES), code, said)


@pytest.mark.slow
def test_what_was_paid_for_is_not_lost_to_a_kill(tmp_path):
    (tmp_path / "problems.jsonl").write_bytes(LINES)
    with chat_server(mixed) as server:
        words = ["coldstart", "problems.jsonl", "--teacher", f"{server.address}#toy", "--delay", "0.2"]
        running = subprocess.Popen([*AXIOM, *words], cwd=tmp_path, env=environment(), stdout=subprocess.PIPE)
        while len(server.requests) < 8 and running.poll() is None:
            time.sleep(0.02)
        running.kill()
        running.communicate()
        asked = len(server.requests)
        done = axiom(*words[:4], cwd=tmp_path)
    assert done.returncode == 0 and asked < 40 and len(server.requests) <= 40 + 2


@pytest.mark.slow
def test_the_command_tells_the_cost_before_and_after(tmp_path):
    with chat_server(mixed) as server:
        words = ("coldstart", "--teacher", f"{server.address}#toy", "--price-in", "1", "--price-out", "10")
        done = axiom(*words, "--budget", "$0.05", "--teacher-max-tokens", "512", cwd=tmp_path, stdin=LINES)
        bought = len(server.requests)
        rest = axiom(*words, "--teacher-max-tokens", "512", cwd=tmp_path, stdin=LINES)
    said = done.stderr.decode()
    for part in ("40 traces of 10 problems", "budget $0.05", "refused or filtered", "the traces have cost", "covers"):
        assert part in said
    assert done.returncode == rest.returncode == 0 and bought < 40 == len(server.requests)
    assert rows(rest.stdout)[: len(rows(done.stdout))] == rows(done.stdout)
    assert json.loads(done.stdout.splitlines()[0])["sample"]["usage"]["prompt"] == 100
