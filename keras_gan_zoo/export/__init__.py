"""From a trained model to a file that runs without Keras and this package, checked at the moment it is written.

`export` writes ONNX, TensorFlow's SavedModel and LiteRT. Whatever it writes is read back by its own runtime and
compared with Keras before it appears: see `parity`.
"""

from keras_gan_zoo.export.exporting import FORMATS, Exported, export

__all__ = ["FORMATS", "Exported", "export"]
