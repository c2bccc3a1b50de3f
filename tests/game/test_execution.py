"""Several steps per execution, where we choose their number, do not show: bars, callbacks and figures are the same."""

import contextlib
import re

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_gan_zoo as kgz
from keras_gan_zoo.callbacks import SamplePictures, Snapshots
from keras_gan_zoo.game.execution import ExecutionLength
from tests.games import DEFAULT, STEPS, VECTORS, Kill, game, state, train
from tests.helpers import assert_same, contents

THREE = {"steps_per_execution": 3}
LambdaCallback = keras.callbacks.LambdaCallback


class Seen(keras.callbacks.Callback):
    """The first and the last step of each execution, and how many steps the model had then done."""

    def __init__(self, every=None):
        super().__init__()
        self.executions, self.every = [], every

    def steps_to_look(self):
        return self.every and self.every - self.model.steps_done % self.every

    def on_train_batch_begin(self, batch, logs=None):
        self.first = batch

    def on_train_batch_end(self, batch, logs=None):
        self.executions.append((self.first, batch))
        self.steps = self.model.steps_done


@pytest.fixture(scope="module")
def gan():
    return game(execution=DEFAULT)


@pytest.fixture(scope="module")
def by_three():
    return game(execution=THREE)


def of_unknown_length():
    return tf.data.Dataset.from_tensor_slices(VECTORS).batch(8, drop_remainder=True).filter(lambda batch: True)


def as_generator():
    return (VECTORS[start : start + 8] for start in range(0, 64, 8))


def counts(output: str) -> list[tuple[int, str]]:
    """What a bar counted: (3, "8") of 3/8."""
    plain = re.sub(r"\x1b\[\d+m", "", output)
    assert " -" not in plain.replace(" - ", "")  # no negative time is left
    return [(int(done), of) for done, of in re.findall(r"(\d+)/(\d+|Unknown) ", plain)]


# ----------------------------------------------------------------------------------------------------------------- bars


@pytest.mark.parametrize("model", ["gan", "by_three"])
def test_the_bar_of_fit_ends_at_its_end(request, capsys, model):
    train(request.getfixturevalue(model), epochs=2, verbose=1, validation_data=(VECTORS[:24],))
    shown = counts(capsys.readouterr().out)
    assert {of for _, of in shown} == {str(STEPS)}
    assert max(done for done, _ in shown) == shown[-1][0] == STEPS
    train(request.getfixturevalue(model), epochs=2, verbose=2, steps_per_epoch=7)
    assert counts(capsys.readouterr().out) == [(7, "7")] * 2


@pytest.mark.parametrize("source", [of_unknown_length, as_generator])
@pytest.mark.parametrize("model", ["gan", "by_three"])
def test_the_bar_of_data_of_unknown_length(request, capsys, model, source):
    seen = Seen()
    train(request.getfixturevalue(model), seen, epochs=1, data=source(), verbose=1)
    shown = counts(capsys.readouterr().out)
    assert shown[-1] == (STEPS, str(STEPS))
    assert max(done for done, _ in shown) == STEPS
    assert seen.executions[-1][1] == STEPS - 1


def test_the_bars_of_evaluate_and_predict_end_at_their_end(by_three, capsys):
    by_three.evaluate(VECTORS, batch_size=8, verbose=1)
    assert counts(capsys.readouterr().out)[-1] == (STEPS, str(STEPS))
    by_three.predict(np.zeros((20, 3), np.float32), batch_size=4, verbose=1)
    assert counts(capsys.readouterr().out)[-1] == (5, "5")
    assert by_three.steps_per_execution == 3


# ------------------------------------------------------------------------------------------------------- what they see


def test_callbacks_for_batches_see_each_step(gan):
    seen = []
    watch = LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append((batch, gan.steps_done, logs["d_loss"])))
    before = gan.steps_done
    history = train(gan, watch, epochs=2).history
    assert [step for _, step, _ in seen] == list(range(before + 1, before + 2 * STEPS + 1))
    assert [batch for batch, _, _ in seen] == list(range(STEPS)) * 2
    assert [seen[STEPS - 1][2], seen[-1][2]] == pytest.approx(history["d_loss"])


def test_executions_follow_each_other(gan):
    seen = Seen()
    train(gan, seen, epochs=2)
    steps = [range(first, last + 1) for first, last in seen.executions]
    assert [step for execution in steps for step in execution] == list(range(STEPS)) * 2
    assert len(steps) < 2 * STEPS


def test_who_looks_changes_no_bit(gan):
    beginning, ends = gan.get_weights(), []
    for watchers in ([], [Seen(every=3)], [LambdaCallback(on_train_batch_end=lambda batch, logs: None)]):
        gan.set_weights(beginning)
        history = train(gan, *watchers, epochs=2).history
        ends.append([*gan.get_weights(), *history.values()])
    assert_same(ends[0], ends[1])
    assert_same(ends[0], ends[2])


