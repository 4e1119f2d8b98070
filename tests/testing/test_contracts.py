"""The contract classes fail for plugins that break the contract: each in the test that says what is wrong."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Check = Callable[..., dict[str, str]]

ENCODER = """
from pathlib import Path
from abeja.runtime import Encoder, hookimpl


@hookimpl
def abeja_encoders():
    yield Encoder(name="own", worker=Path(__file__).with_name("worker.py"))
"""
GOOD_WORKER = """
import fractions


class Encoder:
    def __init__(self, media_type):
        pass

    def claims(self, content):
        return False

    def accepts(self, value):
        return isinstance(value, fractions.Fraction)

    def encode(self, value, *, is_first):
        text = str(value).encode("ascii")
        return [text if is_first else b"," + text]
"""
ENCODER_TEST = """
from fractions import Fraction

import own
from abeja.runtime.testing import EncoderContract, Sample


class TestOwn(EncoderContract):
    plugin = own
    samples = [Fraction(2, 3), Sample(Fraction(1, 3), Fraction(2), body=b"1/3,2")]
"""


@pytest.fixture
def check(tmp_path: Path) -> Check:
    """Runs contract tests, all or one, for files; the outcome of each test by its name without parameters."""

    def run(only: str = "", **files: str) -> dict[str, str]:
        for name, content in files.items():
            (tmp_path / f"{name}.py").write_text(content)
        (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = -p no:cacheprovider --strict-markers -W error\n")
        environ = {name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"}
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-rA", "--tb=short", "-k", only, "test_own.py"],
            cwd=tmp_path,
            env=environ,
            capture_output=True,
            text=True,
            check=False,
        )
        (tmp_path / "output").write_text(done.stdout + done.stderr)
        assert done.returncode in (0, 1), done.stdout + done.stderr
        outcomes: dict[str, str] = {}
        for outcome, name in re.findall(r"^(PASSED|FAILED|SKIPPED|ERROR) \S+::(test_\w+)", done.stdout, re.MULTILINE):
            outcomes[name] = "FAILED" if "FAILED" in (outcome, outcomes.get(name)) else outcome
        return outcomes

    return run


def failed(outcomes: dict[str, str]) -> set[str]:
    return {name for name, outcome in outcomes.items() if outcome != "PASSED"}


def test_a_good_encoder_passes(check: Check) -> None:
    outcomes = check(own=ENCODER, worker=GOOD_WORKER, test_own=ENCODER_TEST)

    assert len(outcomes) == 10
    assert failed(outcomes) == set()


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ('b"," + text', 'b";" + text', "test_a_sample_becomes_its_bytes"),
        ('str(value).encode("ascii")', "str(value)", "test_a_sample_becomes_its_bytes"),
        ("isinstance(value, fractions.Fraction)", "value.numerator != 0", "test_asking_about_any_value_says_yes_or_no"),
        ("return False", "return next(iter(content), 1) is None", "test_asking_takes_nothing_away"),
        (
            "import fractions",
            "import fractions\nimport pytest",
            "test_the_worker_half_loads_with_the_standard_library_alone",
        ),
        (
            "import fractions",
            "import fractions\nimport abeja.runtime",
            "test_the_worker_half_loads_with_the_standard_library_alone",
        ),
        (
            "import fractions",
            "import fractions\nif (size := 1):\n    pass",
            "test_the_worker_half_is_in_the_syntax_of_python_3_6",
        ),
        ("def claims", "def claim", "test_the_worker_half_loads_with_the_standard_library_alone"),
    ],
)
def test_an_encoder_that_breaks_the_contract_fails(check: Check, before: str, after: str, expected: str) -> None:
    assert before in GOOD_WORKER

    assert expected in failed(
        check(expected, own=ENCODER, worker=GOOD_WORKER.replace(before, after), test_own=ENCODER_TEST)
    )


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("abeja_encoders", "abeja_encoder", "did you mean abeja_encoders?"),
        ("@hookimpl", "", "put @hookimpl above it"),
        ("def abeja", "async def abeja", "write `def` instead"),
        ("yield Encoder", "return Encoder", "raised in abeja_encoders"),
    ],
)
def test_hooks_that_do_not_work_are_named(check: Check, tmp_path: Path, before: str, after: str, words: str) -> None:
    outcomes = check(own=ENCODER.replace(before, after, 1), worker=GOOD_WORKER, test_own=ENCODER_TEST)

    # It is found before any test is run, because tests are repeated for what the plugin has.
    assert "test_its_hooks_yield_one_such_value" in failed(outcomes)
    assert words in (tmp_path / "output").read_text()


INSTALLER = """
import os
from abeja.runtime import Installer, Plan, hookimpl


