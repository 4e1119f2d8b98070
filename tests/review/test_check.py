"""`abeja-runtime check`: what it says of sources, by reading them."""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest

from abeja.runtime.config import resolve
from abeja.runtime.review.checkup import check as check_model

Check = Callable[..., dict[str, Any]]

REQUEST = "def handler(request, context):\n    "
INPUT = "def handler(input_iter, context):\n    "
ANSWER = "\n    return {'content': ''}\n"
YIELDS = "\n    yield from input_iter\n"


@pytest.fixture
def check(environ: dict[str, str], tmp_path: Path) -> Check:
    """Checks files, which it writes; a dict as the command prints it."""

    def run(files: Mapping[str, str], *, env: str = "auto", **options: Any) -> dict[str, Any]:
        for name, content in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        report = check_model(resolve({"model_dir": str(tmp_path), "env": env, **options}, environ=environ))
        return {
            "image_version": report.image.name if report.image is not None else None,
            "command": report.command,
            "findings": [attrs.asdict(finding) for finding in report.findings],
        }

    return run


def seen(document: dict[str, Any]) -> list[tuple[str, str, int]]:
    return [(finding["level"], finding["slug"], finding["line"]) for finding in document["findings"]]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("request['contents']" + ANSWER, []),
        ("request['body']" + ANSWER, [("error", "request-key-unknown", 2)]),
        ("request['path'], request['query'], request['metadata']" + ANSWER, []),
        ("if 'body' in request: request['body']" + ANSWER, []),
        ("try: request['body']\n    except KeyError: pass" + ANSWER, [("warning", "request-key-unknown", 2)]),
        ("with suppress(KeyError): request['body']" + ANSWER, [("warning", "request-key-unknown", 2)]),
        ("hasattr(request, 'json') and request.json()" + ANSWER, [("warning", "request-attribute-unknown", 2)]),
        (
            "if isinstance(request, dict): return {'content': ''}\n    request['body']" + ANSWER,
            [("warning", "request-key-unknown", 3)],
        ),
        ("attempt(lambda: request['body'])" + ANSWER, [("warning", "request-key-unknown", 2)]),
        ("request = dict(request); request['body']" + ANSWER, []),
        ("(lambda request: request['body'])({})" + ANSWER, []),
        ("request[key]" + ANSWER, []),
        ("request['contents'][0]['body'].read()" + ANSWER, []),
        ("request['contents'] = []" + ANSWER, [("error", "request-key-unknown", 2)]),
        ("request.get('foo')" + ANSWER, [("warning", "request-key-unknown", 2)]),
        ("request.get('headers')" + ANSWER, []),
        ("request.json()" + ANSWER, [("error", "request-attribute-unknown", 2)]),
        ("request.headers['x']" + ANSWER, [("error", "request-attribute-unknown", 2)]),
        ("request.read(); request.close(); request.keys()" + ANSWER, []),
        ("context['x'] = context.get('x')" + ANSWER, []),
        ("context.datasets" + ANSWER, [("error", "context-attribute-unknown", 2)]),
        ("pass", [("error", "answer-not-a-dict", 1)]),
        ("raise ValueError", []),
        ("request.read()\n    return [1]", [("error", "answer-not-a-dict", 3)]),
        ("return {'content': ''}, 200", [("error", "answer-not-a-dict", 2)]),
        ("return json.dumps({'content': ''})", [("error", "answer-not-a-dict", 2)]),
        ("return helper(request)", []),
        ("return {'status': 200, 'content': ''}", [("warning", "answer-key-unknown", 2)]),
        ("return {'status_code': '200', 'content': ''}", [("error", "answer-invalid", 2)]),
        ("return {**answer, 'x': 1}", []),
        ("return {'content': (yield_() for _ in [1])}", []),
    ],
)
def test_handlers_of_19_04(check: Check, source: str, expected: list[tuple[str, str, int]]) -> None:
    assert seen(check({"main.py": REQUEST + source}, image_version="19.04")) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("raise context.exceptions.InvalidInput('x')" + YIELDS, []),
        ("context.datatypes.Response([])" + YIELDS, []),
        ("Response([])" + YIELDS, []),
        ("context.exception" + YIELDS, [("error", "context-attribute-unknown", 2)]),
        ("context.datatypes.Respons([])" + YIELDS, [("error", "context-attribute-unknown", 2)]),
        ("context['x']" + YIELDS, [("error", "context-attribute-unknown", 2)]),
        ("context.count = 1; context.count" + YIELDS, []),
        ("try: context.count\n    except AttributeError: pass" + YIELDS, [("warning", "context-attribute-unknown", 2)]),
        ("return [value for value in input_iter]", []),
        ("return list(input_iter)", []),
        ("list(input_iter)\n    return 'text'", [("error", "answer-not-a-series", 3)]),
        ("list(input_iter)", [("error", "answer-not-a-series", 1)]),
    ],
)
def test_handlers_of_18_10(check: Check, source: str, expected: list[tuple[str, str, int]]) -> None:
    assert seen(check({"main.py": INPUT + source}, image_version="18.10")) == expected


