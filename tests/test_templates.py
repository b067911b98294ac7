"""Training sees, to the id, what sampling saw, whatever a template does with roles, dates, defaults and thinking."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from transformers import GenerationConfig

import templates
import tiny
from axiom_cli import models
from axiom_cli.errors import InputError
from axiom_cli.learning.objectives import OBJECTIVES
from axiom_cli.learning.tokens import tokenizer_of
from axiom_cli.learning.training.rows import encode
from axiom_cli.learning.training.trainer import Trainer
from axiom_cli.learning.training_example import TrainingExample
from axiom_cli.models.loading import load_tokenizer
from axiom_cli.problems import answers, reasoning
from axiom_cli.records import Sample
from axiom_cli.sampling import prompts
from axiom_cli.sampling.engines.protocol import Request, requests
from axiom_cli.sampling.engines.transformers import TransformersEngine
from axiom_cli.sampling.token_ids import end_ids
from axiom_cli.settings.configs import SolveConfig, TrainConfig
from axiom_cli.terminal import console
from templates import KINDS

NAMES = [*KINDS, "nano"]
PROBLEMS = [tiny.problem(1), tiny.problem(2)]
SAID = [{"role": "system", "content": "S"}, {"role": "user", "content": "U"}]
RETRY = [
    *answers.messages(PROBLEMS[0]),
    {"role": "assistant", "content": "<think>\nso it is two\n</think>\nAnswer: 2"},
    {"role": "user", "content": "2 is not right. Try again, from the beginning."},
]
CONFIG = SolveConfig(temperature=1.0, max_tokens=24)
each = pytest.mark.parametrize("name", NAMES)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    made = {name: str(templates.write_model(tmp_path_factory.mktemp(name), kind)) for name, kind in KINDS.items()}
    return {**made, "nano": "nano"}


def sampled(model: str) -> Iterator[Sample]:
    """First attempts and a retry, as the engine writes them; each is given an end where it has none."""
    engine = TransformersEngine(model)
    end = load_tokenizer(models.resolve(model).path).eos_token_id
    for group in engine.generate([*requests(PROBLEMS), Request(PROBLEMS[0], 2, RETRY)], CONFIG, 2):
        for sample in group:
            told = {"messages": RETRY} if sample.index >= 2 else {}
            yield replace(
                sample,
                token_ids=[*sample.token_ids, *[end] * (sample.finish != "stop")],
                finish="stop",
                extra={**sample.extra, **told},
            )


@each
def test_training_sees_the_ids_that_sampling_saw(name: str, folders: dict[str, str]) -> None:
    base = models.resolve(folders[name])
    samples = list(sampled(folders[name]))
    tokenizer, ends = tokenizer_of(base)
    examples = [TrainingExample(tiny.verdict(sample)) for sample in samples]
    encoded = OBJECTIVES["sft"].encode(examples, tokenizer, ends, TrainConfig(), base.digest)
    assert len(encoded.rows) == len(samples) == 6
    assert encoded.counts() == dict.fromkeys(encoded.counts(), 0), "all of them as they were sampled"
    for row, sample in zip(encoded.rows, samples, strict=True):
        assert prompts.digest(row.prompt_ids) == sample.extra[prompts.PROMPT_DIGEST]
        assert row.completion_ids == sample.token_ids
    assert encoded.rows[-1].prompt_ids != encoded.rows[0].prompt_ids, "the retry was told more"


@pytest.mark.parametrize("name", KINDS)
def test_a_prompt_is_the_template_s_text_and_nothing_else(name: str) -> None:
    kind = KINDS[name]
    tokenizer = templates.tokenizer_of(kind)
    assert prompts.conversation(tokenizer, SAID) == kind.shown
    ids = prompts.conversation_ids(tokenizer, SAID)
    assert tokenizer.decode(ids) == kind.shown
    assert ids.count(tokenizer.bos_token_id) == (1 if kind.bos else 0)
    assert prompts.sees_system(tokenizer)
    assert "helpful" not in kind.shown, "no default system prompt beside ours"


@each
def test_the_end_of_the_text_is_learned_and_is_the_one_that_ends_a_turn(name: str, folders: dict[str, str]) -> None:
    """A teacher's text, which has no ids."""
    base = models.resolve(folders[name])
    tokenizer, ends = tokenizer_of(base)
    assert ends == Trainer(base.path).ends, "a look at the rows loads no weights, and sees the same"
    (row,) = encode([(tiny.sample(PROBLEMS[0], "Answer: 1"), 1.0)], tokenizer, ends, 999).rows
    turn = KINDS[name].turn if name in KINDS else "<|end|>"
    assert tokenizer.decode(row.completion_ids) == f"Answer: 1{turn}"
    assert row.completion_ids[-1:] == tokenizer.convert_tokens_to_ids([turn])


