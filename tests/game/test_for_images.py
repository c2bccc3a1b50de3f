"""`for_images`: any variant with any architecture, from names and numbers."""

import inspect

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_gan_zoo as kgz
from keras_gan_zoo import networks
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.game.for_images import ForImages
from tests.equality import CLASSES, PAIRS, tiny_networks
from tests.helpers import assert_same, weights_of

IMAGES_ONLY = ("dcgan", "conditional_dcgan", "resnet", "biggan", "r3gan", "text_dcgan", "stackgan", "bigan", "vae")
FOR_IMAGES = (*IMAGES_ONLY, *networks.BETWEEN_PICTURES)
OF_ONE = [name for name in networks.ARCHITECTURES if name not in networks.OF_PARTS]
TINY_NETWORKS = {architecture: tiny_networks(architecture) for architecture in networks.ARCHITECTURES}


def networks_of(variant, architecture):
    decided = {"text_dim"} if kgz.VARIANTS[variant].takes_texts else set()  # by the encoder
    return {name: size for name, size in TINY_NETWORKS[architecture].items() if name not in decided}


def fits(variant, architecture):
    """Whether a variant's networks may be of an architecture: texts, pictures and classes are not taken together."""
    kind, takes_pictures = kgz.VARIANTS[variant], architecture in networks.BETWEEN_PICTURES
    takes_texts = "text_dim" in TINY_NETWORKS[architecture]
    if kind.parts or architecture in networks.OF_PARTS:
        return kind.parts == networks.OF_PARTS.get(architecture)
    if variant == "context_encoder":
        return architecture == variant
    if kind.takes_texts or kind.takes_pictures:
        return takes_texts if kind.takes_texts else takes_pictures
    return variant != "conditional_gan" or not (takes_texts or takes_pictures)


def makes(variant, architecture):
    """The shape of the examples: networks that fill a hole make that, except in their own variant."""
    return (4, 4, 1) if architecture == "context_encoder" != variant else (8, 8, 1)


def players(gan):
    """Those that the architecture has built."""
    networks_of_gan = [player.network for player in gan.players.values()]
    return [gan.painter, gan.discriminator.layers[-1]] if type(gan) is kgz.ContextEncoder else networks_of_gan


def build(variant, architecture, shape=(8, 8, 1), **arguments):
    needs = kgz.VARIANTS[variant].needs_labels or architecture.startswith("conditional")
    arguments = {"num_classes": CLASSES if needs else None, **networks_of(variant, architecture), **arguments}
    return kgz.VARIANTS[variant].for_images(shape, 4, architecture=architecture, **arguments)


@pytest.fixture
def normalized():
    """Builds a tiny GAN with spectral normalisation."""

    def build_normalized(architecture, shape=(16, 16, 1), **arguments):
        return build("gan", architecture, shape, **{"spectral_normalization": True, "seed": 0, **arguments})

    return build_normalized


# ------------------------------------------------------------------------------------------------ variants and networks


@pytest.mark.parametrize("variant", kgz.VARIANTS)
@pytest.mark.parametrize("architecture", TINY_NETWORKS)
def test_every_variant_takes_every_architecture(variant, architecture):
    if not fits(variant, architecture):
        with pytest.raises(
            InputError, match=r"Expected (an architecture (that takes|of)|no classes|a generator that makes the hole)"
        ):
            build(variant, architecture)
        return
    gan = build(variant, architecture)
    assert type(gan) is kgz.VARIANTS[variant]
    assert gan.example_shape == makes(variant, architecture)
    assert gan.latent_shape == (None if architecture in networks.BETWEEN_PICTURES else (4,))
    assert not gan.has_discriminator or gan.score_shape in [(1,), (4, 4, 1)]
    paper = {**kgz.VARIANTS[variant].paper_networks((8, 8, 1))}
    of_paper = paper if paper.pop("architecture") == architecture else {}  # such as a critic without normalisation
    pair = networks.ARCHITECTURES[architecture](
        (8, 8, 1), 4, gan.num_classes, **networks_of(variant, architecture), **of_paper
    )
    if gan.spectral_normalization:
        normalized = [networks.spectrally_normalized(player) for player in pair]
        pair = normalized if gan.normalizes_generator else (pair[0], normalized[1])
    for player, expected in zip(players(gan), pair, strict=True):
        assert [type(layer) for layer in player.layers] == [type(layer) for layer in expected.layers]


@pytest.mark.parametrize("architecture", [name for name in OF_ONE if name not in FOR_IMAGES])
def test_every_perceptron_takes_vectors(architecture):
    gan = build("gan", architecture, (5,))
    assert gan.example_shape == (5,)
    assert gan.generator.layers[-1].activation is keras.activations.linear