def test_an_execution_ends_where_a_callback_looks(gan):
    gan.step.assign(0)
    seen = Seen(every=5)
    train(gan, seen, epochs=2)
    assert {4, 7} < {last for _, last in seen.executions[: len(seen.executions) // 2 + 1]}  # steps 5 and 8
    assert {1, 6, 7} < {last for _, last in seen.executions[len(seen.executions) // 2 :]}  # steps 10, 15 and 16


def test_the_choice_of_the_user_is_kept(by_three):
    seen = Seen(every=5)
    train(by_three, seen, LambdaCallback(on_train_batch_end=lambda batch, logs: None), epochs=2)
    assert seen.executions == [(0, 2), (3, 5), (6, 7)] * 2
    assert by_three.steps_per_execution == 3


def test_no_choice_is_none(gan):
    model = game(execution={"steps_per_execution": None})
    assert model.steps_per_execution == gan.steps_per_execution > 1


def test_training_on_a_batch_within_an_execution(gan):
    before = gan.steps_done
    train(gan, LambdaCallback(on_train_batch_end=lambda batch, logs: gan.train_on_batch(VECTORS[:8])), epochs=1)
    assert gan.steps_done == before + 2 * STEPS


def test_callbacks_of_a_resumed_run_see_the_whole_epoch(gan, tmp_path, capsys):
    snapshots = [Snapshots(tmp_path, every_steps=3)]
    with pytest.raises(RuntimeError, match="killed"):
        train(gan, Kill(gan.steps_done + 5), *snapshots, epochs=1)
    capsys.readouterr()
    seen = Seen()
    train(gan, seen, *snapshots, epochs=1, verbose=1)
    assert seen.executions[0] == (0, 2)
    assert [first for first, _ in seen.executions[1:]] == [last + 1 for _, last in seen.executions[:-1]]
    assert counts(capsys.readouterr().out)[-1] == (STEPS, str(STEPS))


class Telling(kgz.GAN):
    def train_step(self, batch):
        return {**super().train_step(batch), "doubled": tf.cast(2 * self.step, "float32")}


def test_what_a_train_step_adds_is_logged(gan):
    model = Telling(gan.generator, gan.discriminator, seed=0)
    model.compile("sgd", "sgd")
    assert train(model, epochs=2).history["doubled"] == [2 * STEPS, 4 * STEPS]


# ----------------------------------------------------------------------------------------------------------------- pace


def test_an_execution_takes_about_a_tenth_of_a_second():
    pace, taken = ExecutionLength(most=64), []
    for seconds_per_step in [0.001] * 8 + [0.01] * 4 + [1.0] * 4:
        taken.append(pace.steps)
        pace.adapt(pace.steps, pace.steps * seconds_per_step)
    assert taken == [1, 2, 4, 8, 16, 32, 64, 64, 64, 32, 16, 8, 8, 4, 2, 1]


# ------------------------------------------------------------------------------------------------------------- pictures


def pictures(folder):
    return sorted(path.name for path in folder.glob("*.png"))


def frames(folder) -> int:
    from PIL import Image

    with Image.open(folder / "history.gif") as animation:
        return animation.n_frames


def test_pictures_within_epochs(gan, tmp_path):
    gan.step.assign(0)
    train(gan, SamplePictures(tmp_path, n=4, every=2, every_steps=4), epochs=3)
    expected = ["0000_step_0000004", "0000_step_0000008", "0001_step_0000012", "0002", "0002_step_0000020"]
    assert pictures(tmp_path) == [f"epoch_{name}.png" for name in [*expected, "0002_step_0000024"]]
    assert frames(tmp_path) == 6


def test_pictures_of_a_killed_run(gan, tmp_path):
    def run(name, kill=()):
        gan.set_weights(beginning)
        watchers = SamplePictures(tmp_path / name, n=4, every_steps=3), Snapshots(tmp_path / f"{name}_", every_steps=5)
        for step in kill:
            with pytest.raises(RuntimeError, match="killed"):
                train(gan, Kill(step), *watchers, epochs=2)
        train(gan, *watchers, epochs=2)
        return contents(tmp_path / name)

    gan.step.assign(0)
    beginning = gan.get_weights()
    straight = run("straight")
    assert len(straight) == 7 + 1  # steps 3, 6, 8, 9, 12, 15 and 16, and the animation
    assert run("killed", kill=[7, 8, 13, 15]) == straight


def test_an_animation_has_no_pictures_of_an_earlier_fit(gan, tmp_path):
    train(gan, SamplePictures(tmp_path, n=4), epochs=4)
    train(gan, SamplePictures(tmp_path, n=4), epochs=2)
    assert len(pictures(tmp_path)) == 4
    assert frames(tmp_path) == 2


def test_more_than_9999_epochs_are_in_the_order_of_time(gan, tmp_path):
    callback = SamplePictures(tmp_path)
    for position in [(9999,), (10000, 5), (10000,), (0, 3)]:
        callback._path(*position).touch()
    callback.set_model(gan)
    with contextlib.ExitStack() as stack:
        stack.callback(setattr, gan, "session", None)
        gan.session = type("", (), {"executions": type("", (), {"interrupted": None})})
        names = [path.stem for path in callback._frames_before(10000)]
    assert names == ["epoch_0000_step_0000003", "epoch_9999", "epoch_10000"]


def test_a_critic_of_several_steps_trains_on_batches_of_another_size(tiny, images):
    critic = tiny("wgan")
    assert critic.discriminator_steps == 2
    for size in (10, 8):
        critic.fit(images, batch_size=size, verbose=0)
    assert critic.steps_done == 4 + 5


def test_a_loop_of_ones_own_takes_a_step_with_each_call():
    gan, again = game(), game()
    batches = iter(tf.data.Dataset.from_tensor_slices(VECTORS).batch(8))
    gan.make_train_function()
    for _ in range(2):
        gan.train_function(batches)
    train(again, data=tf.data.Dataset.from_tensor_slices(VECTORS).batch(8).take(2), epochs=1)
    assert gan.steps_done == 2
    assert_same(state(gan), state(again))
