"""How often answers are judged wrongly, beside other readers: `python tests/benchmarks/answers.py`.

The corpus is tests/answer_cases.jsonl: completions, of which each reader says whether they are right. A false negative
is a right answer that fails, a false positive a wrong one that passes. Beside axiom's reader stand plain exact match of
what follows the last "Answer:", and, where they are installed, math-verify alone (`pip install 'axiom-rl[math]'`) and
lm-eval's filters for GSM8K, strict and flexible (`pip install lm-eval`).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from answer_cases import CASES, MATH_CASES, Case

Judge = Callable[[Sequence[Case]], Iterator[bool]]
STRICT, FLEXIBLE = r"#### (\-?[0-9\.\,]+)", r"(-?[$0-9.,]{2,})|(-?[0-9]+)"  # lm_eval/tasks/gsm8k/gsm8k.yaml
ROW = "{:<24}{:>12}{:>18}{:>18}"


def by_axiom(cases: Sequence[Case]) -> Iterator[bool]:
    from axiom_cli.records import ModelRef, Problem, Sample
    from axiom_cli.settings.configs import VerifyConfig
    from axiom_cli.verification.verify import verify

    def sample(case: Case) -> Sample:
        problem = Problem("p", "f", "t", "?", 1, "train", answer=case.expected, answer_type=case.answer_type)
        return Sample(problem, ModelRef("m", "d"), "none", {}, 0, 1, case.text)

    return (verdict.passed for verdict in verify(map(sample, cases), VerifyConfig()))


def by_exact_match(cases: Sequence[Case]) -> Iterator[bool]:
    for case in cases:
        said = [line[len("Answer:") :].strip() for line in case.text.split("\n") if line.startswith("Answer:")]
        yield said[-1:] == [case.expected]


def by_math_verify(cases: Sequence[Case]) -> Iterator[bool]:
    from math_verify import parse, verify

    return (verify(parse(f"${case.expected}$"), parse(case.text)) for case in cases)


def by_lm_eval(pattern: str, which: int) -> Judge:
    def judge(cases: Sequence[Case]) -> Iterator[bool]:
        from lm_eval.filters.extraction import RegexFilter

        (answers,) = zip(
            *RegexFilter(pattern, group_select=which).apply([[case.text] for case in cases], []), strict=True
        )
        return (_bare(said) == _bare(case.expected) for said, case in zip(answers, cases, strict=True))

    return judge


def _bare(text: str) -> str:
    """As the task's regexes_to_ignore and ignore_case."""
    return text.rpartition("#### ")[2].replace(",", "").replace("$", "").removesuffix(".").lower()


def main() -> None:
    judges: dict[str, tuple[Judge, str]] = {
        "axiom": (by_axiom, "axiom_cli"),
        "exact match": (by_exact_match, "axiom_cli"),
        "math-verify": (by_math_verify, "math_verify"),
        "lm-eval, strict": (by_lm_eval(STRICT, 0), "lm_eval"),
        "lm-eval, flexible": (by_lm_eval(FLEXIBLE, -1), "lm_eval"),
    }
    print(ROW.format("", "cases", "false negatives", "false positives"))
    for corpus, cases in (("answers", CASES), ("mathematics", MATH_CASES)):
        print(corpus)
        for name, (judge, package) in judges.items():
            if find_spec(package) is None or (
                judge is by_axiom and cases is MATH_CASES and not find_spec("math_verify")
            ):
                print(f"  {name}: {package} is not installed")
                continue
            passed = list(judge(cases))
            right = sum(case.right for case in cases)
            missed = sum(case.right and not said for case, said in zip(cases, passed, strict=True))
            wrong = sum(said and not case.right for case, said in zip(cases, passed, strict=True))
            rates = f"{missed / right:.1%}", f"{wrong / (len(cases) - right):.1%}"
            print(ROW.format(f"  {name}", len(cases), *rates))


if __name__ == "__main__":
    main()