def test_no_day_makes_another_prompt() -> None:
    """A template that asks for the date is told the same one on every day."""
    tokenizer = templates.tokenizer_of(KINDS["llama-3"])
    tokenizer.chat_template = "{{ strftime_now('%A %d %B %Y, %H:%M:%S (%Y-%m-%d, %j)') }}" + templates.CHATML
    text = prompts.conversation(tokenizer, SAID)
    assert text == "Friday 26 July 2024, 00:00:00 (2024-07-26, 208)" + templates.KINDS["qwen2.5"].shown
    plain = tokenizer.apply_chat_template(SAID, tokenize=False)
    assert datetime.now().strftime("%Y-%m-%d") in plain, "which is what the template would say by itself"


def test_thinking_is_stripped_from_earlier_turns_in_training_too(folders: dict[str, str]) -> None:
    tokenizer = load_tokenizer(folders["qwen3"])
    sample = tiny.sample(PROBLEMS[0], "Answer: 1", extra={"messages": RETRY})
    (row,) = encode([(sample, 1.0)], tokenizer, end_ids(tokenizer), 999).rows
    text = tokenizer.decode(row.prompt_ids)
    assert "Answer: 2<|im_end|>" in text and "so it is two" not in text
    assert "so it is two" in prompts.conversation(load_tokenizer(folders["smollm2"]), RETRY)


@pytest.mark.parametrize("text", ["<think>\nso\n</think>\nAnswer: 1", "<think>so\n</think>\nAnswer: 1"])
def test_what_the_template_has_opened_a_teacher_does_not_open_again(text: str) -> None:
    tokenizer = templates.tokenizer_of(KINDS["r1"])
    sample = tiny.sample(PROBLEMS[0], text)
    (row,) = encode([(sample, 1.0)], tokenizer, end_ids(tokenizer), 999).rows
    whole = tokenizer.decode([*row.prompt_ids, *row.completion_ids])
    assert whole.endswith("assistant\n<think>\nso\n</think>\nAnswer: 1<|im_end|>")
    tokenizer.chat_template = templates.STRIPPING
    (plain,) = encode([(sample, 1.0)], tokenizer, end_ids(tokenizer), 999).rows
    assert tokenizer.decode(plain.completion_ids[:-1]) == text


def test_marks_around_what_an_assistant_says_make_no_difference() -> None:
    tokenizer = templates.tokenizer_of(KINDS["marked"])
    pairs = [(tiny.sample(PROBLEMS[0], "Answer: 1", extra={"messages": RETRY}), 1.0)]
    marked = encode(pairs, tokenizer, (0,), 999)
    tokenizer.chat_template = templates.CHATML
    assert marked == encode(pairs, tokenizer, (0,), 999)


def test_a_template_that_takes_no_such_conversation_is_an_error_to_put_right() -> None:
    tokenizer = tiny.tiny_tokenizer()
    tokenizer.chat_template = "{{ raise_exception('tools only') }}"
    with pytest.raises(InputError, match="does not accept a conversation of system, user: tools only") as caught:
        prompts.conversation_ids(tokenizer, SAID)
    assert caught.value.exit_code == 3 and caught.value.hint


def test_without_a_template_a_text_begins_as_the_tokenizer_begins_it() -> None:
    from tokenizers.processors import TemplateProcessing

    tokenizer = templates.tokenizer_of(KINDS["gemma"])
    tokenizer.chat_template = None
    assert tokenizer.decode(prompts.conversation_ids(tokenizer, SAID)) == "S\n\nU\n\n"
    known = [(token, tokenizer.convert_tokens_to_ids(token)) for token in ("<bos>", "<eos>")]
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(single="<bos> $A <eos>", special_tokens=known)
    assert tokenizer.decode(prompts.conversation_ids(tokenizer, SAID)) == "<bos>S\n\nU\n\n"


PARTS = "{% for part in m['content'] %}{% if part['type'] == 'text' %}{{ part['text'] }}{% endif %}{% endfor %}"
ROLES = "{% for m in messages %}<|im_start|>{{ m.role }}\n" + PARTS + "<|im_end|>\n{% endfor %}"
NO_SYSTEM = "{% if messages[0].role == 'system' %}{{ raise_exception('no system role') }}{% endif %}"


@pytest.mark.parametrize(
    ("template", "shown"),
    [
        pytest.param(ROLES, "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nU<|im_end|>\n", id="parts"),
        pytest.param(NO_SYSTEM + ROLES, "<|im_start|>user\nS\n\nU<|im_end|>\n", id="parts, no system role"),
        pytest.param("{% for m in messages %}{{ m.content | trim }}, {% endfor %}", "S, U, ", id="trimmed"),
    ],
)
def test_what_is_said_reaches_the_model_by_the_way_that_the_template_has(template: str, shown: str) -> None:
    tokenizer = templates.tokenizer_of(KINDS["qwen2.5"])
    tokenizer.chat_template = template
    assert prompts.conversation(tokenizer, SAID) == shown


