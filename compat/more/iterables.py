"""Iterables: everything that can stand as content and be iterated, and what is empty."""

from collections.abc import Iterator

from compat.more.handlers import replying, returning
from compat.pairs import Pair

_ITERABLES = {
    "zip": "zip([1, 2], 'ab')",
    "enumerate": "enumerate(['x', 'y'])",
    "dict-keys": "{'a': 1, 'b': 2}.keys()",
    "dict-values": "{'a': 1, 'b': [2]}.values()",
    "dict-items": "{'a': 1, 'b': 2}.items()",
    "dict-iterator": "iter({'a': 1, 'b': 2})",
    "filter": "filter(None, [0, {'a': 1}, '', 'x'])",
    "map": "map(dict, [[('a', 1)], [('b', 2)]])",
    "reversed": "reversed([{'a': 1}, {'b': 2}])",
    "deque": "collections.deque([{'a': 1}, 'x'])",
    "range": "range(2, 8, 3)",
    "set-of-one": "{'a'}",
    "frozenset-of-one": "frozenset([(1, 2)])",
    "chain": "itertools.chain(['a'], ({'b': i} for i in range(2)))",
    "repeat": "itertools.repeat('x', 3)",
    "generator-of-bytes": "(bytes([i]) for i in range(3))",
    "generator-of-all-kinds": "(x for x in [{'a': 1}, 'x', b'y', [1, 2], [('b', 2)], None, 1.5])",
    "generator-of-empty-text": "('' for _ in range(3))",
    "generator-of-files": "(open(name, 'rb').read() for name in ['main.py'])",
    "text-iterator": "iter('ab')",
    "bytes-iterator": "iter(b'ab')",
    "named-tuple": "collections.namedtuple('P', 'x y')(1, {'a': 2})",
    "tuple-of-scalars": "(1, 'a', None)",
    "user-list": "collections.UserList([{'a': 1}, {'b': 2}])",
    "user-string": "collections.UserString('ab')",
    "chain-map": "collections.ChainMap({'a': 1}, {'b': 2})",
    "mapping-proxy": "types.MappingProxyType({'a': 1, 'b': 2})",
    "counter": "collections.Counter('aab')",
    "default-dict": "collections.defaultdict(list, a=[1])",
    "array-of-ints": "array.array('i', [1, 2])",
    "array-of-bytes": "array.array('B', b'ab')",
    "array-as-element": "[array.array('i', [1, 2])]",
    "arrays-as-elements": "[array.array('B', b'ab'), 'x', array.array('d', [0.5])]",
    "bytes-subclass-as-element": "[type('B', (bytes,), {})(b'ab')]",
    "splitlines-of-the-body": "request.read().splitlines(True)",
    "request": "request",
    "request-items": "(str(item[0]) for item in request.items())",
    "request-headers": "request['headers']",
    "request-http-headers": "request['http_headers']",
    "request-contents": "request['contents'][0]",
    "environment": "sorted(key for key in os.environ if key == 'HANDLER')",
    "hash-object": "hashlib.sha256()",
    "class": "dict",
    "function": "json.dumps",
    "namespace": "types.SimpleNamespace(a=1)",
    "fraction": "fractions.Fraction(1, 2)",
    "complex-number": "1j",
}

_BARE_BYTES = {
    "bytes": "b'hello\\n'",
    "bytearray": "bytearray(b'ab')",
    "memoryview": "memoryview(b'ab')",
    "bytes-subclass": "type('B', (bytes,), {})(b'ab')",
    "body": "request.read()",
}

_EMPTY = {
    "dict": "{}",
    "text": "''",
    "tuple": "()",
    "set": "set()",
    "frozenset": "frozenset()",
    "bytes": "b''",
    "bytearray": "bytearray()",
    "memoryview": "memoryview(b'')",
    "range": "range(0)",
    "deque": "collections.deque()",
    "array": "array.array('i')",
    "user-dict": "collections.UserDict()",
    "float": "0.0",
    "negative-zero": "-0.0",
    "iterator": "iter([])",
    "lists-in-list": "[[]]",
    "dict-values": "{}.values()",
}

_COUNTDOWN = """
class Countdown:
    left = 2
    def __iter__(self):
        return self
    def __next__(self):
        if not self.left:
            raise StopIteration
        self.left -= 1
        return {'left': self.left}
"""

_REFILLED = """
def blocks():
    block = bytearray(2)
    for data in (b'ab', b'cd'):
        block[:] = data
        yield block
"""

_CLASSES = {
    "iterable-object": (
        "class Words:\n    def __iter__(self): return iter(['a', {'b': 1}])",
        "Words()",
    ),
    "iterable-object-of-length-zero": (
        "class Words:\n    def __iter__(self): return iter(['a'])\n    def __len__(self): return 0",
        "Words()",
    ),
    "iterable-object-that-is-false": (
        "class Words:\n    def __iter__(self): return iter(['a'])\n    def __bool__(self): return False",
        "Words()",
    ),
    "iterator-object": (_COUNTDOWN, "Countdown()"),
    "sequence-protocol-only": ("class Old:\n    def __getitem__(self, i): return [1, 2][i]", "Old()"),
    "generator-function": ("def words():\n    yield 'a'\n    print('between')\n    yield {'b': 1}", "words()"),
    "generator-that-returns": ("def words():\n    yield 'a'\n    return 5", "words()"),
    "generator-with-cleanup": (
        "def words():\n    try:\n        yield 'a'\n    finally:\n        print('done')",
        "words()",
    ),
    "text-subclass": ("class Name(str):\n    def __str__(self): return 'other'", "Name('own')"),
    "text-subclass-as-element": ("class Name(str):\n    def __str__(self): return 'other'", "[Name('a'), Name('b')]"),
    "one-bytearray-refilled": (_REFILLED, "blocks()"),
    "dict-subclass-with-own-items": (
        "class Upper(dict):\n    def items(self): return [(k.upper(), v) for k, v in super().items()]",
        "Upper(a=1)",
    ),
}


def pairs() -> Iterator[Pair]:
    """One pair for each content."""
    for name, content in _ITERABLES.items():
        yield Pair(name=f"iterable-{name}", handler=returning(content))
    for name, content in _BARE_BYTES.items():
        yield Pair(name=f"bare-{name}", handler=returning(content))
    for name, content in _EMPTY.items():
        yield Pair(name=f"empty-{name}", handler=returning(content))
    for name, (preamble, content) in _CLASSES.items():
        yield Pair(name=f"iterable-{name}", handler=returning(content, preamble=preamble))
    yield Pair(name="empty-bytes-as-image", handler=replying("'content_type': 'image/png', 'content': b''"))
    yield Pair(name="iterable-generator-in-plain-text", handler=replying("'content': (str(i) for i in range(3))"))
