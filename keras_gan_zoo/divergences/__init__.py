"""The f-divergences of Nowozin et al. (2016): as a table, exactly between Gaussians, and estimated from samples."""

from keras_gan_zoo.divergences.estimation import Estimate, estimate
from keras_gan_zoo.divergences.gaussians import gaussian
from keras_gan_zoo.divergences.table import (
    F_DIVERGENCES,
    KL,
    Alpha,
    FDivergence,
    GANDivergence,
    Jeffrey,
    JensenShannon,
    Neyman,
    Pearson,
    ReverseKL,
    SquaredHellinger,
    TotalVariation,
    WeightedJensenShannon,
    formula,
    get,
)

__all__ = [
    "F_DIVERGENCES",
    "KL",
    "Alpha",
    "Estimate",
    "FDivergence",
    "GANDivergence",
    "Jeffrey",
    "JensenShannon",
    "Neyman",
    "Pearson",
    "ReverseKL",
    "SquaredHellinger",
    "TotalVariation",
    "WeightedJensenShannon",
    "estimate",
    "formula",
    "gaussian",
    "get",
]