@pytest.mark.parametrize(
    ("variant", "image_layer", "vector_layer"),
    [
        ("gan", "Maxout", "Maxout"),
        ("conditional_gan", "Maxout", "Maxout"),
        ("wgan", "Conv2D", "Dense"),
        ("wgan_gp", "Conv2D", "Dense"),
        ("bigan", "Conv2D", "Dense"),
        ("fgan", "Dense", "Dense"),
        ("vae", "Conv2D", "Dense"),
    ],
)
def test_by_default_the_networks_are_those_of_the_paper(variant, image_layer, vector_layer):
    for shape, expected in (((8, 8, 1), image_layer), ((2,), vector_layer)):
        num_classes = CLASSES if kgz.VARIANTS[variant].needs_labels else None
        gan = kgz.VARIANTS[variant].for_images(shape, num_classes=num_classes)
        last = list(gan.players.values())[-1].network
        first = next(layer for layer in last.layers if layer.weights)
        first = first if gan.has_discriminator else next(layer for layer in first.layers if layer.weights)
        assert type(first).__name__ == expected
        assert gan.latent_shape == (100,)


@pytest.mark.parametrize(("variant", "other"), [("dcgan", "mlp"), ("vae", "vae_mlp"), ("bigan", "bigan_mlp")])
def test_dcgan_networks_refuse_other_sizes_and_name_networks_that_take_them(variant, other):
    with pytest.raises(InputError, match=f"choose another architecture, such as '{other}'"):
        kgz.VARIANTS[variant].for_images((9, 9, 1), architecture=variant)
    assert kgz.VARIANTS[variant].for_images((9, 9, 1), architecture=other).example_shape == (9, 9, 1)


@pytest.mark.parametrize("num_classes", [-1, 2.5])
def test_pairs_refuse_impossible_numbers_of_classes(num_classes):
    with pytest.raises(InputError, match="Expected num_classes to be a whole number"):
        networks.resnet_pair((8, 8, 1), num_classes=num_classes)


# ------------------------------------------------------------------------------------------------------------ mistakes


@pytest.mark.parametrize(
    ("variant", "arguments", "message"),
    [
        ("gan", {"architecture": "dcgn"}, "Unknown architecture 'dcgn'.*Did you mean 'dcgan'"),
        (
            "gan",
            {"architecture": "transformer"},
            f"Expected one of: {', '.join(sorted(networks.ARCHITECTURES))}.",
        ),
        ("gan", {"widht": 8, "architecture": "dcgan"}, "GAN.for_images 'widht'.*Did you mean 'width'"),
        ("gan", {"width": 8}, "Unknown argument of GAN.for_images 'width'"),  # maxout networks have none
        ("dcgan", {"generator_units": 8}, "Unknown argument of DCGAN.for_images 'generator_units'"),
        ("wgan", {"penalty_weight": 1}, "Unknown argument of WGAN.for_images 'penalty_weight'"),
        ("wgan_gp", {"clip": 1}, "Unknown argument of WGANGP.for_images 'clip'"),
        ("fgan", {"divergance": "kl"}, "Did you mean 'divergence'"),
        ("gan", {"generator": None}, "Unknown argument of GAN.for_images 'generator'"),
        ("dcgan", {"discriminator_normalization": "bach"}, "Did you mean 'batch'"),
        ("gan", {"loss": "hinges"}, "Did you mean 'hinge'"),
        ("gan", {"seed": -1}, "seed from 0"),
        ("gan", {"class_names": ["a", "a"]}, "Expected a different name for each class. Received: 'a' twice"),
    ],
)
def test_mistakes_are_named(variant, arguments, message):
    with pytest.raises(InputError, match=message):
        kgz.VARIANTS[variant].for_images((8, 8, 1), **arguments)


@pytest.mark.parametrize("size", [0, -1, 2.5, True, "3"])
@pytest.mark.parametrize(
    ("architecture", "name"),
    [("mlp", "latent_dim"), ("mlp", "units"), ("dcgan", "width"), ("maxout", "pieces"), ("elu", "generator_units")]
    + [("conditional_dcgan", name) for name in ("width", "generator_units", "discriminator_units", "latent_dim")]
    + [(maxout, name) for maxout in ("maxout", "conditional_maxout") for name in ("generator_units", "latent_dim")],
)
def test_impossible_sizes_of_networks_are_named(architecture, name, size):
    with pytest.raises(InputError, match=f"Expected {name} to be a whole number of at least 1. Received: {size!r}"):
        kgz.GAN.for_images((8, 8, 1), num_classes=2, architecture=architecture, **{name: size})


