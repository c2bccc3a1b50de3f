"""The result of a metric, with the protocol of the measurement."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from keras_gan_zoo.core import files
from keras_gan_zoo.core.bounds import is_number
from keras_gan_zoo.core.notebooks import table
from keras_gan_zoo.core.reading import Kind
from keras_gan_zoo.errors import InputError

RESULT = Kind("result", "a result that save() wrote", "Write it again.")
NOT_GIVEN = "not given"
OF_CONDITIONAL = ("labels", "conditions")  # which only conditional generators have; others compare with them


@dataclass(frozen=True)
class Result:
    """Named figures with their protocol; figures of different protocols refuse to be compared.

    Args:
        metric: The metric's name, such as "frechet_distance".
        values: The figures by name. `value` is the first of them. Each figure is also an attribute.
        protocol: Everything that the figures depend on besides the model: numbers of examples, neighbours, the feature
            extractor with its SHA-256, seeds.

    Results with several figures are compared by the first of them.

    Raises:
        InputError: By `<`, `>`, `<=`, `>=` and `-`, if the metrics or the protocols differ.

    Example:
        >>> good = Result("frechet_distance", {"value": 2.5}, {"real": 10_000, "generated": 10_000})
        >>> worse = Result("frechet_distance", {"value": 4.0}, {"real": 10_000, "generated": 10_000})
        >>> print(good)
        frechet_distance 2.5 (real 10000, generated 10000)
        >>> good < worse, worse - good
        (True, 1.5)
    """

    metric: str
    values: Mapping[str, float]
    protocol: Mapping[str, Any] = field(default_factory=dict)

    @property
    def value(self) -> float:
        """The first figure."""
        return next(iter(self.values.values()))

    def __getattr__(self, name: str) -> float:
        if name.startswith("_") or name not in self.values:
            raise AttributeError(f"{self.__class__.__name__} has no figure {name!r}; it has {', '.join(self.values)}")
        return self.values[name]

    def __float__(self) -> float:
        return float(self.value)

    def __str__(self) -> str:
        if len(self.values) == 1:
            figures = f"{self.value:.5g}"
        else:
            figures = ", ".join(f"{name} {value:.5g}" for name, value in self.values.items())
        protocol = ", ".join(f"{name} {_short(value)}" for name, value in self.protocol.items())
        return f"{self.metric} {figures}" + (f" ({protocol})" if protocol else "")

    def _repr_html_(self) -> str:
        """The figures, and the protocol, as notebooks show them."""
        figures = [(self.metric if name == "value" else name, f"{value:.5g}") for name, value in self.values.items()]
        protocol = [(name, _short(value)) for name, value in self.protocol.items()]
        return table(figures, () if "value" in self.values else (self.metric, "")) + table(protocol)

    def __lt__(self, other: Result) -> bool:
        return self.value < self._comparable(other).value

    def __gt__(self, other: Result) -> bool:
        return self.value > self._comparable(other).value

    def __le__(self, other: Result) -> bool:
        return self.value <= self._comparable(other).value

    def __ge__(self, other: Result) -> bool:
        return self.value >= self._comparable(other).value

    def __sub__(self, other: Result) -> float:
        return self.value - self._comparable(other).value

    def under(self, **more) -> Result:
        """The same figures, with further entries in the protocol."""
        return replace(self, protocol={**self.protocol, **more})

    def to_dict(self) -> dict:
        """Plain values; a figure that does not exist, such as the spread of one block, is None."""
        values = {name: None if math.isnan(value) else _plain(value) for name, value in self.values.items()}
        protocol = {name: _plain(value) for name, value in self.protocol.items()}
        return {"metric": self.metric, "values": values, "protocol": protocol}

    @classmethod
    def from_dict(cls, content: dict) -> Result:
        """The result that `to_dict` described; a `TypeError`, `KeyError` or `ValueError` if it is none."""
        figures = content["values"].values()
        if not figures or not all(value is None or is_number(value) for value in figures):
            raise ValueError("figures that are no numbers, or none")
        if not isinstance(content["metric"], str) or not isinstance(content["protocol"], dict):
            raise TypeError("no name of a metric, or no protocol")
        values = {name: math.nan if value is None else value for name, value in content["values"].items()}
        return cls(content["metric"], values, content["protocol"])

    def save(self, path) -> None:
        """Writes the result as JSON."""
        write_json(path, self.to_dict())

    @classmethod
    def load(cls, path) -> Result:
        """Reads what `save` wrote."""
        with RESULT.border(path):
            return cls.from_dict(json.loads(RESULT.content(path)))

    def _comparable(self, other: Result) -> Result:
        if not isinstance(other, Result):
            raise InputError(
                f"Expected another Result to compare with. Received: {type(other).__name__}. "
                "Compare .value with numbers."
            )
        if self.metric != other.metric:
            raise InputError(
                f"Expected two results of one metric. Received: {self.metric} and {other.metric}. "
                "Compare results of one metric."
            )
        entries = {
            name: (self.protocol.get(name, NOT_GIVEN), other.protocol.get(name, NOT_GIVEN))
            for name in (*self.protocol, *other.protocol)
            if name not in OF_CONDITIONAL or (name in self.protocol and name in other.protocol)
        }
        differences = [
            f"{name} {_short(ours)} and {_short(theirs)}" for name, (ours, theirs) in entries.items() if ours != theirs
        ]
        if differences:
            raise InputError(
                f"Expected two results of one protocol: their figures are on different scales. Received: "
                f"{'; '.join(differences)}. Measure both alike."
            )
        return other


RESULT.reader(Result.load)


def write_json(path, content: dict) -> None:
    with files.written_beside(path) as beside:
        beside.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def _plain(value):
    """Converts NumPy's numbers to Python's, for JSON."""
    return value.item() if hasattr(value, "item") else value


def _short(value) -> str:
    """The value as text; digests are shortened to twelve digits."""
    text = str(value)
    return text[:12] if len(text) == 64 and set(text) <= set("0123456789abcdef") else text
