"""Half precision and compiled steps: the same game, and what cannot be combined."""

from contextlib import contextmanager

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_gan_zoo as kgz
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.game.two_player import TwoPlayerModel
from tests.equality import conditions_of, given, sampled
from tests.games import SGD, VECTORS, game, is_finite, state, train
from tests.helpers import GAMES, assert_same, slow, weights_of

LossScale = keras.optimizers.LossScaleOptimizer
PLAYERS = ["generator", "discriminator"]


@contextmanager
def policy(name):
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy("float32")


def optimizers_of(gan):
    return {"generator": gan.generator_optimizer, "discriminator": gan.discriminator_optimizer}


def scales_of(gan):
    return {name: float(optimizer.dynamic_scale) for name, optimizer in optimizers_of(gan).items()}


def batches_for(gan, images, labels):
    return given(type(gan), images, conditions_of(type(gan), labels, gan.conditional))


# ------------------------------------------------------------------------------------------------------ half precision

FAST = [("wgan_gp", "mixed_float16"), ("dcgan", "mixed_bfloat16")]  # the second is simpler: without loss scales
SLOW = [(variant, "mixed_float16") for variant in GAMES if (variant, "mixed_float16") not in FAST]


@pytest.mark.parametrize(("variant", "precision"), [*FAST, *(slow(*each) for each in SLOW)])
def test_trains_in_half_precision_and_judges_in_full(tiny, images, labels, variant, precision):
    with policy(precision):
        gan = tiny(variant, conditional=kgz.VARIANTS[variant].needs_labels, ema_decay=0.9, r1=0.1)
    gan.fit(*batches_for(gan, images, labels), batch_size=10, steps_per_epoch=3, verbose=0)
    assert int(gan.step) == 3
    assert is_finite(state(gan))
    half = precision.removeprefix("mixed_")
    for player in (gan.generator, gan.discriminator):
        assert half in {layer.compute_dtype for layer in player.layers}
        assert {weight.dtype for weight in player.trainable_variables} == {"float32"}
    scaled = [isinstance(optimizer, LossScale) for optimizer in optimizers_of(gan).values()]
    assert scaled == [half == "float16"] * 2
    few, of_few = tf.constant(images[:4]), conditions_of(type(gan), labels[:4], gan.conditional)
    of_few = None if of_few is None else tf.constant(of_few)
    [noise] = gan.noise(1, 4)
    assert gan.generate(noise, of_few).dtype == tf.float32
    assert gan.score(few, noise if variant == "bigan" else of_few).dtype == tf.float32  # which judges codes
    assert gan.sample(3, seed=0, **sampled(gan, 3)).dtype == np.float32


def test_a_loss_scale_of_your_own_is_kept():
    with policy("mixed_float16"):
        gan = game(LossScale(SGD(0.1), initial_scale=64.0), SGD(0.1))
    assert scales_of(gan) == {"generator": 64.0, "discriminator": 2.0**15}


def test_one_player_in_half_precision_has_the_only_loss_scale():
    with policy("mixed_float16"):
        half = game().generator
    gan = kgz.GAN(half, game().discriminator, seed=0)
    gan.compile(SGD(0.1), SGD(0.1))
    assert [isinstance(optimizer, LossScale) for optimizer in optimizers_of(gan).values()] == [True, False]
    train(gan, epochs=1)
    assert is_finite(state(gan))


def test_a_nested_half_precision_player_has_a_loss_scale():
    with policy("mixed_float16"):
        inner = game().generator
    noise = keras.Input((3,))
    gan = kgz.GAN(keras.Model(noise, inner(noise)), game().discriminator, seed=0)
    gan.compile(SGD(0.1), SGD(0.1))
    assert [isinstance(optimizer, LossScale) for optimizer in optimizers_of(gan).values()] == [True, False]


class Steep(kgz.losses.NonSaturating):
    """One player's loss a million times: its scaled gradients overflow in half precision, not in full."""

    def __init__(self, player):
        self.player = player

    def discriminator_loss(self, real_scores, fake_scores):
        return super().discriminator_loss(real_scores, fake_scores) * (1e6 if self.player == "discriminator" else 1)

    def generator_loss(self, fake_scores):
        return super().generator_loss(fake_scores) * (1e6 if self.player == "generator" else 1)


@pytest.mark.parametrize("player", PLAYERS)
@pytest.mark.parametrize("simultaneous", [False, True], ids=["in turn", "at once"])
def test_an_overflow_halves_the_scale_and_skips_the_update_of_its_player_only(player, simultaneous):
    with policy("mixed_float16"):
        gan = game(loss=Steep(player), simultaneous=simultaneous)
    before = {name: weights_of(getattr(gan, name)) for name in PLAYERS}
    gan.train_on_batch(VECTORS[:8])
    [other] = {*PLAYERS} - {player}
    assert scales_of(gan) == {player: 2.0**14, other: 2.0**15}
    assert {name: int(optimizer.iterations) for name, optimizer in optimizers_of(gan).items()} == {player: 0, other: 1}
    assert_same(before[player], weights_of(getattr(gan, player)))
    assert not np.array_equal(before[other][0], weights_of(getattr(gan, other))[0])
    assert int(gan.step) == 1


