"""A recipe and a data set become a run: a folder that holds the model, its pictures, its logs, and the recipe."""

import dataclasses
import math
import os
import tomllib
from pathlib import Path
from typing import Any

import keras
import tomli_w

import keras_gan_zoo
from keras_gan_zoo import callbacks, data, pictures
from keras_gan_zoo.checks import check_seed
from keras_gan_zoo.data import BATCH_SIZE
from keras_gan_zoo.errors import InputError, unknown
from keras_gan_zoo.files import written_beside

MODEL_FILE = "gan.keras"
RECIPE_FILE = "recipe.toml"
STEPS = 4500  # of a run whose epochs are not given: a few minutes for small images on two cores


_KINDS = {  # of a recipe's values that are not text
    **dict.fromkeys(["epochs", "batch_size", "seed", "image_size"], (int,)),
    "conditional": (bool,),
    "learning_rate": (float, int),
    "model": (dict,),
}


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Everything that determines a run; `recipe.toml` in its folder.

    Args:
        variant: A key of `VARIANTS`.
        data: Name or path of the data set, see `data.load`.
        epochs: Passes over the data; None for as many as make about `STEPS`.
        batch_size: Examples per step; None for 64 for each discriminator step.
        seed: Of the initial weights, the noise and the order of the data.
        split: Of a TensorFlow Datasets set.
        image_size: Side to resize to, or None to take the images as they are.
        conditional: Whether the networks take the labels of the data; those of a variant that needs them always do.
        optimizer: Variant whose paper's optimizer is used; None for the variant's own.
        learning_rate: Of both optimizers; None for the paper's.
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
    conditional: bool = False
    optimizer: str | None = None
    learning_rate: float | None = None
    model: dict[str, Any] = dataclasses.field(default_factory=dict)

    def __post_init__(self):
        for field in dataclasses.fields(self):
            value, kinds = getattr(self, field.name), _KINDS.get(field.name, (str,))
            if value is not None and not (isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool))):
                names = " or ".join(kind.__name__ for kind in kinds)
                raise InputError(f"Expected {field.name} of a recipe to be {names}. Received: {value!r}.")
        for name in ("variant", "optimizer"):
            if getattr(self, name) not in (*keras_gan_zoo.VARIANT_CLASSES, None):
                raise unknown(name, getattr(self, name), keras_gan_zoo.VARIANT_CLASSES)
        for name in ("epochs", "batch_size"):
            if getattr(self, name) is not None and getattr(self, name) < 1:
                raise InputError(f"Expected {name} of at least 1. Received: {getattr(self, name)}.")
        check_seed(self.seed)
        if self.learning_rate is not None and not 0 < self.learning_rate < math.inf:
            raise InputError(f"Expected a finite learning rate above 0. Received: {self.learning_rate}.")

    def to_toml(self) -> str:
        """As text; what is None is left out, because TOML has no such value."""
        return tomli_w.dumps({name: value for name, value in dataclasses.asdict(self).items() if value is not None})

    @classmethod
    def from_toml(cls, text: str) -> "Recipe":
        """From `to_toml`'s text.

        Raises:
            InputError: If it is no TOML or has a key that is not of a recipe.
        """
        try:
            table = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise InputError(f"Expected a recipe in TOML. Received: text that is not ({error}).") from error
        names = [field.name for field in dataclasses.fields(cls)]
        for name in table:
            if name not in names:
                raise unknown("recipe key", name, names)
        for name in ("variant", "data"):
            if name not in table:
                raise InputError(f"Expected a recipe with {name!r}. Received: {', '.join(table) or 'nothing'}.")
        return cls(**table)


