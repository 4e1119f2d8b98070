"""Run it with `abeja-runtime test`."""


def test_greets_by_name(handler_client):
    answer = handler_client.post(json={"name": "Ada"})

    assert answer.status == 200
    assert answer.json() == {"greeting": "Hello, Ada!"}


def test_needs_a_name(handler_client):
    answer = handler_client.post(json={})

    assert answer.status == 400
