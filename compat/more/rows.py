"""Rows: text/csv answers."""

from collections.abc import Iterator

from compat.more.handlers import NUMPY, returning, running
from compat.pairs import Pair

_CSV = "text/csv"

_CONTENTS = {
    "text-after-rows": "[{'a': 1}, 'tail']",
    "text-between-rows": "[{'a': 1}, '#', {'a': 2}]",
    "bytes-before-rows": "[b'\\xef\\xbb\\xbf', {'a': 1}]",
    "bytes-after-rows": "[{'a': 1}, b'tail']",
    "bytes-between-rows": "[{'a': 1}, b'#\\n', {'a': 2}]",
    "empty-text-before-rows": "['', {'a': 1}]",
    "two-texts-before-rows": "['x', 'y', {'a': 1}]",
    "none-cell": "[{'a': None, 'b': 1}]",
    "missing-key": "[{'a': 1, 'b': 2}, {'a': 3}]",
    "only-missing-keys": "[{'a': 1, 'b': 2}, {}]",
    "other-order": "[{'a': 1, 'b': 2}, {'b': 3, 'a': 4}]",
    "quoting": "[{'a,b': 'x\"y', 'c': 'l1\\nl2', 'd': 'r1\\rr2', 'e': ' s ', 'f': ''}]",
    "one-empty-cell": "[{'a': ''}, {'a': None}]",
    "formula": "[{'a': '=1+1', 'b': '-1'}]",
    "scalars": "[{'a': True, 'b': 1.5, 'c': 1e22, 'd': b'x', 'e': [1, 2], 'f': {'k': 1}}]",
    "datetime": "[{'t': datetime.datetime(2020, 1, 2, 3, 4, 5), 'd': decimal.Decimal('1.50')}]",
    "keys-that-are-not-text": "[{1: 'a', None: 'b', 2.5: 'c'}]",
    "one-object": "{'a': 1, 'b': 2}",
    "empty-object": "{}",
    "empty-list": "[]",
    "empty-element": "[[]]",
    "generator": "({'i': i, 'sq': i * i} for i in range(3))",
    "ordered-dict": "[collections.OrderedDict([('z', 1), ('a', 2)]), {'a': 3, 'z': 4}]",
    "user-dict": "[collections.UserDict({'a': 1}), collections.UserDict({'a': 2})]",
    "chain-map": "[collections.ChainMap({'a': 1}, {'b': 2})]",
    "default-dict": "[collections.defaultdict(int, a=1), collections.defaultdict(int)]",
    "mapping-proxy": "[types.MappingProxyType({'a': 1})]",
    "dict-reader": "csv.DictReader(io.StringIO('a,b\\n1,2\\n3,4\\n'))",
    "reader": "csv.reader(io.StringIO('aa,bb\\n11,22\\n'))",
    "text-io": "io.StringIO('a,b\\n1,2\\n')",
    "bytes-io": "io.BytesIO(b'a,b\\r\\n1,2\\r\\n')",
    "pairs-with-missing-key": "[[('a', 1), ('b', 2)], [('a', 3)]]",
    "number": "[1, 2]",
    "none": "[None]",
    "surrogate": "[{'a': '\\udcff'}]",
    "not-ascii": "[{'é': '日本'}, {'é': '値,\"'}]",
    "header-of-request": "[request['http_headers']]",
}

_TYPES = {
    "charset": "text/csv; charset=Shift_JIS",
    "space-before-semicolon": "text/csv ; header=present",
    "leading-space": " text/csv",
    "mixed-case": "Text/Csv",
    "longer-subtype": "text/csv-schema",
    "tab-separated": "text/tab-separated-values",
    "quoted-parameter": 'text/csv; a="x;y"',
}

_DUCK = """
class Row:
    def keys(self):
        return {'a': 1, 'b': 2}.keys()
    def get(self, key, default=None):
        return {'a': 1, 'b': 2}.get(key, default)
"""

_REUSED = """
def rows():
    row = {'a': 1}
    yield row
    row['a'] = 2
    yield row
"""

_GROWING = """
def rows():
    row = {'a': 1}
    yield row
    row['b'] = 2
    yield row
"""


def pairs() -> Iterator[Pair]:
    """One pair for each content and for each spelling of the type."""
    for name, content in _CONTENTS.items():
        yield Pair(name=f"csv-{name}", handler=returning(content, content_type=_CSV))
    for name, content_type in _TYPES.items():
        yield Pair(name=f"csv-type-{name}", handler=returning("[{'a': 1}, {'a': 2}]", content_type=content_type))
    yield Pair(
        name="csv-numpy-cells",
        handler=returning(
            "[{'a': np.float64(0.1), 'b': np.float32(0.1), 'c': np.arange(3), 'd': np.bool_(True), 'e': np.str_('x')}]",
            content_type=_CSV,
            preamble=NUMPY,
        ),
    )
    yield Pair(name="csv-object-with-keys", handler=returning("[Row(), Row()]", content_type=_CSV, preamble=_DUCK))
    yield Pair(name="csv-one-dict-reused", handler=returning("rows()", content_type=_CSV, preamble=_REUSED))
    yield Pair(name="csv-one-dict-that-grows", handler=returning("rows()", content_type=_CSV, preamble=_GROWING))
    yield Pair(
        name="csv-file-with-charset",
        handler=running(
            "data = 'é,b\\r\\n'.encode('cp1252')",
            "return {'content_type': 'text/csv; charset=cp1252', 'content': [data]}",
        ),
    )
