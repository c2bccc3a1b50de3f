"""CycleGAN: what a step computes, its pool, its data, both directions, and what is refused."""

import contextlib
import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_gan_zoo as kgz
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.models.cycle_gan import DISCRIMINATORS, exchanged
from tests.helpers import assert_same, weights_of

RATE = 0.1
SHAPE = (4, 4, 1)


def translator(source, target):
    return keras.Sequential([keras.Input(source), keras.layers.Conv2D(target[-1], 1, activation="tanh")])


def judge(shape):
    return keras.Sequential([keras.Input(shape), keras.layers.Conv2D(1, 2, strides=2)])


def players(source=SHAPE, target=SHAPE):
    generators = {"forward": translator(source, target), "backward": translator(target, source)}
    judges = dict(zip(DISCRIMINATORS, (judge(source), judge(target)), strict=True))
    return kgz.networks.joined("generator", **generators), kgz.networks.joined("discriminator", **judges)


def build(**arguments):
    """The smallest model: one convolution in each network, with the same weights each time."""
    shapes = {name: arguments.pop(name) for name in ("source", "target") if name in arguments}
    model = kgz.CycleGAN(*players(**shapes), **{"seed": 0, **arguments})
    random = np.random.default_rng(0)
    for weight in model.trainable_variables:
        weight.assign(random.normal(0, 0.5, weight.shape))
    if model.ema_generator is not None:
        model.ema_generator.set_weights(model.generator.get_weights())
    return model


def compiled(run_eagerly=False, **arguments):
    model = build(**arguments)
    model.compile(keras.optimizers.SGD(RATE), keras.optimizers.SGD(RATE), run_eagerly=run_eagerly)
    return model


def pictures(n, seed=0, shape=SHAPE):
    return np.random.default_rng(seed).uniform(-1, 1, (n, *shape)).astype(np.float32)


X, Y = pictures(6, seed=1), pictures(9, seed=2)


# ------------------------------------------------------------------------------------------------------------- the step


def weights_by_part(model):
    parts = [*(model.generator.get_layer(name) for name in ("forward", "backward"))]
    parts += [model.discriminator.get_layer(name) for name in DISCRIMINATORS]
    return [[tf.Variable(weight.value) for weight in part.trainable_variables] for part in parts]


def made(part, x):
    kernel, bias = part
    return tf.tanh(tf.einsum("nhwc,cd->nhwd", x, kernel[0, 0]) + bias)


def scored(part, x):
    kernel, bias = part
    return tf.nn.conv2d(x, kernel, 2, "VALID") + bias


def mean(values):
    return tf.reduce_mean(values)


@pytest.mark.parametrize(("cycle", "identity"), [(10.0, 0.5), (3.0, 0.0), (0.0, 0.5)])
def test_a_step_is_that_of_the_paper(cycle, identity):
    """Both generators at once, with the losses as the paper prints them; then both discriminators, on translations by
    the generators before their step."""
    model = compiled(run_eagerly=True, cycle_weight=cycle, identity_weight=identity)
    forward, backward, of_sources, of_targets = parts = weights_by_part(model)
    x, y = tf.constant(X[:4]), tf.constant(Y[:4])
    with tf.GradientTape() as tape:
        fake_y, fake_x = made(forward, x), made(backward, y)
        g_loss = mean((scored(of_targets, fake_y) - 1) ** 2) + mean((scored(of_sources, fake_x) - 1) ** 2)
        cycles = mean(tf.abs(made(backward, fake_y) - x)) + mean(tf.abs(made(forward, fake_x) - y))
        g_loss += cycle * cycles
        g_loss += cycle * identity * (mean(tf.abs(made(forward, y) - y)) + mean(tf.abs(made(backward, x) - x)))
    gradients = tape.gradient(g_loss, [*forward, *backward])
    with tf.GradientTape() as tape:
        d_loss = sum(
            (mean((scored(part, real) - 1) ** 2) + mean(scored(part, fake) ** 2)) / 2
            for part, real, fake in ((of_sources, x, fake_x), (of_targets, y, fake_y))
        )
    gradients += tape.gradient(d_loss, [*of_sources, *of_targets])
    for weight, gradient in zip(itertools.chain(*parts), gradients, strict=True):
        weight.assign_sub(RATE * gradient)

    logged = model.train_on_batch(X[:4], Y[:4], return_dict=True)
    for part, expected in zip(weights_by_part(model), parts, strict=True):
        for weight, value in zip(part, expected, strict=True):
            np.testing.assert_allclose(weight, value, atol=1e-6)
    for name, value in {"d_loss": d_loss, "g_loss": g_loss, "cycle_loss": cycles}.items():
        assert logged[name] == pytest.approx(float(value), rel=1e-5)


