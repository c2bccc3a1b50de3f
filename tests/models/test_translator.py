"""Translators: their updates, worked out by hand; pairs in Keras' order; what is measured; holes and first steps."""

import re
import zipfile

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_gan_zoo as kgz
from keras_gan_zoo.core.regions import region_of
from keras_gan_zoo.errors import InputError
from tests.by_hand import SEED, derivative, softplus
from tests.equality import build, conditions_of, given
from tests.games import SGD, Kill, state
from tests.helpers import assert_same, weights_of


def unet(**arguments):
    options = {"width": 4, "depth": 2, "receptive_field": 16, "seed": 0, **arguments}
    return kgz.Pix2Pix.for_images((8, 8, 3), source_shape=(8, 8, 1), **options)


def pictures(n, *shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, *shape), dtype=np.uint8)


@pytest.fixture(scope="module")
def model():
    return unet()


SOURCES, TARGETS = pictures(16, 8, 8, 1), pictures(16, 8, 8, 3, seed=1)

# ------------------------------------------------------------------------------------------------------- the algorithm


def player(weights, *names):
    """A linear function of one number of a picture, or of one of two pictures."""
    inputs = [keras.Input((1, 1, 1), name=name) for name in names]
    layer = keras.layers.Dense(1)
    model = keras.Model(inputs, layer(keras.layers.Concatenate()(inputs) if len(inputs) > 1 else inputs[0]))
    layer.set_weights([np.reshape(weights[:-1], (-1, 1)), np.reshape(weights[-1], 1)])
    return model


def linear(weights, *x):
    return sum(weight * value for weight, value in zip(weights, x, strict=False)) + weights[-1]


def modulus(x):
    return np.where(np.real(x) < 0, -x, x)  # analytic, for complex steps


SOURCE, TARGET = np.array([0.5, -0.4, 0.1, -1.0]), np.array([0.4, -0.2, 0.9, 1.0])
START = np.array([0.7, -0.2])
JUDGES = {"both": np.array([1.3, 0.4, -0.6]), "target": np.array([1.3, -0.6])}


@pytest.mark.parametrize("sees", JUDGES)
@pytest.mark.parametrize(("content", "distance"), [("l1", modulus), ("mse", np.square)])
@pytest.mark.parametrize("pretrain_steps", [0, 1])
def test_a_step_is_that_of_the_papers(float64, sees, content, distance, pretrain_steps):
    rate, adversarial, weight, half = 0.2, 0.7, 3.0, 0.5
    g, d = START, JUDGES[sees]

    def score(d, picture):
        return linear(d, picture, SOURCE) if sees == "both" else linear(d, picture)

    def d_loss(d):
        return half * (softplus(-score(d, TARGET)) + softplus(score(d, linear(g, SOURCE)))).mean()

    after_d = d if pretrain_steps else d - rate * derivative(d_loss, d)

    def g_loss(g):
        made = linear(g, SOURCE)
        fooled = 0 if pretrain_steps else adversarial * softplus(-score(after_d, made)).mean()
        return fooled + weight * distance(TARGET - made).mean()

    after_g = g - rate * derivative(g_loss, g)

    names = ("examples", "condition")[: 2 if sees == "both" else 1]
    options = {"adversarial_weight": adversarial, "content_weight": weight, "discriminator_weight": half}
    options |= {"content": content, "pretrain_steps": pretrain_steps, "seed": SEED}
    model = kgz.Translator(player(g, "condition"), player(d, *names), **options)
    model.compile(SGD(rate), SGD(rate))
    logs = model.train_on_batch(*(x.reshape(4, 1, 1, 1) for x in (SOURCE, TARGET)), return_dict=True)
    for network, expected in ((model.discriminator, after_d), (model.generator, after_g)):
        np.testing.assert_allclose(np.concatenate([np.ravel(w) for w in network.weights]), expected, atol=1e-12)
    error = TARGET - linear(g, SOURCE)
    expected = [0 if pretrain_steps else d_loss(d), g_loss(g), np.abs(error).mean()]
    np.testing.assert_allclose([logs["d_loss"], logs["g_loss"], logs["l1"]], expected, rtol=1e-6)
    assert logs["psnr"] == pytest.approx(10 * np.log10(2**2 / np.square(error).mean()), rel=1e-6)


