"""Keras' side of the contract: what does not depend on the variant."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_gan_zoo as kgz
from keras_gan_zoo.errors import InputError
from tests.helpers import assert_same, weights_of

VECTORS = np.random.default_rng(0).standard_normal((64, 2))


def vector_gan(**arguments):
    return kgz.GAN.for_images((2,), 3, generator_units=8, discriminator_units=4, pieces=2, seed=0, **arguments)


@pytest.mark.parametrize("floatx", ["float16", "bfloat16"])
def test_half_precision_is_a_policy_and_not_the_floatx_of_keras_json(floatx):
    generator, discriminator = network((3,), (2,)), network((2,), (1,))
    keras.config.set_floatx(floatx)
    try:
        with pytest.raises(InputError, match=f"floatx is {floatx}.*set_dtype_policy"):
            kgz.GAN(generator, discriminator)
    finally:
        keras.config.set_floatx("float32")


# ------------------------------------------------------------------------------------------------------------- players


def network(inputs, outputs, labels=False, name=None):
    first = keras.Input(inputs)
    given = [first, keras.Input((), dtype="int32")] if labels else first
    x = keras.layers.Dense(int(np.prod(outputs)))(keras.layers.Flatten()(first))
    return keras.Model(given, keras.layers.Reshape(outputs)(x), name=name)


def test_players_must_meet():
    with pytest.raises(InputError, match=r"\(8, 8, 1\) and a discriminator of \(8, 8, 3\)"):
        kgz.GAN(network((4,), (8, 8, 1)), network((8, 8, 3), (1,)))


def test_players_must_be_models_with_known_inputs():
    class Unknown(keras.Model):
        pass

    with pytest.raises(InputError, match=r"knows its inputs. Received: Unknown"):
        kgz.GAN(Unknown(), network((3,), (1,)))
    with pytest.raises(InputError, match="Received: str"):
        kgz.GAN("generator", network((3,), (1,)))


def test_discriminators_must_be_able_to_learn():
    """Freezing one was how scripts trained a generator through it; a generator may be held fixed."""
    discriminator = network((3,), (1,))
    discriminator.trainable = False
    with pytest.raises(InputError, match="Expected a discriminator that can learn"):
        kgz.GAN(network((4,), (3,)), discriminator)


def test_players_must_not_share_weights():
    shared = keras.layers.Dense(3)
    generator = keras.Sequential([keras.Input((3,)), shared])
    discriminator = keras.Sequential([keras.Input((3,)), shared, keras.layers.Dense(1)])
    with pytest.raises(InputError, match="2 weights that both networks share"):
        kgz.GAN(generator, discriminator)


def test_two_outputs_are_refused():
    x = keras.Input((3,))
    with pytest.raises(InputError, match="2 outputs"):
        kgz.GAN(network((4,), (3,)), keras.Model(x, [keras.layers.Dense(1)(x), x]))


def test_own_networks_of_any_shape_train(float64):
    gan = kgz.GAN(network((5,), (6, 4)), network((6, 4), (1,)))
    gan.compile("adam", "adam")
    gan.fit(tf.data.Dataset.from_tensors(np.zeros((8, 6, 4))).repeat(3), verbose=0)
    assert gan.sample(2).shape == (2, 6, 4)


@pytest.mark.parametrize("decay", [-0.1, 1.0])
def test_impossible_averages_are_refused(decay):
    with pytest.raises(InputError, match="ema_decay"):
        vector_gan(ema_decay=decay)


# ------------------------------------------------------------------------------------------------------------- compile


@pytest.mark.parametrize("argument", ["loss", "optimizer", "metrics", "autoencoder_optimizer"])
def test_arguments_that_belong_elsewhere_are_refused(argument):
    with pytest.raises(InputError, match=f"Received: {argument}='x'"):
        vector_gan().compile(**{argument: "x"})


def test_one_optimizer_for_both_is_refused():
    adam = keras.optimizers.Adam()
    with pytest.raises(InputError, match="two optimizers"):
        vector_gan().compile(adam, adam)


@pytest.mark.parametrize("optimizer", ["adamm", 2e-4])
def test_what_is_no_optimizer_is_refused(optimizer):
    with pytest.raises(InputError, match=f"Expected an optimizer of Keras, or its name. Received: {optimizer!r}"):
        vector_gan().compile(optimizer)


def test_small_players_take_several_steps_per_execution():
    small, large = vector_gan(), kgz.DCGAN.for_images((28, 28, 1))
    small.compile()
    large.compile()
    assert small.steps_per_execution > 1 == large.steps_per_execution


def test_schedules_of_each_player_survive_saving(tmp_path):
    gan = vector_gan()
    falling = keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5)
    gan.compile(keras.optimizers.SGD(falling), keras.optimizers.Adam(1e-3), steps_per_execution=4)
    gan.fit(VECTORS, batch_size=8, verbose=0)
    gan.save(tmp_path / "gan.keras")
    again = keras.saving.load_model(tmp_path / "gan.keras")
    assert again.steps_per_execution == 4
    assert float(again.generator_optimizer.learning_rate) == pytest.approx(0.1 * 0.5 ** (8 / 10))


# ----------------------------------------------------------------------------------------------------------------- fit


def test_continues_where_it_stopped():
    straight, broken = vector_gan(), vector_gan()
    for gan in (straight, broken):
        gan.compile("adam", "adam")
    straight.fit(VECTORS, batch_size=8, epochs=3, verbose=0)
    for _ in range(3):
        broken.fit(VECTORS, batch_size=8, verbose=0)
    assert_same(weights_of(straight), weights_of(broken))


def test_global_random_state_changes_nothing():
    def trained(global_seed):
        keras.utils.set_random_seed(global_seed)
        gan = vector_gan()
        gan.compile("adam", "adam")
        gan.fit(VECTORS, batch_size=8, verbose=0)
        return weights_of(gan)

    assert_same(trained(1), trained(2))


def test_without_a_seed_runs_differ_but_each_keeps_its_own():
    first, second = (kgz.GAN(network((5,), (2,)), network((2,), (1,))) for _ in range(2))
    assert first.seed != second.seed
    assert kgz.GAN.from_config(first.get_config()).seed == first.seed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"batch_size": 65}, "full batch of 65. Received: 64"),
        ({"batch_size": 0}, "full batch of 0"),
        ({"sample_weight": np.ones(64)}, "no sample_weight"),
        ({"class_weight": {0: 1.0}}, "no class_weight"),
        ({"validation_split": 0.5}, "no validation_split"),
    ],
)
def test_what_fit_cannot_use_is_refused(arguments, message):
    gan = vector_gan()
    gan.compile()
    with pytest.raises(InputError, match=message):
        gan.fit(VECTORS, verbose=0, **{"batch_size": 8, **arguments})


@pytest.mark.filterwarnings("ignore:Your input ran out of data")  # Keras', and right: more steps were asked for
def test_generators_yield_batches_with_or_without_a_tuple():
    batches = [VECTORS[start : start + 8] for start in range(0, 64, 8)]
    first, second, third = (vector_gan() for _ in range(3))
    for gan, source in (
        (first, (batch for batch in batches)),
        (second, ((batch,) for batch in batches)),
        (third, tf.data.Dataset.from_tensor_slices(VECTORS).batch(8)),
    ):
        gan.compile()
        gan.fit(source, verbose=0)
        assert gan.steps_done == 8
    for gan in (first, second):
        assert_same(weights_of(gan), weights_of(third))
    expected = third.evaluate(VECTORS[:24], batch_size=8, verbose=0)
    np.testing.assert_allclose(first.evaluate((batch for batch in batches), steps=3, verbose=0), expected, rtol=1e-6)
    with pytest.raises(InputError, match="Expected validation_data that can be read after each epoch"):
        first.fit(VECTORS, validation_data=(batch for batch in batches), verbose=0)


def test_a_batch_must_be_divisible_by_k():
    gan = vector_gan(discriminator_steps=3)
    gan.compile()
    with pytest.raises(InputError, match=r"divisible by discriminator_steps=3. Received: batches of 8"):
        gan.fit(VECTORS, batch_size=8, verbose=0)
    with pytest.raises(InputError, match=r"varying.*drop_remainder"):
        gan.fit(tf.data.Dataset.from_tensor_slices(VECTORS).batch(9), verbose=0)


def test_data_that_end_early_end_the_epoch():
    gan = vector_gan()
    gan.compile(steps_per_execution=4)
    finite = tf.data.Dataset.from_tensor_slices(VECTORS).batch(8, drop_remainder=True).take(6)
    gan.fit(finite, epochs=2, verbose=0)
    assert int(gan.step) == 12


def test_shuffle_false_keeps_the_order(monkeypatch):
    gan = vector_gan()
    gan.compile()
    asked = []
    batches = kgz.data.Dataset.batches

    def spy(self, *arguments):
        asked.append(arguments[-1])
        return batches(self, *arguments)

    monkeypatch.setattr(kgz.data.Dataset, "batches", spy)
    gan.fit(VECTORS, batch_size=8, verbose=0, shuffle=False)
    gan.fit(VECTORS, batch_size=8, verbose=0)
    assert asked == [False, True]


# -------------------------------------------------------------------------------------------------------------- sample


@pytest.mark.parametrize("n", [0, -1, 2.5, "3"])
def test_impossible_numbers_of_samples_are_refused(n):
    with pytest.raises(InputError, match="at least 1"):
        vector_gan().sample(n)


def test_labels_to_sample():
    gan = kgz.GAN.for_images((2,), 3, num_classes=4, generator_units=8, discriminator_units=4)
    noise = gan.sample(8, labels=[2] * 8, seed=0)
    np.testing.assert_array_equal(noise, gan.sample(8, labels=2, seed=0))
    np.testing.assert_array_equal(gan.sample(8, seed=0), gan.sample(8, labels=np.arange(8) % 4, seed=0))
    assert not np.array_equal(noise, gan.sample(8, labels=3, seed=0))
    with pytest.raises(InputError, match="one label or 8 labels"):
        gan.sample(8, labels=[1, 2])
    with pytest.raises(InputError, match="from 0 to 3"):
        gan.sample(8, labels=4)


def test_unknown_classes_must_be_given():
    generator, discriminator = kgz.networks.maxout_pair((2,), 3, 4, generator_units=4, discriminator_units=2)
    gan = kgz.GAN(generator, discriminator)
    assert gan.sample(2, labels=3).shape == (2, 2)
    with pytest.raises(InputError, match="num_classes is unknown"):
        gan.sample(2)


# --------------------------------------------------------------------------------------------------------------- noise


def test_noise_is_standard_normal_and_a_function_of_seed_and_step():
    gan = vector_gan()
    [first, second] = (np.array(noise) for noise in gan.noise(2, 5000))
    assert first.mean() == pytest.approx(0, abs=0.03)
    assert first.std() == pytest.approx(1, abs=0.03)
    assert np.corrcoef(first.ravel(), second.ravel())[0, 1] == pytest.approx(0, abs=0.03)
    np.testing.assert_array_equal(first, gan.noise(2, 5000)[0])
    gan.step.assign_add(1)
    assert not np.array_equal(first, gan.noise(2, 5000)[0])


def test_evaluation_draws_noise_that_training_never_sees():
    gan, drawn = vector_gan(), []
    generate = gan.generate
    gan.generate = lambda noise, *arguments, **options: (
        drawn.append(np.array(noise)) or generate(noise, *arguments, **options)
    )
    gan.compile(run_eagerly=True)
    gan.evaluate(VECTORS[:24], batch_size=8, verbose=0)
    assert [noise.shape for noise in drawn] == [(8, 3)] * 3
    trained = [np.array(noise) for step in range(32) for noise in gan.noise(2, 8, step=step)]
    for number, noise in enumerate(drawn):
        assert not any(np.array_equal(noise, other) for other in [*drawn[:number], *trained])


def test_two_replicas_train_as_one(float64, two_replicas):
    def trained(strategy, k):
        with strategy.scope():
            gan = vector_gan(discriminator_steps=k, ema_decay=0.9)
            gan.compile(keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.1))
        gan.fit(VECTORS, batch_size=8, epochs=3, verbose=0)
        return weights_of(gan)

    one = trained(tf.distribute.get_strategy(), 1)
    two = trained(two_replicas, 1)
    for a, b in zip(one, two, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)


def test_a_small_model_loaded_under_a_strategy_takes_single_steps(tmp_path, two_replicas):
    gan = vector_gan()
    gan.compile()
    gan.save(tmp_path / "gan.keras")
    with two_replicas.scope():
        again = keras.saving.load_model(tmp_path / "gan.keras")
    assert gan.steps_per_execution > again.steps_per_execution == 1


def test_eager_runs_take_as_many_steps():
    gan, eager = vector_gan(), vector_gan()
    gan.compile("adam", "adam")
    eager.compile("adam", "adam", run_eagerly=True)
    for model in (gan, eager):
        model.fit(VECTORS, batch_size=16, epochs=2, verbose=0)
        assert int(model.step) == 8
    for a, b in zip(weights_of(gan), weights_of(eager), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_evaluation_steps_do_not_depend_on_steps_per_execution():
    gan = vector_gan()
    figures = []
    for steps in (1, 64):
        gan.compile(steps_per_execution=steps)
        figures.append(gan.evaluate(VECTORS, batch_size=8, steps=2, return_dict=True, verbose=0))
        history = gan.fit(
            VECTORS, batch_size=64, steps_per_epoch=None, validation_data=[VECTORS], validation_steps=1, verbose=0
        ).history
        assert history["val_d_loss"] != figures[-1]["d_loss"]
        gan = vector_gan()
    assert figures[0] == figures[1]


def test_uint8_batches_are_normalised():
    images = np.random.default_rng(0).integers(0, 256, (8, 8, 8, 1), dtype=np.uint8)
    gan = kgz.DCGAN.for_images((8, 8, 1), latent_dim=4, width=4, seed=0)
    gan.compile()
    batches = tf.data.Dataset.from_tensor_slices(images).batch(8)
    assert gan.evaluate(batches, verbose=0) == pytest.approx(gan.evaluate(images, verbose=0))
    with pytest.raises(InputError, match="int64"):
        gan.train_on_batch(images.astype(np.int64))


WRONG_BATCHES = {
    "values": (lambda x, y: (x.astype(np.float32), y), r"in \[-1, 1\]. Received: values from 0 to 255"),
    "NaN": (lambda x, y: (np.where(x > 250, np.nan, 0).astype(np.float32), y), "NaN or infinity"),
    "a shape": (lambda x, y: (x[:, :4], y), r"\(8, 8, 1\). Received: \(4, 8, 1\)"),
    "one example": (lambda x, y: (x[0], y), "Put single examples into"),
    "nothing": (lambda x, y: (x[:0], y[:0]), "at least one example"),
    "no labels": (lambda x, y: (x, None), "Expected labels"),
    "few labels": (lambda x, y: (x, y[:7]), "for each of 8 examples. Received: 7"),
    "labels beyond the classes": (lambda x, y: (x, y + 1), "from 0 to 2"),
    "fractions as labels": (lambda x, y: (x, y + 0.5), "integer label"),
    "None": (lambda x, y: (None, y), "Received: NoneType"),
    "a list": (lambda x, y: (x.tolist(), y), "Received: list"),
    "a data set": (lambda x, y: (kgz.data.Dataset(x, y), None), "expects one batch"),
}


@pytest.fixture(scope="module")
def of_three_classes():
    gan = kgz.DCGAN.for_images((8, 8, 1), num_classes=3, latent_dim=4, width=2, seed=0)
    gan.compile()
    return gan


@pytest.mark.parametrize("call", ["train_on_batch", "test_on_batch"])
@pytest.mark.parametrize("what", WRONG_BATCHES)
def test_one_batch_is_checked_like_those_of_a_source(of_three_classes, call, what):
    wrong, message = WRONG_BATCHES[what]
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (8, 8, 8, 1), np.uint8), np.append(2, rng.integers(0, 3, 7))
    before = weights_of(of_three_classes)
    with pytest.raises(InputError, match=message):
        getattr(of_three_classes, call)(*wrong(images, labels))
    with pytest.raises(InputError, match="no sample_weight"):
        getattr(of_three_classes, call)(images, labels, sample_weight=np.ones(8))
    assert_same(before, weights_of(of_three_classes))


@pytest.mark.parametrize("dtype", [tf.float32, tf.float16, tf.bfloat16])
def test_one_batch_may_be_a_tensor_of_any_precision(of_three_classes, dtype):
    images = tf.cast(tf.random.stateless_uniform((8, 8, 8, 1), (0, 0), -1, 1), dtype)
    figures = of_three_classes.test_on_batch(images, [0, 1, 2, 0, 1, 2, 0, 1], return_dict=True)
    assert np.isfinite(figures["d_loss"])


def test_a_model_that_is_not_compiled_can_be_saved(tmp_path):
    gan = vector_gan()
    gan.save(tmp_path / "gan.keras")
    again = keras.saving.load_model(tmp_path / "gan.keras")
    assert not again.compiled
    np.testing.assert_array_equal(gan.sample(3, seed=0), again.sample(3, seed=0))


BEFORE_COMPILE = {
    "fit": lambda gan: gan.fit(VECTORS, batch_size=8),
    "evaluate": lambda gan: gan.evaluate(VECTORS),
    "train_on_batch": lambda gan: gan.train_on_batch(VECTORS),
    "test_on_batch": lambda gan: gan.test_on_batch(VECTORS),
    "train_step": lambda gan: gan.train_step(VECTORS),
    "Snapshots": lambda gan: gan.fit(VECTORS, callbacks=[kgz.callbacks.Snapshots("nowhere")]),
}


@pytest.fixture(scope="module")
def not_compiled(tmp_path_factory):
    """A new model, one loaded without its optimizers, and one whose `compile` failed."""
    path = tmp_path_factory.mktemp("saved") / "gan.keras"
    new, failed = vector_gan(), vector_gan()
    compiled = vector_gan()
    compiled.compile()
    compiled.save(path)
    with pytest.raises(ValueError, match="adamm"):
        failed.compile("adamm")
    return new, keras.saving.load_model(path, compile=False), failed


@pytest.mark.parametrize("use", BEFORE_COMPILE.values(), ids=BEFORE_COMPILE)
def test_what_needs_optimizers_asks_for_compile(use, not_compiled):
    for gan in not_compiled:
        with pytest.raises(InputError, match=r"Expected a compiled model.*Call gan.compile\(\) first"):
            use(gan)


@pytest.mark.parametrize("x", [None, "digits", [VECTORS], (VECTORS, VECTORS)])
def test_fit_takes_no_other_kinds_of_data(x):
    gan = vector_gan()
    gan.compile()
    with pytest.raises(InputError, match=r"fit\(\) expects"):
        gan.fit(x)


@pytest.mark.parametrize("seed", [-1, 2**31, 1.5])
def test_impossible_seeds_are_refused(seed):
    with pytest.raises(InputError, match="seed from 0"):
        kgz.GAN(network((5,), (2,)), network((2,), (1,)), seed=seed)


def test_data_of_other_classes_warn(conditional_pair_of_names):
    gan, dataset = conditional_pair_of_names
    with pytest.warns(UserWarning, match="The model's classes are named cat, dog; those of the data bird, fish"):
        gan.fit(dataset, batch_size=4, verbose=0)
    assert gan.class_names == ("cat", "dog")


@pytest.fixture
def conditional_pair_of_names():
    gan = kgz.GAN(network((4,), (3,), labels=True), network((3,), (1,), labels=True), class_names=["cat", "dog"])
    gan.compile(run_eagerly=True)
    examples = np.random.default_rng(0).normal(size=(8, 3)).astype(np.float32)
    return gan, kgz.data.Dataset(examples, np.arange(8) % 2, class_names=["bird", "fish"])


# --------------------------------------------------------------------------------------------------------------- scores


def test_scores_take_what_fit_takes():
    gan = kgz.GAN.for_images((8, 8, 1), 3, num_classes=3, architecture="mlp", units=4, seed=0)
    levels, labels = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 1)).astype(np.uint8), np.array([0, 1, 2, 0])
    for found, expected in zip(gan.scores(levels, labels), gan.scores(levels / 127.5 - 1, labels), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5)
    for given, words in [
        ((levels, None), "labels"),
        ((levels, np.array([0, 1, 99, 0])), "99"),
        ((levels * 1.0, labels), "255"),
        ((levels[:, :4], labels), r"\(4, 8, 1\)"),
        ((levels[0], labels), r"\(8, 8, 1\)"),
    ]:
        with pytest.raises(InputError, match=f"Expected.*{words}"):
            gan.scores(*given)
    with pytest.raises(InputError, match="Expected no condition, because no network takes any"):
        kgz.GAN.for_images((2,), seed=0).scores(np.zeros((4, 2)), labels)
    packed = kgz.GAN.for_images((2,), packing=2, seed=0)
    with pytest.raises(InputError, match="divisible by packing=2"):
        packed.scores(np.zeros((3, 2)))
