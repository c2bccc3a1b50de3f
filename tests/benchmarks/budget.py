"""Training for some minutes of one core."""

import time
from functools import partial

from keras_gan_zoo.training import build, resolve
from keras_gan_zoo.training.recipe import Recipe

WARM_UP, MEASURED = 10, 30  # steps


def affordable(recipe: Recipe, dataset, minutes: float) -> int:
    """How many steps of a resolved recipe fit into the time, by the first ones of a model that is not used any more."""
    gan = build(recipe, dataset)
    fit = partial(gan.fit, dataset, batch_size=recipe.batch_size, epochs=1, verbose=0)
    fit(steps_per_epoch=WARM_UP)
    begun = time.process_time()
    fit(steps_per_epoch=MEASURED)
    return max(1, int(60 * minutes * MEASURED / (time.process_time() - begun)))


def trained(recipe: Recipe, minutes: float):
    """The model that a core trains in so many minutes."""
    recipe, dataset = resolve(recipe)
    steps = affordable(recipe, dataset, minutes)
    gan = build(recipe, dataset, steps)
    gan.fit(dataset, batch_size=recipe.batch_size, steps_per_epoch=steps, epochs=1, verbose=0)
    return gan
