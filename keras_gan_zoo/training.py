"""A recipe and a data set become a run: a folder that holds the model, its pictures, its logs, and the recipe."""

import dataclasses
import math
import os
import shutil
from pathlib import Path

import keras
import tensorflow as tf

import keras_gan_zoo
from keras_gan_zoo import callbacks, data, pictures
from keras_gan_zoo.data import BATCH_SIZE
from keras_gan_zoo.distribution import check_agreement, is_chief, is_multi_worker, lost_workers_named
from keras_gan_zoo.errors import InputError, unknown
from keras_gan_zoo.files import RECIPE_FILE, remove_unfinished, written_beside
from keras_gan_zoo.fine_tuning import put_weights
from keras_gan_zoo.identity import differences
from keras_gan_zoo.metrics.evaluation import HIGHER_IS_BETTER, LOWER_IS_BETTER, figures_of
from keras_gan_zoo.recipe import Recipe

MODEL_FILE = "gan.keras"
SNAPSHOTS = "snapshots"
STEPS = 4500  # of a run whose epochs are not given: a few minutes for small images on two cores


def resolve(recipe: Recipe) -> tuple[Recipe, data.Dataset]:
    """The recipe with every default spelled out, and its data."""
    variant = keras_gan_zoo.VARIANTS[recipe.variant]
    dataset = data.load(recipe.data, split=recipe.split, image_size=recipe.image_size, background=recipe.background)
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
    if recipe.deterministic:
        tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(recipe.seed)  # of layers that draw, such as Dropout
    gan = _networks_for(recipe, dataset, dataset.num_classes, dataset.class_names)
    rate = {} if recipe.learning_rate is None else {"learning_rate": recipe.learning_rate}
    paper = keras_gan_zoo.VARIANTS[recipe.optimizer]
    gan.check_dataset(dataset, recipe.batch_size)
    if recipe.from_preset is not None:
        put_weights(gan, recipe.from_preset, lambda classes: _networks_for(recipe, dataset, classes))
    _check_figures(recipe, gan, dataset)
    gan.compile(paper.paper_optimizer(**rate), paper.paper_optimizer(**rate))
    return gan


def _networks_for(recipe: Recipe, dataset: data.Dataset, num_classes: int | None, class_names=None) -> keras.Model:
    classes = {"num_classes": num_classes, "class_names": class_names} if recipe.conditional else {}
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy(recipe.precision)
    try:
        variant = keras_gan_zoo.VARIANTS[recipe.variant]
        return variant.for_images(dataset.example_shape, seed=recipe.seed, **classes, **recipe.model)
    finally:
        keras.config.set_dtype_policy(policy)


def _check_figures(recipe: Recipe, gan, dataset: data.Dataset) -> None:
    """That samples can be measured, and that there will be what to stop by."""
    for quality in _metrics(recipe):
        quality.check(gan, dataset)
    figures = [
        *gan.logged,
        *(name for name in figures_of(recipe.metrics) if name in LOWER_IS_BETTER | HIGHER_IS_BETTER),
    ]
    if recipe.stop_by is not None and recipe.stop_by not in figures:
        missing = recipe.stop_by in LOWER_IS_BETTER | HIGHER_IS_BETTER
        hint = " Ask for it with --metrics." if missing else ""
        raise InputError(f"{unknown('figure to stop by', recipe.stop_by, figures)}{hint}")


def train(recipe: Recipe, out: str | os.PathLike | None = None, *, strategy=None, **arguments):
    """Trains by a recipe, into a new run folder.

    The folder holds `recipe.toml`, `log.csv`, `tensorboard/`, `samples/` (a picture per epoch and `history.gif`),
    `samples.png` (the last one), `snapshots/` (the last two, see `callbacks.Snapshots`) and, when training is done,
    `gan.keras`.

    Args:
        recipe: What to train, on what.
        out: The run folder, new or empty; by default `runs/<variant>_<data>`, numbered if that exists. Several workers
            need it, on a shared disk: the first of them writes.
        strategy: A `tf.distribute.Strategy`, see `distribution.strategy`; by default the one in scope.
        **arguments: `snapshots`, a dictionary of arguments of `callbacks.Snapshots`, such as its interval;
            `more_callbacks`, further Keras callbacks; `verbose`, as in `keras.Model.fit`.

    Returns:
        The trained model and the folder's path.

    Raises:
        InputError: If the recipe does not fit the data, or the folder is in use. Nothing is written then.
        OSError: If the folder cannot be written.
        NotFiniteError: If the numbers leave the finite ones, and no retry is left.

    Example:
        ```python
        gan, folder = kgz.training.train(kgz.training.Recipe("dcgan", "digits", epochs=300))
        ```
    """
    strategy = strategy or tf.distribute.get_strategy()
    folder = run_folder(recipe, out, strategy)
    with lost_workers_named(strategy):
        return _train_into(folder, recipe, strategy, **arguments)


