"""Elements of a content list: what stands between two of them, and lists that are taken for pairs."""

from collections.abc import Iterator

from compat.more.handlers import returning
from compat.pairs import Pair

_SEPARATORS = {
    "empty-text-then-text": "['', 'a']",
    "empty-bytes-then-text": "[b'', 'a']",
    "empty-bytes-then-object": "[b'', {'a': 1}]",
    "empty-text-then-object": "['', {'a': 1}]",
    "empty-text-then-bytes": "['', b'a']",
    "empty-text-between": "['a', '', 'b']",
    "empty-text-last": "['a', '']",
    "empty-texts": "['', '']",
    "one-empty-text": "['']",
    "one-empty-bytes": "[b'']",
    "text-bytes-text": "['a', b'b', 'c']",
    "all-kinds": "[{'a': 1}, 'x', b'y', {'b': 2}]",
    "bytes-then-object": "[b'x', {'a': 1}]",
    "newline-as-bytes": "[{'a': 1}, b'\\n', {'b': 2}]",
    "nones": "[None, None]",
    "none-then-text": "[None, 'a']",
    "scalars": "[1, 2.5, True, None, -0.0, 10**30]",
    "floats": "[1e22, 1e-7, 1.0, 0.1 + 0.2]",
    "texts-that-are-not-ascii": "['日本', 'é', {'é': '日本'}]",
    "quotes-in-text": "['\"a\"', {'b': '\"c\"'}]",
    "lone-surrogate-in-object": "{'k': '\\ud800'}",
    "line-separator-in-object": "{'k': '\\u2028\\x00\\x7f'}",
}

_LISTS = {
    "empty-lists": "[[], []]",
    "empty-object": "[{}]",
    "empty-tuple": "[()]",
    "one-number": "[[1]]",
    "one-text-of-one": "[['a']]",
    "one-text-of-two": "[['ab']]",
    "texts-of-two-and-three": "[['ab', 'cde']]",
    "booleans": "[[True, False]]",
    "three-levels": "[[[[1, 2], [3, 4]]]]",
    "lists-of-one": "[[[1], [2]]]",
    "pairs-with-one-key": "[[['a', 1], ['a', 2]]]",
    "pair-as-tuple": "[[(1, 2)]]",
    "pair-and-text-of-two": "[[('a', 1), 'bc']]",
    "pairs-in-a-tuple": "[(('a', 1), ('b', 2))]",
    "pairs-of-bytes": "[[b'ab']]",
    "pair-in-a-set": "[[{1, 2}]]",
    "objects-of-two-keys": "[[{'x': 1, 'y': 2}, {'x': 3, 'y': 4}]]",
    "objects-of-three-keys": "[[{'x': 1, 'y': 2, 'z': 3}]]",
    "pair-of-iterator": "[[iter([1, 2])]]",
    "keys-that-are-not-text": "[[(1.5, 2), (None, 3), (True, 4)]]",
    "key-that-is-a-tuple": "[[((1, 2), 3)]]",
    "key-that-is-a-list": "[[[[1], 2]]]",
    "pair-of-objects": "[[('a', {'b': [('c', 1)]})]]",
    "lists-in-an-object": "[{'k': [1, [2, 3], [('a', 1)]]}]",
    "pairs-in-an-object": "{'k': [('a', 1), ('b', 2)]}",
    "list-subclass": "[collections.UserList([1, 2]).data, type('L', (list,), {})([('a', 1)])]",
    "list-then-object-then-list": "[[1, 2], {'a': 1}, [('b', 2)]]",
    "boxes-of-two-points": "[[[[0, 0], [1, 1]], [[2, 2], [3, 3]]]]",
}


def pairs() -> Iterator[Pair]:
    """One pair for each content."""
    for name, content in _SEPARATORS.items():
        yield Pair(name=f"separator-{name}", handler=returning(content))
    for name, content in _LISTS.items():
        yield Pair(name=f"list-{name}", handler=returning(content))
    yield Pair(name="separator-in-plain-text", handler=returning("['a', 'b\\n', 'c']", content_type="text/plain"))
