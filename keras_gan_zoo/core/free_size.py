"""`FreeSize`: which heights and widths a network takes that is not bound to those of its training."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from keras_gan_zoo.core.bounds import is_count


@dataclass(frozen=True)
class FreeSize:
    """Heights and widths that a network takes.

    Args:
        multiple: The number of which both are multiples, so that maps that were halved can be enlarged to them again.
        least: The least side.

    Example:
        >>> FreeSize(multiple=4, least=8).fits((12, 64))
        True
    """

    multiple: int
    least: int

    def fits(self, sides: tuple[int, ...]) -> bool:
        """Whether a height and a width are among them."""
        return all(side >= self.least and side % self.multiple == 0 for side in sides)

    def to_dict(self) -> dict[str, int]:
        """What `from_dict` takes."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values) -> FreeSize | None:
        """The sizes that a file describes; None if the description is not one of `to_dict`."""
        right = (
            isinstance(values, dict) and values.keys() == {"multiple", "least"} and all(map(is_count, values.values()))
        )
        return cls(**values) if right else None

    def __str__(self) -> str:
        each = "of any height and width" if self.multiple == 1 else f"whose sides are multiples of {self.multiple}"
        return each if self.least == self.multiple else f"{each} from {self.least} on"