@pytest.mark.parametrize("has_state", [False, True])  # which no branch of a graph may leave out
def test_first_steps_are_on_content_alone(has_state):
    def trained(**execution):
        judge = player(JUDGES["target"], "examples")
        if has_state:
            picture = keras.Input((1, 1, 1))
            judge = keras.Model(picture, judge(keras.layers.BatchNormalization()(picture)))
        model = kgz.Translator(player(START, "condition"), judge, pretrain_steps=2, content="mse", seed=SEED)
        model.compile(SGD(0.1), SGD(0.1, momentum=0.9), **execution)
        losses, before = [], weights_of(model.discriminator)[-2:]
        for _ in range(3):
            unchanged = all(map(np.array_equal, before, weights_of(model.discriminator)[-2:]))
            batch = (x.reshape(4, 1, 1, 1) for x in (SOURCE, TARGET))
            losses.append((unchanged, model.train_on_batch(*batch, return_dict=True)["d_loss"]))
        return losses, [*weights_of(model), *(np.array(each) for each in model.discriminator_optimizer.variables)]

    (losses, weights), (_, eager) = trained(), trained(run_eagerly=True)
    assert [unchanged for unchanged, _ in losses] == [True, True, True]
    assert [loss == 0 for _, loss in losses] == [True, True, False]
    for a, b in zip(weights, eager, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


def test_esrgans_loss_is_an_argument(float64):
    """Each score counts relative to the mean score of the other side, for both players."""
    options = {"loss": "relativistic_average", "adversarial_weight": 0.3, "pretrain_steps": 0, "seed": SEED}
    model = kgz.SRGAN(player(START, "condition"), player(JUDGES["target"], "examples"), **options)
    model.compile(SGD(0.0), SGD(0.0))
    logs = model.train_on_batch(*(x.reshape(4, 1, 1, 1) for x in (SOURCE, TARGET)), return_dict=True)
    made = linear(START, SOURCE)
    real, fake = (linear(JUDGES["target"], x) for x in (TARGET, made))
    lead = real - fake.mean(), fake - real.mean()
    d_loss = softplus(-lead[0]).mean() + softplus(lead[1]).mean()
    g_loss = 0.3 * (softplus(lead[0]).mean() + softplus(-lead[1]).mean()) + np.square(TARGET - made).mean()
    np.testing.assert_allclose([logs["d_loss"], logs["g_loss"]], [d_loss, g_loss], rtol=1e-6)


# ---------------------------------------------------------------------------------------------------------------- order


class Batches(keras.utils.PyDataset):
    num_batches = 2

    def __getitem__(self, index):
        return SOURCES[8 * index : 8 * index + 8], TARGETS[8 * index : 8 * index + 8]


def test_sources_come_first_wherever_they_come_from():
    halves = [(SOURCES[:8], TARGETS[:8]), (SOURCES[8:], TARGETS[8:])]
    ways = {
        "arrays": ((SOURCES, TARGETS), 8),
        "dataset": ((kgz.data.Dataset(TARGETS, conditions=SOURCES),), 8),
        "tf.data": ((tf.data.Dataset.from_tensor_slices((SOURCES, TARGETS)).batch(8),), None),
        "generator": ((iter(halves),), None),
        "PyDataset": ((Batches(),), None),
    }
    results = []
    for data, batch_size in ways.values():
        model = unet(depth=1)
        model.compile(run_eagerly=True)
        model.fit(*data, batch_size=batch_size, shuffle=False, verbose=0)
        results.append(weights_of(model))
    for result in results[1:]:
        assert_same(results[0], result)
    figures = [
        model.evaluate(*data, verbose=0, return_dict=True)
        for data, _ in (ways["arrays"], ways["tf.data"], ways["PyDataset"])
    ]
    for other in figures[1:]:
        assert figures[0] == pytest.approx(other, rel=1e-4)
    on_batch = model.test_on_batch(SOURCES, TARGETS, return_dict=True)
    assert on_batch["l1"] == pytest.approx(figures[0]["l1"], rel=1e-4)


EXCHANGED = r"Expected targets .*\(8, 8, 3\)\. Received: \(8, 8, 1\)\. .*sources, which come first: fit\(sources, tar"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ((TARGETS, SOURCES), EXCHANGED),
        ((tf.data.Dataset.from_tensor_slices((TARGETS, SOURCES)).batch(8),), EXCHANGED),
        ((iter([(TARGETS, SOURCES)]),), EXCHANGED),
        (((SOURCES, TARGETS),), r"Received: tuple\. Pass sources and targets, as in fit\(sources, targets\)"),
        ((kgz.data.Dataset(SOURCES), TARGETS), r"Pass data\.Dataset\(targets, conditions=sources\)"),
        ((SOURCES.astype("int64"), TARGETS), r"in uint8, or as floats.*Received: int64.*conditions.astype\('uint8'\)"),
        ((TARGETS,), "Expected pairs of pictures"),
        ((SOURCES[:8], TARGETS), r"Expected a source for each of 16 targets\. Received: 8\."),
        ((iter([(SOURCES[:8], TARGETS)]),), r"Expected a source for each of 16 targets\. Received: 8\."),
        ((SOURCES[:, :4], TARGETS), r"Expected pictures \(8, 8, 1\) as sources.* Received: pictures \(4, 8, 1\)"),
        (
            (tf.data.Dataset.from_tensor_slices(TARGETS).batch(8),),
            r"Expected sources, pictures \(8, 8, 1\), and their targets.*batches \(sources, targets\)",
        ),
        (
            (tf.data.Dataset.from_tensor_slices((SOURCES, TARGETS.astype("int64"))).batch(8),),
            r"dataset.map\(lambda sources, targets: \(sources, tf.cast\(targets, 'uint8'\)\)\)",
        ),
    ],
)
def test_data_that_do_not_fit_are_refused(model, data, message):
    model.compile(run_eagerly=True)
    with pytest.raises(InputError, match=message):
        model.fit(*data, verbose=0)


