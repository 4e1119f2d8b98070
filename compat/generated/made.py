"""Values that are made where the handler runs, such as generators: here they are only described."""

from attrs import frozen


@frozen(repr=False)
class Made:
    """What a maker of `compat.generated.returning` makes; its repr is the call.

    Attributes:
        maker: its name.
        arguments: values that have a literal, and other `Made`.
    """

    maker: str
    arguments: tuple[object, ...]

    def __repr__(self) -> str:
        return f"{self.maker}({', '.join(map(repr, self.arguments))})"


def made(maker: str, *arguments: object) -> Made:
    """The value that `maker` makes of `arguments`."""
    return Made(maker, arguments)
