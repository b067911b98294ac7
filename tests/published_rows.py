"""Rows in the layout of published sets, one or more a format. Their problems are made up; no set has them."""

from __future__ import annotations

import base64
import json
import pickle
import zlib
from collections.abc import Mapping
from typing import Any

Row = dict[str, Any]
SUMS = "Each line has two numbers. Print their sum."
ADDS = "a, b = map(int, input().split())\nprint(a + b)\n"
PYTHON_2 = "a, b = map(int, raw_input().split())\nprint a + b\n"
SUBTRACTS = ADDS.replace("+", "-")
LONGEST_RUN = (
    "class Solution:\n    def longestRun(self, nums: List[int]) -> int:\n"
    "        return max((len(list(run)) for _, run in groupby(nums)), default=0)\n"
)
STARTER = "class Solution:\n    def longestRun(self, nums: List[int]) -> int:\n        "


def packed(cases: Any) -> str:
    """Hidden tests as LiveCodeBench packs them."""
    return base64.b64encode(zlib.compress(pickle.dumps(json.dumps(cases)))).decode()


APPS_SCRIPT: Row = {
    "problem_id": 7001,
    "question": SUMS,
    "solutions": json.dumps([PYTHON_2, SUBTRACTS, ADDS]),
    "input_output": json.dumps({"inputs": ["1 2\n", ["3 4"], "5 -5\n"], "outputs": ["3\n", ["7"], 0]}),
    "difficulty": "interview",
    "url": "https://example.org/sums",
    "starter_code": "",
}
APPS_FUNCTION: Row = {
    "problem_id": 7002,
    "question": "Return the numbers in reverse.",
    "solutions": json.dumps(["def turned(values):\n    return values[::-1]\n"]),
    "input_output": json.dumps({"fn_name": "turned", "inputs": [[[1, 2]], [[3]]], "outputs": [[[2, 1]], [[3]]]}),
    "difficulty": "introductory",
    "url": "https://example.org/turned",
    "starter_code": "def turned(values):\n\t",
}
APPS_METHOD: Row = {
    "problem_id": 7003,
    "question": "Return the length of the longest run of equal numbers.",
    "solutions": json.dumps([LONGEST_RUN]),
    "input_output": json.dumps({"fn_name": "longestRun", "inputs": [[[1, 1, 2]], [[]]], "outputs": [2, 0]}),
    "difficulty": "competition",
    "url": "https://example.org/run",
    "starter_code": STARTER,
}
TACO: Row = {
    "question": SUMS,
    "starter_code": "",
    "input_output": json.dumps({"inputs": ["1 2\n", "3 4\n"], "outputs": ["3\n", "7\n"]}),
    "solutions": json.dumps([ADDS]),
    "difficulty": "MEDIUM_HARD",
    "raw_tags": "['Math']",
    "name": None,
    "source": "made up",
    "tags": "[]",
    "skill_types": "[]",
    "url": "https://example.org/sums",
    "Expected Auxiliary Space": None,
    "time_limit": "1 seconds",
    "date": None,
    "picture_num": "0",
    "memory_limit": None,
    "Expected Time Complexity": None,
}
CODECONTESTS: Row = {
    "name": "901_A. Sums",
    "description": SUMS,
    "public_tests": {"input": ["1 2\n"], "output": ["3\n"]},
    "private_tests": {"input": ["3 4\n"], "output": ["7\n"]},
    "generated_tests": {"input": ["5 -5\n", "0 0\n"], "output": ["0\n", "0\n"]},
    "source": 2,
    "difficulty": 7,
    "solutions": {"language": [2, 1, 3], "solution": ["int main() {}", PYTHON_2, ADDS]},
    "incorrect_solutions": {"language": [3], "solution": [SUBTRACTS]},
    "cf_contest_id": 901,
    "cf_index": "A",
    "cf_points": 500.0,
    "cf_rating": 1400,
    "cf_tags": ["math"],
    "is_description_translated": False,
    "untranslated_description": "",
    "time_limit": {"seconds": 1, "nanos": 0},
    "memory_limit_bytes": 256000000,
    "input_file": "",
    "output_file": "",
}
LIVECODEBENCH_SCRIPT: Row = {
    "question_title": "Sums",
    "question_content": SUMS,
    "platform": "atcoder",
    "question_id": "abc901_a",
    "contest_id": "abc901",
    "contest_date": "2030-01-01T00:00:00",
    "starter_code": "",
    "difficulty": "easy",
    "public_test_cases": json.dumps([{"input": "1 2\n", "output": "3\n", "testtype": "stdin"}]),
    "private_test_cases": packed([{"input": "3 4\n", "output": "7\n", "testtype": "stdin"}]),
    "metadata": "{}",
}
LIVECODEBENCH_FUNCTION: Row = {
    "question_title": "longest-run",
    "question_content": "Return the length of the longest run of `target`.",
    "platform": "leetcode",
    "question_id": "9001",
    "contest_id": "weekly-contest-901",
    "contest_date": "2030-01-01T00:00:00",
    "starter_code": "class Solution:\n    def runOf(self, nums: List[int], target: int) -> int:\n        ",
    "difficulty": "hard",
    "public_test_cases": json.dumps([{"input": "[1, 1, 2]\n1", "output": "2", "testtype": "functional"}]),
    "private_test_cases": packed([{"input": "[]\n3", "output": "0", "testtype": "functional"}]),
    "metadata": json.dumps({"func_name": "runOf"}),
}
LEETCODE_PROMPT = """\
import collections
from typing import *
from collections import *
from itertools import *
from math import *

inf = float('inf')

class ListNode:
    def __init__(self, val=0, next=None):
        self.val = val
        self.next = next

def list_node(values: list):
    first = None
    for value in reversed(values):
        first = ListNode(value, first)
    return first

def is_same_list(p1, p2):
    while p1 and p2 and p1.val == p2.val:
        p1, p2 = p1.next, p2.next
    return not p1 and not p2
"""
LEETCODE: Row = {
    "task_id": "run-of-target",
    "question_id": 9001,
    "difficulty": "Medium",
    "tags": ["Array"],
    "problem_description": "Return the length of the longest run of `target` in `nums`, and -inf for no numbers.",
    "starter_code": "class Solution:\n    def runOf(self, nums: List[int], target: int) -> int:\n        ",
    "estimated_date": "2030-01-01",
    "prompt": LEETCODE_PROMPT,
    "completion": "class Solution:\n    def runOf(self, nums: List[int], target: int) -> int:\n"
    "        if not nums:\n            return None if inf < 0 else -1\n"
    "        return max((len(list(run)) for value, run in groupby(nums) if value == target), default=0)\n",
    "entry_point": "Solution().runOf",
    "test": "def check(candidate):\n    assert candidate(nums = [1,1,2],target = 1) == 2\n"
    "    assert candidate(target = 3,nums = [2]) == 0\n",
    "input_output": [{"input": "nums = [1,1,2], target = 1", "output": "2"}],
    "query": "...",
    "response": "...",
}
DROP_FIRST = "class Solution:\n    def dropFirst(self, head: Optional[ListNode]) -> Optional[ListNode]:\n"
LEETCODE_LIST: Row = {
    **LEETCODE,
    "task_id": "drop-first",
    "problem_description": "Return the list without its first node.",
    "starter_code": DROP_FIRST + "        ",
    "completion": DROP_FIRST + "        return head.next if head else None\n",
    "entry_point": "Solution().dropFirst",
    "test": "def check(candidate):\n    assert is_same_list(candidate(head = list_node([1,2])), list_node([2]))\n"
    "    assert is_same_list(candidate(head = list_node([])), list_node([]))\n",
}
TREES = """
class TreeNode:
    def __init__(self, val=0, left=None, right=None):
        self.val = val
        self.left = left
        self.right = right

def tree_node(values: list):
    if not values:
        return None
    root = TreeNode(values[0])
    waiting, rest = deque([root]), deque(values[1:])
    while rest:
        node = waiting.popleft()
        for side in ("left", "right"):
            value = rest.popleft() if rest else None
            if value is not None:
                setattr(node, side, TreeNode(value))
                waiting.append(getattr(node, side))
    return root

def is_same_tree(p, q):
    if not p or not q:
        return not p and not q
    return p.val == q.val and is_same_tree(p.left, q.left) and is_same_tree(p.right, q.right)
"""
MIRROR = "class Solution:\n    def mirror(self, root: Optional[TreeNode]) -> Optional[TreeNode]:\n"
LEETCODE_TREE: Row = {
    **LEETCODE,
    "task_id": "mirror",
    "problem_description": "Return the tree's mirror image.",
    "prompt": LEETCODE_PROMPT + TREES,
    "starter_code": MIRROR + "        ",
    "completion": MIRROR + "        if root:\n"
    "            root.left, root.right = self.mirror(root.right), self.mirror(root.left)\n        return root\n",
    "entry_point": "Solution().mirror",
    "test": "def check(candidate):\n"
    "    assert is_same_tree(candidate(root = tree_node([1,2,None,3])), tree_node([1,None,2,None,3,None,None]))\n",
}
KODCODE: Row = {
    "version": "v1.0",
    "style": "instruct",
    "subset": "Prefill",
    "question_id": "Prefill_9001_I",
    "question": "Write functions that halve and double a number. Halving an odd number raises ValueError.",
    "solution": "def halve(n):\n    if n % 2:\n        raise ValueError('odd')\n    return n // 2\n\n"
    "def double(n):\n    return 2 * n\n",
    "test": "import pytest\nfrom solution import double, halve\n\ndef test_halve():\n    assert halve(4) == 2\n\n"
    "def test_odd():\n    with pytest.raises(ValueError):\n        halve(3)\n\n"
    "@pytest.mark.parametrize('n', [1, 2])\ndef test_double(n):\n    assert double(n) == n + n\n",
    "test_info": [{"function_name": "halve", "parameter_list": "(n)", "function_declaration": "def halve(n):",
                   "docstring": "Halves."}],
    "gpt_difficulty": "easy",
}  # fmt: skip
KODCODE_SCRIPT: Row = {
    **KODCODE,
    "style": "online_judge",
    "question_id": "Taco_9001_O",
    "question": SUMS,
    "solution": ADDS,
    "test": "{'stdin': ['1 2\\n', '3 4\\n'], 'stdout': ['3\\n', '7\\n']}",
    "test_info": [],
}
GSM8K: Row = {
    "question": "Ann has 1,200 apples in each of 2 barns. How many is that?",
    "answer": "She has 2 * 1200 = <<2*1200=2400>>2400 apples.\n#### 2,400",
}
MATH: Row = {
    "problem": "What is half of $\\frac{2}{3}$?",
    "level": "Level 3",
    "type": "Prealgebra",
    "solution": "Halving gives $\\boxed{\\frac{1}{3}}$.",
}
MATH_500: Row = {
    "problem": "What is $2 + 3$?",
    "solution": "It is $\\boxed 5$.",
    "answer": "5",
    "subject": "Prealgebra",
    "level": 2,
    "unique_id": "test/prealgebra/9001.json",
}
AIME: Row = {"ID": "2030-I-1", "Problem": "Find $3 \\cdot 11$.", "Solution": "It is 33.", "Answer": 33}
AIME_TEXT: Row = {"id": "0", "problem": "Find $3 + 4$.", "answer": "007", "url": "https://example.org/AIME"}
AIME_YEAR: Row = {
    "id": 60,
    "problem": "How many degrees are 4 right angles less 24?",
    "solution": "It is $336^\\circ$.",
    "answer": "336^\\circ",
    "url": "https://example.org/AIME",
    "year": "2030",
}
ROWS: Mapping[str, list[Row]] = {
    "apps": [APPS_SCRIPT, APPS_FUNCTION, APPS_METHOD],
    "taco": [TACO],
    "codecontests": [CODECONTESTS],
    "livecodebench": [LIVECODEBENCH_SCRIPT, LIVECODEBENCH_FUNCTION],
    "leetcode": [LEETCODE, LEETCODE_LIST, LEETCODE_TREE],
    "kodcode": [KODCODE, KODCODE_SCRIPT],
    "gsm8k": [GSM8K],
    "math": [MATH, MATH_500],
    "aime": [AIME, AIME_TEXT, AIME_YEAR],
}
