"""The game: a model of named players, the words of its train step, and the `fit` that plays it."""
