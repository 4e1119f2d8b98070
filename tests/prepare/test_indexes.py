"""pip's settings of where packages come from, as uv is told them."""

from pathlib import Path

import pytest

from abeja.runtime.prepare.indexes import Indexes


def arguments(**environ: str) -> list[str]:
    return Indexes.configured({"PIP_CONFIG_FILE": "/dev/null", **environ}).uv_arguments


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, []),
        ({"PIP_INDEX_URL": "https://a"}, ["--index-url", "https://a"]),
        (
            {"PIP_EXTRA_INDEX_URL": "https://a https://b"},
            ["--extra-index-url", "https://a", "--extra-index-url", "https://b"],
        ),
        ({"PIP_TRUSTED_HOST": "a"}, ["--allow-insecure-host", "a"]),
        ({"PIP_NO_INDEX": "1"}, ["--no-index"]),
        ({"PIP_NO_INDEX": "false"}, []),
        ({"PIP_EXTRA_INDEX_URL": "file:///nowhere"}, []),
        ({"PIP_INDEX_URL": "https://a", "UV_INDEX_URL": "https://b"}, []),
        ({"PIP_INDEX_URL": "https://a", "UV_DEFAULT_INDEX": "https://b"}, []),
    ],
)
def test_variables_of_pip_are_arguments_of_uv(environ: dict[str, str], expected: list[str]) -> None:
    assert arguments(**environ) == expected


def test_files_are_read_and_variables_win(tmp_path: Path) -> None:
    file = tmp_path / "pip.conf"
    file.write_text("[global]\nindex-url = https://a\nfind-links =\n  /one\n  /two\n[install]\nindex_url = https://b\n")

    # Whatever the machine's own configuration of pip says beside that.
    told = " ".join(arguments(PIP_CONFIG_FILE=str(file)))
    assert "--find-links /one --find-links /two --index-url https://b" in told
    assert "https://c" in arguments(PIP_CONFIG_FILE=str(file), PIP_INDEX_URL="https://c")


def test_certificates_and_all_indexes_count_as_they_do_for_pip() -> None:
    indexes = Indexes.configured({"PIP_CONFIG_FILE": "/dev/null", "PIP_CERT": "/ca.pem"})

    assert indexes.uv_variables == {"UV_INDEX_STRATEGY": "unsafe-best-match", "SSL_CERT_FILE": "/ca.pem"}