def test_every_critic_step_has_its_own_overflow(tiny, images):
    with policy("mixed_float16"):
        gan = tiny("wgan", compiled=False, discriminator_steps=2)
    gan.compile(LossScale(SGD(0.0), initial_scale=4.0), LossScale(SGD(0.1), initial_scale=2.0**60))
    before = np.clip(np.concatenate([np.ravel(v) for v in gan.discriminator.trainable_variables]), -0.01, 0.01)
    gan.train_on_batch(images)
    assert scales_of(gan) == {"generator": 4.0, "discriminator": 2.0**58}
    after = np.concatenate([np.ravel(v) for v in gan.discriminator.trainable_variables])
    np.testing.assert_array_equal(before, after)


def test_a_loss_scale_changes_no_update():
    """A power of two goes in and out of full precision without rounding."""
    scaled, plain = game(LossScale(SGD(0.1), initial_scale=64.0), LossScale(SGD(0.1), initial_scale=2.0)), game()
    for gan in (scaled, plain):
        train(gan, epochs=1)
    assert_same(weights_of(scaled), weights_of(plain))


def line(slope, dtype="mixed_float16"):
    """Players in one dimension: a generator that passes noise on, and a critic of one slope."""
    with policy(dtype):
        players = [keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)]) for _ in range(2)]
    for player, weight in zip(players, (1.0, slope), strict=True):
        player.set_weights([np.full((1, 1), weight), np.zeros(1)])
    return players


@pytest.mark.parametrize("slope", [2.0, 2000.0], ids=["gentle", "steep"])  # whose square overflows in half precision
def test_penalties_are_computed_in_full_precision(slope):
    critics = kgz.WGANGP(*line(slope), seed=0), kgz.GAN(*line(slope), r1=0.5, seed=0), kgz.GAN(*line(slope), r2=3.0)
    real, fake = tf.constant([[0.5], [-0.25]]), tf.constant([[1.0], [2.0]])
    penalties = [
        critics[0].gradient_penalty(real, fake, None, tf.constant([0.25, 0.5])),
        *(critic.judge(real, fake, None)[2] for critic in critics[1:]),
    ]
    assert [penalty.dtype for penalty in penalties] == [tf.float32] * 3
    expected = [(slope - 1) ** 2, 0.5 / 2 * slope**2, 3 / 2 * slope**2]
    np.testing.assert_allclose([float(penalty) for penalty in penalties], expected, rtol=1e-6)


@pytest.mark.parametrize("precision", ["mixed_float16", "mixed_bfloat16"])
def test_penalties_of_a_network_are_near_those_in_full_precision(tiny, images, precision):
    values = []
    for name in ("float32", precision):
        with policy(name):
            gan = tiny("wgan_gp", r1=1.0, compiled=False)
        rng = np.random.default_rng(0)
        for weight in gan.discriminator.trainable_variables:
            weight.assign(rng.normal(0, 0.3, weight.shape))
        real, fake = tf.constant(images[:8]), tf.constant(images[8:16])
        values.append(
            [gan.gradient_penalty(real, fake, None, tf.linspace(0.0, 1.0, 8)), gan.judge(real, fake, None)[2]]
        )
    np.testing.assert_allclose(values[1], values[0], rtol=0.02)
    assert not np.array_equal(values[1], values[0])


def test_a_step_down_a_steep_penalty_is_taken_in_half_precision():
    """Its gradient fits into half precision, its value does not."""
    gan = kgz.GAN(*line(300.0), r1=1.0, seed=0)
    gan.compile(LossScale(SGD(0.0), initial_scale=1.0), LossScale(SGD(0.1), initial_scale=1.0))
    logs = gan.train_on_batch(np.zeros((8, 1), np.float32), return_dict=True)
    assert logs["d_loss"] > 300**2 / 2
    assert scales_of(gan)["discriminator"] == 1.0  # not halved
    assert float(gan.discriminator.layers[-1].kernel[0, 0]) == pytest.approx(300 - 0.1 * 300, abs=0.5)


