"""The game: a model of named players, the methods that a train step is written with, and `fit`."""
