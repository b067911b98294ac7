"""Published sets come in by their own layout: contests, LeetCode, pytest files, questions with worked solutions."""

from __future__ import annotations

import base64
import json
import pickle
import zlib

import pytest

from axiom_cli.commands.import_problems import FORMATS as OFFERED
from axiom_cli.importing import registry
from axiom_cli.importing.contests import LARGEST_TESTS, MOST_TESTS
from axiom_cli.importing.importer import import_problems
from axiom_cli.importing.readers import Line
from axiom_cli.problems import answers
from axiom_cli.records import STDIN_STDOUT, ModelRef, Problem, Sample
from axiom_cli.sandbox import Limits, Sandbox
from axiom_cli.settings.configs import VerifyConfig
from axiom_cli.verification.verify import verify
from command_line import axiom, failed, rows, talk
from published_rows import (
    ADDS,
    AIME,
    AIME_TEXT,
    AIME_YEAR,
    APPS_FUNCTION,
    APPS_METHOD,
    APPS_SCRIPT,
    CODECONTESTS,
    GSM8K,
    KODCODE,
    KODCODE_SCRIPT,
    LEETCODE,
    LEETCODE_LIST,
    LEETCODE_TREE,
    LIVECODEBENCH_FUNCTION,
    LIVECODEBENCH_SCRIPT,
    MATH,
    MATH_500,
    ROWS,
    STARTER,
    SUBTRACTS,
    TACO,
    packed,
)

CONFIG = VerifyConfig(jobs=1)


def one(row, form):
    (found,) = import_problems([row], form, CONFIG)
    return found


def problem(row, form) -> Problem:
    found = one(row, form)
    assert found.problem, found.reason
    return found.problem


def test_every_format_is_offered():
    assert set(OFFERED) == {registry.AUTO, *registry.FORMATS}


@pytest.mark.slow
def test_a_contest_problem_is_a_script_with_a_solution_that_passes():
    for row, form in ((APPS_SCRIPT, "apps"), (TACO, "taco"), (CODECONTESTS, "codecontests")):
        program = problem(row, form).program
        assert program.entry_point == STDIN_STDOUT
        assert program.reference == ADDS, "neither the one in Python 2 nor the wrong one"
    found = problem(APPS_SCRIPT, "apps")
    assert (found.family, found.title, found.level, found.split) == ("apps", "apps/7001", 5, "train")
    assert found.program.tests == [
        {"args": ["1 2\n"], "expected": "3\n"},
        {"args": ["3 4"], "expected": "7"},
        {"args": ["5 -5\n"], "expected": "0"},
    ]
    assert problem(TACO, "taco").level == 6
    found = problem({**CODECONTESTS, "split": "valid"}, "codecontests")
    assert (found.title, found.level, found.split) == ("901_A. Sums", 3, "val")
    assert found.program.examples == found.program.tests[:1] == [{"args": ["1 2\n"], "expected": "3\n"}]
    assert len(found.program.tests) == 4


def test_a_contest_problem_is_a_function_whose_results_may_be_in_lists():
    program = problem(APPS_FUNCTION, "apps").program
    assert (program.entry_point, program.signature) == ("turned", "turned(values)")
    assert [test["expected"] for test in program.tests] == [[2, 1], [3]]
    wrapped = {"fn_name": "turned", "inputs": [[[1]], [[3]]], "outputs": [[1], [3]]}
    as_they_stand = problem({**APPS_FUNCTION, "input_output": json.dumps(wrapped)}, "apps").program
    assert [test["expected"] for test in as_they_stand.tests] == [[1], [3]], "the solution returns lists"
    found = problem(APPS_METHOD, "apps")
    assert (found.program.entry_point, found.level) == ("longestRun", 8)
    assert "the method `longestRun` of the class `Solution`" in found.prompt and STARTER.strip() in found.prompt
    assert "from typing import *" in found.program.prelude, "its annotations need List"
    alone = "def longestRun(nums: List[int]): return max((len(list(run)) for _, run in groupby(nums)), default=0)"
    with Sandbox(jobs=1) as sandbox:
        assert sandbox.run(alone, found.program).status == "pass", "as the set's own judge has it"


TAKEN_FOR_GRANTED = """
class Solution:
    def longestRun(self, nums: List[int], memo: Optional[Dict[str, deque]] = None) -> int:
        assert pow(2, 5, 7) == 4 and bisect.bisect([1], 2) == 1 and bisect_left([1], 1) == 0
        assert heapq.heappop([1]) == heappop([1]) and inf > gcd(4, 6) == math.gcd(2, 2)
        return defaultdict(int, {3: 2, 0: 0})[len(nums)]
"""