@pytest.mark.parametrize("precision", ["mixed_float16", slow("mixed_bfloat16")])
def test_precision_and_loss_scales_are_saved_and_go_on_alike(tiny, images, tmp_path, precision):
    with policy(precision):
        gan = tiny("dcgan", compiled=False)
    steep = precision == "mixed_float16"
    optimizers = [LossScale(SGD(0.1), initial_scale=2.0**30) if steep else SGD(0.1) for _ in range(2)]
    gan.compile(*optimizers)
    gan.fit(images, batch_size=8, verbose=0)
    gan.save(tmp_path / "gan.keras")
    again = keras.saving.load_model(tmp_path / "gan.keras")
    for player in PLAYERS:
        policies = [[layer.dtype_policy.name for layer in getattr(g, player).layers[1:]] for g in (gan, again)]
        assert policies[0] == policies[1]
        assert precision in policies[0]
    assert_same(state(gan), state(again))
    if steep:
        assert scales_of(again) == scales_of(gan) != {"generator": 2.0**30, "discriminator": 2.0**30}
    for model in (gan, again):
        model.fit(images, batch_size=8, verbose=0)
    assert_same(state(gan), state(again))


# ------------------------------------------------------------------------------------------------------ compiled steps


@pytest.fixture
def same_noise(monkeypatch):
    """Noise from random bits: XLA draws the same bits as TensorFlow, but makes other floats of them."""

    def drawn(gan, draws, rows, shape, step):
        seed = tf.stack([tf.constant(gan.seed, tf.int64), tf.cast(gan.step if step is None else step, tf.int64)])
        bits = tf.random.stateless_uniform((draws, rows, *shape), seed, None, None, tf.int32)
        return tf.unstack(tf.cast(bits, tf.float32) / 2.0**31)

    monkeypatch.setattr(
        TwoPlayerModel, "noise", lambda gan, draws, rows, step=None: drawn(gan, draws, rows, gan.latent_shape, step)
    )
    monkeypatch.setattr(
        TwoPlayerModel,
        "uniform",
        lambda gan, draws, rows, step=None: [abs(u) for u in drawn(gan, draws, rows, (), step)],
    )


@pytest.fixture
def compiled(monkeypatch):
    """How often TensorFlow was asked for a function by XLA."""
    asked, function = [], tf.function

    def spy(*arguments, **options):
        asked.append(options.get("jit_compile"))
        return function(*arguments, **options)

    monkeypatch.setattr(tf, "function", spy)
    return lambda: asked.count(True)


CASES = {
    "gan": ("gan", "float32", {}, {}),
    "dcgan": ("dcgan", "float32", {}, {}),
    "conditional_gan": ("conditional_gan", "float32", {}, {}),
    "wgan": ("wgan", "float32", {}, {}),
    "wgan_gp": ("wgan_gp", "float32", {}, {}),
    "fgan": ("fgan", "float32", {}, {}),
    "conditional wgan_gp": ("wgan_gp", "float32", {"conditional": True}, {}),
    "4 steps": ("dcgan", "float32", {}, {"steps_per_execution": 4}),
    "default steps": ("wgan", "float32", {}, {"steps_per_execution": None}),
    "float16": ("dcgan", "mixed_float16", {}, {}),
    "float16, wgan_gp": ("wgan_gp", "mixed_float16", {}, {}),
    "bfloat16": ("dcgan", "mixed_bfloat16", {}, {}),
    "spectral normalisation": ("dcgan", "float32", {"spectral_normalization": True}, {}),
    "packing": ("dcgan", "float32", {"packing": 2}, {}),
    "ema": ("dcgan", "float32", {"ema_decay": 0.9}, {}),
    "penalties": ("dcgan", "float32", {"r1": 1.0, "r2": 1.0}, {}),
    "at once": ("dcgan", "float32", {"simultaneous": True}, {}),
    "relativistic": ("dcgan", "float32", {"loss": "relativistic"}, {}),
    "head start": ("wgan", "float32", {"critic_head_start": True}, {}),
}
FAST_CASES = ("wgan_gp",)


def trainable_of(gan):
    return np.concatenate([np.ravel(weight) for weight in gan.trainable_variables])


def moved(tiny, images, labels, case, **execution):
    """How far steps 48 to 51 move each weight, without Dropout, whose masks XLA draws otherwise.

    In the second of them a generator that was given a head start moves. Steps are small: large ones down a steep
    gradient penalty multiply the rounding of half precision until two runs have nothing in common.
    """
    variant, precision, options, fixed = CASES[case]
    options = {"conditional": kgz.VARIANTS[variant].needs_labels, **options}
    with policy(precision):
        gan = tiny(variant, compiled=False, **options)
    for layer in gan.generator.layers + gan.discriminator.layers:
        if isinstance(layer, keras.layers.Dropout):
            layer.rate = 0.0
    scale = 0.005 if variant == "wgan" else 0.2  # gradients far above rounding, and few weights that are clipped
    for weight in gan.trainable_variables:
        weight.assign(np.random.default_rng(1).normal(0, scale, weight.shape))
    players = [SGD(0.02), SGD(0.02)]
    if precision == "mixed_float16":  # at which no step overflows
        players = [LossScale(optimizer, initial_scale=128.0) for optimizer in players]
    arguments = {"steps_per_execution": 1, **execution, **fixed}
    gan.compile(*players, **{name: value for name, value in arguments.items() if value is not None})
    gan.step.assign(48)
    before = trainable_of(gan)
    rows = gan.discriminator_steps * 2
    examples = np.resize(images, (max(40, 4 * rows), *images.shape[1:]))
    gan.fit(
        *batches_for(gan, examples, np.resize(labels, len(examples))), batch_size=rows, steps_per_epoch=4, verbose=0
    )
    return trainable_of(gan) - before