@hookimpl
def abeja_installers():
    yield Installer(name="own", file="names.txt", plan=plan)


def plan(folder, environ):
    path = folder / "names.txt"
    names = path.read_text().split()
    if "!" in names:
        raise ValueError("'!' is not a name")
    return Plan(source=path.name, requirements=names, names=names, read=[path])
"""
INSTALLER_TEST = """
import own
from abeja.runtime.testing import InstallerContract


class TestOwn(InstallerContract):
    plugin = own
    samples = [{"names.txt": "a b"}, {"names.txt": ""}]
    broken = [{"names.txt": "!"}]
"""


def test_a_good_installer_passes(check: Check) -> None:
    outcomes = check(own=INSTALLER, test_own=INSTALLER_TEST)

    assert len(outcomes) == 10
    assert failed(outcomes) == set()


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("    names =", "    (folder / 'log').write_text('x')\n    names =", "test_planning_touches_nothing"),
        ("    names =", "    os.environ['SEEN'] = 'x'\n    names =", "test_planning_touches_nothing"),
        ("ValueError", "KeyError", "test_a_broken_file_is_a_value_error_that_says_why"),
        ("read=[path]", "read=[folder / 'other.txt']", "test_what_was_read_is_there"),
        (
            "source=path.name",
            "source=os.getcwd()",
            "test_the_same_folder_gives_the_same_plan_wherever_it_is_asked_from",
        ),
        ("requirements=names", "requirements=[5]", "test_a_plan_says_what_to_install_in_texts"),
    ],
)
def test_an_installer_that_breaks_the_contract_fails(check: Check, before: str, after: str, expected: str) -> None:
    assert before in INSTALLER

    assert expected in failed(check(expected, own=INSTALLER.replace(before, after, 1), test_own=INSTALLER_TEST))


# Each member is a name, a size and as many bytes; a line `end` is the end.
EXTRACTOR = """
from abeja.runtime import Extractor, Member, hookimpl


@hookimpl
def abeja_extractors():
    yield Extractor(name="own", recognises=recognises, members=members)


def recognises(path):
    return path.is_file() and path.read_bytes()[:4] == b"OWN "


def members(path):
    with path.open("rb") as file:
        file.readline()
        while True:
            line = file.readline()
            if line == b"end\\n":
                return
            name, size = line.decode().split()
            yield Member(name=name, size_bytes=int(size), chunks=[file.read(int(size))])
"""
EXTRACTOR_TEST = """
import own
from abeja.runtime.testing import Archive, ExtractorContract


class TestOwn(ExtractorContract):
    plugin = own
    samples = [Archive(b"OWN 1\\na.txt 5\\nhellob 3\\nyouend\\n", files={"a.txt": b"hello", "b": b"you"})]
