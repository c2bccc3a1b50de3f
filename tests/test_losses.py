import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_gan_zoo import losses
from keras_gan_zoo.errors import InputError

REAL, FAKE = tf.constant([[2.0], [-1.0]]), tf.constant([[0.5], [-3.0]])


def sigmoid(s):
    return 1 / (1 + np.exp(-np.array(s, np.float64)))


def test_minimax_is_the_value_function_of_equation_1():
    value = np.mean(np.log(sigmoid(REAL))) + np.mean(np.log(1 - sigmoid(FAKE)))
    loss = losses.Minimax()
    assert float(loss.discriminator_loss(REAL, FAKE)) == pytest.approx(-value, rel=1e-6)
    assert float(loss.generator_loss(FAKE)) == pytest.approx(np.mean(np.log(1 - sigmoid(FAKE))), rel=1e-6)


def test_minimax_by_hand():
    # softplus(-2) = 0.126928, softplus(1) = 1.313262, softplus(0.5) = 0.974077, softplus(-3) = 0.048587
    assert float(losses.Minimax().discriminator_loss(REAL, FAKE)) == pytest.approx(0.720095 + 0.511332, abs=2e-6)
    assert float(losses.Minimax().generator_loss(FAKE)) == pytest.approx(-0.511332, abs=2e-6)
    # softplus(-0.5) = 0.474077, softplus(3) = 3.048587
    assert float(losses.NonSaturating().generator_loss(FAKE)) == pytest.approx(1.761332, abs=2e-6)


def test_agrees_with_keras_cross_entropy():
    cross_entropy = keras.losses.BinaryCrossentropy(from_logits=True)
    expected = cross_entropy(tf.ones_like(REAL), REAL) + cross_entropy(tf.zeros_like(FAKE), FAKE)
    assert float(losses.NonSaturating().discriminator_loss(REAL, FAKE)) == pytest.approx(float(expected), rel=1e-6)
    expected = cross_entropy(tf.ones_like(FAKE), FAKE)
    assert float(losses.NonSaturating().generator_loss(FAKE)) == pytest.approx(float(expected), rel=1e-6)


@pytest.mark.parametrize("loss", [losses.Minimax(), losses.NonSaturating()])
@pytest.mark.parametrize("score", [-1e4, -50.0, 0.0, 50.0, 1e4])
def test_values_and_gradients_are_finite_for_any_score(loss, score):
    scores = tf.constant([[score]])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(scores)
        values = [loss.discriminator_loss(scores, scores), loss.generator_loss(scores)]
    assert np.isfinite([float(value) for value in values]).all()
    assert np.isfinite([float(tape.gradient(value, scores)[0, 0]) for value in values]).all()


def test_only_minimax_saturates_where_the_discriminator_rejects():
    def slope(loss):
        score = tf.constant([[-10.0]])
        with tf.GradientTape() as tape:
            tape.watch(score)
            value = loss.generator_loss(score)
        return float(tape.gradient(value, score)[0, 0])

    assert slope(losses.Minimax()) == pytest.approx(-sigmoid(-10.0), rel=1e-4)  # vanishes
    assert slope(losses.NonSaturating()) == pytest.approx(-sigmoid(10.0), rel=1e-6)  # does not


@pytest.mark.parametrize("name", losses.LOSSES)
def test_get_by_name_instance_and_config(name):
    loss = losses.get(name)
    assert type(loss) is losses.LOSSES[name]
    assert losses.get(loss) is loss
    assert type(losses.get(keras.saving.serialize_keras_object(loss))) is type(loss)


def test_unknown_losses_are_refused():
    with pytest.raises(InputError, match="Did you mean 'minimax'"):
        losses.get("mini_max")
    with pytest.raises(InputError, match="Expected a loss"):
        losses.get(3)