# ------------------------------------------------------------------------------------------------------------- measures


def identity(shape=(8, 8, 3)):
    """A translator that changes nothing, and will not."""
    picture = keras.Input(shape, name="condition")
    examples = keras.Input(shape, name="examples")
    generator = keras.Model(picture, keras.layers.Conv2D(3, 1)(picture))
    judge = keras.Model(examples, keras.layers.Conv2D(1, 1)(examples))
    model = kgz.Translator(generator, judge, seed=0)
    model.compile(SGD(0.0), SGD(0.0), run_eagerly=True)
    model.generator.layers[-1].set_weights([np.eye(3).reshape(1, 1, 3, 3), np.zeros(3)])
    return model


def test_what_evaluate_measures():
    """Pictures of one value each, of which SSIM compares the means only; one of them is exactly right."""
    sources, targets = np.full((2, 16, 16, 3), -0.2), np.full((2, 16, 16, 3), -0.2)
    targets[1] = 0.4
    found = identity((16, 16, 3)).evaluate(sources, targets, batch_size=1, verbose=0, return_dict=True)
    assert found["l1"] == pytest.approx(0.3, rel=1e-5)
    assert found["psnr"] == pytest.approx(10 * np.log10(4 / 0.18), rel=1e-5)  # of the mean of 0 and 0.36
    a, b, c = 0.8, 1.4, (0.01 * 2) ** 2
    assert found["ssim"] == pytest.approx((1 + (2 * a * b + c) / (a**2 + b**2 + c)) / 2, rel=1e-3)
    same = identity((16, 16, 3)).evaluate(sources, sources, verbose=0, return_dict=True)
    assert (same["l1"], same["psnr"], same["ssim"]) == (0, np.inf, pytest.approx(1, abs=1e-3))


