"""The sides of `tests.benchmarks` do the same work: from the same weights, examples and noise come the same losses."""

from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import keras_gan_zoo as kgz
from tests.benchmarks import arithmetic, growth, hand_written, larger_than_memory, layers, ours
from tests.benchmarks.cases import ADAM, CASES, DCGAN_28, DCGAN_32, MLP, RMSPROP, WGAN, WGAN_GP

SMALL = {"maxout": {"generator_units": 24, "discriminator_units": 12}, "dcgan": {"width": 8}}
STEPS = 3


@pytest.fixture
def pytorch():
    return pytest.importorskip("tests.benchmarks.pytorch", reason="needs PyTorch", exc_type=ImportError)


def small(case):
    """The same with fewer units and examples. PyTorch's RMSprop adds epsilon elsewhere, so that Adam stands in."""
    optimizer = ADAM if case.optimizer == RMSPROP else case.optimizer
    sizes = {**case.arguments, **SMALL[case.networks]}
    return replace(case, arguments=sizes, batch_size=8 * case.minibatches, optimizer=optimizer, fit_steps=None)


def players_without_dropout(case):
    """Kernels are larger than fresh ones: beside small gradients the epsilon of Adam counts, whose place differs."""
    players = ours.players(case)
    for player in players:
        for weight in player.trainable_variables:
            if len(weight.shape) > 1:
                weight.assign(3 * weight)
    for layer in players[1].layers:
        if hasattr(layer, "rate"):
            layer.rate = 0.0
    return players


def twins_of(pytorch, case, players):
    twins = pytorch.players(case)
    for twin, player in zip(twins, players, strict=True):
        pytorch.take_weights(twin, player)
        for module in twin.modules():
            if isinstance(module, pytorch.nn.Dropout):
                module.p = 0.0
    return twins


def batches(case) -> list[np.ndarray]:
    """Float examples of each step, (minibatches, 8, ...)."""
    pixels = np.random.default_rng(1).uniform(-10, 10, (STEPS, case.minibatches, 8, *case.shape))
    return list(pixels.astype(np.float32))


def losses_of_ours(case) -> tuple[list, list, list]:
    """Losses of each step; the noise and the uniform numbers that it drew, in order."""
    gan, losses, noises, uniforms = ours.model(case, players_without_dropout(case)), [], [], []
    for batch in batches(case):
        noises += gan.noise(1 if case.algorithm == "simultaneous" else case.minibatches + 1, 8)
        uniforms += gan.uniform(case.minibatches, 8)
        dealt = batch.swapaxes(0, 1).reshape(-1, *case.shape)  # ours cuts a batch as cards are dealt
        losses.append(step_of_keras(gan, dealt))
    return losses, noises, uniforms


def step_of_keras(model, batch) -> list[float]:
    model.reset_metrics()
    logged = model.train_step(tf.constant(batch))
    return [float(logged[name]) for name in ("d_loss", "g_loss")]


def given(draws):
    draws = iter(draws)
    return lambda rows: next(draws)


@pytest.mark.slow  # of the benchmarks: what the steps compute is tested by hand in tests/models
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_step_by_hand_is_ours(case):
    case = small(case)
    expected, noises, uniforms = losses_of_ours(case)
    model = hand_written.model(case, players_without_dropout(case))
    model.noise, model.uniform = given(noises), given(uniforms)
    found = [step_of_keras(model, batch.reshape(-1, *case.shape)) for batch in batches(case)]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_step_in_pytorch_is_ours(case, pytorch):
    check_the_step_in_pytorch(case, pytorch, lambda players: players)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # the compiler itself warns
def test_the_compiled_step_in_pytorch_is_ours(pytorch):
    if not pytorch.compiles():
        pytest.skip("torch.compile does not work here, such as without a C++ compiler")
    [case] = [case for case in CASES if case.name == "DCGAN 28x28, batch 64"]
    check_the_step_in_pytorch(case, pytorch, lambda players: pytorch.compiled_players(case, players))


