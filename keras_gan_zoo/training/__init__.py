"""Recipes, and what they will do, and the runs that they define."""

from keras_gan_zoo.core.run_files import MODEL_FILE, SNAPSHOTS
from keras_gan_zoo.training.build import STEPS, build, resolve
from keras_gan_zoo.training.planning import Plan, plan
from keras_gan_zoo.training.recipe import Recipe
from keras_gan_zoo.training.run_folders import new_folder
from keras_gan_zoo.training.runs import resume, train, train_in
from keras_gan_zoo.training.sweeps import Outcome, recipes_of, sweep

__all__ = [
    "MODEL_FILE",
    "SNAPSHOTS",
    "STEPS",
    "Outcome",
    "Plan",
    "Recipe",
    "build",
    "new_folder",
    "plan",
    "recipes_of",
    "resolve",
    "resume",
    "sweep",
    "train",
    "train_in",
]
