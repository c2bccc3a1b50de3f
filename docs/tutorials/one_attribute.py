"""The same face, with one attribute changed: CycleGAN learns it from two sets of faces that are no pairs.

    python one_attribute.py                                         ageing: hair of any colour becomes grey
    python one_attribute.py --attribute clothing --value green      or a shirt of another colour

The avatars are drawn at random, so there are hardly any two that differ in one attribute only. CycleGAN needs none. It
translates faces so that they look like those that have the value, and back to the faces they were: what has to be kept
for that stays as it is. Label maps, which the network never sees, tell where the hair and the shirt are.
"""

import argparse

import numpy as np

import keras_gan_zoo as kgz

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--attribute", choices=["hair_colour", "clothing"], default="hair_colour")
parser.add_argument("--value", default="grey")
parser.add_argument("--epochs", type=int, default=4)
parser.add_argument("--examples", type=int, default=4000, help="faces of each set to train on")
arguments = parser.parse_args()


def faces(split: str, has_value: bool) -> kgz.data.Dataset:
    """Faces without hats, which cover the hair, that have the value or have another one."""
    avatars = kgz.data.load("avatars", split=split)
    values = zip(avatars.attributes[arguments.attribute], avatars.attributes["hat"], strict=True)
    chosen = [i for i, (value, hat) in enumerate(values) if hat == "none" and (value == arguments.value) == has_value]
    return avatars[chosen[: arguments.examples]]


others, wanted = faces("train", False), faces("train", True)
print(f"{len(others)} faces to change, {len(wanted)} with {arguments.attribute} {arguments.value}")
model = kgz.CycleGAN.for_images((16, 16, 3), width=16, residual_blocks=3, ema_decay=0.999, seed=0)
model.compile(model.paper_optimizer(4e-4), model.paper_optimizer(4e-4))
model.fit(others, wanted, batch_size=8, epochs=arguments.epochs, verbose=2)

unseen, goal = faces("test", False), faces("test", True)
changed = kgz.pictures.to_uint8(model.translate(unseen.examples))
part = {"hair_colour": "hair", "clothing": "clothing"}[arguments.attribute]


def of_part(dataset: kgz.data.Dataset) -> np.ndarray:
    """Which pixels belong to the part, (n, height, width)."""
    return dataset.sources[..., dataset.originals.parts.index(part)] > 127


inside, difference = of_part(unseen), np.abs(changed.astype(float) - unseen.examples).mean(axis=-1)
within, elsewhere = difference[inside].mean(), difference[~inside].mean()
print(f"mean change, in levels of 255: {within:.0f} in the {part}, {elsewhere:.0f} elsewhere")
colour = goal.examples[of_part(goal)].mean(axis=0)
for name, pictures in (("before", unseen.examples), ("after", changed)):
    distance = np.linalg.norm(pictures[inside].mean(axis=0) - colour)
    print(f"mean colour of the {part} {name}: {distance:.0f} levels from that of faces with {arguments.value}")

rows = np.stack([unseen.examples[:32], changed[:32]], axis=1).reshape(-1, 16, 16, 3)
kgz.pictures.save(kgz.pictures.grid(rows, columns=16), "one_attribute.png")