def test_sizes_may_be_numpy_integers():
    gan = kgz.GAN.for_images(np.array([8, 8, 1]), np.int64(3), architecture="mlp", units=np.int64(4), depth=np.int64(1))
    assert gan.latent_shape == (3,)
    with pytest.raises(InputError, match="Expected depth"):
        kgz.GAN.for_images((2,), architecture="mlp", depth=-1)


@pytest.mark.parametrize("shape", [8, None, (), "88", (8.0, 8, 1), (0,), (-2,)])
def test_impossible_shapes_are_named(shape):
    with pytest.raises(InputError, match="Expected the shape of an example"):
        kgz.GAN.for_images(shape, architecture="mlp")


# ------------------------------------------------------------------------------------------------------------ defaults


@pytest.mark.parametrize("shape", [(8, 8, 1), (2,)], ids=str)
@pytest.mark.parametrize("variant", kgz.VARIANTS)
def test_defaults_spelled_out_are_the_defaults(variant, shape):
    kind = kgz.VARIANTS[variant]
    if len(shape) == 1 and kind.paper_networks(shape)["architecture"] in FOR_IMAGES:
        pytest.skip("for images only")
    num_classes = CLASSES if kind.needs_labels else None
    defaults = kind.default_arguments(shape)
    assert None not in defaults.values()
    plain = kind.for_images(shape, 100, num_classes, seed=0)
    spelled_out = kind.for_images(shape, 100, num_classes, seed=0, **defaults)
    assert_same(weights_of(plain), weights_of(spelled_out))
    first, second = (
        {k: v for k, v in gan.get_config().items() if k not in ("name", *gan.players)} for gan in (plain, spelled_out)
    )
    assert first == second


@pytest.mark.parametrize("variant", kgz.VARIANTS)
def test_defaults_name_every_argument_of_the_constructor(variant):
    kind = kgz.VARIANTS[variant]
    defaults = kind.default_arguments((8, 8, 1))
    for base in kind.__mro__[: kind.__mro__.index(ForImages)]:
        for name, parameter in inspect.signature(base.__init__).parameters.items():
            if parameter.kind is parameter.KEYWORD_ONLY and parameter.default is not None:
                assert name in defaults


@pytest.mark.parametrize(
    ("variant", "k"),
    [
        *((name, 1) for name in ("gan", "dcgan", "conditional_gan", "r3gan")),
        ("wgan", 5),
        ("wgan_gp", 5),
        ("sngan", 5),
        ("biggan", 2),
    ],
)
def test_the_discriminator_steps_of_the_papers(variant, k):
    assert kgz.VARIANTS[variant].default_arguments((8, 8, 1))["discriminator_steps"] == k


def test_defaults_depend_on_the_architecture():
    wgan = kgz.WGAN.default_arguments((8, 8, 1))
    assert (wgan["architecture"], wgan["discriminator_normalization"], wgan["width"]) == ("dcgan", "none", 32)
    assert kgz.WGAN.default_arguments((8, 8, 1), "dcgan") == wgan
    mlp = kgz.WGAN.default_arguments((8, 8, 1), "mlp")
    assert (mlp["architecture"], mlp["units"]) == ("mlp", 128)
    assert "discriminator_normalization" not in mlp
    assert kgz.DCGAN.default_arguments((8, 8, 1))["discriminator_normalization"] == "batch"
    with pytest.raises(InputError, match="Unknown architecture"):
        kgz.WGAN.default_arguments((8, 8, 1), "mpl")


# ----------------------------------------------------------------------------------------------------- initial weights


@pytest.mark.parametrize("architecture", TINY_NETWORKS)
@pytest.mark.parametrize("spectral_normalization", [False, True])
def test_the_seed_fixes_the_initial_weights(architecture, spectral_normalization):
    def weights(global_seed, seed):
        keras.utils.set_random_seed(global_seed)
        variant = "gan" if architecture in OF_ONE else architecture.removesuffix("_mlp")
        gan = build(variant, architecture, seed=seed, spectral_normalization=spectral_normalization)
        return [weights_of(player.network) for player in gan.players.values()]

    if spectral_normalization and architecture not in PAIRS:
        with pytest.raises(InputError, match="no spectral_normalization, because VAE has no discriminator"):
            weights(1, 5)
        return
    first, second, other = weights(1, 5), weights(2, 5), weights(1, 6)
    for player, expected in enumerate(second):
        assert_same(first[player], expected)
        assert any(not np.array_equal(a, b) for a, b in zip(first[player], other[player], strict=True))


# ----------------------------------------------------------------------------------------------- spectral normalisation


