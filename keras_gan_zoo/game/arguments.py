"""The keyword arguments of `for_images` and `compile`, for editors and type checkers. Nothing else reads them.

A model takes those of its constructor and of its networks, and `for_images` refuses the others when it is called. A
type checker knows only which ones there are: a test compares them with the constructors and the networks.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    import keras

    from keras_gan_zoo import divergences, losses


class Arguments(TypedDict, total=False):
    """Those of `for_images` besides its own: of all variants and all networks."""

    activation: str
    add_source: bool
    adversarial_weight: float
    alpha: float | None
    attention: int | None
    augmentation: str | None
    bottleneck_units: int
    class_names: list[str] | None
    clip: float
    clip_normalization: bool
    conditioning: str
    content: str
    content_weight: float
    critic_head_start: bool
    cycle_weight: float
    depth: int | None
    discriminator_normalization: str
    discriminator_steps: int
    discriminator_units: int | None
    discriminator_weight: float
    discriminator_width: int
    divergence: str | divergences.FDivergence
    dropout: float
    ema_decay: float | None
    embedding_dim: int
    expansion: int
    first_shape: tuple[int, ...] | None
    generator_objective: str
    generator_units: int | None
    group_size: int
    identity_weight: float
    interpolation: bool
    joint_units: int
    kl_weight: float
    likelihood: str
    loss: str | losses.AdversarialLoss
    matching_aware: bool
    modulation_units: int
    name: str
    normalization: str
    one_sided: bool
    orthogonal_regularization: float
    packing: int
    penalty_weight: float
    pieces: int
    pool_size: int
    pretrain_steps: int
    projection: bool
    r1: float | keras.optimizers.schedules.LearningRateSchedule
    r2: float | keras.optimizers.schedules.LearningRateSchedule
    receptive_field: int
    region: str | Sequence[int]
    residual_blocks: int
    scale: int
    seed: int | None
    simultaneous: bool
    source_shape: tuple[int, ...] | None
    stddev: float
    text_dim: int | None
    text_dropout: float
    text_units: int
    units: int
    upsampling: str
    vocabulary: Collection[str] | None
    weight: float | None
    width: int


class PassedOn(Arguments, total=False):
    """Those that a subclass passes on to the `for_images` of its base class."""

    architecture: str | None
    spectral_normalization: bool | None


class CompileArguments(TypedDict, total=False):
    """Those of `compile` besides the optimizers, as in `keras.Model.compile`."""

    run_eagerly: bool
    jit_compile: bool | str | None
    steps_per_execution: int | None