def resume(
    folder: str | os.PathLike,
    changes: dict | None = None,
    out: str | os.PathLike | None = None,
    *,
    strategy=None,
    **arguments,
):
    """Goes on with a run that was interrupted, from its newest snapshot, or from its beginning if there is none yet.

    The recipe in the folder governs. Only its number of epochs may change.

    Args:
        folder: Of the run.
        changes: Values of the recipe that are asked for; a value that differs is refused, but for `epochs`.
        out: If given, a new folder that the run is copied to before it goes on.
        strategy: As of `train`. It may be another than the run began with; then the result differs by rounding.
        **arguments: As of `train`.

    Returns:
        The trained model and the folder's path.

    Raises:
        InputError: If the folder holds no run, a value may not change (the differences are listed), or no snapshot is
            whole. Nothing is changed then.
        OSError: If the folder cannot be written.
        NotFiniteError: If the numbers leave the finite ones, and no retry is left.

    Example:
        ```python
        gan, folder = kgz.training.resume("runs/dcgan_digits", {"epochs": 500})
        ```
    """
    strategy = strategy or tf.distribute.get_strategy()
    folder = Path(folder)
    recipe = _changed(_recipe_of(folder), changes or {})
    if out is not None and is_multi_worker(strategy):
        raise InputError("Expected no out for several workers, which would not wait for the copy. Copy the run first.")
    if out is not None:
        arguments["copy_of"], folder = folder, run_folder(recipe, out)
    with lost_workers_named(strategy):
        return _train_into(folder, recipe, strategy, **arguments)


def _recipe_of(folder: Path) -> Recipe:
    file = folder / RECIPE_FILE
    if not file.is_file():
        raise InputError(f"Expected the folder of a run, with a {RECIPE_FILE}. Received: {folder}, which has none.")
    return Recipe.from_toml(file.read_text())


def _changed(recipe: Recipe, changes: dict) -> Recipe:
    """The recipe with other epochs; any other value that differs is refused."""
    asked = {**changes, "model": {**recipe.model, **changes.get("model", {})}}
    present = {name: value for name, value in dataclasses.asdict(recipe).items() if name in asked}
    epochs = {name: asked.pop(name) for name in ("epochs",) if name in asked}
    found = [line for name in asked for line in differences(present[name], asked[name], name)]
    if found:
        listed = "\n  ".join(found)
        raise InputError(
            "Expected the recipe that the run began with, where only epochs may change. Received other values:\n  "
            f"{listed}\nLeave them out, or start a new run."
        )
    return dataclasses.replace(recipe, **epochs)


def _train_into(
    folder: Path, recipe: Recipe, strategy, copy_of=None, snapshots=None, more_callbacks: tuple = (), verbose="auto"
) -> tuple[keras.Model, Path]:
    recipe, dataset = resolve(recipe)
    begun = any((copy_of or folder).glob(f"{SNAPSHOTS}/*"))  # then its weights are those of a snapshot
    with strategy.scope():
        gan = build(dataclasses.replace(recipe, from_preset=None) if begun else recipe, dataset)
    writes = is_chief(strategy)
    if writes:
        folder.mkdir(parents=True, exist_ok=True)
        if copy_of is not None:
            shutil.copytree(copy_of, folder, dirs_exist_ok=True)
        with written_beside(folder / RECIPE_FILE) as beside:
            beside.write_text(recipe.to_toml())

    is_drawn = pictures.can_draw(dataset.example_shape)
    real = dataset.examples[:2500] if dataset.example_shape == (2,) else None
    mode = "max" if recipe.stop_by in HIGHER_IS_BETTER else "min"
    watchers = [
        callbacks.CollapseAlarm(stop=recipe.stop_on_collapse, every=max(1, recipe.epochs // 50)),
        *_metrics(recipe),
        *([callbacks.Stopping(recipe.stop_by, mode, patience=recipe.patience)] if recipe.stop_by else []),
        callbacks.NaNGuard(retries=recipe.retries),
        callbacks.Snapshots(folder / SNAPSHOTS, **(snapshots or {})),
        *more_callbacks,
    ]
    if writes:
        watchers += [
            callbacks.Log(str(folder / "log.csv")),
            keras.callbacks.TensorBoard(str(folder / "tensorboard"), write_graph=False),
            *([callbacks.SamplePictures(folder / "samples", real=real)] if is_drawn else []),
        ]
    gan.fit(dataset, batch_size=recipe.batch_size, epochs=recipe.epochs, callbacks=watchers, verbose=verbose)
    if writes:
        with written_beside(folder / MODEL_FILE) as beside:
            gan.save(beside)
        if is_drawn:
            pictures.save(pictures.draw_samples(gan, real=real), folder / "samples.png")
    check_agreement(strategy, "steps", gan.steps_done)  # the others wait here while the first one writes
    return gan, folder


def _metrics(recipe: Recipe) -> list:
    if not recipe.metrics:
        return []
    measured = {"n": recipe.metrics_samples, "every": recipe.metrics_every, "seed": recipe.seed}
    return [callbacks.Metrics(recipe.metrics, extractor=recipe.features, **measured)]


def run_folder(recipe: Recipe, out: str | os.PathLike | None = None, strategy=None) -> Path:
    """Where a run may be written: `out`, which must be new or empty, or the first free default."""
    if strategy is not None and is_multi_worker(strategy):
        if out is None:
            raise InputError("Expected a folder for the run of several workers, which all must know. Give out.")
        if not is_chief(strategy):
            return Path(out)  # which the chief may have made already
    if out is None:
        base = Path("runs") / f"{recipe.variant}_{Path(recipe.data).stem}"
        numbered = (base.with_name(f"{base.name}_{number}") for number in range(2, 10_000))
        return next(folder for folder in (base, *numbered) if not folder.exists())
    folder = Path(out)
    if folder.is_dir():
        remove_unfinished(folder, ".toml")  # of a start that was killed before its recipe was there
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(
            f"Expected a new or empty folder for the run. Received: {folder}, which is in use. Choose another."
        )
    return folder
