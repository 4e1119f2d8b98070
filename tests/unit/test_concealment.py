"""Which values of environment variables the console shows."""

import pytest

from abeja.runtime.server.console.concealment import shown


@pytest.mark.parametrize(
    "name",
    [
        "API_TOKEN",
        "PLATFORM_AUTH_TOKEN",
        "ABEJA_PLATFORM_PERSONAL_ACCESS_TOKEN",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "DB_PASSWORD",
        "PGPASSWORD",
        "MYSQL_PWD",
        "GOOGLE_APPLICATION_CREDENTIALS",
        "apikey",
        "OPENAI_API_KEY",
        "SSH_PRIVATE_KEY",
        "SESSION_COOKIE",
        "SENTRY_DSN",
        "AZURE_STORAGE_CONNECTION_STRING",
        "BASIC_AUTH",
    ],
)
def test_value_whose_name_speaks_of_a_secret_is_not_shown(name: str) -> None:
    assert shown({name: "hunter2"}) == [{"name": name, "value": None, "is_hidden": True}]


@pytest.mark.parametrize(
    "value",
    [
        "ghp_" + "a1" * 18,
        "github_pat_" + "a1" * 12,
        "AKIA" + "A1B2" * 4,
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
        "xoxb-1-2-3",
        "-----BEGIN RSA PRIVATE KEY-----",
        "Server=a;sk-" + "a" * 24,
    ],
)
def test_value_that_looks_like_a_token_is_not_shown_whatever_its_name_is(value: str) -> None:
    assert shown({"PLAIN": value})[0]["value"] is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("https://me:pw@example.org/simple", "https://***@example.org/simple"),
        ("http://a@b/ ftp://c:d@e/", "http://***@b/ ftp://***@e/"),
        ("db://me:p@ss:w@rd@example.org:5432/x", "db://***@example.org:5432/x"),
        ("https://example.org/a@b", "https://example.org/a@b"),
    ],
)
def test_users_and_passwords_are_taken_out_of_urls(value: str, expected: str) -> None:
    assert shown({"INDEX": value})[0]["value"] == expected


@pytest.mark.parametrize(
    "name", ["HOME", "PATH", "KEYBOARD", "MONKEY", "AUTHOR", "HANDLER", "LANG", "PYTHONPATH", "PINNED"]
)
def test_value_of_any_other_variable_is_shown(name: str) -> None:
    assert shown({name: "value"}) == [{"name": name, "value": "value", "is_hidden": False}]


def test_variable_that_is_empty_is_shown_to_be_so() -> None:
    assert shown({"API_TOKEN": ""})[0]["value"] == ""
