"""Rectangles of pictures, such as the hole that a model fills."""

from collections.abc import Sequence

from keras_gan_zoo.core.bounds import is_count
from keras_gan_zoo.errors import InputError

Region = tuple[int, int, int, int]
CENTRE = "centre"


def region_of(region: str | Sequence[int], shape: Sequence[int]) -> Region:
    """A rectangle of a picture, as (top, left, height, width).

    Args:
        region: These four numbers, also in one text, such as "8,8,16,16"; or "centre", half of each side.
        shape: Shape of the picture, (height, width, ...).

    Raises:
        InputError: If it is no such rectangle, if it reaches beyond the picture, or covers all of it.

    Example:
        >>> region_of("centre", (32, 32, 3))
        (8, 8, 16, 16)
    """
    height, width = shape[:2]
    is_centre = isinstance(region, str) and region == CENTRE
    if is_centre and min(height, width) < 2:
        raise InputError(
            f"Expected pictures of at least 2 x 2 pixels, to cut out their centre. Received: {height} x {width}. "
            "Choose larger ones."
        )
    numbers = (height // 4, width // 4, height // 2, width // 2) if is_centre else _numbers(region)
    if numbers is None:
        raise InputError(
            f"Expected a region as 'centre' or (top, left, height, width) in whole pixels. Received: {region!r}."
        )
    top, left, rows, columns = numbers
    if top + rows > height or left + columns > width or (rows, columns) == (height, width):
        raise InputError(
            f"Expected a region within pictures of {height} x {width} pixels, smaller than they are. Received: "
            f"{numbers}, (top, left, height, width). Choose a smaller one."
        )
    return numbers


def _numbers(region) -> Region | None:
    parts = region.split(",") if isinstance(region, str) else getattr(region, "tolist", lambda: region)()
    if not isinstance(parts, Sequence) or len(parts) != 4:
        return None
    numbers = [int(part) if isinstance(part, str) and part.strip().isdecimal() else part for part in parts]
    is_right = all(is_count(number) for number in numbers[2:]) and all(is_count(each, 0) for each in numbers[:2])
    top, left, rows, columns = numbers
    return (int(top), int(left), int(rows), int(columns)) if is_right else None