@pytest.mark.parametrize(
    ("source", "image_version"),
    [
        (INPUT + "for value in input_iter: yield value", "18.10"),
        (INPUT + "return [Response([value]) for value in input_iter]", "18.10"),
        (INPUT + "raise context.exceptions.InvalidInput('x')", "18.10"),
        (REQUEST + "return {'status_code': 200}", "20.10"),
        (REQUEST + "text = request.read()\n    return helper(text)", "20.10"),
        ("import json\n" + REQUEST + "return f(json.load(request))", "20.10"),
        ("async " + REQUEST + "return f(request['http_method'])", "20.10"),
    ],
)
def test_image_version_follows_from_the_code(check: Check, source: str, image_version: str) -> None:
    document = check({"main.py": source})

    assert document["findings"] == []
    assert document["image_version"] == image_version
    assert f" --image-version {image_version} " in document["command"]


def test_image_version_is_one_whose_python_can_read_the_code(check: Check) -> None:
    document = check({"main.py": REQUEST + "if (text := request.read()): return {'content': text}"})

    assert (document["image_version"], document["findings"]) == ("latest", [])


def test_code_that_looks_like_nothing_is_told_to_name_its_image_version(check: Check) -> None:
    document = check({"main.py": REQUEST + "return helper(request)"})

    assert seen(document) == [("warning", "abi-undecided", 0)]
    assert (document["image_version"], document["command"]) == (None, "")


def test_code_that_mixes_two_abis_is_an_error_that_says_why(check: Check) -> None:
    document = check({"main.py": REQUEST + "yield request['contents']"})
    (finding,) = document["findings"]

    assert (finding["level"], finding["slug"]) == ("error", "abi-undecided")
    assert "it yields its results (line 2) as for ABI 18.10" in finding["message"]
    assert "it reads request['contents'] (line 2) as for ABI 19.04" in finding["message"]


@pytest.mark.parametrize(
    ("source", "asked", "meant"),
    [
        (INPUT + "for value in input_iter: yield value", "19.04", "18.10"),
        (INPUT + "raise context.exceptions.InvalidInput('x')", "20.02", "18.10"),
        (REQUEST + "return {'content': request.read()}", "18.10", "20.10"),
    ],
)
def test_code_for_another_abi_is_told_which_image_version_to_ask_for(
    check: Check, source: str, asked: str, meant: str
) -> None:
    document = check({"main.py": source}, image_version=asked)
    (finding,) = document["findings"]

    assert (finding["level"], finding["slug"], finding["line"]) == ("error", "abi-mismatch", 2)
    assert f"--image-version {meant}" in finding["hint"]
    assert f"--image-version {meant} " in document["command"]


def test_decorated_handler_for_another_abi_may_be_mistaken(check: Check) -> None:
    source = "import tools\n\n@tools.handler\ndef handler(one, input_iter, context):\n    yield 1\n"

    document = check({"main.py": source, "tools.py": ""}, image_version="19.04")

    assert seen(document) == [("warning", "abi-mismatch", 5)]


@pytest.mark.parametrize(
    "source",
    [
        "def handler(request):\n    return {'content': ''}\n",
        "def handler(request, context, model):\n    return {'content': ''}\n",
        "def handler(request, context, *, model):\n    return {'content': ''}\n",
    ],
)
def test_handler_that_cannot_be_called_with_two_arguments(check: Check, source: str) -> None:
    assert seen(check({"main.py": source}, image_version="19.04")) == [("error", "handler-parameters", 1)]


