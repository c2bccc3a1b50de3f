"""The conditional GAN of Mirza and Osindero (2014): the algorithm of GAN, where both players take the label."""

import keras

from keras_gan_zoo.models.gan import GAN


@keras.saving.register_keras_serializable("keras_gan_zoo")
class ConditionalGAN(GAN):
    r"""Conditional generative adversarial network (Mirza and Osindero, 2014), trained by Algorithm 1 of GAN.

    Generator and discriminator take the label y as a second input, so that samples of a given class can be drawn:

    $$\min_G \max_D V(D, G) = E_x[\log D(x|y)] + E_z[\log(1 - D(G(z|y)|y))]$$

    `for_images` builds the perceptrons of the paper, `networks.conditional_maxout_pair`; images are better served by
    convolutions, `architecture="dcgan"`, or `"conditional_dcgan"`, whose layers all take the label, with the
    optimizer of `DCGAN`. Generated examples get the labels of the real examples in the same minibatch. Arguments are
    the same as for `GAN`; `num_classes` or `class_names` is required.

    Example:
        ```python
        digits = kgz.data.load("mnist")
        gan = kgz.ConditionalGAN.for_images((28, 28, 1), class_names=digits.class_names)
        gan.compile()
        gan.fit(digits, batch_size=100, epochs=50)
        gan.sample(10)                      # the classes in turn
        gan.sample(5, labels="seven")       # or by index: labels=7; or one label each: labels=[0, 1, 2, 3, 4]
        ```
    """

    needs_labels = True

    @staticmethod
    def paper_networks(shape):
        return {"architecture": "conditional_maxout"}

    @staticmethod
    def paper_optimizer(learning_rate: float | None = None) -> keras.optimizers.Optimizer:
        """Momentum SGD: the rate falls from 0.1 by a factor 1.00004 with each step, down to 1e-6."""
        return keras.optimizers.SGD(_FallingRate() if learning_rate is None else learning_rate, momentum=0.5)


@keras.saving.register_keras_serializable("keras_gan_zoo")
class _FallingRate(keras.optimizers.schedules.ExponentialDecay):
    def __init__(self):
        super().__init__(0.1, decay_steps=25_000, decay_rate=1.00004**-25_000)

    def __call__(self, step):
        return keras.ops.maximum(super().__call__(step), 1e-6)

    def get_config(self):
        return {}
