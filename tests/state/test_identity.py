"""What tells one run, and one set of weights, from another."""

import keras
import numpy as np

from keras_gan_zoo.state import identity


def test_what_only_one_side_has_is_a_difference():
    assert identity.differences({"seed": 0}, {"seed": 0, "packing": 2}) == ["packing: null in the run, now 2"]
    assert identity.differences({"seed": 0, "packing": 2}, {"seed": 0}) == ["packing: 2 in the run, now null"]
    assert identity.differences({"sizes": [1, 2]}, {"sizes": [1]}) == ["sizes: [1, 2] in the run, now [1]"]


def test_the_digest_of_weights_counts_their_shapes_and_types():
    def network(inputs, units, dtype="float32"):
        dense = keras.layers.Dense(units, use_bias=False, kernel_initializer="zeros", dtype=dtype)
        return keras.Sequential([keras.Input((inputs,)), dense])

    networks = network(2, 3), network(3, 2), network(2, 6, "float16")  # 24 zero bytes each
    assert len({identity.sha256_of_weights(it) for it in networks}) == 3
    assert identity.sha256_of_weights(network(2, 3)) == identity.sha256_of_weights(networks[0])
    changed = network(2, 3)
    changed.layers[-1].kernel.assign(np.eye(2, 3))
    assert identity.sha256_of_weights(changed) != identity.sha256_of_weights(networks[0])
