"""`python -m keras_gan_zoo` is `gan-zoo`."""

from keras_gan_zoo.cli.commands import main

main(prog_name="gan-zoo")
