"""What every room may use: files, bounds, labels, downloads, names. Nothing here imports TensorFlow or Keras."""
