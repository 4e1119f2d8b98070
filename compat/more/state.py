"""State: what lasts from one request to the next, and what surrounds a handler."""

from collections.abc import Iterator

from compat.more.handlers import probing, returning, running
from compat.pairs import Pair, Request

_TWICE = (Request(), Request())
_THRICE = (*_TWICE, Request())

_SURROUNDINGS = (
    "__name__",
    "__file__ == os.path.join(os.getcwd(), 'main.py')",
    "os.listdir('.') == os.listdir(os.path.dirname(__file__))",
    "os.environ['HANDLER']",
    "sys.modules[__name__].__name__",
    "sys.stdin.read()",
    "threading.current_thread() is threading.main_thread()",
    "__import__('beside').VALUE",
    "open('data.txt').read()",
    "__import__('package.inner', fromlist=['x']).__name__",
    "sys.getdefaultencoding()",
    "[name for name in ('abeja', 'frames', 'session', 'worker') if name in sys.modules]",
)

_CALLABLES = {
    "object": "class Handler:\n    def __call__(self, request, context): return {'content': 'x'}\nhandler = Handler()",
    "class": "class handler(dict):\n    def __init__(self, request, context): super().__init__(content='x')",
    "lambda": "handler = lambda request, context: {'content': 'x'}",
    "partial": (
        "import functools\ndef answer(text, request, context): return {'content': text}\n"
        "handler = functools.partial(answer, 'x')"
    ),
    "method": "class H:\n    def go(self, request, context): return {'content': 'x'}\nhandler = H().go",
    "any-arguments": "def handler(*args, **kwargs): return {'content': [len(args), len(kwargs)]}",
    "more-parameters": "def handler(request, context, limit=5): return {'content': limit}",
    "other-names": "def handler(_iter, ctx): return {'content': sorted(ctx)}",
    "decorated": (
        "import functools\ndef logged(f):\n    @functools.wraps(f)\n    def inner(*args):\n        print(args)\n"
        "        return f(*args)\n    return inner\n@logged\ndef handler(request, context): return {'content': 'x'}"
    ),
    "one-parameter": "def handler(request): return {'content': 'x'}",
    "three-parameters": "def handler(request, context, more): return {'content': 'x'}",
}

# Both ways of starting a process: the child must neither answer nor need anything of the worker's.
_PROCESSES = {
    "fork": "multiprocessing.get_context('fork').Pool(1).map(double, [1, 2])",
    "spawn": "multiprocessing.get_context('spawn').Pool(1).map(double, [1, 2])",
    "executor": "concurrent.futures.ProcessPoolExecutor(1).map(double, [1, 2])",
    "threads": "concurrent.futures.ThreadPoolExecutor(2).map(double, [1, 2])",
    "command": "[subprocess.check_output([sys.executable, '-c', 'print(1)'])]",
}

_RAISING = {
    "exception": "raise ValueError('x')",
    "own-exception": "raise type('Own', (Exception,), {'__str__': lambda self: 1 / 0})()",
    "exit": "sys.exit(3)",
    "generator-exit": "raise GeneratorExit",
    "assertion": "assert False, 'é'",
}


def pairs() -> Iterator[Pair]:
    """One pair for each kind of state."""
    yield Pair(
        name="context-changed",
        handler=running("context['n'] = context.get('n', 0) + 1", "return {'content': context}"),
        requests=_THRICE,
    )
    for name, text in {"object": '{"a": {"b": 1}}', "array": "[1, 2]", "text": '"x"', "null": "null"}.items():
        yield Pair(
            name=f"context-given-as-{name}",
            handler=probing("context", "type(context).__name__"),
            environment={"CONTEXT": text},
            requests=_TWICE,
        )
    yield Pair(
        name="module-variable",
        handler=running("COUNT.append(1)", "return {'content': len(COUNT)}", preamble="COUNT = []"),
        requests=_THRICE,
    )
    yield Pair(
        name="request-kept",
        handler=running(
            "kept = context.pop('kept', None)",
            "context['kept'] = request",
            "if kept is None: return {'content': 'first'}",
            "try: text = kept.read()",
            "except ValueError as error: text = 'ValueError: ' + str(error)",
            "return {'content': text}",
        ),
        requests=_TWICE,
    )
    yield Pair(
        name="failure-then-answer",
        handler=running("COUNT.append(1)", "return {'content': 1 / (len(COUNT) - 1)}", preamble="COUNT = []"),
        requests=_THRICE,
    )
    yield Pair(name="folder-changed", handler=running("os.chdir('/')", "return {'content': 'x'}"), requests=_TWICE)
    yield Pair(
        name="surroundings",
        handler=probing(*_SURROUNDINGS),
        files={"beside.py": b"VALUE = 5\n", "data.txt": b"data", "package/inner.py": b"", "package/__init__.py": b""},
    )
    yield Pair(
        name="output",
        handler=running("print('x')", "os.write(1, b'raw')", "sys.stderr.write('e')", "return {'content': 'x'}"),
        requests=_TWICE,
    )
    yield Pair(
        name="folder-changed-before-import",
        handler=running("return {'content': inner.VALUE}", preamble="os.chdir('package')\nimport inner"),
        files={"package/inner.py": b"VALUE = 'x'\n"},
    )
    yield Pair(
        name="handler-in-a-package",
        handler="",
        entry="package.inner:answer",
        files={
            "package/__init__.py": b"from .words import WORD\n",
            "package/words.py": b"WORD = 'x'\n",
            "package/inner.py": b"from . import WORD\n\ndef answer(request, context):\n    return {'content': WORD}\n",
        },
    )
    yield Pair(
        name="call-left-on-the-event-loop",
        handler=running(
            "asyncio.get_event_loop().call_soon(COUNT.append, 1)",
            "return {'content': len(COUNT)}",
            preamble="COUNT = []",
        ),
        requests=_TWICE,
    )
    for name, content in _PROCESSES.items():
        yield Pair(
            name=f"process-{name}", handler=returning(content, preamble="def double(number):\n    return number * 2")
        )
    for name, source in _CALLABLES.items():
        yield Pair(name=f"callable-{name}", handler=source + "\n")
    for name, statement in _RAISING.items():
        yield Pair(name=f"raising-{name}", handler=running(statement))
