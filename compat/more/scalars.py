"""Scalars and arrays: numbers, dates, enumerations and numpy values, alone, as elements and inside objects."""

from collections.abc import Iterator

from compat.more.handlers import NUMPY, returning
from compat.pairs import Pair

_NUMPY = {
    "array-as-element": "[np.array([1, 2])]",
    "arrays-as-elements": "[np.array([1, 2]), np.array([[1.5], [2.5]])]",
    "scalars-as-elements": "[np.float64(1.5), np.int8(3), np.float16(0.1), np.uint64(2**63)]",
    "rows-of-array": "list(np.arange(4).reshape(2, 2))",
    "elements-of-array": "list(np.arange(3))",
    "iterator-over-array": "iter(np.arange(3))",
    "flat": "np.arange(4).reshape(2, 2).flat",
    "enumerated": "np.ndenumerate(np.arange(2))",
    "tolist": "np.arange(3).tolist()",
    "tobytes": "[np.arange(3, dtype=np.uint8).tobytes()]",
    "one-zero": "np.array([0])",
    "one-row-of-one": "np.array([[5]])",
    "one-text": "np.array(['a'])",
    "one-bytes": "np.array([b'x'])",
    "one-object": "np.array([{'a': 1}], dtype=object)",
    "one-none": "np.array([None])",
    "one-nan": "np.array([np.nan])",
    "empty-array": "np.array([])",
    "array-without-dimensions": "np.array(5)",
    "element-without-dimensions": "[np.array(5)]",
    "array-in-list": "[[np.array([1, 2, 3]), np.array([3, 4, 5])]]",
    "arrays-of-two-in-list": "[[np.array([1, 2]), np.array([3, 4])]]",
    "texts-of-two-in-list": "[[np.array(['a', 'b'])]]",
    "scalars-in-list": "[[np.float64(1), np.float32(2), np.int16(3)]]",
    "integers": "{t: np.dtype(t).type(7) for t in ('int8', 'uint8', 'int16', 'uint16', 'int32', 'uint32', 'int64')}",
    "floats": "{'f16': np.float16(0.1), 'f32': np.float32(0.1), 'f64': np.float64(0.1), 'e': np.float32(1e-10)}",
    "long-double": "{'v': np.longdouble(1.5)}",
    "array-of-long-double": "{'v': np.array([1.5, 2.5], dtype=np.longdouble)}",
    "nan-and-infinity": "{'nan': np.float32('nan'), 'inf': np.array([np.inf, -np.inf])}",
    "booleans-in-array": "{'b': np.array([True, False])}",
    "texts-in-array": "{'t': np.array(['a', '日本'])}",
    "objects-in-array": "{'o': np.array([{'a': 1}, [1, 2], None, 'x'], dtype=object)}",
    "numbers-in-object-array": "{'o': np.array([np.int64(1), np.float32(0.5)], dtype=object)}",
    "masked-array": "{'m': np.ma.array([1, 2], mask=[False, True])}",
    "matrix": "{'m': np.asmatrix([[1, 2], [3, 4]])}",
    "structured-array": "{'r': np.array([(1, 2.5)], dtype=[('a', int), ('b', float)])}",
    "rows-of-structured-array": "list(np.array([(1, 2.5)], dtype=[('a', int), ('b', float)]))",
    "dates-in-array": "{'t': np.array(['2020-01-02T03:04:05'], dtype='M8[s]')}",
    "nanoseconds-in-array": "{'t': np.array(['2020-01-02T03:04:05'], dtype='M8[ns]')}",
    "days-in-array": "{'t': np.array(['2020-01-02'], dtype='M8[D]')}",
    "date": "{'t': np.datetime64('2020-01-02T03:04:05')}",
    "duration": "{'t': np.timedelta64(5, 's')}",
    "empty-arrays-inside": "{'a': np.array([]), 'b': np.zeros((2, 0))}",
    "big-endian-array": "{'a': np.array([1, 2], dtype='>i4'), 'f': np.array([0.5], dtype='>f8')}",
    "text-scalar": "{'k': np.str_('x'), np.str_('y'): 1}",
    "float-as-key": "{np.float64(1.5): 1}",
    "int-as-key": "{np.int64(1): 1}",
    "bytes-scalar-as-element": "[np.bytes_(b'x')]",
    "text-scalar-as-content": "np.str_('x')",
    "float-as-content": "np.float64('nan')",
    "zero-as-content": "np.int64(0)",
    "complex-as-content": "np.complex64(1)",
}

_ENUMS = """
class Level(enum.IntEnum):
    LOW = 1
class Flag(enum.IntFlag):
    A = 1
    B = 2
class Name(str, enum.Enum):
    X = 'x'
"""

_SCALARS = {
    "int-enum": "{'e': Level.LOW, 'f': Flag.A | Flag.B, 's': http.HTTPStatus.OK}",
    "int-enum-as-content": "Level.LOW",
    "int-enum-as-element": "[Level.LOW, http.HTTPStatus.NOT_FOUND]",
    "int-enum-as-key": "{Level.LOW: 'a'}",
    "text-enum": "{'e': Name.X, Name.X: 1}",
    "text-enum-as-content": "Name.X",
    "datetime-as-content": "datetime.datetime(2020, 1, 2, 3, 4, 5)",
    "datetime-as-element": "[datetime.datetime(2020, 1, 2), {'t': datetime.datetime(2020, 1, 2, 3)}]",
    "datetime-in-a-list-of-three": "[[datetime.datetime(2020, 1, 2), 1, 2]]",
    "int-subclass": "{'n': type('N', (int,), {'__str__': lambda self: 'n'})(5)}",
    "float-subclass": "{'n': type('N', (float,), {'__repr__': lambda self: 'n'})(0.5)}",
    "large-int": "2 ** 64",
    "true": "True",
    "nan": "float('nan')",
    "text-in-json-text": "json.dumps({'é': 1}, ensure_ascii=False)",
    "json-of-one-mebibyte": "{'k': 'é' * 200000, 'n': list(range(20000))}",
    "text-of-one-mebibyte": "'é' * 600000",
    "bytes-of-one-mebibyte": "[bytes(range(256)) * 4100]",
    "many-elements": "({'i': i, 'text': 'x' * 100} for i in range(20000))",
    "bytes-at-the-frame-limit": "[b'x' * 65536]",
    "bytes-above-the-frame-limit": "[b'x' * 65536, b'y']",
    "deep-object": "functools.reduce(lambda inner, _: {'k': inner}, range(200), 1)",
    "too-deep-object": "functools.reduce(lambda inner, _: {'k': inner}, range(100000), 1)",
}


# What some handlers do to teach every encoder of the process a type of theirs.
_PATCH = """
class Point:
    x = 1
json.JSONEncoder.default = lambda self, value: {'x': value.x}
"""


def pairs() -> Iterator[Pair]:
    """One pair for each content."""
    for name, content in _NUMPY.items():
        yield Pair(name=f"numpy-{name}", handler=returning(content, preamble=NUMPY))
    for name, content in _SCALARS.items():
        yield Pair(name=f"scalar-{name}", handler=returning(content, preamble=_ENUMS))
    yield Pair(name="scalar-with-a-patched-encoder", handler=returning("{'p': Point()}", preamble=_PATCH))