def check_the_step_in_pytorch(case, pytorch, prepared):
    case = small(case)
    expected, noises, uniforms = losses_of_ours(case)
    model = pytorch.model(case, prepared(twins_of(pytorch, case, players_without_dropout(case))))
    model.noise, model.uniform = (given(pytorch.torch.from_numpy(np.array(x)) for x in xs) for xs in (noises, uniforms))
    found = []
    for batch in batches(case):
        minibatches = pytorch.torch.from_numpy(batch)
        if len(case.shape) == 3:
            minibatches = minibatches.permute(0, 1, 4, 2, 3)
        found.append(list(model.step(iter(minibatches)).values()))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_networks_in_pytorch_are_ours(case, pytorch):
    """At full size: in inference mode, and in the number of weights and the shares that dropout takes."""
    players = ours.players(case)
    for twin, player in zip(pytorch.players(case), players, strict=True):
        pytorch.take_weights(twin, player)
        assert sum(weight.numel() for weight in twin.parameters()) == sum(
            weight.numpy().size for weight in player.trainable_variables
        )
        rates = [module.p for module in twin.modules() if isinstance(module, pytorch.nn.Dropout)]
        assert rates == [layer.rate for layer in player.layers if hasattr(layer, "rate")]
        given = np.random.default_rng(0).uniform(-1, 1, (3, *player.input_shape[1:])).astype(np.float32)
        np.testing.assert_allclose(
            channels_last(twin.eval()(channels_first(pytorch.torch.from_numpy(given)))).detach().numpy(),
            player(given, training=False),
            atol=1e-5,
        )


def channels_first(x):
    return x.permute(0, 3, 1, 2) if x.ndim == 4 else x


def channels_last(x):
    return x.permute(0, 2, 3, 1) if x.ndim == 4 else x


def test_batches_in_pytorch_hold_every_example_once_an_epoch(pytorch):
    images = np.arange(12, dtype=np.uint8).reshape(6, 1, 2, 1)
    source = pytorch.batches(images, 3)
    found = np.concatenate([channels_last(next(source)).numpy() for _ in range(2)])
    pixels = np.rint((found + 1) * 127.5).astype(np.uint8)
    np.testing.assert_array_equal(np.sort(pixels, axis=0), images)


def test_the_arithmetic_is_that_of_the_formula_on_paper():
    generator, discriminator = ours.players(DCGAN_28)
    g = [100 * 2048, 16 * 128 * 64 * 16, 16 * 64 * 32 * 49, 16 * 32 * 196]
    d = [16 * 32 * 196, 16 * 32 * 64 * 49, 16 * 64 * 128 * 16, 2048]
    assert arithmetic.macs_of_layers(generator) == g
    assert arithmetic.macs_of_layers(discriminator) == d
    forward = 2 * sum(g) + 3 * sum(d)  # generated twice, judged thrice
    backward = 2 * (2 * sum(d) - d[0]) + sum(d) + 2 * sum(g) - g[0]
    assert arithmetic.operations(DCGAN_28, generator, discriminator) == 2 * 64 * (forward + backward)
    penalised, clipped = (arithmetic.operations(case, generator, discriminator) for case in (WGAN_GP, WGAN))
    assert penalised - clipped == 2 * 320 * 4 * sum(d)


def test_the_arithmetic_of_models_is_that_of_cases():
    """Penalties on slopes and relativistic losses come on top, and spectral normalisation hides no kernel."""
    case = small(DCGAN_28)
    players = ours.players(case)
    plain = arithmetic.operations(case, *players)
    assert arithmetic.operations_of(kgz.GAN(*players), case.batch_size) == plain
    d = arithmetic.macs(players[1])
    penalised = kgz.GAN(*players, loss="relativistic", r1=0.1, r2=0.1)
    assert arithmetic.operations_of(penalised, case.batch_size) == plain + 2 * case.batch_size * (2 * 3 * d + d)
    assert arithmetic.macs(kgz.networks.spectrally_normalized(players[1])) == d


def grown(rate, share):
    return growth.Point(rate, (4_000_000, 3_800_000), 50.0, (share / 2, share, 2 * share))


def test_growth_says_where_a_curve_bends(monkeypatch, capsys, tmp_path):
    """The rise from 16 to 32 is 1.3 times the share, that from 32 to 64 less than 1.2."""
    shares = {16: 0.2, 32: 0.26, 64: 0.3, 128: 0.4}
    monkeypatch.setattr(growth, "GROWING", {"resolution": (16, 32, 64, 128), "width": (16, 32)})
    measured = {"resolution": lambda size: shares[size.resolution], "width": lambda size: 0.1 * size.width}
    curves = {}
    for growing, share in measured.items():
        monkeypatch.setattr(growth, "measured", lambda pair, size, rounds, share=share: grown(1234.5, share(size)))
        curves[growing] = growth.table(["dcgan"], 1)["dcgan", growing]
    out = capsys.readouterr().out
    assert "dcgan    resolution    64     1,234             4.0 + 3.8       50    30 % (15 to 60)" in out
    assert "dcgan    resolution bends at 32\n" in out
    assert "dcgan    width      does not bend up to 32\n" in out
    pytest.importorskip("matplotlib", reason="needs matplotlib")
    growth.picture({("dcgan", growing): points for growing, points in curves.items()}, tmp_path / "growth.png")
    with Image.open(tmp_path / "growth.png") as drawn:
        assert drawn.size[0] == 900