def test_names_that_a_set_takes_for_granted():
    program = problem(APPS_METHOD, "apps").program
    with Sandbox(jobs=1) as sandbox:
        assert sandbox.run(TAKEN_FOR_GRANTED, program).reason == ""


def test_a_contest_solution_that_fails_is_reported_by_name():
    found = one({**CODECONTESTS, "solutions": {"language": [3], "solution": [SUBTRACTS]}}, "codecontests")
    assert found.name == "901_A. Sums" and "its gold solution does not pass: wrong answer on test 1" in found.reason
    found = one({**CODECONTESTS, "public_tests": None, "private_tests": {}, "generated_tests": []}, "codecontests")
    assert (found.name, found.reason) == ("901_A. Sums", "it has no test")
    assert one({**APPS_SCRIPT, "input_output": ""}, "apps").reason == "it has no test"
    unchecked = one({**CODECONTESTS, "solutions": {"language": [2], "solution": ["int main() {}"]}}, "codecontests")
    assert unchecked.problem and "its tests are unchecked" in unchecked.note


@pytest.mark.timeout(60)
def test_many_rows_whose_first_solution_is_wrong():
    many = [{**APPS_SCRIPT, "problem_id": n, "question": f"{APPS_SCRIPT['question']} ({n})"} for n in range(150)]
    found = list(import_problems(many, "apps", VerifyConfig(jobs=2)))
    assert [one.name for one in found if one.problem] == [f"apps/{n}" for n in range(150)]


def test_decimal_numbers_may_be_off_and_whole_ones_not():
    row = {
        **TACO,
        "input_output": json.dumps({"inputs": ["1 2\n"], "outputs": ["0.333333 2000000\n"]}),
        "solutions": "",
    }
    program = problem(row, "taco").program
    with Sandbox(jobs=1) as sandbox:
        printed = [("0.33333333 2000000", "pass"), ("0.333333 2000001", "fail"), ("0.4 2000000", "fail")]
        for text, status in printed:
            assert sandbox.run(f"print({text!r})", program).status == status, text


@pytest.mark.slow
def test_tests_that_do_not_fit_are_counted():
    inputs = [f"{n} {n}\n" for n in range(MOST_TESTS + 10)]
    outputs = [f"{2 * n}\n" for n in range(MOST_TESTS + 10)]
    row = {**APPS_SCRIPT, "input_output": json.dumps({"inputs": inputs, "outputs": outputs})}
    found = one(row, "apps")
    assert len(found.problem.program.tests) == MOST_TESTS and "are left out" in found.note
    assert found.problem.extra["source"]["tests_left_out"] == 10
    huge = {"inputs": ["1 2" + " " * LARGEST_TESTS, "1 2"], "outputs": ["3", "3"]}
    assert len(problem({**APPS_SCRIPT, "input_output": json.dumps(huge)}, "apps").program.tests) == 1
    huge = {"inputs": huge["inputs"][:1], "outputs": ["3"]}
    assert "none of its tests" in one({**APPS_SCRIPT, "input_output": json.dumps(huge)}, "apps").reason


def test_livecodebench():
    found = problem(LIVECODEBENCH_SCRIPT, "livecodebench")
    assert (found.title, found.level, found.split) == ("livecodebench/abc901_a", 3, "test")
    assert [test["args"] for test in found.program.tests] == [["1 2\n"], ["3 4\n"]]
    assert found.program.examples == found.program.tests[:1]
    found = problem(LIVECODEBENCH_FUNCTION, "livecodebench")
    assert (found.program.entry_point, found.level) == ("runOf", 8)
    assert found.program.tests == [{"args": [[1, 1, 2], 1], "expected": 2}, {"args": [[], 3], "expected": 0}]
    assert found.program.signature == "runOf(self, nums: List[int], target: int) -> int"
    plain = json.dumps([{"input": "3 4\n", "output": "7\n", "testtype": "stdin"}])
    assert len(problem({**LIVECODEBENCH_SCRIPT, "private_test_cases": plain}, "livecodebench").program.tests) == 2


class Evil:
    def __reduce__(self):
        return eval, ("[].append(evil.append(1))", {"evil": RAN})


RAN: list[int] = []


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (pickle.dumps(Evil()), "a pickle of more than a text (STACK_GLOBAL), which is not loaded"),
        (pickle.dumps(["[]"]), "a pickle of more than a text (EMPTY_LIST)"),
        (b"", "a damaged pickle"),
        (pickle.dumps("[]")[:-1], "a damaged pickle"),
        (pickle.dumps("[")[:], "its private_test_cases are not JSON"),
        (pickle.dumps("{}"), "its private_test_cases are {}, expected a list"),
        (pickle.dumps("[3]"), "a test in its private_test_cases is 3"),
    ],
)
def test_a_pickle_is_read_and_never_loaded(data, said):
    row = {**LIVECODEBENCH_SCRIPT, "private_test_cases": base64.b64encode(zlib.compress(data)).decode()}
    (good, bad) = import_problems([LIVECODEBENCH_FUNCTION, row], "livecodebench", None)
    assert good.problem and said in bad.reason and not RAN