# ------------------------------------------------------------------------------------------------------------ translate


def test_pictures_are_translated(model):
    made = model.translate(SOURCES)
    assert (made.shape, made.dtype) == ((16, 8, 8, 3), np.float32)
    for same in (model.translate(SOURCES / np.float32(127.5) - 1), model.translate(SOURCES[..., 0])):
        np.testing.assert_array_equal(made, same)
    np.testing.assert_allclose(made[:3], model.sample(3, conditions=SOURCES[:3]), atol=1e-6)


def test_what_is_used_is_the_averaged_generator():
    model = unet(ema_decay=0.9)
    model.generator.set_weights([np.zeros_like(weight) for weight in model.generator.get_weights()])
    assert np.abs(model.translate(SOURCES)).max() > 0


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            SOURCES[0],
            r"pictures \(n, 8, 8, 1\), or .*\. Received: \(8, 8, 1\)\. Put the picture into a batch: pictures\[None\]",
        ),
        (TARGETS, r"Received: \(16, 8, 8, 3\)\. Resize them, or change their channels"),
        (SOURCES[:0], r"Received: \(0, 8, 8, 1\)"),
        (SOURCES.astype(np.float32), r"in \[-1, 1\], or uint8\. Received: values from"),
    ],
)
def test_pictures_that_do_not_fit_are_refused(model, given, message):
    with pytest.raises(InputError, match=message):
        model.translate(given)


@pytest.mark.parametrize("kind", ["pix2pix", "cycle_gan", "context_encoder"])
def test_a_file_holds_the_players_and_no_other_networks(kind, tmp_path):
    """Keras saves every network that an attribute gives, under the first name that it meets."""
    options = {"residual_blocks": 1} if kind == "cycle_gan" else {}
    model = kgz.VARIANTS[kind].for_images((8, 8, 3), width=2, ema_decay=0.9, seed=0, **options)
    model.compile()
    model.translate(pictures(1, 16, 16, 3) if model.free_size else pictures(1, 8, 8, 3))
    model.save(tmp_path / "model.keras")
    with zipfile.ZipFile(tmp_path / "model.keras") as file, h5py.File(file.open("model.weights.h5")) as weights:
        players = {"generator", "ema_generator", "discriminator"}
        assert {*weights} == {*players, "generator_optimizer", "discriminator_optimizer", "vars"}


def test_other_models_translate_nothing():
    with pytest.raises(InputError, match=r"Expected a model that translates pictures.*takes noise\. Use sample"):
        kgz.DCGAN.for_images((8, 8, 1), 2, width=2).translate(SOURCES)
    dcgan = kgz.DCGAN.for_images((8, 8, 1), 2, width=2)
    with pytest.raises(InputError, match="Expected a generator that takes only pictures"):
        kgz.Translator(dcgan.generator, dcgan.discriminator)
    with pytest.raises(InputError, match="Expected an architecture that takes pictures, such as 'unet'"):
        kgz.Pix2Pix.for_images((8, 8, 3), architecture="dcgan")
    with pytest.raises(InputError, match="Unknown content loss 'l3'"):
        unet(content="l3")


# ---------------------------------------------------------------------------------------------------------------- holes


@pytest.fixture(scope="module")
def painter():
    model = kgz.ContextEncoder.for_images(
        (8, 8, 3), region=(1, 2, 4, 3), width=2, bottleneck_units=4, normalization="none", seed=0
    )
    for weight in model.trainable_variables:
        weight.assign(np.random.default_rng(1).normal(0, 0.3, weight.shape))
    return model


def holed(images, values):
    images = images.copy()
    images[:, 1:5, 2:5] = values
    return images


