"""A program gives in the sandbox what it gives outside: the libraries and ways of writing that solutions use."""

from __future__ import annotations

import json
import sys
import types

import pytest

from axiom_cli.records import Program
from axiom_cli.sandbox import Limits, Sandbox

PROGRAMS = {
    "collections": """
from collections import Counter, defaultdict, deque, OrderedDict, namedtuple, ChainMap
P = namedtuple('P', 'a b')
def f(n):
    q = deque(range(n), maxlen=3)
    q.rotate(1)
    d = defaultdict(list)
    for c in 'abca': d[c].append(n)
    return [list(q), d, Counter('hello').most_common(2), OrderedDict(x=n),
            list(P(1, n)), ChainMap({'a': 1}, {'b': 2})['b'], Counter('aab')]
""",
    "heapq": """
import heapq
def f(n):
    h = [n - i * i % 7 for i in range(n)]
    heapq.heapify(h)
    heapq.heappush(h, 3)
    return [heapq.heappop(h) for _ in range(3)] + heapq.nlargest(2, h) + list(heapq.merge([1, 4], [2]))
""",
    "itertools": """
from itertools import *
def f(n):
    a = [list(p) for p in permutations(range(3), 2)]
    return [a, list(accumulate(range(n))), [[k, len(list(g))] for k, g in groupby('aabc')], list(islice(count(n), 3)),
            list(chain.from_iterable(product('ab', repeat=2))), list(zip_longest([1], [2, 3], fillvalue=0))[1][0]]
""",
    "functools": """
from functools import *
@lru_cache(maxsize=None)
def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)
@total_ordering
class T:
    def __init__(self, x): self.x = x
    def __eq__(self, o): return self.x == o.x
    def __lt__(self, o): return self.x < o.x
def f(n): return [fib(80), reduce(lambda a, b: a * b, range(1, n + 1)),
    sorted([3, 1, 2], key=cmp_to_key(lambda a, b: b - a)),
                  T(1) >= T(0), partial(pow, 2)(n)]
""",
    "math": """
import math, cmath
def f(n): return [math.gcd(12, n), math.comb(n, 2), math.isqrt(n), round(math.pi, 6), math.inf > n,
    math.prod(range(1, n)), math.lcm(4, n), round(cmath.sqrt(-n).imag, 6), math.floor(-2.5), math.hypot(3, 4)]
""",
    "re": r"""
import re
def f(n):
    m = re.fullmatch(r'(?P<w>\w+)-(\d+)', f'ab-{n}')
    return [m.group('w'), int(m[2]), re.sub(r'(\w)\1', r'<\1>', 'aabbc'), re.findall(r'\d+', '1a22'),
            re.split('[,;]', 'a,b;c')]
""",
    "bisect, string": """
import bisect, string
def f(n):
    a = [1, 3, 5]
    bisect.insort(a, n)
    return [a, bisect.bisect_left(a, 3), string.ascii_lowercase[n], string.Template('$x!').substitute(x=n),
            string.punctuation]
""",
    "random": """
import random
def f(n):
    r = random.Random(7)
    a = list(range(n))
    r.shuffle(a)
    return [a, r.randint(1, 100), r.choice('abc'), r.sample(range(50), 3), round(r.gauss(0, 1), 9)]
""",
    "datetime": """
from datetime import *
def f(n):
    d = date(2024, 2, 28) + timedelta(days=n)
    t = datetime.strptime('2020-05-17 10:20', '%Y-%m-%d %H:%M')
    return [d.isoformat(), d.strftime('%A %j'), (t - datetime(2019, 1, 1)).total_seconds(),
            t.replace(tzinfo=timezone.utc).isoformat()]
""",
    "decimal, fractions": """
from decimal import *
from fractions import Fraction
def f(n):
    getcontext().prec = 30
    return [str(Decimal(n) / 7), str(Decimal('2.675').quantize(Decimal('.01'), ROUND_HALF_UP)),
            str(Fraction(n, 6) + Fraction('1/3')),
            Fraction(0.5).denominator]
""",
    "json, statistics": r"""
import json, statistics
def f(n):
    data = json.loads('{"a": [1, 2.5, null], "b": "\\u00e9"}')
    return [data, json.dumps(data, sort_keys=True, indent=1), statistics.mean([1, 2, n]),
            statistics.median([n, 1, 3, 2]),
            round(statistics.stdev([1, 2, 4, n]), 9), statistics.mode('aab')]
""",
    "typing, dataclasses, enum": """
from __future__ import annotations
from dataclasses import dataclass, field, asdict, replace
from enum import Enum, IntEnum, auto
from typing import *
T = TypeVar('T')
class Colour(Enum):
    RED = auto()
    BLUE = auto()
@dataclass(frozen=True, order=True)
class P(Generic[T]):
    x: int
    tags: List[str] = field(default_factory=list)
class Pair(NamedTuple):
    a: int
    b: str = 'z'
def f(n: int) -> Optional[List[Any]]:
    return [asdict(replace(P(n), tags=['t'])), P(1) < P(2), Colour.BLUE.value, Colour['RED'].name, list(Pair(n))]
""",
    "generators, closures, nonlocal": """
def f(n):
    total = 0
    def walk(t):
        nonlocal total
        for x in t:
            if isinstance(x, list):
                yield from walk(x)
            else:
                total += x
                yield x
    gen = walk([1, [n, [3]]])
    first = next(gen)
    return [first, list(gen), total, sum(x for x in range(n) if x % 2)]
""",
    "classes": """
from abc import ABC, abstractmethod
class Shape(ABC):
    count = 0
    @abstractmethod
    def area(self): ...
    def __init_subclass__(cls): Shape.count += 1
class Square(Shape):
    def __init__(self, a): self._a = a
    @property
    def a(self): return self._a
    def area(self): return self.a ** 2
    @classmethod
    def unit(cls): return cls(1)
    @staticmethod
    def name(): return 'sq'
    def __repr__(self): return f'Square({self.a})'
def f(n): return [Square(n).area(), repr(Square.unit()), Square.name(), Shape.count]
""",
    "recursion to 10,000": """
def depth(n): return 0 if n == 0 else 1 + depth(n - 1)
def f(n): return [depth(10_000), depth(n)]
""",
    "cached recursion to 10,000": """
import functools
@functools.cache
def depth(n): return 0 if n == 0 else 1 + depth(n - 1)
def f(n): return [depth(3_000), depth(6_000), depth(10_000)]
""",
    "deeper recursion": """
import sys
sys.setrecursionlimit(10**6)
from functools import lru_cache
@lru_cache(None)
def depth(n): return 0 if n == 0 else 1 + max([depth(n - 1)], key=lambda x: x)
def f(n): return depth(12_000)
""",
    "exceptions": """
import contextlib
class Mine(Exception): pass
@contextlib.contextmanager
def logged(out):
    try:
        yield
    except Mine as e:
        out.append(str(e))
    finally:
        out.append('end')
def f(n):
    out = []
    with logged(out):
        raise Mine(n) from ValueError(1)
    with contextlib.suppress(KeyError):
        {}[n]
    return out
""",
    "text": """
import textwrap, unicodedata, difflib
def f(n): return ['{:>8,.2f}|{!r:^5}|{:#x}'.format(n * 1000, 'a', n), f'{n:05d}', 'ß'.upper(),
    'a b'.title().translate(str.maketrans('a', 'b')), textwrap.fill('aa bb cc', 5), unicodedata.normalize('NFD', 'é'),
    difflib.get_close_matches('appel', ['ape', 'apple'])]
""",
    "bits and bytes": r"""
import struct, hashlib, base64, zlib, binascii, array
def f(n): return [n.bit_length(), bin(n ^ 5), int('ff', 16),
    struct.pack('>I', n).hex(), hashlib.sha256(b'a').hexdigest()[:8], base64.b64encode(b'abc').decode(),
    zlib.crc32(b'x'),
    list(array.array('i', [n, 2])), int.from_bytes(b'\x01\x00', 'big')]
""",
    "the guard": """
def f(n): return n
if __name__ == '__main__':
    import sys
    print(f(int(sys.stdin.readline())))
    sys.exit(1)
""",
    "printing": """
import sys, pprint, logging
logging.basicConfig(level=logging.DEBUG)
def f(n):
    print(n, end='', file=sys.stderr)
    pprint.pprint({n: [n]})
    logging.info('n is %s', n)
    sys.stdout.write('x' * 1_000_000)
    sys.stdout.flush()
    return n
""",
    "walrus, star, match": """
def f(n):
    first, *rest, last = range(n)
    match {'k': [n, {'x': 1}]}:
        case {'k': [int(a), {'x': b}]} if (c := a + b):
            return [first, rest, last, c, {**{'a': 1}, 'b': 2}, [*rest, *rest]]
    return None
""",
    "big integers": """
def f(n): return [str(2 ** 4000)[:30], pow(3, 10**6, 10**9 + 7), 7 ** n % 1000, -7 // 2, divmod(-n, 3)[1]]
""",
    "operators, copies, time": """
import operator, copy, time, types, uuid, calendar
def f(n):
    a = [[n]]
    b = copy.deepcopy(a)
    b[0].append(1)
    assert time.perf_counter() >= 0 and time.time() > 1e9
    return [a, b, operator.itemgetter(0)(a), types.SimpleNamespace(x=n).x, calendar.isleap(2024), len(uuid.uuid4().hex)]
""",
}


