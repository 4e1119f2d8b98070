"""The console in a browser: what a person sees, with a mouse, with a keyboard, and with a handler that is hostile."""

import io
import json
import os
import shutil
import subprocess
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from tests.browser.devtools import DevTools
from tests.end_to_end.conftest import RunningServer

Start = Callable[..., RunningServer]
Open = Callable[..., DevTools]

# A folder, such as docs/how-to, into which the pictures of the documentation are written.
PICTURES = os.environ.get("CONSOLE_PICTURES", "")
IMAGE_IS_SHOWN = "document.querySelector('#answer-body img')?.complete"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder for a model."""
    folder = tmp_path / "model"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_prediction_on_an_uploaded_picture_is_shown(
    start: Start, open_console: Open, repository: Path, scheme: str
) -> None:
    cat = repository / "examples/flip/cat.jpg"
    # Somewhere else than the repository: the pictures of the documentation show the path.
    with tempfile.TemporaryDirectory(prefix="models-") as models:
        folder = Path(models, "flip")
        shutil.copytree(cat.parent, folder)
        _mirror(start("--model-dir", folder, "--workers", "2"), open_console, cat, scheme)


def _mirror(server: RunningServer, open_console: Open, cat: Path, scheme: str) -> None:
    for number in range(40):
        server.request("POST", f"/cats/{number}", b"no picture" if number == 37 else cat.read_bytes())
    tab = open_console(server, scheme=scheme)

    _choose(tab, "file")
    tab.choose_files("#file", cat)
    tab.wait_for("document.querySelector('#preview img')?.complete")
    tab.evaluate("document.getElementById('send').click()")
    tab.wait_for(IMAGE_IS_SHOWN)
    tab.wait_for("document.querySelectorAll('#requests tr').length === 41")

    size = tab.evaluate(
        "(({naturalWidth, naturalHeight}) => [naturalWidth, naturalHeight])(document.querySelector('#answer-body img'))"
    )
    assert size == [160, 120]
    # Mirrored: the sun has gone from the right to the left.
    assert _colour_at(tab, "#preview img", 0.87, 0.15) == _colour_at(tab, "#answer-body img", 0.13, 0.15)
    assert _colour_at(tab, "#preview img", 0.13, 0.15) != _colour_at(tab, "#answer-body img", 0.13, 0.15)
    assert tab.text("#answer-line").startswith("200 OK")
    assert "500 handler-failed" in tab.text("#requests")
    assert "curl --header 'Content-Type: image/jpeg' --data-binary @cat.jpg" in tab.text("#curl")
    assert tab.evaluate("document.querySelectorAll('#chart rect').length") == 41
    picture = tab.picture()
    # Something has been drawn: a page without a style, or an empty one, is one colour nearly everywhere.
    assert len(zlib.compress(picture)) > 30_000
    if PICTURES:
        drawn = Image.open(io.BytesIO(picture)).convert("RGB").quantize(256, dither=Image.Dither.NONE)
        drawn.save(Path(PICTURES, f"console-{scheme}.png"), optimize=True)


def test_json_is_sent_and_its_answer_is_indented_with_the_digits_that_it_has(
    start: Start, open_console: Open, folder: Path
) -> None:
    (folder / "main.py").write_text(
        "import json\n\n\ndef handler(request, context):\n"
        '    text = \'{"got":%s,"long":12345678901234567890,"none":[],"a":{}}\' % request.read().decode()\n'
        "    return {'status_code': 418, 'content_type': 'application/json', 'content': text.encode()}\n"
    )
    tab = open_console(start("--model-dir", folder))

    tab.evaluate("document.getElementById('text').select()")
    tab.evaluate("document.getElementById('text').focus()")
    tab.type('[1.0, "é"]')
    tab.evaluate("document.getElementById('send').click()")
    tab.wait_for("document.querySelector('#answer-body pre')")

    expected = '{\n  "got": [\n    1.0,\n    "é"\n  ],\n  "long": 12345678901234567890,\n  "none": [],\n  "a": {}\n}'
    assert tab.text("#answer-body pre") == expected
    assert tab.text("#answer-line").startswith("418 I'm a Teapot")
    tab.wait_for("document.querySelector('#requests tr')")
    assert "POST /" in tab.text("#requests")
    assert "418" in tab.text("#requests")


def test_line_for_the_shell_sends_what_the_form_sends(start: Start, open_console: Open, folder: Path) -> None:
    (folder / "main.py").write_text(
        "def handler(request, context):\n"
        "    said = [request.read().decode(), request['path'], request['content_type']]\n"
        "    return {'status_code': 200, 'content_type': 'application/json', 'content': {'said': said}}\n"
    )
    tab = open_console(start("--model-dir", folder))

    _choose(tab, "text")
    for name, value in (("text", "@main.py"), ("type", ""), ("target", "/a[1-2]{b,c}")):
        tab.evaluate(f"document.getElementById('{name}').select()")
        tab.evaluate(f"document.getElementById('{name}').focus()")
        tab.type(value) if value else tab.evaluate(
            f"document.getElementById('{name}').value = '';"
            f"document.getElementById('{name}').dispatchEvent(new Event('input', {{bubbles: true}}))"
        )
    tab.evaluate("document.getElementById('send').click()")
    tab.wait_for("document.querySelector('#answer-body pre')")
    line = f"{tab.text('#curl')} --silent"
    by_curl = subprocess.run(["/bin/sh", "-c", line], cwd=folder, capture_output=True, text=True, check=True)

    expected = {"said": ["@main.py", "/a[1-2]{b,c}", "application/octet-stream"]}
    assert json.loads(tab.text("#answer-body pre")) == expected
    assert json.loads(by_curl.stdout) == expected, line


def test_form_with_text_and_a_file_reaches_the_handler_part_by_part(
    start: Start, open_console: Open, repository: Path
) -> None:
    tab = open_console(start("--model-dir", repository / "examples/multipart"))

    _choose(tab, "form")
    tab.evaluate("document.getElementById('add-text').click()")
    tab.type("five")
    tab.evaluate("document.getElementById('add-file').click()")
    tab.choose_files("#fields input[type=file]", repository / "examples/multipart/note.txt")
    tab.evaluate("document.getElementById('send').click()")
    tab.wait_for("document.querySelector('#answer-body pre')")

    first, second = json.loads(tab.text("#answer-body pre"))["parts"]
    assert (first["form_name"], first["size"]) == ("text1", 4)
    assert (second["form_name"], second["file_name"]) == ("file2", "note.txt")
    assert "--form-string text1=five --form file2=@note.txt" in tab.text("#curl")


def test_form_offers_what_the_abi_takes(start: Start, open_console: Open, repository: Path) -> None:
    server = start("--image-version", "18.10", "--model-dir", repository / "examples/mean_colour")
    tab = open_console(server)

    assert tab.evaluate("[...document.querySelectorAll('#method option')].map((e) => e.value)") == [
        "POST",
        "PUT",
        "PATCH",
    ]
    assert tab.evaluate("document.getElementById('kind-form').hidden")
    assert "video/mp4" in tab.evaluate("[...document.querySelectorAll('#types option')].map((e) => e.value)")
    _choose(tab, "file")
    tab.choose_files("#file", repository / "examples/flip/cat.jpg")
    tab.evaluate("document.getElementById('send').click()")
    tab.wait_for("document.querySelector('#answer-body pre')")
    assert json.loads(tab.text("#answer-body pre"))["width"] == 160


def test_request_that_takes_long_can_be_given_up(start: Start, open_console: Open, handlers_19_04: Path) -> None:
    tab = open_console(start("--model-dir", handlers_19_04 / "misbehaving"))
    tab.evaluate("document.getElementById('text').select(); document.getElementById('text').focus()")
    tab.type('"nap"')

    tab.evaluate("document.getElementById('send').click()")
    tab.wait_for("document.getElementById('workers').innerText.includes('busy')")
    tab.evaluate("document.getElementById('cancel').click()")

    tab.wait_for("document.getElementById('problem').innerText === 'Cancelled.'")
    assert tab.evaluate("[document.getElementById('cancel').hidden, document.getElementById('send').disabled]") == [
        True,
        False,
    ]


def test_log_and_packages_can_be_searched(start: Start, open_console: Open, handlers_19_04: Path) -> None:
    server = start("--model-dir", handlers_19_04 / "misbehaving")
    server.do("print")
    server.do("no such deed")
    tab = open_console(server)
    tab.wait_for("document.getElementById('log').innerText.includes('to stdout')")
    assert "listening on" in tab.text("#log")

    tab.evaluate("document.getElementById('log-filter').focus()")
    tab.type("STDOUT")
    assert tab.evaluate("[...document.querySelectorAll('#log .text')].every((e) => e.innerText.includes('to stdout'))")
    tab.evaluate("document.getElementById('log-filter').select()")
    tab.type(" ")
    tab.evaluate(
        "const level = document.getElementById('log-level');"
        "level.value = '40'; level.dispatchEvent(new Event('change'))"
    )
    levels = tab.evaluate("[...document.querySelectorAll('#log li')].map((e) => e.children[1].innerText)")
    assert set(levels) == {"error"}
    tab.evaluate(
        "document.getElementById('packages-box').open = true; document.getElementById('packages-filter').focus()"
    )
    tab.type("Pytest-Time")
    assert tab.text("#packages").startswith("pytest-timeout")
    assert tab.evaluate("document.querySelectorAll('#packages li').length") == 1


def test_everything_can_be_done_with_the_keyboard(start: Start, open_console: Open, handlers_19_04: Path) -> None:
    tab = open_console(start("--model-dir", handlers_19_04 / "echo"))

    tab.press("Tab")
    assert _focused(tab) == "Skip to the form"
    tab.press("Enter")
    _tab_to(tab, "target")
    tab.evaluate("document.activeElement.select()")
    tab.type("/by/keyboard?x=1")
    _tab_to(tab, "kind")
    tab.press("ArrowRight")
    tab.press("ArrowRight")
    tab.press("ArrowRight")
    assert tab.evaluate("document.activeElement.value") == "text"
    _tab_to(tab, "text")
    tab.evaluate("document.activeElement.select()")
    tab.type("hello")
    _tab_to(tab, "send")
    tab.press("Enter")
    tab.wait_for("document.querySelector('#answer-body pre')")

    answer = json.loads(tab.text("#answer-body pre"))
    assert (answer["path"], answer["query"]) == ("/by/keyboard", "x=1")
    assert answer["contents"][0]["text"] == "hello"
    assert answer["content_type"].startswith("text/plain")
    # The focus has not been lost, and goes on to what the answer has, the details and the log.
    assert _focused(tab) == "send"
    visited = [_tab_to_next(tab) for _ in range(60)]
    wanted = {"curl", "copy", "Body of the answer", "Save", "Headers", "Packages", "Environment variables", "log-level"}
    assert {word for word in wanted if any(name.startswith(word) for name in visited)} == wanted
    assert "log" in visited

    tab.evaluate("document.getElementById('text').focus()")
    tab.type("!")
    tab.press("Enter", control=True)
    tab.wait_for("document.querySelector('#answer-body pre')?.innerText.includes('hello!')")


def test_every_control_has_a_name_and_can_be_seen_when_it_has_the_focus(
    start: Start, open_console: Open, handlers_19_04: Path
) -> None:
    tab = open_console(start("--model-dir", handlers_19_04 / "echo"))
    _choose(tab, "form")
    for kind in ("text", "file"):
        tab.evaluate(f"document.getElementById('add-{kind}').click()")

    nameless = tab.evaluate(
        "[...document.querySelectorAll('input, select, textarea, button, a, [tabindex=\"0\"]')]"
        ".filter((e) => !(e.labels?.length || e.textContent.trim() || e.getAttribute('aria-label')"
        " || e.getAttribute('aria-labelledby'))).map((e) => e.outerHTML)"
    )
    assert nameless == []
    tab.press("Tab")
    assert tab.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


@pytest.mark.parametrize("path", ["html", "json", "svg"])
def test_answer_that_is_hostile_is_shown_and_never_run(
    start: Start, open_console: Open, handlers_19_04: Path, path: str
) -> None:
    server = start("--model-dir", handlers_19_04 / "nasty")
    server.request("POST", "/<img/src/onerror=document.documentElement.dataset.owned=1>", b"")
    tab = open_console(server)
    tab.evaluate(
        "globalThis.blobTypes = []; const make = URL.createObjectURL.bind(URL);"
        "URL.createObjectURL = (blob) => { blobTypes.push(blob.type); return make(blob); }"
    )

    tab.evaluate(f"document.getElementById('target').value = '/{path}'")
    tab.evaluate("document.getElementById('send').click()")
    tab.wait_for("document.querySelector('#answer-body .actions')")
    tab.wait_for("document.getElementById('log').innerText.includes('onerror')")
    tab.wait_for("document.querySelectorAll('#requests tr').length === 2")
    if path == "svg":
        tab.wait_for(IMAGE_IS_SHOWN)
        assert tab.evaluate("document.querySelector('#answer-body img').naturalWidth") == 40
    else:
        assert "<img src=x onerror=" in tab.text("#answer-body pre").replace('\\"', '"')

    assert tab.evaluate("document.querySelectorAll('img[src=x], #log img, #requests img, main script').length") == 0
    # What can be opened in a tab of its own is no document of this origin; a picture runs nothing there by the policy.
    allowed = {"application/octet-stream", "image/svg+xml"} if path == "svg" else {"application/octet-stream"}
    assert set(tab.evaluate("blobTypes")) == allowed
    assert tab.evaluate("document.documentElement.dataset.owned ?? null") is None


def test_browser_itself_turns_no_text_into_markup(start: Start, open_console: Open, handlers_19_04: Path) -> None:
    tab = open_console(start("--model-dir", handlers_19_04 / "echo"))

    outcome = tab.evaluate(
        "(() => { try { document.body.innerHTML = '<b>x</b>'; return 'taken'; } catch (e) { return e.name; } })()"
    )

    assert outcome == "TypeError"
    # It says so, as it should.
    assert any("TrustedHTML" in message for message in tab.messages)
    tab.messages.clear()


def test_page_fits_a_telephone(start: Start, open_console: Open, repository: Path) -> None:
    server = start("--model-dir", repository / "examples/flip")
    server.request("POST", "/" + "a-long-path" * 20, (repository / "examples/flip/cat.jpg").read_bytes())
    tab = open_console(server, width=360, height=740)
    tab.wait_for("document.querySelector('#requests tr')")

    _choose(tab, "form")
    for kind in ("text", "file"):
        tab.evaluate(f"document.getElementById('add-{kind}').click()")
    for details in range(tab.evaluate("document.querySelectorAll('details').length")):
        tab.evaluate(f"document.querySelectorAll('details')[{details}].open = true")

    assert tab.evaluate("document.documentElement.scrollWidth") == 360
    beyond = tab.evaluate(
        "[...document.querySelectorAll('button, select, input')].filter((e) => e.offsetParent)"
        ".filter((e) => e.getBoundingClientRect().right > 360 || e.getBoundingClientRect().left < 0).length"
    )
    assert beyond == 0


def test_handler_that_fails_to_reload_is_shown_with_the_line_of_its_author(
    start: Start, open_console: Open, folder: Path
) -> None:
    main = folder / "main.py"
    main.write_text("def handler(request, context):\n    return {'content': 'one'}\n")
    tab = open_console(start("--model-dir", folder, "--reload"))
    assert tab.evaluate("document.getElementById('failure').hidden")

    main.write_text("WEIGHTS = None\n\nWEIGHTS.load()\n")
    tab.wait_for("!document.getElementById('failure').hidden")

    assert "what was loaded before serves on" in tab.text("#failure-title")
    marked = tab.evaluate("[...document.querySelectorAll('#failure-trace mark')].map((e) => e.textContent.trim())")
    assert marked[0] == f'File "{main}", line 3, in <module>'
    assert "WEIGHTS.load()" in marked

    main.write_text("def handler(request, context):\n    return {'content': 'two'}\n")
    tab.wait_for("document.getElementById('failure').hidden")


def test_no_console_is_404(start: Start, handlers_19_04: Path) -> None:
    server = start("--model-dir", handlers_19_04 / "echo", "--no-console")

    assert server.request("GET", "/console", port=server.health_port).status == 404


def test_page_says_when_the_server_is_gone_and_begins_anew_when_it_is_back(
    start: Start, open_console: Open, handlers_19_04: Path
) -> None:
    server = start("--model-dir", handlers_19_04 / "echo")
    server.request("POST", "/before", b"")
    tab = open_console(server)
    tab.wait_for("document.getElementById('requests').innerText.includes('/before')")

    assert server.stop() == 0
    tab.wait_for("document.getElementById('state').textContent === 'the server is gone'")
    tab.messages.clear()  # of requests that failed
    ports = ("--port", server.port, "--health-port", server.health_port)
    second = start("--model-dir", handlers_19_04 / "nasty", *ports)
    second.request("POST", "/after", b"")
    tab.wait_for("document.getElementById('requests').innerText.includes('/after')")
    tab.messages.clear()

    assert "/before" not in tab.text("#requests")
    tab.wait_for("document.getElementById('summary').innerText.includes('nasty')")


def _choose(tab: DevTools, kind: str) -> None:
    tab.evaluate(f"document.querySelector('input[name=kind][value={kind}]').click()")


def _focused(tab: DevTools) -> str:
    """What has the focus: its id, its name, its label or its text."""
    return str(
        tab.evaluate(
            "(({id, name, ariaLabel, textContent}) => id || name || ariaLabel || textContent.trim())"
            "(document.activeElement)"
        )
    )


def _tab_to_next(tab: DevTools) -> str:
    tab.press("Tab")
    return _focused(tab)


def _tab_to(tab: DevTools, name: str) -> None:
    for _ in range(40):
        if _tab_to_next(tab) == name:
            return
    pytest.fail(f"the focus does not reach {name}")


def _colour_at(tab: DevTools, selector: str, x: float, y: float) -> object:
    """The colour of a picture at a part of its width and height, in steps that JPEG keeps."""
    return tab.evaluate(
        f"""(() => {{
            const image = document.querySelector({json.dumps(selector)}), canvas = document.createElement('canvas');
            [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
            const context = canvas.getContext('2d');
            context.drawImage(image, 0, 0);
            const data = context.getImageData(canvas.width * {x}, canvas.height * {y}, 1, 1).data;
            return [...data].map((value) => Math.round(value / 48));
        }})()"""
    )
