"""A program that runs SavedModels with TensorFlow only, as in deployment.

    python saved_model_reader.py FOLDER ASKED.npz ANSWERED.npz [FOLDER ASKED.npz ANSWERED.npz] ...

It uses neither Keras nor this package. It also asserts that `sample` equals `serving_default` on the noise that it
draws, whatever the number of samples.
"""

import sys


def answer(folder, asked, answered):
    import numpy as np
    import tensorflow as tf

    try:
        signatures = tf.saved_model.load(folder).signatures
        serve = signatures["serving_default"]
    except Exception as error:  # of several kinds, depending on the damage
        print(f"{folder} ({' '.join(str(error).split())})", file=sys.stderr)
        sys.exit(3)
    arrays = np.load(asked)
    feeds = {}
    for name in arrays.files:
        number, key = name.split("_", 1)
        feeds.setdefault(number, {})[key] = tf.constant(arrays[name])
    images = {number: serve(**feed)["images"].numpy() for number, feed in feeds.items()}
    np.savez(answered, **images)
    if "sample" in signatures:
        check_sample(signatures["sample"], serve, feeds)


def check_sample(sample, serve, feeds):
    import numpy as np
    import tensorflow as tf

    feed = max(feeds.values(), key=lambda feed: len(feed["noise"]))
    n = len(feed["noise"])

    def sampled(n):
        conditions = {name: values[:n] for name, values in feed.items() if name != "noise"}
        return sample(n=tf.constant(n), seed=tf.constant(5), **conditions)["images"].numpy()

    noise = tf.random.stateless_normal(feed["noise"].shape, (5, 0), alg="philox")
    np.testing.assert_allclose(sampled(n), serve(**{**feed, "noise": noise})["images"].numpy(), atol=1e-5, rtol=1e-5)
    np.testing.assert_allclose(sampled(1), sampled(n)[:1], atol=1e-5, rtol=1e-5)


if __name__ == "__main__":
    for package in ("keras", "keras_gan_zoo"):
        sys.modules[package] = None  # importing it fails
    for start in range(1, len(sys.argv), 3):
        answer(*sys.argv[start : start + 3])
