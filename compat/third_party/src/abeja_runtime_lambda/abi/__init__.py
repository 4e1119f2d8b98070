"""Handler ABI ``lambda-2.0``: ``handler(event, context)`` of AWS Lambda behind an HTTP API."""

import re
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from abeja.runtime import Abi, hookimpl

# What names of functions are made of.
_OTHER = re.compile(r"[^A-Za-z0-9_-]+")


@hookimpl
def abeja_abis() -> Iterator[Abi]:
    """The ABI of API Gateway's HTTP APIs with payload format 2.0."""
    yield Abi(
        name="lambda-2.0",
        worker=Path(__file__).with_name("worker.py"),
        methods={"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"},
        # A function sees the headers as the client sent them, Authorization too.
        hidden_headers=(),
        variables=variables,
        template=Path(__file__).with_name("template"),
    )


def variables(folder: Path, handler: str) -> Mapping[str, str]:
    """What AWS Lambda sets in the environment, as far as it has a meaning here.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
    """
    name = _OTHER.sub("-", folder.name).strip("-") or "function"
    return {
        "_HANDLER": handler.replace(":", "."),
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": f"{datetime.now(UTC):%Y/%m/%d}/[$LATEST]{uuid.uuid4().hex}",
        "AWS_REGION": "us-east-1",
        "LAMBDA_TASK_ROOT": str(folder),
        "TZ": ":UTC",
    }
