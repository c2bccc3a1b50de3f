"""The same networks and training steps in PyTorch, as its users write them, made for speed on CPUs.

That is: channels-last weights and images, which were faster than the default; fused Adam, and RMSprop for all weights
at once (fused and "foreach" Adam took the same time); gradients of the moving player's weights only; samples for the
discriminator without a graph; batches gathered from one tensor in memory; subnormal numbers flushed to zero, as
TensorFlow does. Threads that wait for others sleep rather than spin: spinning takes time from the other side's turn,
and comes almost to a stop where another process wants a core. OMP_WAIT_POLICY=ACTIVE in the environment lets them spin.

Nothing here imports TensorFlow. `take_weights` brings the weights of a Keras network.
"""

import functools
import os
from collections.abc import Callable, Iterator

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import torch
from torch import nn
from torch.nn.functional import softplus

from tests.benchmarks.cases import CRITIC_STEPS, Case

Players = tuple[nn.Module, nn.Module]


def prepare() -> None:
    """Of the whole process, before the first step: all cores, as TensorFlow takes them, and no subnormal numbers."""
    torch.set_num_threads(os.cpu_count() or 1)
    torch.set_flush_denormal(True)


class Maxout(nn.Module):
    """Each unit is the largest of several linear functions of its input."""

    def __init__(self, features: int, units: int, pieces: int):
        super().__init__()
        self.units, self.pieces = units, pieces
        self.linear = nn.Linear(features, units * pieces)

    def forward(self, x):
        return self.linear(x).view(-1, self.pieces, self.units).amax(dim=1)


class Affine(nn.Module):
    def __init__(self, scale: float, offset: float):
        super().__init__()
        self.scale, self.offset = scale, offset

    def forward(self, x):
        return x * self.scale + self.offset


class ToImages(nn.Module):
    """Vectors as channels-last images (batch, channels, height, width); no copy."""

    def __init__(self, shape: tuple[int, int, int]):
        super().__init__()
        self.shape = shape

    def forward(self, x):
        return x.view(-1, *self.shape).permute(0, 3, 1, 2)


class ToVectors(nn.Module):
    """The way back, in the order of Keras."""

    def forward(self, x):
        return x.permute(0, 2, 3, 1).flatten(1)


class Cropped(nn.Module):
    def __init__(self, side: int):
        super().__init__()
        self.side = side

    def forward(self, x):
        return x[:, :, : self.side, : self.side]


def maxout(
    shape, latent_dim: int = 100, generator_units: int = 1200, discriminator_units: int = 240, pieces: int = 5
) -> Players:
    """The twins of `kgz.networks.maxout_pair`."""
    is_image, features = len(shape) == 3, int(np.prod(shape))
    generator = nn.Sequential(
        *(nn.Linear(latent_dim, generator_units), nn.ReLU()),
        *(nn.Linear(generator_units, generator_units), nn.ReLU()),
        nn.Linear(generator_units, features),
        *((ToImages(shape), nn.Sigmoid(), Affine(2, -1)) if is_image else ()),
    )
    discriminator = nn.Sequential(
        *((ToVectors(), Affine(0.5, 0.5), nn.Dropout(0.2)) if is_image else ()),
        Maxout(features, discriminator_units, pieces),
        *((nn.Dropout(0.5),) if is_image else ()),
        Maxout(discriminator_units, discriminator_units, pieces),
        *((nn.Dropout(0.5),) if is_image else ()),
        nn.Linear(discriminator_units, 1),
    )
    return generator, discriminator