@pytest.mark.parametrize("case", [case if case in FAST_CASES else slow(case) for case in CASES])
def test_compiled_steps_are_the_steps(tiny, images, labels, same_noise, compiled, case):
    plain = moved(tiny, images, labels, case)
    asked = compiled()  # by some layers of Keras
    by_xla = moved(tiny, images, labels, case, jit_compile=True)
    assert compiled() > 2 * asked
    rounding = 1e-4 if CASES[case][1] == "float32" else 2e-2
    assert 0 < np.linalg.norm(by_xla - plain) < rounding * np.linalg.norm(plain)


class OnRealExamples(kgz.losses.NonSaturating):
    def discriminator_loss(self, real_scores, fake_scores):
        return tf.reduce_mean(real_scores)


@pytest.mark.slow
def test_compiled_dropout_draws_afresh_in_each_step():
    def losses(rate):
        """Of players that stand still, on the same batch."""
        generator, critic = game().generator, game().discriminator
        dropout = keras.layers.Dropout(rate, seed=1)
        critic = keras.Sequential([keras.Input((2,)), critic.layers[0], dropout, critic.layers[-1]])
        gan = kgz.GAN(generator, critic, seed=0, loss=OnRealExamples())
        gan.compile(SGD(0.0), SGD(0.0), jit_compile=True, steps_per_execution=1)
        seen = [gan.train_on_batch(VECTORS[:8], return_dict=True)["d_loss"] for _ in range(4)]
        return len(set(seen))

    assert losses(0.5) == 4
    assert losses(0.0) == 1


@pytest.mark.slow
def test_compiled_steps_can_be_repeated():
    gans = [game(execution={"jit_compile": True}) for _ in range(2)]
    for gan in gans:
        train(gan, epochs=1)
    assert_same(*map(state, gans))


# ---------------------------------------------------------------------------------------------- what cannot be combined


def test_eager_steps_cannot_be_compiled():
    with pytest.raises(InputError, match="XLA compiles graphs"):
        game(execution={"run_eagerly": True, "jit_compile": True})


@pytest.mark.parametrize(
    ("execution", "reason"),
    [({"jit_compile": True}, "XLA cannot reach"), ({"steps_per_execution": 4}, "cannot loop over steps")],
)
def test_replicas_take_plain_single_steps(two_replicas, execution, reason):
    with two_replicas.scope(), pytest.raises(InputError, match=f"{reason}.* with 2 replicas"):
        game(execution=execution)


def test_replicas_may_be_told_what_is_the_default(two_replicas):
    with two_replicas.scope():
        gan = game(execution={"jit_compile": False, "steps_per_execution": 1, "run_eagerly": False})
    assert gan.compiled


@pytest.mark.parametrize("steps", [0, -1, 1.5])
def test_impossible_numbers_of_steps_are_refused(steps):
    with pytest.raises(InputError, match="steps_per_execution to be a whole number"):
        game(execution={"steps_per_execution": steps})


@pytest.mark.parametrize("player", PLAYERS)
@pytest.mark.parametrize("wrapped", [False, True], ids=["plain", "in a loss scale"])
def test_averages_of_optimizers_are_refused(player, wrapped):
    averaging = keras.optimizers.Adam(1e-3, use_ema=True, ema_momentum=0.98)
    averaging = LossScale(averaging) if wrapped else averaging
    with pytest.raises(InputError, match=r"use_ema.* ema_decay=0\.98"):
        game(*((averaging, SGD(0.1)) if player == "generator" else (SGD(0.1), averaging)))


@pytest.mark.slow
def test_replicas_train_in_half_precision(two_replicas):
    with two_replicas.scope(), policy("mixed_float16"):
        gan = game(loss=Steep("generator"))
    train(gan, epochs=1)
    assert is_finite(weights_of(gan.discriminator))
    scales = {
        name: float(keras.ops.convert_to_numpy(optimizer.dynamic_scale))
        for name, optimizer in optimizers_of(gan).items()
    }
    assert scales["generator"] < scales["discriminator"] == 2.0**15
