"""From your own pairs of pictures to an ONNX file that translates pictures without Keras.

    python own_pairs.py                   for your own: --targets folder --sources other_folder

The pictures of both folders belong together by their names. Without folders, the script first writes some: emoji in
colour, and their line art.
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

import keras_gan_zoo as kgz
from keras_gan_zoo.onnx_file import OnnxFile

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--targets", type=Path, help="folder of PNG or JPEG pictures to make")
parser.add_argument("--sources", type=Path, help="folder of the pictures that they are made of, with the same names")
parser.add_argument("--side", type=int, default=32, help="side in pixels to which pictures are resized and cropped")
parser.add_argument("--epochs", type=int, default=20)
arguments = parser.parse_args()

sources, targets = arguments.sources or Path("line_art"), arguments.targets or Path("colour")
if arguments.targets is None:
    emoji = kgz.data.load("openmoji")
    for folder, pictures in ((sources, emoji.sources[..., 0]), (targets, emoji.targets)):
        folder.mkdir(exist_ok=True)
        for number, picture in enumerate(pictures):
            Image.fromarray(picture).save(folder / f"{number:04d}.png")

# All but every tenth picture are for training; those of a name in both folders stay together.
pairs = kgz.data.load(targets, sources=sources, image_size=arguments.side)
print(pairs)
held_out = np.arange(len(pairs)) % 10 == 0
known, unseen = ((pairs.sources[chosen], pairs.targets[chosen]) for chosen in (~held_out, held_out))

model = kgz.Pix2Pix.for_images(
    pairs.example_shape, source_shape=pairs.source_shape, width=16, receptive_field=34, ema_decay=0.99, seed=0
)
model.compile(model.paper_optimizer(4e-4), model.paper_optimizer(4e-4))
model.fit(
    *known,
    batch_size=8,
    epochs=arguments.epochs,
    validation_data=unseen,  # l1, psnr and ssim of pictures that the network does not learn from
    callbacks=[kgz.callbacks.SamplePictures("pictures", every=5), kgz.callbacks.Snapshots("snapshots")],
    verbose=2,
)

done = model.export("own_pairs.onnx")
print(f"{done.path}: {done.size:,} bytes, differs from Keras by at most {done.difference:.1e}")

translator = OnnxFile("own_pairs.onnx")  # NumPy and ONNX Runtime; Keras is no longer needed
shown = np.linspace(0, len(unseen[0]) - 1, 18, dtype=int)
kgz.pictures.save(kgz.pictures.draw_translations(translator, *(part[shown] for part in unseen)), "own_pairs.png")