def test_only_the_hole_is_painted_from_what_is_around_it(painter):
    images = TARGETS / np.float32(127.5) - 1
    made = painter.translate(images)
    np.testing.assert_array_equal(holed(made, 0), holed(images, 0))
    assert not np.array_equal(made, images)
    np.testing.assert_array_equal(made, painter.translate(holed(images, 1)))
    assert not np.array_equal(made, painter.translate(holed(-images, 0)))


def test_only_the_hole_is_judged_and_compared(painter):
    images, others = (tf.constant(x / np.float32(127.5) - 1) for x in (TARGETS, pictures(16, 8, 8, 3, seed=3)))
    same_hole = tf.constant(holed(others.numpy(), images.numpy()[:, 1:5, 2:5]))
    np.testing.assert_array_equal(painter.score(images, None), painter.score(same_hole, None))
    assert float(painter.content_loss(images, same_hole)) == 0
    expected = np.square(images - others)[:, 1:5, 2:5].mean()
    assert float(painter.content_loss(images, others)) == pytest.approx(expected, rel=1e-5)


def test_a_painter_is_saved_with_its_region(painter, tmp_path):
    painter.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert again.region == (1, 2, 4, 3)
    np.testing.assert_array_equal(*(model.translate(TARGETS) for model in (painter, again)))


@pytest.mark.parametrize(
    ("region", "message"),
    [
        ("middle", "Expected a region as 'centre' or"),
        ((0, 0, 8, 8), "smaller than they are"),
        ((5, 0, 4, 4), "within pictures of 8 x 8 pixels"),
        ((0, 0, 0, 4), "in whole pixels"),
        ("1,2,3", "in whole pixels"),
        (4, "in whole pixels"),
        (np.array([0, 0, 4]), "in whole pixels"),
    ],
)
def test_impossible_regions_are_refused(region, message):
    with pytest.raises(InputError, match=message):
        kgz.ContextEncoder.for_images((8, 8, 3), region=region)


def test_regions():
    assert region_of("centre", (8, 12, 3)) == region_of("2, 3,4,6", (8, 12, 3)) == (2, 3, 4, 6)
    assert region_of(np.array([0, 0, 8, 1]), (8, 12, 3)) == (0, 0, 8, 1)
    with pytest.raises(InputError, match=r"at least 2 x 2 pixels, to cut out their centre\. Received: 8 x 1"):
        region_of("centre", (8, 1, 3))


def test_networks_of_other_holes_are_refused(painter):
    with pytest.raises(InputError, match=r"Expected a generator that makes the hole, \(4, 4, 3\)"):
        kgz.ContextEncoder(painter.painter, painter.discriminator.layers[-1], region="centre")


# ------------------------------------------------------------------------------------------------------ sources made


def test_sources_are_made_of_pictures():
    images = pictures(8, 8, 8, 1)
    small = kgz.data.Downscaled(2)(images)
    runs = []
    for data in ((images,), (small, images)):
        model = kgz.SRGAN.for_images((8, 8, 1), scale=2, width=2, residual_blocks=1, seed=0)
        model.compile(run_eagerly=True)
        model.fit(*data, batch_size=8, verbose=0)
        runs.append(weights_of(model))
    assert_same(*runs)


IMAGES, SMALL = pictures(8, 8, 8, 3), pictures(8, 4, 4, 3)


@pytest.mark.parametrize("sources", [SMALL[:, ::2, ::2], IMAGES, SMALL[..., :1]], ids=["small", "large", "grey"])
def test_sources_that_are_given_are_never_replaced(sources):
    """Even where sources would be made of pictures without any."""
    model = kgz.SRGAN.for_images((8, 8, 3), scale=2, width=2, residual_blocks=1, seed=0)
    model.compile(run_eagerly=True)
    message = (
        rf"Expected sources \(4, 4, 3\). Received: {re.escape(str(sources.shape[1:]))}.* by degradation='downscaled:2'"
    )
    for call in (
        lambda: model.fit(sources, IMAGES, verbose=0),
        lambda: model.fit(SMALL, IMAGES, batch_size=8, verbose=0, validation_data=(sources, IMAGES)),
        lambda: model.evaluate(kgz.data.Dataset(IMAGES, conditions=sources), verbose=0),
    ):
        with pytest.raises(InputError, match=message):
            call()


