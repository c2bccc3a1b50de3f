"""What comes next: pix2pix predicts frames of moving digits from the three frames before them.

    python next_frame.py

Two embedded digits move over a field of 32 x 32 pixels and bounce off its edges. Three frames are the channels of a
source, and the frame that follows is its target. In the picture, the network goes on from its own frames: of each clip,
the upper row is what happened, the lower row three given frames and what the network made of them.
"""

import argparse

import numpy as np

import keras_gan_zoo as kgz

FIELD, GIVEN, PREDICTED = 32, 3, 5

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--clips", type=int, default=1000, help="clips to train on")
parser.add_argument("--epochs", type=int, default=10)
arguments = parser.parse_args()

digits = kgz.data.load("digits").examples[..., 0]
rng = np.random.default_rng(0)


def clip() -> np.ndarray:
    """The frames of two digits that move, (GIVEN + PREDICTED, FIELD, FIELD)."""
    frames = np.zeros((GIVEN + PREDICTED, FIELD, FIELD), np.uint8)
    for digit in digits[rng.integers(len(digits), size=2)]:
        room = FIELD - len(digit)  # from one edge to the other
        place, speed = rng.integers(room + 1, size=2), rng.integers(-3, 4, size=2)
        for frame in frames:
            row, column = room - np.abs(place % (2 * room) - room)  # there and back again
            field = frame[row : row + len(digit), column : column + len(digit)]
            np.maximum(field, digit, out=field)
            place = place + speed
    return frames


def pairs(clips: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All runs of GIVEN frames, as channels, and the frames that follow them."""
    starts = range(PREDICTED)
    sources = [clips[:, start : start + GIVEN] for start in starts]
    targets = [clips[:, start + GIVEN, :, :, None] for start in starts]
    return np.concatenate(sources).transpose(0, 2, 3, 1), np.concatenate(targets)


model = kgz.Pix2Pix.for_images(
    (FIELD, FIELD, 1), source_shape=(FIELD, FIELD, GIVEN), width=16, receptive_field=34, ema_decay=0.999, seed=0
)
model.compile(model.paper_optimizer(1e-3), model.paper_optimizer(2e-4))
model.fit(*pairs(np.stack([clip() for _ in range(arguments.clips)])), batch_size=16, epochs=arguments.epochs, verbose=2)

unseen = np.stack([clip() for _ in range(500)])
sources, targets = pairs(unseen)
print("the network:          ", kgz.metrics.similarity(model.translate(sources), targets))
print("the last frame again: ", kgz.metrics.similarity(sources[..., -1:], targets))

made = unseen[:8, :GIVEN].transpose(0, 2, 3, 1) / 127.5 - 1
for _ in range(PREDICTED):
    made = np.concatenate([made, model.translate(made[..., -GIVEN:])], axis=-1)
rows = np.stack([unseen[:8].transpose(0, 2, 3, 1) / 127.5 - 1, made], axis=1)
frames = rows.transpose(0, 1, 4, 2, 3).reshape(-1, FIELD, FIELD, 1)
kgz.pictures.save(kgz.pictures.grid(frames, columns=GIVEN + PREDICTED), "next_frame.png")
