"""What is hidden in the log, and what is not."""

import json

import pytest

from abeja.runtime.secrets import Secrets, is_secret


@pytest.mark.parametrize(
    "name",
    ["PLATFORM_AUTH_TOKEN", "ABEJA_PLATFORM_PERSONAL_ACCESS_TOKEN", "db_password", "AWS_SECRET_ACCESS_KEY", "APIKEY"],
)
def test_variables_with_such_a_name_are_secret(name: str) -> None:
    assert is_secret(name)


@pytest.mark.parametrize("name", ["HANDLER", "KEYBOARD", "ABEJA_MODEL_ID", "PATH"])
def test_other_variables_are_not(name: str) -> None:
    assert not is_secret(name)


def test_values_of_secret_variables_are_hidden_wherever_they_stand() -> None:
    secrets = Secrets.of(
        {"A_TOKEN": "s3cr3t.v@lue", "B_TOKEN": "s3cr3t.v@lue-longer", "HANDLER": "main:handler", "C_TOKEN": "x"}
    )

    assert secrets.hide("url?t=s3cr3t.v@lue&u=s3cr3t.v@lue-longer x main:handler") == "url?t=***&u=*** x main:handler"


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("Authorization: Bearer abc.def-123456", "Authorization: Bearer ***"),
        ("{'Authorization': 'Basic dXNlcjpwYXNz=='}", "{'Authorization': 'Basic ***'}"),
        ('{"authorization": "abcdefgh"}', '{"authorization": "***"}'),
        (
            r'{"message": "{\"authorization\": \"Basic dXNlcjpwYXNz\"}"}',
            r'{"message": "{\"authorization\": \"Basic ***\"}"}',
        ),
        (r"'Accept: */*\nAuthorization: abcdefgh'", r"'Accept: */*\nAuthorization: ***'"),
        ("sent with bearer eyJhbGciOiJIUzI1NiJ9.x", "sent with bearer ***"),
        ("the bearer certificates are basic authentication", "the bearer certificates are basic authentication"),
    ],
)
def test_credentials_of_a_header_are_hidden(text: str, hidden: str) -> None:
    assert Secrets().hide(text) == hidden


SECRETS = Secrets.of(
    {"A_PASSWORD": 'p"ss\\w\u00f6rd-1', "A_PRIVATE_KEY": "-----BEGIN-----\nMIIBVwIBADAN\n", "PIN_TOKEN": "12345678"}
)


@pytest.mark.parametrize(
    "text",
    [
        repr('p"ss\\w\u00f6rd-1'),
        json.dumps('p"ss\\w\u00f6rd-1'),
        json.dumps('p"ss\\w\u00f6rd-1', ensure_ascii=False),
        repr("-----BEGIN-----\nMIIBVwIBADAN\n"),
        "one line of it: MIIBVwIBADAN",
    ],
)
def test_values_are_hidden_also_where_they_are_quoted_or_printed_line_by_line(text: str) -> None:
    hidden = SECRETS.hide(text)

    assert "***" in hidden
    assert not any(part in hidden for part in ("rd-1", "MIIB"))


def test_values_are_hidden_within_json_which_stays_json() -> None:
    value = {"n": [12345678, 1.5, True, None], "deep": {"12345678": 'x p"ss\\w\u00f6rd-1'}}

    assert SECRETS.hide_within(value) == {"n": ["***", 1.5, True, None], "deep": {"***": "x ***"}}


def test_json_that_is_too_deep_to_look_through_is_hidden() -> None:
    value: list[object] = []
    for _ in range(100_000):
        value = [value]

    hidden = SECRETS.hide_within(value)
    while isinstance(hidden, list):
        (hidden,) = hidden
    assert hidden == "***"
