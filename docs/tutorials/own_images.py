"""From a folder of images to an ONNX file: load, train, look, export, and sample without Keras.

    python own_images.py                  for your own images: --folder path/to/images

Without --folder, the script first writes a folder of the embedded digits: a sub-folder per class, a PNG per image.
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

import keras_gan_zoo as kgz
from keras_gan_zoo.onnx_file import OnnxFile

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--folder", type=Path, help="folder of PNG or JPEG images; sub-folders are classes")
parser.add_argument("--side", type=int, default=16, help="side in pixels to which images are resized and cropped")
parser.add_argument("--epochs", type=int, default=120)
arguments = parser.parse_args()

folder = arguments.folder or Path("digits_as_files")
if arguments.folder is None:
    digits = kgz.data.load("digits")
    for number, (image, label) in enumerate(zip(digits.examples, digits.labels, strict=True)):
        (folder / digits.class_names[label]).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image.squeeze()).save(folder / digits.class_names[label] / f"{number}.png")

images = kgz.data.load(folder, image_size=arguments.side)
print(images)

# The model takes the shape and the classes of the data. Without class_names it would ignore the sub-folders.
gan = kgz.DCGAN.for_images(images.example_shape, class_names=images.class_names, width=16, ema_decay=0.999, seed=0)
gan.compile()
gan.fit(
    images,
    batch_size=64,
    epochs=arguments.epochs,
    callbacks=[
        kgz.callbacks.SamplePictures("pictures", every=10),
        kgz.callbacks.Snapshots("snapshots"),  # if the script was interrupted, start it again: it continues
        kgz.callbacks.NaNGuard(),
    ],
    verbose=2,
)

done = gan.export("own_images.onnx", metadata={"licence": "CC0-1.0"})
print(f"{done.path}: {done.size:,} bytes, differs from Keras by at most {done.difference:.1e}")

generator = OnnxFile("own_images.onnx")  # NumPy and ONNX Runtime; Keras is no longer needed
columns = generator.num_classes or 8
samples = generator.sample(8 * columns, seed=1)
assert np.abs(samples - gan.sample(len(samples), seed=1)).max() < 1e-4
kgz.pictures.save(kgz.pictures.grid(samples, columns=columns), "own_images.png")