def dcgan(shape, latent_dim: int = 100, width: int = 32, discriminator_normalization: str = "batch") -> Players:
    """The twins of `kgz.networks.dcgan_pair`, for square images."""
    sides = [shape[0]]
    while sides[-1] > 4:
        sides.append(-(-sides[-1] // 2))
    channels = [min(2**level, 8) * width for level in range(len(sides) - 1)]  # from the image inwards
    generator = [nn.Linear(latent_dim, sides[-1] ** 2 * channels[-1], bias=False)]
    generator += [ToImages((sides[-1], sides[-1], channels[-1])), *_normalized(channels[-1]), nn.ReLU()]
    for level in reversed(range(1, len(channels))):
        generator += [nn.ConvTranspose2d(channels[level], channels[level - 1], 4, 2, padding=1, bias=False)]
        generator += [Cropped(sides[level])] if sides[level] % 2 else []
        generator += [*_normalized(channels[level - 1]), nn.ReLU()]
    generator += [nn.ConvTranspose2d(channels[0], shape[-1], 4, 2, padding=1), nn.Tanh()]

    discriminator, before = [], shape[-1]
    for level, after in enumerate(channels):
        normalized = level > 0 and discriminator_normalization == "batch"
        discriminator += [nn.ZeroPad2d((0, 1, 0, 1))] if sides[level] % 2 else []
        discriminator += [nn.Conv2d(before, after, 4, 2, padding=1, bias=not normalized)]
        discriminator += [*(_normalized(after) if normalized else ()), nn.LeakyReLU(0.2)]
        before = after
    discriminator += [ToVectors(), nn.Linear(sides[-1] ** 2 * channels[-1], 1)]
    return nn.Sequential(*generator), nn.Sequential(*discriminator)


def _normalized(channels: int) -> list[nn.Module]:
    return [nn.BatchNorm2d(channels, eps=1e-3, momentum=0.1)]


NETWORKS = {"maxout": maxout, "dcgan": dcgan}


def players(case: Case, **arguments) -> Players:
    generator, discriminator = NETWORKS[case.networks](case.shape, **case.arguments, **arguments)
    return generator.to(memory_format=torch.channels_last), discriminator.to(memory_format=torch.channels_last)


def take_weights(network: nn.Module, keras_network) -> None:
    """Copies the weights of the Keras twin. Layers with weights come in the same order."""
    layers = [module for module in network.modules() if isinstance(module, tuple(WEIGHTS))]
    keras_layers = [layer for layer in keras_network.layers if layer.weights]
    for layer, twin in zip(layers, keras_layers, strict=True):
        with torch.no_grad():
            values = [np.array(weight) for weight in twin.weights]
            for name, value in zip(WEIGHTS[type(layer)], values, strict=False):  # some have no bias
                getattr(layer, name).copy_(torch.from_numpy(_transposed(value)))


def _transposed(value: np.ndarray) -> np.ndarray:
    """From Keras' order of axes to PyTorch's: (in, out), or (height, width, in, out); transposed, (…, out, in)."""
    return value.transpose({1: (0,), 2: (1, 0), 4: (3, 2, 0, 1)}[value.ndim])


NORMALIZATION = ("weight", "bias", "running_mean", "running_var")
KERNEL = ("weight", "bias")
WEIGHTS = {nn.Linear: KERNEL, nn.Conv2d: KERNEL, nn.ConvTranspose2d: KERNEL, nn.BatchNorm2d: NORMALIZATION}


def optimizer(case: Case, player: nn.Module) -> torch.optim.Optimizer:
    """With what Keras has where the case says nothing."""
    name, given = case.optimizer
    if name == "RMSprop":
        return torch.optim.RMSprop(player.parameters(), given["learning_rate"], alpha=0.9, eps=1e-7, foreach=True)
    betas = given["beta_1"], given.get("beta_2", 0.999)
    return torch.optim.Adam(player.parameters(), given["learning_rate"], betas, eps=1e-7, fused=True)


class Alternating:
    """Goodfellow's game; `step` takes its minibatches from an iterator."""

    def __init__(self, case: Case, players: Players):
        self.generator, self.discriminator = players
        self.latent_dim = next(self.generator.parameters()).shape[1]
        self.g_optimizer, self.d_optimizer = (optimizer(case, player) for player in players)

    def noise(self, rows: int) -> torch.Tensor:
        return torch.randn(rows, self.latent_dim)

    def descend(self, optimizer: torch.optim.Optimizer, player: nn.Module, loss: torch.Tensor, **arguments) -> None:
        optimizer.zero_grad()
        loss.backward(inputs=list(player.parameters()), **arguments)
        optimizer.step()

    def samples(self, rows: int) -> torch.Tensor:
        with torch.no_grad():
            return self.generator(self.noise(rows))

    def step(self, batches: Iterator[torch.Tensor]) -> dict:
        real = next(batches)
        fake = self.samples(len(real))
        d_loss = softplus(-self.discriminator(real)).mean() + softplus(self.discriminator(fake)).mean()
        self.descend(self.d_optimizer, self.discriminator, d_loss)
        g_loss = softplus(-self.discriminator(self.generator(self.noise(len(real))))).mean()
        self.descend(self.g_optimizer, self.generator, g_loss)
        return {"d_loss": d_loss.item(), "g_loss": g_loss.item()}


class Simultaneous(Alternating):
    """Both players judged on the same samples, so the generator runs once; both gradients before either moves."""

    def step(self, batches):
        real = next(batches)
        real_scores = self.discriminator(real)
        fake_scores = self.discriminator(self.generator(self.noise(len(real))))
        d_loss, g_loss = softplus(-real_scores).mean() + softplus(fake_scores).mean(), softplus(-fake_scores).mean()
        self.g_optimizer.zero_grad()
        g_loss.backward(inputs=list(self.generator.parameters()), retain_graph=True)
        self.descend(self.d_optimizer, self.discriminator, d_loss)
        self.g_optimizer.step()
        return {"d_loss": d_loss.item(), "g_loss": g_loss.item()}


class Wasserstein(Alternating):
    """Critic steps on fresh minibatches, then one of the generator."""

    def step(self, batches):
        for _ in range(CRITIC_STEPS):
            real = next(batches)
            fake = self.samples(len(real))
            d_loss = self.discriminator(fake).mean() - self.discriminator(real).mean() + self.penalty(real, fake)
            self.descend(self.d_optimizer, self.discriminator, d_loss)
            self.constrain()
        g_loss = -self.discriminator(self.generator(self.noise(len(real)))).mean()
        self.descend(self.g_optimizer, self.generator, g_loss)
        return {"d_loss": d_loss.item(), "g_loss": g_loss.item()}

    def penalty(self, real, fake):
        return 0.0

    def constrain(self):
        pass


class Clipped(Wasserstein):
    def constrain(self):
        with torch.no_grad():
            for weight in self.discriminator.parameters():
                weight.clamp_(-0.01, 0.01)


class Penalised(Wasserstein):
    def uniform(self, rows: int) -> torch.Tensor:
        return torch.rand(rows)

    def penalty(self, real, fake):
        between = torch.lerp(fake, real, self.uniform(len(real)).view(-1, 1, 1, 1)).requires_grad_()
        [slope] = torch.autograd.grad(self.discriminator(between).sum(), between, create_graph=True)
        return 10.0 * ((slope.square().sum(dim=(1, 2, 3)) + 1e-12).sqrt() - 1).square().mean()


ALGORITHMS = {"alternating": Alternating, "simultaneous": Simultaneous, "wgan": Clipped, "wgan_gp": Penalised}


def model(case: Case, players: Players) -> Alternating:
    return ALGORITHMS[case.algorithm](case, players)


def turn(case: Case, players: Players, examples: np.ndarray) -> Callable:
    """Runs one training step with its input, or as many as a `fit` of the case."""
    trained, source = model(case, players), batches(examples, case.batch_size // case.minibatches)

    def run():
        for _ in range(case.fit_steps or 1):
            trained.step(source)

    return run


def batches(examples: np.ndarray, batch_size: int) -> Iterator[torch.Tensor]:
    """Full batches, each epoch in another order; uint8 images (n, height, width, channels) become floats in [-1, 1]."""
    held = torch.from_numpy(examples)
    while True:
        for rows in torch.randperm(len(held)).split(batch_size):
            if len(rows) == batch_size:
                yield normalised(held[rows])


def normalised(batch: torch.Tensor) -> torch.Tensor:
    return batch.permute(0, 3, 1, 2).float().div_(127.5).sub_(1) if batch.dtype == torch.uint8 else batch


def sample(generator: nn.Module, n: int) -> np.ndarray:
    """As a NumPy array with channels last."""
    return images(generator, torch.randn(n, next(generator.parameters()).shape[1]))


def images(generator: nn.Module, noise: torch.Tensor) -> np.ndarray:
    """As a NumPy array with channels last, from noise, in inference mode."""
    generator.eval()
    with torch.inference_mode():
        return generator(noise).permute(0, 2, 3, 1).numpy()


def compiled(network: nn.Module) -> nn.Module | None:
    """The network by `torch.compile`, anew for each batch size; None where that does not work."""
    return torch.compile(network, dynamic=False) if compiles() else None


def compiled_players(case: Case, players: Players) -> Players | None:
    """Both, except a critic with a gradient penalty: what `torch.compile` makes has no second derivative.

    None where it does not work, and of simultaneous updates: it goes backwards through a network only once.
    """
    generator, discriminator = players
    if case.algorithm == "simultaneous" or not compiles():
        return None
    torch.compiler.reset()  # after some networks, what it compiled for others would make it give up
    return compiled(generator), discriminator if case.algorithm == "wgan_gp" else compiled(discriminator)


@functools.cache
def compiles() -> bool:
    """Whether `torch.compile` works here; if not, says why."""
    try:
        torch.compile(nn.Linear(1, 1))(torch.ones(1, 1))
    except Exception as error:  # such as of a missing C++ compiler; the kinds of error are not public
        reason = str(error).strip().partition("\n")[0]
        print(f"PyTorch compiles nothing here, so that its column stays empty: {type(error).__name__}: {reason}")
        return False
    return True