"""


def test_a_good_extractor_passes(check: Check) -> None:
    outcomes = check(own=EXTRACTOR, test_own=EXTRACTOR_TEST)

    assert len(outcomes) == 10
    assert failed(outcomes) == set()


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ('if line == b"end\\n"', 'if line in (b"end\\n", b"end", b"")', "test_a_cut_archive_is_noticed"),
        (
            "path.is_file() and ",
            "path.suffix == '.own' or path.is_file() and ",
            "test_other_formats_are_not_recognised",
        ),
        ("path.is_file() and ", "path.suffix != '.txt' and ", "test_an_archive_is_recognised_by_its_content"),
        ("size_bytes=int(size)", "size_bytes=1", "test_its_members_are_those_of_the_archive"),
        ("name=name", "name='../' + name", "test_abeja_runtime_extracts_it"),
        (
            "        file.readline()\n",
            "        path.touch()\n        file.readline()\n",
            "test_reading_touches_nothing",
        ),
    ],
)
def test_an_extractor_that_breaks_the_contract_fails(check: Check, before: str, after: str, expected: str) -> None:
    assert before in EXTRACTOR

    assert expected in failed(check(expected, own=EXTRACTOR.replace(before, after, 1), test_own=EXTRACTOR_TEST))


SOURCE = """
from abeja.runtime import ResultSource, SourceFailedError, hookimpl


@hookimpl
def abeja_sources():
    yield ResultSource(name="own", takes=takes, state=state, fetch=fetch)


def takes(text):
    return text.startswith("own:")


def state(text):
    return ""


def fetch(text, fetch):
    try:
        with open(text[4:], "rb") as file:
            data = file.read(fetch.limit_bytes + 1)
    except OSError as error:
        raise SourceFailedError(str(error)) from error
    if len(data) > fetch.limit_bytes:
        raise SourceFailedError("it is too large")
    path = fetch.folder / "result"
    path.write_bytes(data)
    fetch.progress(len(data), None)
    return path
"""
SOURCE_TEST = """
from contextlib import contextmanager

import own
from abeja.runtime.testing import SourceContract


class TestOwn(SourceContract):
    plugin = own
    foreign = ["http://127.0.0.1/", "/own:"]

    @contextmanager
    def publish(self, content, folder):
        (folder / "source").write_bytes(content)
        yield f"own:{folder}/source"
"""


def test_a_good_source_passes(check: Check) -> None:
    outcomes = check(own=SOURCE, test_own=SOURCE_TEST)

    assert len(outcomes) == 11
    assert failed(outcomes) == set()


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ('startswith("own:")', 'split("own:")[1] > ""', "test_asking_about_any_text_says_yes_or_no"),
        ('text.startswith("own:")', '"own:" in text', "test_it_leaves_what_is_of_others"),
        ('text.startswith("own:")', 'text.startswith("their:")', "test_it_takes_its_own"),
        ('return ""', "return str(object())", "test_the_state_is_the_same_as_long_as_nothing_changes"),
        ("    if len(data) > fetch.limit_bytes:", "    if False:", "test_it_downloads_no_more_than_the_limit"),
        ("    fetch.progress(len(data), None)\n", "", "test_it_reports_its_progress"),
        ("except OSError", "except KeyError", "test_what_does_not_exist_is_an_error_that_says_so"),
        ("path.write_bytes(data)", "path.write_bytes(data[1:])", "test_it_fetches_what_is_there"),
    ],
)
def test_a_source_that_breaks_the_contract_fails(check: Check, before: str, after: str, expected: str) -> None:
    assert before in SOURCE

    assert expected in failed(check(expected, own=SOURCE.replace(before, after, 1), test_own=SOURCE_TEST))


ABI = """
from pathlib import Path
from abeja.runtime import Abi, hookimpl


@hookimpl
def abeja_abis():
    yield Abi(name="own", worker=Path(__file__).with_name("worker.py"), methods={"POST"})
"""
ABI_WORKER = """
class Adapter:
    def __init__(self, function, services):
        if not callable(function):
            raise ValueError("it cannot be called")
        self.function = function

    def call(self, message):
        body = self.function(message.contents[0].body.read())
        return {"status": 200, "content_type": "text/plain", "headers": [], "body": [body], "streamed": False}
