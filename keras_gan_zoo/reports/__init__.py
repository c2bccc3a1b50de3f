"""Run folders side by side: a comparison for the terminal, and a page to look at. Nothing here imports TensorFlow."""
