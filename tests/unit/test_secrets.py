"""What is hidden in the log, and what is not."""

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
        ("sent with bearer eyJhbGciOiJIUzI1NiJ9.x", "sent with bearer ***"),
        ("the bearer certificates are basic authentication", "the bearer certificates are basic authentication"),
    ],
)
def test_credentials_of_a_header_are_hidden(text: str, hidden: str) -> None:
    assert Secrets().hide(text) == hidden