"""
ABI_TEST = """
import own
from abeja.runtime.testing import AbiContract, Exchange

HANDLER = "def handler(body):\\n    return body[::-1]\\n"


class TestOwn(AbiContract):
    plugin = own
    samples = [
        Exchange(handler=HANDLER, request={"body": b"abc"}, content_type="text/plain", body=b"cba"),
        Exchange(handler=HANDLER, request={"method": "GET"}, status=405, headers={"Allow": "POST"}),
    ]
"""


def test_a_good_abi_passes(check: Check) -> None:
    outcomes = check(own=ABI, worker=ABI_WORKER, test_own=ABI_TEST)

    assert len(outcomes) == 13
    assert failed(outcomes) == set()


@pytest.mark.parametrize(
    ("review", "is_refused"),
    [
        ("server.Review()", False),
        ("server.Review(signs=[server.Remark(line=1, text='x')])", False),
        ("server.Review(obstacles=[server.Remark(line=1, text='x')])", True),
        ("server.Review(findings=[server.Finding(slug='x', message='x')])", True),
        ("None", True),
    ],
)
def test_a_review_that_raises_a_false_alarm_fails(check: Check, review: str, *, is_refused: bool) -> None:
    test = "test_its_review_has_nothing_against_a_handler_that_answers"
    own = "import abeja.runtime as server\n" + ABI.replace(
        'methods={"POST"}', f'methods={{"POST"}}, review=lambda code: {review}'
    )

    assert (test in failed(check(test, own=own, worker=ABI_WORKER, test_own=ABI_TEST))) == is_refused


@pytest.mark.parametrize(("body", "is_refused"), [("body[::-1]", False), ("body['name']", True)])
def test_a_template_that_does_not_answer_its_own_request_fails(
    check: Check, tmp_path: Path, body: str, *, is_refused: bool
) -> None:
    test = "test_its_template_answers_its_request"
    template = tmp_path / "template"
    template.mkdir()
    (template / "main.py").write_text(f"def handler(body):\n    return {body}\n")
    (template / "request.txt").write_text("abc")
    own = ABI.replace('methods={"POST"}', f'methods={{"POST"}}, template=Path({str(template)!r})')

    assert bool(failed(check(test, own=own, worker=ABI_WORKER, test_own=ABI_TEST))) == is_refused


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("raise ValueError", "raise TypeError", "test_what_cannot_be_called_is_refused_with_the_reason"),
        ("if not callable(function)", "if False", "test_a_worker_names_what_it_refuses"),
        ('"streamed": False', "", "test_an_exchange_in_this_process"),
        ('"body": [body]', '"body": [5]', "test_an_exchange_in_a_worker"),
        ('"headers": []', '"headers": [("x y", "")]', "test_an_exchange_in_a_worker"),
    ],
)
def test_an_abi_that_breaks_the_contract_fails(check: Check, before: str, after: str, expected: str) -> None:
    assert before in ABI_WORKER

    assert expected in failed(check(expected, own=ABI, worker=ABI_WORKER.replace(before, after, 1), test_own=ABI_TEST))


@pytest.mark.usefixtures("python36")
def test_what_only_newer_pythons_have_fails(check: Check) -> None:
    worker = ABI_WORKER.replace('"body": [body]', '"body": [body.removeprefix(b"x")]')  # of 3.9

    outcomes = check(own=ABI, worker=worker, test_own=ABI_TEST)

    assert failed(outcomes) == {"test_an_exchange_in_a_worker"}


def test_a_contract_without_samples_fails(check: Check) -> None:
    test = ENCODER_TEST[: ENCODER_TEST.index("    samples")]

    assert failed(check(own=ENCODER, worker=GOOD_WORKER, test_own=test)) >= {"test_it_has_samples"}


def test_the_package_needs_no_pytest_when_it_is_imported() -> None:
    code = "import sys; sys.modules['pytest'] = None; import abeja.runtime.testing"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
