"""The runtimes of AWS Lambda, and the 19.04 contract with MessagePack."""

from collections.abc import Iterator

from abeja.runtime import Image, hookimpl

PYTHONS = ("3.6", "3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14")
# What AWS has preinstalled in its runtimes: https://docs.aws.amazon.com/lambda/latest/dg/lambda-python.html
_PROVIDES = {"boto3": ["boto3"], "botocore": ["botocore"]}
# A project may have a pyproject.toml for its tools alone, so that file comes last.
_INSTALLERS = ("requirements", "pipfile", "pyproject")


@hookimpl
def abeja_images() -> Iterator[Image]:
    """`lambda-<version of Python>`, and `19.04-msgpack`."""
    for python in PYTHONS:
        yield Image(
            name=f"lambda-{python}",
            abi="lambda-2.0",
            encoders=("msgpack", "json"),
            installers=_INSTALLERS,
            python=python,
            provides=_PROVIDES,
            # As AWS calls its runtimes.
            aliases=(f"python{python}",),
            options={"handler": "lambda_function:lambda_handler"},
        )
    yield Image(name="19.04-msgpack", base="19.04", encoders=("msgpack", "file", "csv", "image", "json"))