def resolve(recipe: Recipe) -> tuple[Recipe, data.Dataset]:
    """The recipe with every default spelled out, and its data."""
    variant = keras_gan_zoo.VARIANTS[recipe.variant]
    dataset = data.load(recipe.data, split=recipe.split, image_size=recipe.image_size)
    conditional = recipe.conditional or variant.needs_labels
    if conditional and not dataset.has_labels:
        raise InputError(
            f"Expected labelled data for a conditional model. Received: {dataset}. Choose a variant that needs no "
            "labels, and leave 'conditional' out."
        )
    defaults = variant.default_arguments(dataset.example_shape, recipe.model.get("architecture"))
    model = {"latent_dim": 100, **defaults, **recipe.model}
    batch_size = recipe.batch_size or BATCH_SIZE * model.get("discriminator_steps", 1)
    return dataclasses.replace(
        recipe,
        epochs=recipe.epochs or math.ceil(STEPS / max(1, len(dataset) // batch_size)),
        batch_size=batch_size,
        conditional=conditional,
        optimizer=recipe.optimizer or recipe.variant,
        model=model,
    ), dataset


def build(recipe: Recipe, dataset: data.Dataset) -> keras.Model:
    """The compiled model of a resolved recipe, for the shape and the classes of its data."""
    classes = {}
    if recipe.conditional:
        classes = {"num_classes": dataset.num_classes, "class_names": dataset.class_names}
    variant = keras_gan_zoo.VARIANTS[recipe.variant]
    gan = variant.for_images(dataset.example_shape, seed=recipe.seed, **classes, **recipe.model)
    rate = {} if recipe.learning_rate is None else {"learning_rate": recipe.learning_rate}
    paper = keras_gan_zoo.VARIANTS[recipe.optimizer]
    gan.check_dataset(dataset, recipe.batch_size)
    gan.compile(paper.paper_optimizer(**rate), paper.paper_optimizer(**rate))
    return gan


def train(recipe: Recipe, out: str | os.PathLike | None = None, more_callbacks: tuple = (), verbose="auto"):
    """Trains by a recipe, into a new run folder.

    The folder holds `recipe.toml`, `log.csv`, `tensorboard/`, `samples/` (a picture per epoch and `history.gif`),
    `samples.png` (the last one) and, when training is done, `gan.keras`.

    Args:
        recipe: What to train, on what.
        out: The run folder, new or empty; by default `runs/<variant>_<data>`, numbered if that exists.
        more_callbacks: Further Keras callbacks.
        verbose: As in `keras.Model.fit`.

    Returns:
        The trained model and the folder's path.

    Raises:
        InputError: If the recipe does not fit the data, or the folder is in use. Nothing is written then.
        OSError: If the folder cannot be written.

    Example:
        ```python
        gan, folder = kgz.training.train(kgz.training.Recipe("dcgan", "digits", epochs=300))
        ```
    """
    folder = run_folder(recipe, out)
    recipe, dataset = resolve(recipe)
    gan = build(recipe, dataset)
    folder.mkdir(parents=True, exist_ok=True)
    with written_beside(folder / RECIPE_FILE) as beside:
        beside.write_text(recipe.to_toml())

    is_drawn = pictures.can_draw(dataset.example_shape)
    real = dataset.examples[:2500] if dataset.example_shape == (2,) else None
    watchers = [
        callbacks.Log(str(folder / "log.csv")),
        keras.callbacks.TensorBoard(str(folder / "tensorboard"), write_graph=False),
        *([callbacks.SamplePictures(folder / "samples", real=real)] if is_drawn else []),
        *more_callbacks,
    ]
    gan.fit(dataset, batch_size=recipe.batch_size, epochs=recipe.epochs, callbacks=watchers, verbose=verbose)
    with written_beside(folder / MODEL_FILE) as beside:
        gan.save(beside)
    if is_drawn:
        pictures.save(pictures.draw_samples(gan, real=real), folder / "samples.png")
    return gan, folder


def run_folder(recipe: Recipe, out: str | os.PathLike | None = None) -> Path:
    """Where a run may be written: `out`, which must be new or empty, or the first free default."""
    if out is None:
        base = Path("runs") / f"{recipe.variant}_{Path(recipe.data).stem}"
        numbered = (base.with_name(f"{base.name}_{number}") for number in range(2, 10_000))
        return next(folder for folder in (base, *numbered) if not folder.exists())
    folder = Path(out)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(
            f"Expected a new or empty folder for the run. Received: {folder}, which is in use. Choose another."
        )
    return folder