def test_evaluate_gives_the_losses_and_how_far_translations_are_from_the_targets():
    model = compiled(run_eagerly=True, ema_decay=0.9)
    before = weights_of(model)
    figures = model.evaluate(X, Y[:6], batch_size=4, return_dict=True, verbose=0)
    assert set(figures) == {"d_loss", "g_loss", "cycle_loss", "l1", "psnr", "ssim"}
    made = model.translate(X)
    assert figures["l1"] == pytest.approx(np.abs(made - Y[:6]).mean(), rel=1e-5)
    assert figures["psnr"] == pytest.approx(10 * np.log10(4 / np.square(made - Y[:6]).mean()), rel=1e-5)
    similarity = tf.image.ssim(made + 1, Y[:6] + 1, max_val=2.0, filter_size=4)
    assert figures["ssim"] == pytest.approx(float(tf.reduce_mean(similarity)), rel=1e-4)
    assert_same(before, weights_of(model))


# ------------------------------------------------------------------------------------------------------------- the pool


def exchanged_in_turn(pool, count, new, coins, places):
    """The law of the pool, one picture after the other."""
    pool, given = pool.copy(), []
    for picture, coin, place in zip(new, coins, places, strict=True):
        if count < len(pool):
            pool[count] = picture
            given.append(picture)
            count += 1
        elif coin < 0.5:
            slot = int(place * len(pool))
            given.append(pool[slot].copy())
            pool[slot] = picture
        else:
            given.append(picture)
    return np.array(given), pool


@pytest.mark.parametrize("rows", [1, 3, 8])
@pytest.mark.parametrize("size", [1, 2, 5])
def test_the_pool_keeps_its_law(rows, size):
    random = np.random.default_rng(rows * 10 + size)
    pool, count = np.zeros((size, 1, 1, 1), np.float32), 0
    for step in range(12):
        new = np.arange(1 + step * rows, 1 + (step + 1) * rows, dtype=np.float32).reshape(-1, 1, 1, 1)
        coins, places = random.uniform(size=(2, rows)).astype(np.float32)
        arguments = (tf.constant(coins), tf.constant(places))
        given, kept = exchanged(tf.constant(pool), tf.constant(count, tf.int64), tf.constant(new), *arguments)
        expected_given, expected_kept = exchanged_in_turn(pool, count, new, coins, places)
        np.testing.assert_array_equal(given, expected_given)
        np.testing.assert_array_equal(kept, expected_kept)
        pool, count = expected_kept, min(count + rows, size)


def test_discriminators_learn_from_the_pools():
    """The pools are weights, of which each step gives some back; without a pool, the newest translations."""
    model = compiled(run_eagerly=True, pool_size=3)
    given = {domain: [] for domain in DISCRIMINATORS}
    from_pool = model.from_pool

    def watched(domain, fakes, *draws):
        old = from_pool(domain, fakes, *draws)
        given[domain].append((fakes.numpy(), old.numpy()))
        return old

    model.from_pool = watched
    model.fit(X, Y, batch_size=2, epochs=3, verbose=0)
    for domain, steps in given.items():
        assert len(steps) == 12
        pool, count = model._pools[domain]
        everything = np.concatenate([fakes for fakes, _ in steps])
        assert int(count.value) == 3
        assert all((picture == everything).all(axis=(1, 2, 3)).any() for picture in pool.numpy())
        np.testing.assert_array_equal(*steps[0])  # while it fills
        assert any(not np.array_equal(fakes, old) for fakes, old in steps)
    without = build(pool_size=0)
    assert without.from_pool(DISCRIMINATORS[0], X, None, None) is X
    assert len(without.weights) == len(model.weights) - 4


# --------------------------------------------------------------------------------------------------- saved and resumed


def test_saved_and_loaded_it_goes_on_alike(tmp_path):
    model = compiled(run_eagerly=True, pool_size=4, ema_decay=0.9)
    model.fit(X, Y, batch_size=2, epochs=1, verbose=0)
    model.save(tmp_path / "cycle.keras")
    again = keras.saving.load_model(tmp_path / "cycle.keras")
    assert_same(weights_of(model), weights_of(again))
    for each in (model, again):
        each.fit(X, Y, batch_size=2, epochs=1, verbose=0)
    assert_same(weights_of(model), weights_of(again))
    for backward in (False, True):
        np.testing.assert_array_equal(model.translate(X, backward), again.translate(X, backward))


