"""Builds the site of the documentation with Sphinx, from the same Markdown that a repository viewer shows.

The source folder is the project's, so that every link between files is the same in both. No page has anything
in it that is for the site alone: the navigation is what docs/README.md and the other indexes link to, and a page
that they leave out comes under "More". Sphinx is kept alive by many, and checks links to pages and to headings itself.

    tox -e docs        # then open site/index.html
"""

import re
import tomllib
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

# Pages that list others: their lists are the navigation, with the headings above them as captions.
INDEXES = ("docs/README", "examples/README")
HEADING = re.compile(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
ENTRY = re.compile(r"^- \[[^]]+\]\(([^)#\s]+\.md)\)", re.MULTILINE)
# Of a name that is never cut, in characters: more would not fit into a column.
LONGEST_WHOLE = 24
LITERAL = re.compile(r'<span class="pre">([^<]+)</span>')
LINK = re.compile(r"(?<=\]\()(?!https?:)([^)#\s]+)(?=\))")

project = PROJECT["name"]
version = release = PROJECT["version"]
author = "the authors of abeja-runtime"
language = "en"

extensions = ["myst_parser", "sphinx_copybutton"]
root_doc = "docs/README"
include_patterns = [
    "README.md",
    "CHANGELOG.md",
    "docs/**.md",
    "examples/**.md",
    "compat/third_party/README.md",
    "bench/README.md",
]
exclude_patterns = ["**/.*", "**/__pycache__"]

# Links may lead to any heading, by the name that a repository viewer gives it.
myst_heading_anchors = 6
myst_enable_extensions = ["tasklist"]
# Two hyphens are those of an option.
smartquotes = False
nitpicky = True
# Lexers know less than the programs: of JSON in a line of nginx, for one. tests/docs has checks of the languages.
suppress_warnings = ["misc.highlighting_failure"]
# As a reader takes them: without prompts, and without what a command prints.
copybutton_prompt_text = "$ "
copybutton_line_continuation_character = "\\"

html_theme = "furo"
html_title = f"{project} {version}"
html_static_path = ["site.css"]
html_css_files = ["site.css"]
# Leads to the root page, which is not at the root.
html_extra_path = ["index.html"]
html_copy_source = False
html_show_copyright = False
pygments_style = "tango"
pygments_dark_style = "github-dark"


def _read(app: Sphinx, name: str, content: list[str]) -> None:
    """Lead links to folders to their README, and add to an index what Sphinx calls a toctree."""
    folder = (ROOT / name).parent
    content[0] = LINK.sub(lambda match: _page(folder, match[1]), content[0])
    if name not in INDEXES:
        return
    sections = [(caption, ENTRY.findall(body)) for caption, body in HEADING.findall(content[0])]
    listed = {_name(folder, entry) for _, entries in sections for entry in entries}
    more = sorted(
        page for page in app.env.found_docs if page.startswith(f"{folder.name}/") and page not in {*listed, name}
    )
    trees = [(caption, [f"/{_name(folder, entry)}" for entry in entries]) for caption, entries in sections if entries]
    trees += [("More", [f"/{page}" for page in more])] if more else []
    for caption, entries in trees:
        content[0] += "\n".join(("", "```{toctree}", ":hidden:", f":caption: {caption}", *entries, "```", ""))


def _page(folder: Path, target: str) -> str:
    return f"{target.rstrip('/')}/README.md" if (folder / target / "README.md").exists() else target


def _name(folder: Path, entry: str) -> str:
    return (folder / entry).resolve().relative_to(ROOT).with_suffix("").as_posix()


def _finish(_app: Sphinx, _name: str, _template: str, context: dict[str, Any], _doctree: object) -> None:
    """Say where names in the text may be cut."""
    if "body" in context:
        context["body"] = LITERAL.sub(lambda match: _cuttable(match[1]), context["body"])


def _cuttable(text: str) -> str:
    is_whole = "_" not in text and len(text) <= LONGEST_WHOLE
    cut = re.sub(r"(?<=\w)(?:(?<!^ABEJA)_|\.(?=[a-z]))", r"\g<0><wbr>", text)
    return f'<span class="pre whole">{text}</span>' if is_whole else f'<span class="pre">{cut}</span>'


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.connect("source-read", _read)
    app.connect("html-page-context", _finish)