@pytest.mark.parametrize(
    "source",
    [
        "def handler(request, context, model=None):\n    return {'content': ''}\n",
        "def handler(*args):\n    return {'content': ''}\n",
        "def handler(request, *args, model=None, **kwargs):\n    return {'content': ''}\n",
    ],
)
def test_handler_that_can_be_called_with_two_arguments(check: Check, source: str) -> None:
    assert check({"main.py": source}, image_version="19.04")["findings"] == []


@pytest.mark.parametrize(
    ("files", "path", "line"),
    [
        ({"main.py": "from own import handler\n", "own.py": REQUEST + "request['x']" + ANSWER}, "own.py", 2),
        ({"main.py": "from lib.own import f as handler\n", "lib/own.py": "def f(r, c):\n    r['x']"}, "lib/own.py", 2),
        ({"main.py": "from lib import handler\n", "lib/__init__.py": REQUEST + "request['x']"}, "lib/__init__.py", 2),
        ({"main.py": "def f(r, c):\n    r['x']\nhandler = f\n"}, "main.py", 2),
        (
            {"main.py": "try:\n    import x\nexcept ImportError:\n    def handler(r, c):\n        r['x']\n"},
            "main.py",
            5,
        ),
        ({"main.py": "class A:\n    def __call__(self, r, c):\n        r['x']\nhandler = A()\n"}, "main.py", 3),
        ({"main.py": "class A:\n    def f(self, r, c):\n        r['x']\nhandler = A().f\n"}, "main.py", 3),
    ],
)
def test_handler_is_found_where_it_is_defined(check: Check, files: dict[str, str], path: str, line: int) -> None:
    findings = check(files, image_version="19.04")["findings"]

    found = [(finding["path"], finding["line"]) for finding in findings if finding["slug"] == "request-key-unknown"]
    assert found == [(path, line)]


@pytest.mark.parametrize(
    "source",
    [
        "import tools\nhandler = tools.make()\n",
        "from tools import *\n",
        "globals()['handler'] = print\n",
        "class handler:\n    def __init__(self, request, context): pass\n",
        "from own_package_of_someone import handler\n",
        "class Base: pass\nclass A(Base): pass\nhandler = A()\n",
        "def __getattr__(name): return print\n",
    ],
)
def test_handler_that_is_made_when_it_is_imported_is_a_note(check: Check, source: str) -> None:
    document = check({"main.py": source, "tools.py": "def make(): pass\n"}, image_version="19.04")

    assert [finding["slug"] for finding in document["findings"] if finding["level"] == "error"] == []
    assert "handler-not-read" in [finding["slug"] for finding in document["findings"] if finding["level"] == "note"]


@pytest.mark.parametrize(
    "source",
    [
        (
            "if fast:\n    def handler(request, context):\n        return {}\nelse:\n"
            "    def handler(input_iter, context):\n        yield\n"
        ),
        "try:\n    from fast import handler\nexcept ImportError:\n    handler = None\n",
        "handler = None\ndef load():\n    global handler\n    handler = print\nload()\n",
    ],
    ids=["branches", "an import that may fail", "a function that sets it"],
)
def test_handler_of_which_reading_does_not_tell_which_one_is_a_note(check: Check, source: str) -> None:
    document = check({"main.py": source}, image_version="19.04")

    assert ("note", "handler-not-read") in {(level, slug) for level, slug, _ in seen(document)}
    assert "error" not in {level for level, _, _ in seen(document)}


def test_module_that_may_be_in_a_package_is_a_warning(check: Check) -> None:
    files = {"main.py": "x = 1\n", "requirements.txt": "package\n"}

    assert seen(check(files, image_version="19.04", handler="package.serving:handler"))[0][:2] == (
        "warning",
        "handler-module-missing",
    )


@pytest.mark.parametrize(
    ("handler", "slug", "hint"),
    [
        ("mian:handler", "handler-module-missing", "did you mean main:handler?"),
        ("main:handle", "handler-attribute-missing", "did you mean handler?"),
        ("main:LIMIT", "handler-refused", ""),
    ],
)
def test_handler_that_is_not_there(check: Check, handler: str, slug: str, hint: str) -> None:
    files = {"main.py": "LIMIT = 5\n" + REQUEST + ANSWER}

    (finding,) = check(files, image_version="19.04", handler=handler)["findings"]

    assert (finding["level"], finding["slug"], finding["hint"]) == ("error", slug, hint)