def test_an_interrupted_run_is_resumed_to_the_bit(tmp_path):
    def trained(folder, epochs, stop=None):
        model = compiled(run_eagerly=True, pool_size=4)
        snapshots = kgz.callbacks.Snapshots(tmp_path / folder, every_steps=1)
        interrupting = keras.callbacks.LambdaCallback(
            on_train_batch_end=lambda batch, logs: (
                (_ for _ in ()).throw(KeyboardInterrupt) if model.steps_done == stop else None
            )
        )
        with contextlib.suppress(KeyboardInterrupt):
            model.fit(X, Y, batch_size=2, epochs=epochs, verbose=0, callbacks=[snapshots, interrupting])
        return model

    whole = trained("whole", 3)
    trained("killed", 3, stop=6)  # within the second epoch
    resumed = trained("killed", 3)
    assert whole.steps_done == resumed.steps_done == 12
    assert_same(weights_of(whole), weights_of(resumed))


def test_presets_have_both_directions(tmp_path):
    model = compiled(run_eagerly=True, ema_decay=0.9)
    model.fit(X, Y, batch_size=4, verbose=0)
    model.save_preset(tmp_path / "preset", description="Small")
    again = kgz.load(tmp_path / "preset", with_discriminator=True)
    for backward in (False, True):
        np.testing.assert_allclose(again.translate(X, backward), model.translate(X, backward), atol=1e-6)
    again.fit(X, Y, batch_size=4, verbose=0)


@pytest.mark.slow
def test_both_directions_are_exported(tmp_path):
    grey, colour = (8, 8, 1), (8, 8, 3)
    arguments = {"width": 2, "residual_blocks": 1, "receptive_field": 16, "identity_weight": 0, "seed": 0}
    model = kgz.CycleGAN.for_images(colour, source_shape=grey, **arguments)
    for backward, shape in ((False, grey), (True, colour)):
        given = pictures(3, shape=shape)
        model.export(tmp_path / "direction.onnx", backward=backward)
        exported = kgz.onnx_file.OnnxFile(tmp_path / "direction.onnx")
        np.testing.assert_allclose(exported.translate(given), model.translate(given, backward), atol=1e-5)


@pytest.mark.slow
def test_one_replica_equals_two(two_replicas, float64):
    """Also the pools, of which each replica has the same, of the whole batch."""

    def trained(strategy):
        with strategy.scope():
            model = compiled(pool_size=5)
        before = weights_of(model)
        model.fit(X.astype("float64"), Y.astype("float64"), batch_size=4, epochs=4, verbose=0)
        return model, before

    (one, before), (two, _) = trained(tf.distribute.get_strategy()), trained(two_replicas)
    for a, b in zip(one.weights, two.weights, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), atol=1e-12)
    assert any(not np.array_equal(a, b) for a, b in zip(before, weights_of(one), strict=True))
    for pool, _ in two._pools.values():
        first, second = (value.numpy() for value in two_replicas.experimental_local_results(pool.value))
        np.testing.assert_array_equal(first, second)


# ------------------------------------------------------------------------------------------------------------- its data


def test_it_takes_data_sets_arrays_folders_and_batches(tmp_path):
    np.save(tmp_path / "x.npy", kgz.pictures.to_uint8(X))
    model = compiled(run_eagerly=True)
    model.fit(tmp_path / "x.npy", kgz.data.Dataset(Y), verbose=0)
    assert model.steps_done == len(Y)  # of one picture each, by default
    model.fit(kgz.data.Dataset(Y[:6], conditions=X), batch_size=3, verbose=0, validation_data=(X[:2], Y[:3]))
    batches = tf.data.Dataset.from_tensor_slices((X, Y[:6])).batch(3)
    model.fit(batches, verbose=0, validation_data=batches)
    assert model.steps_done == len(Y) + 2 + 2


