"""`FreeSize`: which heights and widths a network takes that is not bound to those of its training."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import NamedTuple

from keras_gan_zoo.core.bounds import is_count


class Tile(NamedTuple):
    """A part of a side: what is translated, from `first` to `last`, and what of it is used, from `start` to `end`."""

    first: int
    start: int
    end: int
    last: int


@dataclass(frozen=True)
class FreeSize:
    """Heights and widths that a network takes.

    Args:
        multiple: The number of which both are multiples, so that maps that were halved can be enlarged to them again.
        least: The least side.
        reach: How many pixels beyond a block of pixels, whose sides are multiples, its translation depends on; None if
            that is the whole picture, as with normalisation over places, or is not known.

    Example:
        >>> FreeSize(multiple=4, least=8).fits((12, 64))
        True
    """

    multiple: int
    least: int
    reach: int | None = None

    def fits(self, sides: tuple[int, ...]) -> bool:
        """Whether a height and a width are among them."""
        return all(side >= self.least and side % self.multiple == 0 for side in sides)

    def tiles(self, length: int, most: int) -> list[Tile]:
        """Tiles of a side, of which each gives its own `most` pixels or fewer, but at least those of a multiple."""
        assert self.reach is not None
        step = max(self.multiple, most // self.multiple * self.multiple)
        margin = -(-max(self.reach, self.least) // self.multiple) * self.multiple
        ends = [(start, min(start + step, length)) for start in range(0, length, step)]
        return [Tile(max(0, start - margin), start, end, min(length, end + margin)) for start, end in ends]

    def to_dict(self) -> dict[str, int | None]:
        """What `from_dict` takes."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values) -> FreeSize | None:
        """The sizes that a file describes; None if the description is not one of `to_dict`."""
        if not isinstance(values, dict) or values.keys() != {"multiple", "least", "reach"}:
            return None
        reach_is_right = values["reach"] is None or is_count(values["reach"], low=0)
        return cls(**values) if reach_is_right and is_count(values["multiple"]) and is_count(values["least"]) else None

    def __str__(self) -> str:
        each = "of any height and width" if self.multiple == 1 else f"whose sides are multiples of {self.multiple}"
        return each if self.least == self.multiple else f"{each} from {self.least} on"