@pytest.fixture(scope="module")
def box():
    with Sandbox(Limits(timeout=2.0), jobs=1) as box:
        yield box


def outside(source, n):
    """What the program returns here. It is our own."""
    module = sys.modules["program"] = types.ModuleType("program")
    names = vars(module)
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(25_000)
    try:
        exec(compile(source, "<program>", "exec", dont_inherit=True), names)
        return json.loads(json.dumps(names["f"](n)))
    finally:
        sys.setrecursionlimit(limit)
        del sys.modules["program"]


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_gives_what_it_gives_outside(name, box):
    expected = outside(PROGRAMS[name], 5)
    by_data = Program("f", "def f(n)", tests=[{"args": [5], "expected": expected}], checker="tuple_is_list")
    outcome = box.run(PROGRAMS[name], by_data)
    assert (outcome.status, outcome.reason) == ("pass", ""), expected
    by_code = Program("f", "def f(n)", test_code=f"import json\nassert json.loads(json.dumps(f(5))) == {expected!r}")
    outcome = box.run(PROGRAMS[name], by_code)
    assert (outcome.status, outcome.reason) == ("pass", ""), expected


def test_the_input_of_a_later_test_is_in_no_memory_yet():
    look = (
        "def f(x):\n    import gc, sys\n    if x != 'first':\n        return x\n    frame, seen = sys._getframe(), []\n"
        "    while frame:\n        seen += [*frame.f_locals.values(), *frame.f_globals.values()]\n"
        "        frame = frame.f_back\n    seen += gc.get_referents(*seen)\n"
        "    return any('nee' + 'dle' in repr(one) for one in seen if type(one) in (bytes, str, list, dict, tuple))"
    )
    tests = [{"args": ["first"], "expected": False}, {"args": ["needle"], "expected": "needle"}]
    with Sandbox(Limits(timeout=1.0), jobs=1) as box:
        assert box.run(look, Program("f", "def f(x)", tests=tests)).reason == ""