def test_batches_are_sources_and_targets():
    model = compiled(source=(4, 4, 3), identity_weight=0)
    source, target = pictures(6, shape=(4, 4, 3)), Y[:6]
    by_arrays = model.evaluate(source, target, batch_size=3, verbose=0)
    assert by_arrays == model.evaluate(tf.data.Dataset.from_tensor_slices((source, target)).batch(3), verbose=0)
    assert model.translate(source).shape == (6, 4, 4, 1)
    assert model.translate(target, backward=True).shape == (6, 4, 4, 3)
    np.testing.assert_array_equal(model.translate(source), model.sample(6, conditions=source))


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (X, None, "Expected two sets of pictures, sources and targets. Received: <Dataset"),
        (X, Y[:0], "pictures on both sides, the targets as an array"),
        (X, pictures(3, shape=(4, 4, 3)), r"\(4, 4, 1\). Received: \(4, 4, 3\)"),
        (pictures(3, shape=(4, 4, 3)), Y, r"Expected pictures \(4, 4, 1\) as sources.*\(4, 4, 3\)"),
        (X, ["a"], "the targets as an array.*Received: a list"),
    ],
)
def test_data_that_do_not_fit_are_refused(x, y, message):
    with pytest.raises(InputError, match=message):
        compiled().fit(x, y, batch_size=2, verbose=0)


def test_a_recipe_names_both_sets(tmp_path):
    from keras_gan_zoo.training.build import build as built
    from keras_gan_zoo.training.build import resolve

    np.save(tmp_path / "a.npy", kgz.pictures.to_uint8(pictures(3, shape=(8, 8, 1))))
    np.save(tmp_path / "b.npy", kgz.pictures.to_uint8(pictures(5, shape=(8, 8, 3))))
    sizes = {"width": 2, "residual_blocks": 0, "receptive_field": 1, "identity_weight": 0.0}
    recipe = kgz.training.Recipe("cycle_gan", f"{tmp_path}/a.npy,{tmp_path}/b.npy", epochs=1, model=sizes)
    recipe, dataset = resolve(recipe)
    assert recipe.batch_size == 1
    model = built(recipe, dataset)
    assert (model.condition.shape, model.example_shape) == ((8, 8, 1), (8, 8, 3))


# ------------------------------------------------------------------------------------------------------------- refusals


def test_networks_that_are_no_parts_or_do_not_meet_are_refused():
    generator, discriminator = players()
    with pytest.raises(InputError, match="Expected a generator of the parts forward and backward"):
        kgz.CycleGAN(translator(SHAPE, SHAPE), discriminator)
    with pytest.raises(InputError, match="Expected a discriminator of the parts source_discriminator and target"):
        kgz.CycleGAN(generator, players()[0])
    _, other = players(target=(4, 4, 3))
    with pytest.raises(InputError, match=r"discriminators of \(4, 4, 1\) and \(4, 4, 1\) with packing=1"):
        kgz.CycleGAN(generator, other)
    bounded = keras.Sequential([keras.Input(SHAPE), keras.layers.Conv2D(1, 2, strides=2, activation="sigmoid")])
    judges = dict(zip(DISCRIMINATORS, (judge(SHAPE), bounded), strict=True))
    with pytest.raises(InputError, match="raw scores"):
        kgz.CycleGAN(generator, kgz.networks.joined("discriminator", **judges))
    with pytest.raises(InputError, match="Expected an architecture that takes pictures, such as 'cycle_gan'"):
        kgz.CycleGAN.for_images((8, 8, 1), architecture="dcgan")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"source": (4, 4, 3)}, r"Expected identity_weight=0, because sources of \(4, 4, 3\) are no targets"),
        ({"cycle_weight": -1}, "Expected cycle_weight"),
        ({"pool_size": 2.5}, "Expected pool_size"),
        ({"loss": "hinges"}, "Did you mean 'hinge'"),
    ],
)
def test_impossible_arguments_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        build(**arguments)


def test_pictures_of_another_shape_are_not_translated():
    model = build(source=(4, 4, 3), identity_weight=0)
    with pytest.raises(InputError, match=r"\(n, 4, 4, 3\)(, or .*)?\. Received: \(6, 4, 4, 1\)"):
        model.translate(X)
    with pytest.raises(InputError, match=r"\(n, 4, 4, 1\)"):
        model.translate(pictures(2, shape=(4, 4, 3)), backward=True)


def test_pictures_of_a_run_show_sources_translations_and_the_way_back(tmp_path):
    model = build()
    show = kgz.callbacks.SamplePictures(tmp_path)
    show.set_model(model)
    both = kgz.data.unpaired(pictures(6, seed=1), pictures(9, seed=2))
    show.begin(both)
    _, sources = both.some(9, seed=0, with_conditions=True)
    back = model.translate(model.translate(sources), backward=True)
    expected = kgz.pictures.draw_translations(model, sources, back)
    np.testing.assert_array_equal(show.draw(), expected)