@pytest.mark.parametrize(
    ("line", "requirements", "is_missing"),
    [
        ("import os.path, json", None, False),
        ("import cv2, PIL.Image, sklearn", None, False),
        ("import colorthief", None, True),
        ("import colorthief", "colorthief==0.2.1\n", False),
        ("import attr, jwt, Crypto", "attrs\nPyJWT\npycryptodome\n", False),
        ("import colorthief", "requests\n", True),
        ("try:\n    import colorthief\nexcept ImportError:\n    pass", None, False),
        ("import own, package.module", None, False),
        ("import sys; sys.path.append('lib')\nimport deep", None, False),
        ("import __future__, _thread", None, False),
    ],
)
def test_module_that_nothing_provides_is_a_warning(
    check: Check,
    line: str,
    requirements: str | None,
    is_missing: bool,  # noqa: FBT001 (a parameter of the test)
) -> None:
    files = {
        "main.py": f"{line}\n{REQUEST}{ANSWER}",
        "own.py": "",
        "package/module.py": "",
        "lib/deep.py": "",
        **({"requirements.txt": requirements} if requirements else {}),
    }

    found = seen(check(files, image_version="19.04"))

    assert found == ([("warning", "import-unprovided", 1)] if is_missing else [])


def test_module_of_another_python_is_named_with_its_version(check: Check, python_of: Callable[[str], Path]) -> None:
    files = {"main.py": "import dataclasses\nimport imp\n" + REQUEST + ANSWER}

    (old,) = check(files, image_version="19.04", python=str(python_of("3.6")))["findings"]
    (new,) = check(files, image_version="19.04", python=str(python_of("3.12")))["findings"]

    assert "the module 'dataclasses' is of Python 3.7 and later" in old["message"]
    assert "the module 'imp' is gone since Python 3.12" in new["message"]


def test_modules_of_an_interpreter_that_is_taken_as_it_is_are_those_that_it_has(check: Check) -> None:
    source = "import pytest\nimport not_there\n" + REQUEST + ANSWER

    (finding,) = check({"main.py": source}, image_version="19.04", env="inherit")["findings"]

    assert "'not_there' is not installed" in finding["message"]
    assert sys.executable in finding["message"]


@pytest.mark.parametrize(
    ("source", "python", "line"),
    [
        ("print 'hello'\n", "3.6", 1),
        ("\nif (n := 1): pass\n", "3.6", 2),
        ("\nif (n := 1): pass\n", "3.8", None),
        ("f(async=True)\n", "3.6", None),
        ("f(async=True)\n", "3.7", 1),
        ("x = 1\nf'{x=}'\n", "3.6", 2),
    ],
)
def test_syntax_is_that_of_the_python_that_will_run_it(
    check: Check, python_of: Callable[[str], Path], source: str, python: str, line: int | None
) -> None:
    files = {"main.py": "import own\n" + REQUEST + ANSWER, "own.py": source, "unused.py": "def ("}

    findings = check(files, image_version="19.04", python=str(python_of(python)))["findings"]

    found = [(finding["path"], finding["level"], finding["slug"]) for finding in findings]
    assert found == ([] if line is None else [("own.py", "error", "syntax-invalid")])
    assert [finding["line"] for finding in findings if finding["path"] != "own.py"] == []


def test_handler_that_only_an_older_python_can_read_is_a_note(check: Check, python_of: Callable[[str], Path]) -> None:
    source = "def f(**options): pass\nf(async=True)\n" + REQUEST + ANSWER

    document = check({"main.py": source}, image_version="19.04", python=str(python_of("3.6")))

    assert seen(document) == [("note", "handler-not-read", 0)]


def test_code_that_crashes_the_compiler_of_its_python_is_a_note(check: Check, python_of: Callable[[str], Path]) -> None:
    files = {"main.py": "import deep\n" + REQUEST + ANSWER, "deep.py": "-" * 100_000 + "1\n"}

    document = check(files, image_version="19.04", python=str(python_of("3.8")))

    assert [finding["slug"] for finding in document["findings"]] in (["handler-not-read"], ["syntax-invalid"])


