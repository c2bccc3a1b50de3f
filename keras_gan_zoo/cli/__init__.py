"""The command line: a file for each command, and what they share."""

from keras_gan_zoo.cli.commands import main

__all__ = ["main"]