@pytest.mark.parametrize("architecture", OF_ONE)
def test_every_kernel_of_the_discriminator_has_largest_singular_value_1(architecture, normalized):
    gan = normalized(architecture)
    wrapped = [x for x in gan.discriminator.layers if isinstance(x, keras.layers.SpectralNormalization)]
    plain = build("gan", architecture, (16, 16, 1), seed=0)
    assert len(wrapped) == sum(hasattr(layer, "kernel") for layer in plain.discriminator.layers)
    assert len(wrapped) >= 2
    rng = np.random.default_rng(0)
    images = tf.constant(rng.uniform(-1, 1, (2, *gan.example_shape)).astype("float32"))
    labels = tf.constant([0, 1]) if gan.has_classes else None
    if labels is None and gan.conditional:
        labels = tf.random.normal((2, *gan.condition.shape))
    training_pass = tf.function(lambda: gan.score(images, labels))
    for _ in range(100):
        training_pass()
    for layer in wrapped:
        kernel = np.array(layer.layer.kernel)
        largest = np.linalg.svd(kernel.reshape(-1, kernel.shape[-1]), compute_uv=False)[0]
        assert largest == pytest.approx(1, abs=0.02)
    assert not [x for x in gan.generator.layers if isinstance(x, keras.layers.SpectralNormalization)]


def test_before_training_the_weights_are_those_without_normalisation(normalized):
    first, second = normalized("dcgan"), build("gan", "dcgan", (16, 16, 1), seed=0)
    kernels = [list(gan.discriminator.trainable_variables) for gan in (first, second)]
    assert len(kernels[0]) == len(kernels[1])
    assert_same(*kernels)


def test_inference_does_not_move_the_kernels(normalized):
    gan = normalized("mlp", (2,))
    gan.compile()
    before = weights_of(gan)
    gan.evaluate(np.zeros((4, 2)), verbose=0)
    assert_same(before, weights_of(gan))


@pytest.mark.slow
def test_a_normalised_discriminator_trains_and_goes_on_after_loading(normalized, tmp_path):
    gan = normalized("maxout", (2,))
    gan.compile("adam", "adam")
    data = np.random.default_rng(0).standard_normal((16, 2))
    gan.fit(data, batch_size=8, verbose=0)
    gan.save(tmp_path / "gan.keras")
    again = keras.saving.load_model(tmp_path / "gan.keras")
    for model in (gan, again):
        model.fit(data, batch_size=8, verbose=0)
    assert_same(weights_of(gan), weights_of(again))


@pytest.mark.parametrize("variant", ["wgan", "wgan_gp", "r3gan", "sngan", "biggan"])
def test_a_bound_on_the_slope_goes_without_batch_normalisation_by_default(variant):
    """Which would divide by what the other examples of a batch happen to be."""
    arguments = {"architecture": "dcgan", "width": 2, "seed": 0}
    for given, expected in (({}, False), ({"discriminator_normalization": "layer"}, True)):
        gan = kgz.VARIANTS[variant].for_images((16, 16, 1), **arguments, **given)
        kinds = [type(getattr(layer, "layer", layer)).__name__ for layer in gan.discriminator.layers]
        assert any(kind.endswith("Normalization") for kind in kinds) == expected


def test_a_network_is_normalised_spectrally_once():
    _, discriminator = kgz.networks.mlp_pair((2,))
    once = kgz.networks.spectrally_normalized(discriminator)
    with pytest.raises(InputError, match=r"not normalised spectrally yet. Received: one with"):
        kgz.networks.spectrally_normalized(once)
    with pytest.raises(InputError, match=r"Expected a functional or sequential Keras model.*Received: a str"):
        kgz.networks.spectrally_normalized("discriminator")
    with pytest.raises(InputError, match=r"Expected spectral_normalization True or False. Received: 'no'"):
        kgz.GAN.for_images((2,), spectral_normalization="no")
    with pytest.raises(InputError, match=r"Expected a list of class names. Received: the text 'ab'"):
        kgz.GAN.for_images((2,), class_names="ab")


@pytest.mark.parametrize("pair", [kgz.networks.dcgan_pair, kgz.networks.resnet_pair, kgz.networks.mlp_pair])
def test_builders_refuse_sizes_that_are_none(pair):
    for name, value in (("packing", 0), ("packing", 1.5), ("num_classes", 0), ("seed", "a")):
        with pytest.raises(InputError, match=f"Expected {name} to be a whole number of at least"):
            pair((8, 8, 1), **{name: value})


def test_under_mixed_precision_normalised_kernels_stay_in_full_precision():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        gan = build("gan", "mlp", (2,), seed=0, spectral_normalization=True)
        for _ in range(20):
            gan.score(tf.ones((2, 2)), None)
    finally:
        keras.config.set_dtype_policy("float32")
    kernel = np.array(gan.discriminator.trainable_variables[0])
    assert kernel.dtype == np.float32
    assert not np.array_equal(kernel, kernel.astype(np.float16).astype(np.float32))