def test_nothing_is_run(check: Check, tmp_path: Path) -> None:
    deed = f"open({str(tmp_path / 'deed')!r}, 'w')\n"
    files = {
        "main.py": deed + "import own\nimport json\n" + REQUEST + ANSWER,
        "own.py": deed,
        # Would be run by an import of the standard library's.
        "json.py": deed,
        "sitecustomize.py": deed,
        "requirements.txt": "requests\n",
    }

    document = check(files, image_version="19.04")
    check(files, image_version="19.04", env="inherit")

    assert document["findings"] == []
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(files)


FOLDERS = Path(__file__).parents[2]
GOOD = [
    *(path.parent for path in sorted(FOLDERS.glob("examples/*/main.py"))),
    *(
        path.parent
        for path in sorted(FOLDERS.glob("tests/handlers/1*/*/main.py"))
        if path.parent.name not in ("old", "hostile")
    ),
]
# Handlers of fixtures that have others than `handler`.
HANDLERS = {"frames": ["first", "each"], "shapes": ["called", "bound", "decorated", "consumes", "remembers"]}


@pytest.mark.parametrize("folder", GOOD, ids=lambda folder: f"{folder.parent.name}-{folder.name}")
def test_good_handlers_have_no_finding(check: Check, folder: Path) -> None:
    is_old = folder.name == "mean_colour" or folder.parent.name == "18.10"
    for name in HANDLERS.get(folder.name, ["handler"]):
        options = {"image_version": "18.10" if is_old else "19.04", "handler": f"main:{name}"}
        assert check({}, model_dir=str(folder), **options)["findings"] == []


def test_exit_code_and_output_are_those_of_the_findings(command: Path, environ: dict[str, str], tmp_path: Path) -> None:
    def run(*arguments: str) -> tuple[int, str]:
        done = subprocess.run(
            [command, "check", "--model-dir", tmp_path, *arguments],
            env=environ,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout

    (tmp_path / "main.py").write_text(REQUEST + "request['body']" + ANSWER)
    assert run("--handler", "main:a:b") == (2, "")
    code, text = run()
    assert code == 1
    own_line = "    > 2 |     request['body']\n"
    assert text.startswith(f"main.py:2: error: request-key-unknown: a request has no key 'body'.\n{own_line}    Hint: ")
    code, text = run("--json")
    document = json.loads(text)
    assert (code, document["abi"], document["findings"][0]["line"]) == (1, "19.04", 2)

    (tmp_path / "main.py").write_text(REQUEST + "request.get('body')" + ANSWER)
    code, text = run()
    assert (code, ": warning: " in text) == (0, True)


PLUGIN = """
from abeja.runtime import Abi, Finding, Image, Remark, Review, hookimpl


def review(code):
    BODY


@hookimpl
def abeja_abis():
    yield Abi(name="event", worker=__file__, review=review)


@hookimpl
def abeja_images():
    yield Image(name="event-1", abi="event", encoders=["json"])
"""


def test_abi_of_a_plugin_is_recognised_by_what_it_says(check: Check, tmp_path: Path) -> None:
    body = 'return Review(signs=[Remark(line=9, text="x")] * 9, findings=[Finding(slug="own", message="m", line=2)])'
    (tmp_path / "event_plugin.py").write_text(PLUGIN.replace("BODY", body))

    document = check({"main.py": REQUEST + ANSWER}, plugin=[str(tmp_path / "event_plugin.py")])

    assert (document["image_version"], seen(document)) == ("event-1", [("error", "own", 2)])
    assert "--plugin " in document["command"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [("raise KeyError(1)", "raised when asked for a review: KeyError: 1"), ("return 5", "gave 5 as a review")],
)
def test_review_of_a_plugin_that_fails_is_a_warning(check: Check, tmp_path: Path, body: str, reason: str) -> None:
    (tmp_path / "event_plugin.py").write_text(PLUGIN.replace("BODY", body))

    document = check({"main.py": REQUEST + ANSWER}, plugin=[str(tmp_path / "event_plugin.py")])

    assert seen(document) == [("warning", "plugin-value-invalid", 0)]
    assert reason in document["findings"][0]["message"]