def test_an_srgan_that_does_not_enlarge_makes_no_sources():
    model = kgz.SRGAN(*kgz.networks.unet_pair((8, 8, 3), width=2), seed=0)
    model.compile(run_eagerly=True)
    with pytest.raises(InputError, match="Expected pairs of pictures"):
        model.fit(IMAGES, batch_size=8, verbose=0)


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["pix2pix", "srgan", "context_encoder"])
def test_a_killed_run_goes_on_to_the_same_bits(variant, images, labels, tmp_path):
    kind = kgz.VARIANTS[variant]
    batch = given(kind, images, conditions_of(kind, labels))

    def trained(*callbacks):
        model = build(variant, ema_decay=0.9)
        model.compile(run_eagerly=True)
        snapshots = kgz.callbacks.Snapshots(tmp_path / "snapshots", every_steps=2) if callbacks else None
        model.fit(*batch, batch_size=8, epochs=2, verbose=0, callbacks=[*filter(None, [snapshots]), *callbacks])
        return state(model)

    expected = trained()
    with pytest.raises(RuntimeError, match="killed"):
        trained(Kill(7))
    assert_same(expected, trained(keras.callbacks.Callback()))


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["srgan", "context_encoder"])
def test_several_steps_per_execution_give_the_same_weights(variant, images, labels):
    """To the bit. The graph of several steps may sum the mean of a logged loss in another order."""
    kind = kgz.VARIANTS[variant]
    batch = given(kind, images, conditions_of(kind, labels))

    def trained(steps):
        model = build(variant)
        model.compile(steps_per_execution=steps)
        history = model.fit(*batch, batch_size=8, epochs=2, verbose=0).history
        return weights_of(model), [history["d_loss"], history["g_loss"]]

    (one, losses), (several, others) = trained(1), trained(3)
    assert_same(one, several)
    np.testing.assert_allclose(losses, others, atol=1e-6)


# ------------------------------------------------------------------------------------------------------------- pictures


def test_pictures_of_a_run_show_sources_translations_and_targets(tmp_path, model):
    show = kgz.callbacks.SamplePictures(tmp_path)
    show.set_model(model)
    show.begin(kgz.data.Dataset(TARGETS, conditions=SOURCES))
    picture = np.asarray(show.draw())
    assert picture.shape[1] * 8 > picture.shape[0] * 5  # 6 columns of 8 rows
    drawn = kgz.pictures.draw_translations(model, SOURCES[:1], TARGETS[:1])
    pixels = np.asarray(drawn)[:: drawn.height // 8, :: drawn.height // 8][:8]
    np.testing.assert_array_equal(pixels[:, :8], np.repeat(SOURCES[0], 3, axis=-1))
    np.testing.assert_array_equal(pixels[:, 18:26], TARGETS[0])


def test_label_maps_are_painted():
    avatars = kgz.data.paired(kgz.data.load("avatars", split="test[:4]"))
    model = kgz.Pix2Pix.for_images((16, 16, 3), source_shape=avatars.source_shape, width=2, seed=0)
    drawn = np.asarray(kgz.pictures.draw_translations(model, avatars.sources, avatars.targets))
    side = 16 * (len(drawn) // (4 * 17 - 1))  # of a picture, in a column of four that is enlarged
    colours = {tuple(colour) for colour in drawn[:side, :side].reshape(-1, 3).tolist()}  # of the first map
    parts = len(np.unique(avatars.sources[0].argmax(axis=-1)))
    assert len(colours) == parts
    assert (255, 255, 255) in colours  # the background