@pytest.mark.slow
def test_what_unpacks_to_gigabytes_is_refused():
    squeeze = zlib.compressobj()
    data = b"".join(squeeze.compress(b" " * 2**20) for _ in range(200)) + squeeze.flush()
    row = {**LIVECODEBENCH_SCRIPT, "private_test_cases": base64.b64encode(data).decode()}
    (_, bad) = import_problems([LIVECODEBENCH_FUNCTION, row], "livecodebench", None)
    assert "larger than 64 MiB" in bad.reason


def test_leetcode_with_its_prelude():
    found = problem(LEETCODE, "leetcode")
    program = found.program
    assert (found.title, found.level, found.split) == ("leetcode/run-of-target", 5, "train")
    assert (program.entry_point, program.signature) == (
        "Solution.runOf",
        "runOf(self, nums: List[int], target: int) -> int",
    )
    assert program.tests == [{"args": [[1, 1, 2], 1], "expected": 2}, {"args": [[2], 3], "expected": 0}]
    assert "starter" not in found.prompt and LEETCODE["starter_code"].strip() in found.prompt
    wrong = one({**LEETCODE, "completion": LEETCODE["completion"].replace("=0", "=1")}, "leetcode")
    assert (wrong.problem, wrong.name) == (None, "leetcode/run-of-target") and "wrong answer on test 2" in wrong.reason


FORGED = """
class ListNode:
    def __init__(self, *_): pass
    def __bool__(self): return False
    def __eq__(self, other): return True
    val, next = 0, None

def is_same_list(*_): return True

class Solution:
    def dropFirst(self, head): return ListNode()
"""


@pytest.mark.slow
def test_leetcode_s_lists_are_data_which_no_class_of_a_program_can_forge():
    found = problem(LEETCODE_LIST, "leetcode")
    program, right = found.program, LEETCODE_LIST["completion"]
    assert program.tests == [{"args": [[1, 2]], "expected": [2]}, {"args": [[]], "expected": []}]
    own_class = "class ListNode:\n    def __init__(self, val=0, next=None): self.val, self.next = val, next\n" + right
    circular = right.replace("return ", "head.next = head; return ")
    wrong = right.replace("head.next if head else None", "head")
    with Sandbox(Limits(timeout=1), jobs=1) as sandbox:
        for code, status in ((right, "pass"), (own_class, "pass"), (wrong, "fail"), (FORGED, "fail")):
            assert sandbox.run(code, program).status == status, code
        assert sandbox.run(circular, program).status == "fail"


def test_leetcode_s_trees():
    program, tests = problem(LEETCODE_TREE, "leetcode").program, LEETCODE_TREE["test"]
    assert program.tests == [{"args": [[1, 2, None, 3]], "expected": [1, None, 2, None, 3]}]
    with Sandbox(jobs=1) as sandbox:
        assert sandbox.run("class Solution:\n    def mirror(self, root): return root", program).status == "fail"
    odd = one(
        {**LEETCODE_TREE, "test": tests + "    assert candidate(root = tree_node([1])).left is None\n"}, "leetcode"
    )
    assert "its tests make nodes in a way that data cannot say: candidate(tree_node([1])).left is None" in odd.reason


def test_a_sample_that_holds_the_class_is_judged_by_its_method():
    found = problem(LEETCODE_LIST, "leetcode")
    text = f"```python\n{LEETCODE_LIST['completion']}```"
    sample = Sample(found, ModelRef("m", "0"), "scripted", {}, 0, 1, text)
    assert [verdict.status for verdict in verify([sample], CONFIG)] == ["pass"]


def test_kodcode():
    found = problem(KODCODE, "kodcode")
    assert (found.title, found.level, found.program.entry_point) == ("kodcode/Prefill_9001_I", 3, "halve")
    right = KODCODE["solution"]
    with Sandbox(jobs=1) as sandbox:
        assert sandbox.run(right, found.program).status == "pass"
        for old, new in (("// 2", "// 3"), ("2 * n", "3 * n"), ("raise ValueError('odd')", "pass")):
            assert sandbox.run(right.replace(old, new), found.program).status == "fail", new
    found = problem(KODCODE_SCRIPT, "kodcode")
    assert (
        found.program.tests[0] == {"args": ["1 2\n"], "expected": "3\n"} and found.program.entry_point == STDIN_STDOUT
    )


