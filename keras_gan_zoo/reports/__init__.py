"""Run folders side by side: a comparison for the terminal, and a page to look at. Nothing here imports TensorFlow."""

from keras_gan_zoo.reports.comparison import Comparison, compare
from keras_gan_zoo.reports.page import html_of, write
from keras_gan_zoo.reports.runs import Figure, Run

__all__ = ["Comparison", "Figure", "Run", "compare", "html_of", "write"]
