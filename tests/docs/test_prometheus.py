"""The dashboard and the alert rules ask for metrics and labels that a server has."""

import json
import re
from pathlib import Path

import pytest

NAME = re.compile(r"\babeja_\w+")
LABELS = re.compile(r"\b(abeja_\w+)\{([^}]*)\}")


@pytest.fixture
def documented(repository: Path) -> dict[str, set[str]]:
    """Metric -> its labels, as docs/reference/metrics.md has them, which a test compares with a server."""
    text = (repository / "docs/reference/metrics.md").read_text()
    rows = re.findall(r"^\| `(abeja_runtime_\w+)` \| (?:((?:`\w+`(?:, )?)*) ?\| )?", text, re.MULTILINE)
    return {name: set(re.findall(r"\w+", labels)) for name, labels in rows}


def expressions(repository: Path) -> list[str]:
    """Everything that is asked of Prometheus."""
    dashboard = json.loads((repository / "docs/prometheus/dashboard.json").read_text())
    targets = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    variables = [one["query"]["query"] for one in dashboard["templating"]["list"] if one["type"] == "query"]
    rules = (repository / "docs/prometheus/alerts.yml").read_text()
    alerts = re.findall(r"expr: (?:>-\n)?(.*?)\n {8}(?:for|labels):", rules, re.DOTALL)
    assert len(alerts) == rules.count("- alert:") > 5
    return [*targets, *variables, *alerts]


def base(name: str, documented: dict[str, set[str]]) -> str:
    """Of a part of a histogram, its name."""
    whole = re.sub(r"_(bucket|sum|count)$", "", name)
    return whole if whole in documented else name


def test_every_metric_that_is_asked_for_exists(repository: Path, documented: dict[str, set[str]]) -> None:
    asked = {base(name, documented) for text in expressions(repository) for name in NAME.findall(text)}

    assert asked <= set(documented)


def test_every_label_that_is_asked_for_exists(repository: Path, documented: dict[str, set[str]]) -> None:
    for text in expressions(repository):
        labels = {label for name in NAME.findall(text) for label in documented[base(name, documented)]}
        # Prometheus gives each series the first two; `le` is of histograms.
        known = labels | {"instance", "job", "le"}
        asked = {label for group in re.findall(r"by \(([^)]*)\)", text) for label in re.findall(r"\w+", group)}
        asked |= {label for _, selector in LABELS.findall(text) for label in re.findall(r"(\w+)[=!]~?", selector)}

        assert asked <= known, text


def test_every_metric_of_the_server_is_on_the_dashboard(repository: Path, documented: dict[str, set[str]]) -> None:
    shown = {base(name, documented) for text in expressions(repository) for name in NAME.findall(text)}

    assert set(documented) - shown == set()


def test_panels_do_not_lie_on_each_other(repository: Path) -> None:
    panels = json.loads((repository / "docs/prometheus/dashboard.json").read_text())["panels"]
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels]

    assert len(set(places)) == len(panels)
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert all(panel["title"] and panel["description"] for panel in panels)