@pytest.mark.slow
def test_growth_measures_each_size_once(monkeypatch):
    monkeypatch.setattr(growth, "GROWING", {"resolution": (8,), "batch": (4,)})
    monkeypatch.setattr(arithmetic, "SIDE", 8)
    pair = growth.Pair("dcgan", 4)
    first = growth.measured(pair, growth.Size(4, 8, 4), 1)
    assert growth.measured(pair, growth.Size(4, 8, 4), 1) is first
    assert first.rate > 0
    assert first.macs == tuple(map(arithmetic.macs, kgz.networks.dcgan_pair((8, 8, 3), width=4)))
    assert first.shares[0] == pytest.approx(first.share)


def test_layers_by_themselves_compute_forward_and_both_gradients():
    """A dense layer without its activation, and a normalisation, whose second trained weight is the offset."""
    x, upstream = (np.random.default_rng(n).normal(size=(5, 3 - n)).astype(np.float32) for n in (0, 1))
    dense = layers.alone(built(keras.layers.Dense(2, "tanh", bias_initializer="ones"), 3))
    runs = layers.parts(dense, tf.constant(x), tf.constant(upstream))
    kernel = dense.kernel.numpy()
    assert runs["forward"]() == pytest.approx(x[0] @ kernel[:, 0] + 1, rel=1e-5)
    assert runs["input"]() == pytest.approx(upstream[0] @ kernel[0], rel=1e-5)
    assert runs["kernel"]() == pytest.approx(x[:, 0] @ upstream[:, 0], rel=1e-5)
    normalization = layers.alone(built(keras.layers.BatchNormalization(epsilon=1e-3), 2))
    runs = layers.parts(normalization, tf.constant(x[:, :2]), tf.constant(upstream))
    normalized = (x[:, 0] - x[:, 0].mean()) / np.sqrt(x[:, 0].var() + 1e-3)
    assert runs["forward"]() == pytest.approx(normalized[0], rel=1e-4)
    assert runs["kernel"]() == pytest.approx(normalized @ upstream[:, 0] + upstream[:, 0].sum(), rel=1e-4)


def built(layer, units):
    layer(keras.Input((units,)))
    return layer


@pytest.mark.slow
def test_the_table_of_layers_has_all_of_both_networks(monkeypatch, capsys):
    monkeypatch.setattr(layers, "CASES", (small(MLP), small(DCGAN_28)))
    monkeypatch.setattr(arithmetic, "SIDE", 8)
    layers.table(1)
    names = [line.split()[0] for line in capsys.readouterr().out.splitlines() if line.startswith("  ")]
    mlp = ["Dense"] * 3 + ["Maxout"] * 2 + ["Dense"]
    generator = ["Dense", "BatchNormalization"] + ["Conv2DTranspose", "BatchNormalization"] * 2 + ["Conv2DTranspose"]
    discriminator = ["Conv2D"] + ["Conv2D", "BatchNormalization"] * 2 + ["Dense"]
    assert [name for name in names if name != "ms"] == mlp + generator + discriminator


@pytest.mark.slow
def test_runtimes_make_the_same_images(tmp_path, monkeypatch):
    """From the same noise; only `gan.sample` draws its own. PyTorch's side has a test of its own."""
    from tests.benchmarks import throughput  # which prepares PyTorch, where that is installed, for the whole process

    monkeypatch.setattr(throughput, "pytorch", None)
    functions = throughput.runtimes(small(DCGAN_28), tmp_path)
    noise = np.random.default_rng(0).standard_normal((3, 100), dtype=np.float32)
    expected = functions[throughput.PREDICT](noise)
    for name, run in functions.items():
        if name == "gan.sample":
            assert run(noise).shape == expected.shape
        else:
            most = 1e-5 if "float16" not in name and "int8" not in name else 5e-2
            np.testing.assert_allclose(run(noise), expected, rtol=0, atol=most, err_msg=name)


def test_sets_larger_than_memory_are_the_same_pictures_in_the_same_order(tmp_path):
    larger_than_memory.make(tmp_path, 400)
    files, shards = (larger_than_memory.load(tmp_path, source) for source in ("pictures", "shards"))
    np.testing.assert_array_equal(files.examples, shards.examples)
    np.testing.assert_array_equal(files.labels, shards.labels)
    assert (len(files), files.example_shape) == (400, DCGAN_32.shape)
    for source in ("pictures", "shards"):
        assert len(larger_than_memory.load(tmp_path, source, is_tenth=True)) == 40
        larger_than_memory.check_order(tmp_path, source, steps=4)
    with pytest.raises(SystemExit, match="Choose another --folder"):
        larger_than_memory.make(tmp_path, 2000)
