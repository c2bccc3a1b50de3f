"""What TensorBoard is given: figures, samples and scores, each once, also by a run that is resumed."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_gan_zoo as kgz
from keras_gan_zoo.callbacks import Drawing, Snapshots, TensorBoard
from keras_gan_zoo.data import Dataset
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.state.snapshot import SnapshotFolder
from tests.games import DEFAULT, EAGER, SGD, STEPS, VECTORS, Kill, game, train


def written(folder):
    """{name: [(step, tensor)]} of all event files, in order."""
    found = {}
    for file in sorted(folder.glob("*.tfevents.*")):
        for record in tf.data.TFRecordDataset(str(file)).as_numpy_iterator():
            event = tf.compat.v1.Event.FromString(record)
            for value in event.summary.value:
                found.setdefault(value.tag, []).append((event.step, tf.make_ndarray(value.tensor)))
    return found


def scalars(pairs):
    return {step: float(value) for step, value in pairs}


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    """Of two epochs of eight steps."""
    folder = tmp_path_factory.mktemp("straight")
    gan, board = game(SGD(0.1), SGD(0.2), execution=EAGER), TensorBoard(folder, every_steps=2, n=50)
    history = train(gan, board, epochs=2, validation_data=VECTORS[:16]).history
    return gan, board, history, written(folder / "train"), written(folder / "validation")


def test_figures_of_epochs_and_within_them(straight):
    _, _, history, training, validation = straight
    for name in ("d_loss", "g_loss"):
        assert scalars(training[f"epoch_{name}"]) == pytest.approx(dict(enumerate(history[name])))
        assert scalars(validation[f"epoch_{name}"]) == pytest.approx(dict(enumerate(history[f"val_{name}"])))
        within = scalars(training[f"batch_{name}"])
        assert list(within) == [2, 4, 6, 8, 10, 12, 14, 16]
        assert within[2 * STEPS] == pytest.approx(history[name][-1])  # as in Keras, the mean since the epoch began
    for player, rate in (("generator", 0.1), ("discriminator", 0.2)):
        assert scalars(training[f"epoch_learning_rate_{player}"]) == pytest.approx({0: rate, 1: rate})
        assert set(scalars(training[f"batch_learning_rate_{player}"]).values()) == {np.float32(rate)}


def test_samples_and_scores_are_those_of_the_model(straight):
    gan, board, _, training, _ = straight
    assert [step for step, _ in training["samples"]] == [2, 4, 6, 8, 10, 12, 14, 16]
    width, height, png = training["samples"][-1][1][:3]
    shown = np.asarray(board.draw())
    assert (int(width), int(height)) == shown.shape[1::-1]
    np.testing.assert_array_equal(tf.io.decode_png(png).numpy(), shown)
    noise = kgz.latent.truncated_noise(len(VECTORS), (3,), None, 0)
    by_hand = {"real": VECTORS, "generated": gan.generator(noise)}
    for name, examples in by_hand.items():
        scores = gan.discriminator(examples).numpy()
        bins = training[f"scores/{name}"][-1][1]
        assert bins[:, 2].sum() == len(VECTORS)
        np.testing.assert_allclose([bins[0, 0], bins[-1, 1]], [scores.min(), scores.max()], rtol=1e-5)


def test_a_resumed_run_writes_each_figure_once(straight, tmp_path):
    def watchers():
        return TensorBoard(tmp_path, every_steps=2, n=50), Snapshots(tmp_path / "snapshots", every_steps=6)

    arguments = {"epochs": 2, "validation_data": VECTORS[:16]}
    with pytest.raises(RuntimeError, match="killed"):
        train(game(SGD(0.1), SGD(0.2), execution=EAGER), *watchers(), Kill(11), **arguments)
    folder = SnapshotFolder(tmp_path / "snapshots")
    assert folder.steps() == [11, 6]
    folder.files()[0].unlink()  # as if the process had been killed: what it wrote after step 6 comes again
    lost = written(tmp_path / "train")
    assert [step for step, _ in lost["batch_d_loss"]] == [2, 4, 6, 8, 10]
    assert 0 in scalars(lost["epoch_d_loss"])
    train(game(SGD(0.1), SGD(0.2), execution=EAGER), *watchers(), **arguments)
    for expected, part in zip(straight[3:], ("train", "validation"), strict=True):
        found = written(tmp_path / part)
        assert found.keys() == expected.keys()
        for name, pairs in expected.items():
            assert [step for step, _ in found[name]] == [step for step, _ in pairs]
            np.testing.assert_array_equal([value for _, value in found[name]], [value for _, value in pairs])


def test_events_of_others_in_the_folder_are_kept(tmp_path):
    with tf.summary.create_file_writer(str(tmp_path / "train")).as_default(99):
        tf.summary.scalar("mine", 1.0)
        tf.summary.scalar("epoch_d_loss", 1.0)
    train(game(execution=EAGER), TensorBoard(tmp_path, n=50), Snapshots(tmp_path / "snapshots"), epochs=1)
    found = written(tmp_path / "train")
    assert [step for step, _ in found["mine"]] == [99]
    assert [step for step, _ in found["epoch_d_loss"]] == [0]


def test_of_several_workers_only_the_chief_writes(tmp_path, monkeypatch):
    monkeypatch.setattr("keras_gan_zoo.callbacks.drawing.is_chief", lambda strategy: False)
    boards = TensorBoard(tmp_path / "logs", every_steps=2), kgz.callbacks.SamplePictures(tmp_path / "samples")
    train(game(execution=EAGER), *boards, epochs=1)
    assert list(tmp_path.iterdir()) == []


def test_a_model_that_only_has_figures(tmp_path):
    board = TensorBoard(tmp_path)
    board.set_model(kgz.GameModel({"network": keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])}, seed=0))
    board.begin(Dataset(VECTORS))
    assert (board.draws, board._scored) == (False, None)


@pytest.mark.parametrize("variant", ["bigan", "cycle_gan", "conditional_gan"])
def test_scores_of_models_that_judge_more_than_an_example(shared, variant):
    gan = shared(variant, variant == "conditional_gan")
    real = np.random.default_rng(0).uniform(-1, 1, (4, *gan.example_shape)).astype("float32")
    condition = {"bigan": None, "cycle_gan": real[::-1], "conditional_gan": np.array([0, 1, 2, 0])}[variant]
    scores, fake_scores = gan.scores(real, condition, seed=1)
    if variant == "cycle_gan":
        expected = gan.discriminator.get_layer("target_discriminator")(real)
    else:
        beside = condition if variant == "conditional_gan" else gan.generator.get_layer("encoder")(real)
        expected = gan.discriminator([tf.constant(real), tf.convert_to_tensor(beside)])
    np.testing.assert_allclose(scores, expected, rtol=1e-5, atol=1e-6)
    assert fake_scores.shape == scores.shape
    assert not np.allclose(fake_scores, scores)


# ----------------------------------------------------------------------------------------------------- the plane


def test_the_plane_is_coloured_by_probabilities_or_by_relative_scores():
    points = VECTORS[:50]
    for loss, expected in (
        ("non_saturating", lambda scores: 1 / (1 + np.exp(-scores))),
        ("wasserstein", lambda scores: (scores - scores.min()) / (scores.max() - scores.min())),
    ):
        gan = game(loss=loss)
        scores = gan.discriminator(points).numpy()[:, 0]
        realness = kgz.callbacks.drawing.realness_of(gan)
        np.testing.assert_allclose(realness(points), expected(scores), rtol=1e-5, atol=1e-6)


def test_no_colours_where_more_than_a_point_is_judged():
    conditional = kgz.ConditionalGAN.for_images((2,), num_classes=3, architecture="mlp", seed=0)
    packed = kgz.GAN.for_images((2,), packing=2, seed=0)
    assert [kgz.callbacks.drawing.realness_of(gan) for gan in (conditional, packed)] == [None, None]


# -------------------------------------------------------------------------------------------------------- notebooks


class Shell:
    kernel = "of a notebook"


def test_live_pictures_replace_each_other(monkeypatch):
    display = pytest.importorskip("IPython.display")
    shown = []

    class Handle:
        def update(self, what):
            shown[-1].append(what)

    def show(what, display_id):
        shown.append([what])
        return Handle()

    monkeypatch.setattr("IPython.get_ipython", Shell)
    monkeypatch.setattr(display, "display", show)
    train(game(execution=DEFAULT), kgz.callbacks.LivePictures(n=5, every_steps=3), epochs=2)
    [pictures] = shown
    assert [repr(each)[: len("epoch 0/2   step 3   d_loss ")] for each in pictures[:4]] == [
        "epoch 0/2   step 3   d_loss ",
        "epoch 0/2   step 6   d_loss ",
        "epoch 1/2   step 8   d_loss ",
        "epoch 1/2   step 9   d_loss ",
    ]
    assert repr(pictures[-1]).startswith("epoch 2/2   step 16")
    page = pictures[-1]._repr_html_()
    assert page.count('<img src="data:image/png;base64,') == 1
    assert repr(pictures[-1]) in page


def test_live_pictures_need_a_notebook():
    with pytest.raises(InputError, match=r"Received: a process without one\. Use callbacks\.SamplePictures\(folder\)"):
        kgz.callbacks.LivePictures()


def test_what_draws_is_told_what_is_wrong():
    assert issubclass(kgz.callbacks.SamplePictures, Drawing)
    with pytest.raises(InputError, match="every_steps"):
        TensorBoard("logs", every_steps=0)


def test_models_and_results_show_themselves():
    shown = game(SGD(0.1), SGD(0.1))._repr_html_()
    assert "GAN, examples of shape (2,), 0 steps done" in shown
    assert "<tr><td>generator</td><td>26</td><td>sgd" in shown  # 3 * 4 + 4 weights, and 4 * 2 + 2
    result = kgz.metrics.Result("frechet_distance", {"value": 2.5}, {"generated": 10, "note": "<"})
    report = kgz.metrics.Report("mine", [result], [result])
    assert result._repr_html_() == (
        "<table><tr><td>frechet_distance</td><td>2.5</td></tr></table>"
        "<table><tr><td>generated</td><td>10</td></tr><tr><td>note</td><td>&lt;</td></tr></table>"
    )
    assert "<tr><th>mine</th><th>samples</th><th>real images</th></tr>" in report._repr_html_()
    assert report._repr_html_().endswith("<p>generated 10, note &lt;</p>")
