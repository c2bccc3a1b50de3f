"""The exceptions of this package. They distinguish mistakes of the caller from bugs of the package.

Every check in the package raises an `InputError` that says, in this order, what was expected, what was received, and
how to fix it. The command line shows an `InputError` as one line, and any other exception as a traceback.
"""

import difflib
from collections.abc import Iterable

# How to make a class of the user's known, in Python; the command line has an option for it.
REGISTER = "Import the module that defines it, where it is decorated with @keras.saving.register_keras_serializable()."


class InputError(ValueError):
    """The caller's input cannot work: a wrong argument, unusable data, or an invalid file."""


class WorkerLostError(RuntimeError):
    """A process of a distributed job is lost, which ends the job."""


class ParityError(ArithmeticError):
    """An exported file does not compute the same as its model."""


class NotFiniteError(ArithmeticError):
    """A number became NaN or infinite during training."""


# What else people call what has a name here. Only hints use this: each thing has one name.
ALIASES: dict[str, list[str]] = {
    "acgan": ["conditional_gan"],
    "amp": ["precision"],
    "bce": ["non_saturating", "minimax"],
    "bf16": ["mixed_bfloat16"],
    "bfloat16": ["mixed_bfloat16"],
    "binary_crossentropy": ["non_saturating", "minimax"],
    "bs": ["batch_size"],
    "cgan": ["conditional_gan"],
    "checkpoint": ["resume"],
    "chi2": ["pearson", "neyman"],
    "ckpt": ["resume"],
    "cnn": ["dcgan"],
    "coverage": ["density_coverage", "class_coverage"],
    "cross_entropy": ["non_saturating", "minimax"],
    "cuda": ["strategy"],
    "data_dir": ["data"],
    "dataset": ["data"],
    "density": ["density_coverage"],
    "device": ["strategy"],
    "earth_mover": ["wasserstein"],
    "emd": ["wasserstein"],
    "fid": ["frechet_distance"],
    "float16": ["mixed_float16"],
    "fp16": ["mixed_float16", "precision"],
    "fp32": ["float32"],
    "frechet_inception_distance": ["frechet_distance"],
    "gp_weight": ["penalty_weight"],
    "gpu": ["strategy"],
    "gpus": ["strategy"],
    "gradient_penalty": ["penalty_weight"],
    "hellinger": ["squared_hellinger"],
    "input": ["data"],
    "is": ["inception_score"],
    "iterations": ["epochs"],
    "js": ["jensen_shannon"],
    "jsd": ["jensen_shannon"],
    "kid": ["kernel_distance"],
    "lambda": ["penalty_weight"],
    "lambda_gp": ["penalty_weight"],
    "log_likelihood": ["parzen_log_likelihood"],
    "lr": ["learning_rate"],
    "lr_d": ["learning_rate"],
    "lr_g": ["learning_rate"],
    "lsgan": ["least_squares"],
    "max_steps": ["epochs"],
    "mixed_precision": ["precision"],
    "mmd": ["kernel_distance"],
    "mse": ["least_squares"],
    "n_classes": ["conditional"],
    "n_critic": ["discriminator_steps", "k"],
    "name": ["out"],
    "noise_dim": ["latent_dim"],
    "num_classes": ["conditional"],
    "num_samples": ["count"],
    "nz": ["latent_dim"],
    "output": ["out"],
    "output_dir": ["out"],
    "psnr": ["similarity"],
    "precision": ["precision_recall"],
    "ragan": ["relativistic_average"],
    "recall": ["precision_recall"],
    "resolution": ["image_size"],
    "rgan": ["relativistic"],
    "rkl": ["reverse_kl"],
    "samples": ["count"],
    "save_dir": ["out"],
    "size": ["image_size"],
    "sn": ["spectral_normalization"],
    "ssim": ["similarity", "ms_ssim"],
    "steps": ["epochs"],
    "tv": ["total_variation"],
    "vanilla": ["gan", "non_saturating"],
    "wgan": ["wasserstein"],
    "wgan_gp": ["wasserstein"],
    "wgangp": ["wgan_gp"],
    "z_dim": ["latent_dim"],
}


def similar(name: object, options: Iterable[str]) -> list[str]:
    """Those of the options that a name may stand for: another spelling, another name for it, or a misspelling.

    Example:
        >>> similar("FID", ["frechet_distance", "kernel_distance"]), similar("WGAN-GP", ["wgan", "wgan_gp"])
        (['frechet_distance'], ['wgan_gp'])
    """
    spelled = {_plain(option): option for option in options}
    plain = _plain(name)
    if plain in spelled:
        return [spelled[plain]]
    meant = [spelled[alias] for alias in ALIASES.get(plain, []) if alias in spelled]
    return meant or [spelled[each] for each in difflib.get_close_matches(plain, spelled, n=3, cutoff=0.6)]


def _plain(name: object) -> str:
    return str(name).lower().strip("-").replace("-", "_").replace(" ", "_")


def unknown(kind: str, name: object, options: Iterable[str]) -> InputError:
    """The error for a name that is not among the options, with similar names as a hint.

    Example:
        >>> str(unknown("loss", "hinges", ["hinge", "minimax"]))
        "Unknown loss 'hinges'. Expected one of: hinge, minimax. Did you mean 'hinge'?"
    """
    options = sorted(options)
    close = similar(name, options)
    hint = f" Did you mean {' or '.join(map(repr, close))}?" if close else ""
    listed = ", ".join(options) if len(options) <= 40 else f"{len(options)} names"
    return InputError(f"Unknown {kind} {name!r}. Expected one of: {listed}.{hint}")
