"""Extractors, whole protocols, metrics while training, and `gan-zoo evaluate` as a user meets it."""

import csv
import hashlib
import json
import tomllib

import keras
import numpy as np
import onnx
import pytest
from click.testing import CliRunner
from onnx import TensorProto, helper

import keras_gan_zoo as kgz
from keras_gan_zoo import InputError, metrics
from keras_gan_zoo.callbacks import Metrics, Stopping
from keras_gan_zoo.cli import main
from keras_gan_zoo.metrics import features
from keras_gan_zoo.metrics.evaluation import METRICS, Seen, Sets, measure
from keras_gan_zoo.metrics.report import evaluate


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def digits():
    return kgz.data.load("digits")


@pytest.fixture
def digits_file(digits, tmp_path):
    np.savez(tmp_path / "digits.npz", images=digits.examples[:400], labels=digits.labels[:400])
    return tmp_path / "digits.npz"


def tiny_classifier(classes=10):
    keras.utils.set_random_seed(0)
    images = keras.Input((16, 16, 1))
    pooled = keras.layers.Flatten()(keras.layers.AveragePooling2D(4)(images))
    return keras.Model(images, {"features": pooled, "logits": keras.layers.Dense(classes)(pooled)}, name="tiny")


# ----------------------------------------------------------------------------------------------------- the extractors


@pytest.mark.parametrize("name", features.shipped())
def test_shipped_classifiers_are_what_their_cards_say(name):
    path = features.CLASSIFIERS / f"{name}.onnx"
    card = tomllib.loads(path.with_suffix(".toml").read_text())
    assert hashlib.sha256(path.read_bytes()).hexdigest() == card["sha256"]
    assert path.stat().st_size <= 2 * 2**20
    extractor = metrics.extractor(name)
    side, channels = (32, 3) if name == "cifar10" else (28, 1)
    images = np.random.default_rng(0).integers(256, size=(5, side, side, channels), dtype=np.uint8)
    outputs = extractor.outputs(images)
    assert outputs["features"].shape == (5, card["features"])
    assert extractor.probabilities(images).sum(axis=1) == pytest.approx(1)


@pytest.mark.parametrize(("name", "least"), [("mnist", 0.993), ("fashion_mnist", 0.925)])
def test_shipped_classifiers_name_real_test_images(name, least):
    try:
        test = kgz.data.load(name, split="test")
    except InputError:
        pytest.skip(f"{name} is not prepared in TFDS_DATA_DIR")
    right = metrics.extractor(name).probabilities(test.examples).argmax(axis=1) == test.labels
    card = tomllib.loads((features.CLASSIFIERS / f"{name}.toml").read_text())
    assert right.mean() >= least
    assert right.mean() == pytest.approx(card["accuracy"], abs=2e-4)


