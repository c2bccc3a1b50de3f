"""`Recipe`: everything that determines a run, as a value and as a file."""

import dataclasses
import math
import os
from types import UnionType
from typing import Any, get_args, get_origin

import tomli_w

from keras_gan_zoo.core.bounds import check_count, check_seed
from keras_gan_zoo.core.recipe_files import RECIPE, values_in
from keras_gan_zoo.core.registry import DECIDED_ELSEWHERE, FORM, PRECISIONS, VARIANTS
from keras_gan_zoo.errors import InputError, unknown


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Everything that determines a run; `recipe.toml` in its folder.

    Args:
        variant: A key of `VARIANTS`.
        data: A key of `data.EMBEDDED`; a folder of images; a .npy or .npz file; or the name of a TensorFlow Datasets
            data set, such as fashion_mnist; two of these without pairs, sources and targets, as in noto,twemoji. See
            `data.load`. A run records the absolute path of a folder or file.
        epochs: Passes over the data; None for about 4,500 steps. See `training.STEPS`.
        batch_size: Examples per training step; None for 64 per discriminator step (cycle_gan: 1).
        seed: Seed of the initial weights, the noise and the order of the data.
        split: Split to train on, of a data set that has some.
        image_size: Side in pixels to which images are resized and cropped; None for the size of the data.
        background: Colour to put behind transparent images, such as black; None for none, which keeps the alpha
            channel.
        channels: Channels to convert images to: 1 for grey, 3 for colour, 4 with transparency; None for those of the
            data.
        sources: For pairs of pictures, the folder of the sources, by the names of the pictures of DATA; or "left" or
            "right", the half of each picture of DATA that is the source of the other; or for emoji another style; None
            for none. A run records the absolute path of a folder.
        degradation: For pairs of pictures, what makes the sources of those of DATA: one of `DEGRADATIONS`, with its
            numbers, as in downscaled:4 or masked:8,8,16,16; None for none. See `data.degraded`.
        conditional: Whether to train on the labels of the data; variants that need labels always do.
        optimizer: Variant whose optimizer to use, such as dcgan for Adam; None for that of VARIANT.
        learning_rate: Learning rate of both optimizers; None for the paper's.
        decay: Part of the training, at its end, in which the learning rates fall to 0 along half a cosine: 1 for all of
            it; None for constant rates. Such a run keeps its number of epochs when it is resumed.
        precision: Keras dtype policy of the networks: one of `PRECISIONS`.
        deterministic: Whether to use only deterministic TensorFlow operations, which are slower on a GPU.
        retries: How many times to go back to the last snapshot with half the learning rates after NaN or infinity.
        metrics: Metrics to compute after an epoch: names of `METRICS`. See `callbacks.Metrics`.
        metrics_every: Number of epochs between measurements.
        metrics_samples: Number of samples per measurement.
        features: Feature extractor of the metrics; None for the shipped classifier of the data set.
        stop_by: Logged value by which to stop when it no longer improves, such as wasserstein or frechet_distance; None
            for none.
        patience: Number of epochs without improvement after which training stops.
        stop_on_collapse: Whether to stop on mode collapse: when samples fall on few of the real examples.
        from_preset: Preset to fine-tune: training starts from its networks and weights, and weights of classes that it
            does not know are initialised again; None for random weights. See `fine_tuning.transfer_weights`.
        model: Arguments of the variant's `for_images`, such as latent_dim, architecture, loss, ema_decay.

    Raises:
        InputError: If the variant is unknown or a number is out of range.

    Example:
        >>> print(Recipe("dcgan", "digits", epochs=3).to_toml())
        variant = "dcgan"
        data = "digits"
        epochs = 3
        seed = 0
        split = "train"
        conditional = false
        precision = "float32"
        deterministic = false
        retries = 0
        metrics = []
        metrics_every = 1
        metrics_samples = 2000
        patience = 10
        stop_on_collapse = false
        <BLANKLINE>
        [model]
        <BLANKLINE>
    """

    variant: str
    data: str
    epochs: int | None = None
    batch_size: int | None = None
    seed: int = 0
    split: str = "train"
    image_size: int | None = None
    background: str | None = None
    channels: int | None = None
    sources: str | None = None
    degradation: str | None = None
    conditional: bool = False
    optimizer: str | None = None
    learning_rate: float | None = None
    decay: float | None = None
    precision: str = "float32"
    deterministic: bool = False
    retries: int = 0
    metrics: list[str] = dataclasses.field(default_factory=list)
    metrics_every: int = 1
    metrics_samples: int = 2000
    features: str | None = None
    stop_by: str | None = None
    patience: int = 10
    stop_on_collapse: bool = False
    from_preset: str | None = None
    model: dict[str, Any] = dataclasses.field(default_factory=dict)

    def __post_init__(self):
        for field in dataclasses.fields(self):
            _check_kind(field, getattr(self, field.name))
        for name, value in {"metrics": self.metrics, "model": self.model}.items():
            _check_members(name, value)
        for name in ("variant", "optimizer"):
            if getattr(self, name) not in (*VARIANTS, None):
                raise unknown(name, getattr(self, name), VARIANTS)
        for name in ("epochs", "batch_size"):
            if getattr(self, name) is not None and getattr(self, name) < 1:
                raise InputError(f"Expected {name} of at least 1. Received: {getattr(self, name)}.")
        for name, place in DECIDED_ELSEWHERE.items():
            if name in self.model:
                raise InputError(
                    f"Expected no {name} in [model], because {place}. Received: {self.model[name]!r}. Leave it out."
                )
        check_seed(self.seed)
        check_count("metrics_every", self.metrics_every)
        check_count("metrics_samples", self.metrics_samples, low=2)
        if self.precision not in PRECISIONS:
            raise unknown("precision", self.precision, PRECISIONS)
        if self.learning_rate is not None and not 0 < self.learning_rate < math.inf:
            raise InputError(f"Expected a finite learning rate above 0. Received: {self.learning_rate}.")
        if self.decay is not None and not 0 < self.decay <= 1:
            raise InputError(f"Expected decay above 0, up to 1 for all of the training. Received: {self.decay}.")

    def to_toml(self) -> str:
        """The recipe as text, without values of None, because TOML does not support them."""
        return tomli_w.dumps(self.given())

    def given(self) -> dict[str, Any]:
        """The values that are not None, by name."""
        return {name: value for name, value in dataclasses.asdict(self).items() if value is not None}

    @property
    def form(self) -> dict[str, Any]:
        """The arguments of `data.load` besides the name and the split."""
        return {name: getattr(self, name) for name in FORM}

    @classmethod
    def read(cls, path: str | os.PathLike) -> "Recipe":
        """Reads a file with the text that `to_toml` or a run wrote, with a warning if the latter was changed.

        Raises:
            InputError: If there is no such file, or it is not a recipe; the message names it.
        """
        with RECIPE.border(path):
            return cls.from_toml(RECIPE.content(path).decode("utf-8"), path)

    @classmethod
    def from_toml(cls, text: str, source: object = "the recipe") -> "Recipe":
        """Reads the text that `to_toml` or a run wrote, with a warning if the latter was changed.

        Args:
            text: The text.
            source: What to call it in messages, such as the path of its file.

        Raises:
            InputError: If it is not TOML, or has a key that recipes do not have.
        """
        table = values_in(text, source)
        names = [field.name for field in dataclasses.fields(cls)]
        for name in table:
            if name not in names:
                raise unknown("recipe key", name, names)
        for name in ("variant", "data"):
            if name not in table:
                raise InputError(f"Expected a recipe with {name!r}. Received: {', '.join(table) or 'nothing'}.")
        return cls(**table)


RECIPE.reader(Recipe.read)


def _check_kind(field: dataclasses.Field, value) -> None:
    """Checks a value against its field's annotation. Every field may be None, for the default."""
    kinds = _kinds(field.type)
    if value is not None and not (isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool))):
        names = " or ".join(kind.__name__ for kind in kinds)
        raise InputError(f"Expected {field.name} of a recipe to be {names}. Received: {value!r}.")
    _check_size(field.name, value)


def _check_members(name: str, values: list | dict) -> None:
    """Checks the names of metrics, and the arguments of the model: none of them is a list or a table."""
    members = values.items() if isinstance(values, dict) else enumerate(values, 1)
    kinds = (str,) if isinstance(values, list) else (str, bool, int, float)
    for key, value in members:
        if not isinstance(value, kinds):
            names = " or ".join(kind.__name__ for kind in kinds)
            raise InputError(f"Expected {key} in {name} of a recipe to be {names}. Received: {value!r}.")
        _check_size(key, value)


def _check_size(name: object, value) -> None:
    if isinstance(value, int) and abs(value) >= 2**31:
        raise InputError(f"Expected {name} of a recipe to be a number below {2**31}. Received: {value}.")


def _kinds(annotation) -> tuple[type, ...]:
    """The classes in an annotation, without None. An integer is accepted as a float."""
    parts = get_args(annotation) if isinstance(annotation, UnionType) else (annotation,)
    kinds = tuple(get_origin(part) or part for part in parts if part is not type(None))
    return (*kinds, int) if float in kinds else kinds