@pytest.mark.parametrize("said", ["", "{{ m.content[:3] }}", "{{ m.content | upper }}", "{{ m.content.question }}"])
def test_a_template_that_does_not_show_the_question_is_refused(said: str) -> None:
    tokenizer = templates.tokenizer_of(KINDS["qwen2.5"])
    tokenizer.chat_template = "{% for m in messages %}<|im_start|>" + said + "{% endfor %}"
    with pytest.raises(InputError, match="does not show the model what the user says: 'What is it") as caught:
        prompts.conversation_ids(tokenizer, [SAID[0], {"role": "user", "content": "What is it?"}])
    assert caught.value.exit_code == 3


def test_a_template_that_drops_the_system_message_is_told_of(capfd: pytest.CaptureFixture[str]) -> None:
    assert not prompts.sees_system(tiny.tiny_tokenizer())
    for name, told in (("nano", False), ("tiny", True), ("gemma", False)):
        console.warn_once.cache_clear()
        prompts.warn_of_template(
            load_tokenizer(models.resolve("nano").path)
            if name == "nano"
            else tiny.tiny_tokenizer()
            if name == "tiny"
            else templates.tokenizer_of(KINDS[name])
        )
        assert ("leaves out system messages" in capfd.readouterr().err) == told


def test_a_model_without_a_template_says_what_it_is_asked_with(capfd: pytest.CaptureFixture[str]) -> None:
    tokenizer = tiny.tiny_tokenizer()
    tokenizer.chat_template = None
    console.warn_once.cache_clear()
    prompts.warn_of_template(tokenizer, [tokenizer.eos_token_id])
    told = capfd.readouterr().err
    assert "no chat template: samples will come from a plain prompt" in told
    assert "leaves out" not in told


@pytest.mark.parametrize(
    "template", ["{{ 1 / 0 }}", "{% for i in range(10 ** 9) %}{% endfor %}", "{{ messages[9].role }}"]
)
def test_a_template_that_fails_is_an_error_to_put_right(template: str) -> None:
    tokenizer = tiny.tiny_tokenizer()
    tokenizer.chat_template = template
    with pytest.raises(InputError, match="chat template does not accept a conversation of system, user: ."):
        prompts.conversation_ids(tokenizer, SAID)
    tokenizer.chat_template = {"tool_use": tiny.TEMPLATE}
    with pytest.raises(InputError, match="does not accept a conversation of system, user: .*no default"):
        prompts.conversation_ids(tokenizer, SAID)


# The end of a turn


@pytest.mark.parametrize(
    ("turn", "ends"),
    [
        pytest.param("{{ m.content }}<|im_end|>\n", "<|im_end|> <|endoftext|>", id="a token that is not named"),
        pytest.param("{{ m.content }} \n<|im_end|>", "<|im_end|> <|endoftext|>", id="after white space"),
        pytest.param("{{ m.content }}<|im_end|><|endoftext|>", "<|im_end|> <|endoftext|>", id="before the one named"),
        pytest.param("{{ m.content }}", "<|endoftext|>", id="nothing"),
        pytest.param("{{ m.content }}<|im_start|>", "<|endoftext|>", id="the next turn"),
        pytest.param("{{ m.content }}\nuser:", "<|endoftext|>", id="words"),
    ],
)
def test_a_token_that_ends_the_template_s_turns_ends_a_completion(
    turn: str, ends: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """The tokenizer names another one, as after a fine-tuning of a base model."""
    tokenizer = templates.tokenizer_of(KINDS["qwen2.5"])
    tokenizer.eos_token = "<|endoftext|>"
    tokenizer.chat_template = "{% for m in messages %}<|im_start|>{{ m.role }}\n" + turn + "{% endfor %}"
    found = end_ids(tokenizer, GenerationConfig(eos_token_id=tokenizer.eos_token_id))
    assert tokenizer.convert_ids_to_tokens(found) == ends.split()
    console.warn_once.cache_clear()
    prompts.warn_of_template(tokenizer, found)
    told = "only '<|endoftext|>' ends a completion" in capfd.readouterr().err
    assert told == (turn.endswith(("<|im_start|>", ":")))


# Thinking


@pytest.mark.parametrize(("tag", "closing"), reasoning.THINKING.items())
def test_a_thought_that_lasts_too_long_is_closed_by_its_own_tag(tag: str, closing: str, tmp_path: Path) -> None:
    kind = replace(KINDS["r1"], template=templates.opening(tag))
    engine = TransformersEngine(str(templates.write_model(tmp_path / "model", kind)))
    tokenizer = load_tokenizer(tmp_path / "model")
    (group,) = engine.generate(requests([PROBLEMS[0]]), replace(CONFIG, max_tokens=60, max_think_tokens=8), 4)
    for sample in group:
        told = tokenizer.decode(sample.token_ids[8:])
        assert sample.finish == "stop" and len(sample.token_ids) <= 8 or told.startswith(f"\n{closing}\n")
    assert any(closing in sample.text for sample in group)