def test_a_damaged_classifier_is_refused(tmp_path):
    for suffix in (".onnx", ".toml"):
        content = (features.CLASSIFIERS / f"mnist{suffix}").read_bytes()
        (tmp_path / f"mnist{suffix}").write_bytes(content)
    damaged = bytearray((tmp_path / "mnist.onnx").read_bytes())
    damaged[len(damaged) // 2] ^= 1
    (tmp_path / "mnist.onnx").write_bytes(damaged)
    with pytest.raises(InputError, match="Install the package again"):
        features._classifier(tmp_path / "mnist.onnx")


def test_an_extractor_gives_the_same_whatever_the_batches_and_the_format(digits):
    extractor = metrics.extractor(tiny_classifier())
    images = digits.examples[:37]
    whole = extractor(images)
    np.testing.assert_array_equal(extractor(images, batch_size=10), whole)
    np.testing.assert_array_equal(extractor(images.astype(np.float32) / 127.5 - 1), whole)
    streamed = [outputs["features"] for outputs in extractor.stream(np.array_split(images, 4))]
    np.testing.assert_array_equal(np.concatenate(streamed), whole)
    assert metrics.frechet_distance(iter(streamed), whole).value == pytest.approx(0, abs=1e-6)


def test_the_digest_of_a_keras_model_is_of_its_weights():
    one, same, other = tiny_classifier(), tiny_classifier(), tiny_classifier()
    other.layers[-1].bias.assign(np.ones(10))
    digests = [metrics.extractor(model).sha256 for model in (one, same, other)]
    assert digests[0] == digests[1] != digests[2]


def test_extractors_refuse_what_they_cannot_take(digits):
    with pytest.raises(InputError, match="Did you mean 'fashion_mnist'"):
        metrics.extractor("fashion-mnist")
    with pytest.raises(InputError, match=r"\(28, 28, 1\) for the extractor mnist"):
        metrics.extractor("mnist")(digits.examples)
    with pytest.raises(InputError, match="names no classes"):
        metrics.extractor("pixels").probabilities(digits.examples)
    with pytest.raises(InputError, match="from 0 to 255"):
        metrics.extractor("pixels")(digits.examples.astype(np.float32))
    with pytest.raises(InputError, match="Received: none"):
        metrics.extractor("pixels")(digits.examples[:0])
    with pytest.raises(InputError, match="a function"):
        metrics.extractor(3)


# ---------------------------------------------------------------------------------------------------- whole protocols


def test_measure_is_the_metrics_themselves(digits):
    extractor = metrics.extractor(tiny_classifier())
    x, y = (Seen(part, extractor) for part in (digits.examples[:500], digits.examples[500:1100]))
    found = {result.metric: result for result in measure(Sets(x, y, seed=3), data="digits", seed=3)}
    a, b = extractor(x.images), extractor(y.images)
    assert found["frechet_distance"].values == metrics.frechet_distance(b, a).values
    assert found["precision_recall"].values == metrics.precision_recall(b, a).values
    assert found["density_coverage"].values == metrics.density_coverage(b, a).values
    assert found["kernel_distance"].value == metrics.kernel_distance(b, a, seed=3).value
    assert found["inception_score"].values == metrics.inception_score(extractor.probabilities(x.images)).values
    for result in found.values():
        assert result.protocol["sha256"] == extractor.sha256
        assert result.protocol["data"] == "digits"


def test_real_images_in_the_samples_place_are_the_floor(digits):
    def noise(n, labels):
        return np.random.default_rng(n).uniform(-1, 1, (n, 16, 16, 1)).astype(np.float32)

    stages = []
    report = evaluate(
        noise,
        "digits",
        metrics=["frechet_distance", "nearest_neighbours", "parzen_log_likelihood", "ms_ssim"],
        extractor=tiny_classifier(),
        n=700,
        progress=lambda *stage: stages.append(stage),
    )
    ours, real = ({result.metric: result for result in row} for row in (report.generated, report.reference))
    assert ours["frechet_distance"].value > 10 * real["frechet_distance"].value
    assert ours["parzen_log_likelihood"] < real["parzen_log_likelihood"]
    assert ours["ms_ssim"] < real["ms_ssim"]
    assert real["nearest_neighbours"].copies < 0.05  # of the other half: no image is its own neighbour
    assert real["nearest_neighbours"].protocol["generated"] == 899
    assert ("samples", 700, 700) in stages
    assert all(done <= total for _, done, total in stages)


def test_samples_of_another_shape_are_refused(digits):
    with pytest.raises(InputError, match=r"samples of shape \(16, 16, 1\)"):
        evaluate(lambda n, labels: np.zeros((n, 8, 8, 1), np.float32), "digits", extractor="pixels", n=20)


@pytest.mark.parametrize("name", sorted(METRICS))
def test_every_metric_says_what_it_lacks_or_measures(digits, name):
    images, labels = digits.examples[:300], digits.labels[:300]
    if name == "network_classification":
        pytest.skip("trains a network: in the slow tier")
    extractor = metrics.extractor(tiny_classifier())
    with_labels = Sets(*(Seen(images, extractor, labels) for _ in range(3)))
    (result,) = measure(with_labels, [name])
    assert all(np.isfinite(value) or name == "kernel_distance" for value in result.values.values())
    if "classification" in name or name == "label_agreement":
        with pytest.raises(InputError, match="Expected labels on both sides"):
            measure(Sets(Seen(images, extractor), Seen(images, extractor)), [name])


# ----------------------------------------------------------------------------------------------------- while training


def test_metrics_are_logged_and_stopped_by(tiny, images):
    real = kgz.data.Dataset(images)
    gan = tiny("dcgan", ema_decay=0.9)
    quality = Metrics(["kernel_distance", "precision_recall"], extractor="pixels", n=30, every=2)
    stopping = Stopping("kernel_distance", patience=100)
    history = gan.fit(real, batch_size=8, epochs=4, callbacks=[quality, stopping], verbose=0).history
    assert {"kernel_distance", "precision", "recall", "d_loss"} <= history.keys()
    assert history["kernel_distance"][1] == history["kernel_distance"][2] != history["kernel_distance"][3]
    seen = gan.sample(30, seed=0)
    assert np.isin(gan.generator.get_weights()[0], gan.ema_generator.get_weights()[0]).mean() < 1
    (batch,) = real.batches(30, seed=0).take(1)
    extractor = metrics.extractor("pixels")
    stopping.on_train_end()
    if stopping.best_epoch == 3:
        expected = metrics.kernel_distance(extractor(batch.numpy()), extractor(seen)).value
        assert history["kernel_distance"][3] == pytest.approx(expected)


def test_metrics_while_training_say_early_what_is_wrong(tiny, images):
    for callback, message in (
        (Metrics(), "no classifier of its own"),
        (Metrics(["frechet_distance"], extractor="pixels", n=20), "more examples than features"),
        (Metrics(["label_agreement"], extractor="pixels"), "labels on both sides"),
        (Metrics(real=np.zeros((9, 4, 4, 1), np.uint8), extractor="pixels"), r"real images \(8, 8, 1\)"),
    ):
        with pytest.raises(InputError, match=message):
            tiny("dcgan").fit(images, batch_size=8, epochs=1, callbacks=[callback], verbose=0)
    with pytest.raises(InputError, match="Unknown metric"):
        Metrics(["fid"])


def test_a_run_measures_itself(digits_file, tmp_path):
    small = ["--width", 4, "--latent-dim", 4, "--batch-size", 32, "--epochs", 2]
    measured = ["--metrics", "kernel_distance,density_coverage", "--metrics-samples", 50, "--features", "pixels"]
    folder = tmp_path / "run"
    stop = ["--stop-by", "coverage", "--patience", 5]
    result = run("train", "dcgan", "--data", digits_file, "--out", folder, *small, *measured, *stop)
    assert result.exit_code == 0, result.output
    rows = list(csv.DictReader((folder / "log.csv").read_text().splitlines()))
    assert float(rows[1]["coverage"]) >= 0
    assert "kernel_distance" in rows[0]
    assert "density" in result.output
    again = run("train", "--resume", folder, "--epochs", 3)
    assert again.exit_code == 0, again.output
    assert len(list(csv.DictReader((folder / "log.csv").read_text().splitlines()))) == 3
    unknown = run("train", "dcgan", "--data", digits_file, "--out", tmp_path / "x", *small, "--metrics", "fid")
    assert unknown.exit_code == 2
    assert "Unknown metric 'fid'" in unknown.output


# --------------------------------------------------------------------------------------------------- the command line

FEW = ["--metrics", "kernel_distance,precision_recall,neighbour_classification", "--features", "pixels", "-n", 100]


def test_evaluate_shows_a_table_and_writes_all_figures(digits_file, tmp_path):
    model = tmp_path / "gan.keras"
    kgz.ConditionalGAN.for_images((16, 16, 1), num_classes=10, latent_dim=4, seed=0).save(model)
    out, picture = tmp_path / "scores.json", tmp_path / "nearest.png"
    result = run("evaluate", model, "--data", "digits", *FEW, "--json", out, "--neighbours", picture)
    assert result.exit_code == 0, result.output
    assert "real images" in result.output
    assert "kernel_distance" in result.output
    content = json.loads(out.read_text())
    assert [entry["metric"] for entry in content["generated"]][:2] == ["kernel_distance", "precision_recall"]
    assert content["generated"][2]["values"]["error"] > content["reference"][2]["values"]["error"]
    assert content["generated"][0]["protocol"]["extractor"] == "pixels"
    assert picture.stat().st_size > 1000
    run("evaluate", model, "--data", "digits", *FEW, "--json", tmp_path / "again.json")
    assert json.loads((tmp_path / "again.json").read_text())["generated"] == content["generated"][:3]


def test_evaluate_takes_images_of_any_program(digits, digits_file, tmp_path):
    for name in ("pictures", "pictures/deep"):
        (tmp_path / name).mkdir()
    for number, image in enumerate(digits.examples[:100]):
        kgz.pictures.save(
            kgz.pictures.Image.fromarray(image[..., 0]), tmp_path / "pictures" / "deep" / f"{number:03}.png"
        )
    few = ["--metrics", "kernel_distance", "--features", "pixels", "-n", 100]
    scores = []
    for source in (digits_file, tmp_path / "pictures"):
        result = run("evaluate", source, "--data", "digits", *few, "--json", tmp_path / "scores.json")
        assert result.exit_code == 0, result.output
        scores.append(json.loads((tmp_path / "scores.json").read_text())["generated"][0]["values"])
    assert scores[0] == scores[1]


def onnx_generator(path, inputs=("noise",), classes="10"):
    """Repeats the first four numbers of the noise, clipped, as an image (16, 16, 1)."""
    values = [helper.make_tensor_value_info(inputs[0], TensorProto.FLOAT, ["batch", 4])]
    values += [helper.make_tensor_value_info(name, TensorProto.INT32, ["batch"]) for name in inputs[1:]]
    shape = helper.make_tensor("shape", TensorProto.INT64, [4], [-1, 16, 16, 1])
    nodes = [
        helper.make_node("Tile", [inputs[0], "repeats"], ["long"]),
        helper.make_node("Reshape", ["long", "shape"], ["square"]),
        helper.make_node("Tanh", ["square"], ["images"]),
    ]
    constants = [shape, helper.make_tensor("repeats", TensorProto.INT64, [2], [1, 64])]
    output = helper.make_tensor_value_info("images", TensorProto.FLOAT, ["batch", 16, 16, 1])
    graph = helper.make_graph(nodes, "generator", values, [output], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    helper.set_model_props(model, {"num_classes": classes} if classes else {})
    onnx.save(model, path)
    return path


def test_evaluate_takes_exported_generators(tmp_path):
    result = run("evaluate", onnx_generator(tmp_path / "g.onnx", ("noise", "labels")), "--data", "digits", *FEW)
    assert result.exit_code == 0, result.output
    (tmp_path / "text.onnx").write_text("no model")
    for path, message in (
        (tmp_path / "text.onnx", "Expected a whole ONNX model"),
        (tmp_path / "none.onnx", "does not exist"),
        (onnx_generator(tmp_path / "other.onnx", ("input",)), "the inputs noise and"),
        (onnx_generator(tmp_path / "nameless.onnx", ("noise", "labels"), ""), "num_classes in the metadata"),
    ):
        result = run("evaluate", path, "--data", "digits", *FEW)
        assert result.exit_code == 2
        assert message in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data", "digits", "--metrics", "fid"], "Unknown metric 'fid'"),
        (["--data", "digits", "--metrics", ","], "Received: none"),
        (["--data", "digits"], "no classifier of its own"),
        (["--data", "digits", "-n", 1000], "Ask for fewer: -n 400"),
        (["--data", "nothing_such"], "Unknown data set"),
        (["--data", "digits", "--json", "no/such/folder.json"], "a folder that exists"),
        (["--data", "digits", "--features", "lpips"], "Unknown extractor"),
        (["--data", "digits", "--features", "mnist", "-n", 100], "Choose another extractor"),
        (["--data", "digits", "--features", "inception", "-n", 100], "classify_image_graph_def.pb"),
        (["--data", "digits", "--features", "pixels", "-n", 100], "more examples than features"),
    ],
)
def test_evaluate_says_what_it_cannot_do(digits_file, arguments, message, monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_GAN_ZOO_CACHE", str(tmp_path / "cache"))
    count = [] if "-n" in arguments else ["-n", 100]
    result = run("evaluate", digits_file, *arguments, *count)
    assert result.exit_code == 2, result.output
    assert message in result.output
    assert "Traceback" not in result.output
