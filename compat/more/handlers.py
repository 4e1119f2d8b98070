"""Sources of handlers: a template around an expression."""

from compat.pairs import JSON_TYPE

NUMPY = "import numpy as np"

# Modules that expressions may use; each handler imports those that it mentions, as start-up time adds up.
_MODULES = """
    array asyncio codecs collections collections.abc concurrent.futures csv datetime decimal enum fractions functools
    gzip hashlib http io itertools json multiprocessing os shutil subprocess sys tempfile threading types urllib.parse
    zipfile
"""
_PROBE = """\
def handler(request, context):
    found = {}
    def probe(expression):
        try:
            found[expression] = repr(eval(expression, globals(), {'request': request, 'context': context}))
        except Exception as error:
            found[expression] = type(error).__name__ + ': ' + str(error)
    for expression in EXPRESSIONS:
        probe(expression)
    return {'content_type': 'application/json', 'content': found}
"""


def returning(content: str, *, content_type: str = JSON_TYPE, preamble: str = "") -> str:
    """A handler that returns the value of the expression `content`."""
    return replying(f"'content_type': {content_type!r}, 'content': {content}", preamble=preamble)


def replying(fields: str, *, preamble: str = "") -> str:
    """A handler that returns a dict of the written-out `fields`."""
    return running(f"return {{{fields}}}", preamble=preamble)


def running(*statements: str, preamble: str = "") -> str:
    """A handler with these `statements`, each on a line of its own."""
    body = "\n".join(f"    {statement}" for statement in statements)
    return _with_imports(f"{preamble}\n\ndef handler(request, context):\n{body}\n")


def probing(*expressions: str) -> str:
    """A handler that answers with the value, or the error, of each expression over `request` and `context`."""
    return _with_imports(f"EXPRESSIONS = {expressions!r}\n\n{_PROBE}")


def _with_imports(source: str) -> str:
    mentioned = (name for name in _MODULES.split() if f"{name}." in source)
    return "".join(f"import {name}\n" for name in mentioned) + source
