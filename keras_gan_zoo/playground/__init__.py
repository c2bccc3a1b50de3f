"""A page that runs exported models in a browser: `write` makes its folder, `Server` serves it on this machine.

This module imports no TensorFlow, which only models need that are not exported yet.
"""

from keras_gan_zoo.playground.server import Server
from keras_gan_zoo.playground.site import DEFAULT, write

__all__ = ["DEFAULT", "Server", "write"]
