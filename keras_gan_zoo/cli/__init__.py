"""The command line: one file per command, and the code that the commands share."""

from keras_gan_zoo.cli.commands import main

__all__ = ["main"]