def test_a_method_of_a_new_object_as_entry_point():
    row = {"prompt": "Double.", "entry_point": "Doubler().double", "tests": [{"args": [2], "expected": 4}]}
    row["reference"] = "class Doubler:\n    def double(self, n): return 2 * n\n"
    assert problem(row, "jsonl").program.entry_point == "Doubler.double"
    assert "wrong answer" in one({**row, "reference": row["reference"].replace("2", "3")}, "jsonl").reason


@pytest.mark.slow
def test_questions_with_worked_solutions():
    found = problem(GSM8K, "gsm8k")
    assert (found.answer, found.answer_type, found.extra["solution"]) == ("2400", "integer", GSM8K["answer"])
    assert problem({**GSM8K, "answer": "#### 2.5"}, "gsm8k").answer_type == "number"
    found = problem(MATH, "math")
    assert (found.answer, found.answer_type, found.level) == ("\\frac{1}{3}", "math", 3)
    assert found.extra["type"] == "Prealgebra"
    assert problem({**MATH, "level": "Level ?"}, "math").level == 5
    found = problem(MATH_500, "math")
    assert (found.answer, found.title, found.level) == ("5", "math/test/prealgebra/9001.json", 2)
    assert problem({name: MATH_500[name] for name in ("problem", "solution")}, "math").answer == "5"
    for row, answer in ((AIME, "33"), (AIME_TEXT, "7"), (AIME_YEAR, "336")):
        found = problem(row, "aime")
        assert (found.answer, found.answer_type, found.split) == (answer, "integer", "test")


def test_several_boxes_of_a_solution_are_one_answer_as_those_of_a_model():
    solution = "So $x$ is $\\boxed{3}$ and $\\boxed{4}$."
    assert problem({**MATH, "solution": solution}, "math").answer == answers.read_answer(solution) == "3, 4"


@pytest.mark.parametrize(
    ("row", "form", "said"),
    [
        ({**GSM8K, "answer": "42"}, "gsm8k", "its answer has no '####'"),
        ({**MATH, "solution": "It is 5."}, "math", "its solution has no \\boxed{...}"),
        ({**MATH, "solution": "It is \\boxed{5."}, "math", "the brace in its answer is never closed"),
        ({**AIME, "Answer": 1000}, "aime", "its answer is 1000, expected a whole number from 0 to 999"),
        ({**AIME, "Answer": "1/2"}, "aime", "its answer is '1/2'"),
        ({**AIME, "Answer": True}, "aime", "its answer is True"),
        ({**AIME, "Answer": None}, "aime", "its answer is None"),
        ({**APPS_SCRIPT, "input_output": "{"}, "apps", "its input_output are not JSON"),
        ({**APPS_SCRIPT, "input_output": '{"inputs": ["1"], "outputs": []}'}, "apps", "are 1 and 0"),
        ({**APPS_FUNCTION, "input_output": '{"fn_name": 3, "inputs": [[1]], "outputs": [1]}'}, "apps", "call 3"),
        ({**CODECONTESTS, "input_file": "sums.in"}, "codecontests", "it uses the file 'sums.in'"),
        ({**LIVECODEBENCH_FUNCTION, "metadata": "{}"}, "livecodebench", "its metadata has no func_name"),
        ({**LIVECODEBENCH_FUNCTION, "private_test_cases": packed([{"input": "x", "output": "1", "testtype":
            "functional"}])}, "livecodebench", "a test of it has 'x', expected JSON"),
    ],
)  # fmt: skip
def test_a_row_that_says_too_little_is_refused_alone(row, form, said):
    (_, bad) = import_problems([ROWS[form][-1], row], form, None)
    assert bad.malformed and said in bad.reason, bad.reason


@pytest.mark.parametrize("form", sorted(registry.FORMATS))
def test_a_format_is_recognized_by_its_columns(form):
    for row in ROWS.get(form, ()):
        name, lines = registry.recognize(iter([Line(1, "{", "not JSON"), Line(2, row)]))
        assert (name, len(list(lines))) == (registry.DEFAULT if row is AIME_TEXT else form, 2)
    assert registry.recognize(iter([Line(1, {"prompt": "?", "answer": "#### 1"})]))[0] == registry.DEFAULT


def test_the_command_recognizes_a_set_and_says_so(tmp_path):
    (tmp_path / "gsm.jsonl").write_text(json.dumps(GSM8K) + "\n")
    done = axiom("problems", "import", "gsm.jsonl", "--split", "test", cwd=tmp_path)
    assert talk(done) == ["gsm.jsonl is read as gsm8k, by its columns", "1 problem imported from gsm.jsonl, 0 refused"]
    assert [(row["answer"], row["split"]) for row in rows(done.stdout)] == [("2400", "test")]
    failed(axiom("problems", "import", "gsm.jsonl", "--as", "mbpp", cwd=tmp_path), 3, "no row is in the format mbpp")
