"""The sides of `tests.benchmarks` do the same work: from the same weights, examples and noise come the same losses."""

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from tests.benchmarks import arithmetic, hand_written, larger_than_memory, ours
from tests.benchmarks.cases import ADAM, CASES, DCGAN_28, DCGAN_32, RMSPROP, WGAN, WGAN_GP

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
    case = small(case)
    expected, noises, uniforms = losses_of_ours(case)
    model = pytorch.model(case, twins_of(pytorch, case, players_without_dropout(case)))
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
