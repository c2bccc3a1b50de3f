"""Runs on remote storage: the same bits as a local run, also when the process is killed and another one resumes."""

import dataclasses
import zipfile
from io import BytesIO
from itertools import count

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import keras_gan_zoo as kgz
from keras_gan_zoo import reports, training
from keras_gan_zoo.callbacks import uploads
from keras_gan_zoo.cli.commands import main
from keras_gan_zoo.cli.evaluate import trained_on
from keras_gan_zoo.core import remote_claims
from keras_gan_zoo.core.claims import ClaimedError
from keras_gan_zoo.core.remote import RemoteError, RemotePath, place
from keras_gan_zoo.core.remote_claims import Claim
from keras_gan_zoo.core.remote_copies import MARK, chosen
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.state.remote_snapshots import snapshots_in
from keras_gan_zoo.training import runs
from tests.equality import TINY
from tests.helpers import assert_same_bits, weights_of
from tests.remote import bucket, killed
from tests.snapshots import put, values_of

pytestmark = pytest.mark.filterwarnings("ignore:.*is not finished")


@pytest.fixture(scope="module")
def recipe():
    """Its data are on remote storage as well."""
    file = BytesIO()
    np.savez(file, images=np.random.default_rng(0).integers(0, 256, (64, 8, 8), np.uint8))
    path = bucket() / "images.npz"
    path.write_bytes(file.getvalue())
    return training.Recipe("gan", str(path), epochs=2, batch_size=64, model={**TINY["gan"], "latent_dim": 4})


@pytest.fixture(scope="module")
def built(recipe):
    """The one model of all runs: tracing takes longer than training."""
    gan = training.build(*training.resolve(recipe))
    return gan, values_of(gan)


@pytest.fixture(scope="module", autouse=True)
def one_model(built):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs, "build", lambda *_: (put(*built), built[0])[1])
        patch.setattr(remote_claims, "SETTLED", 0)
        yield


@pytest.fixture(scope="module")
def operations():
    """What a run does to remote storage, each with its path."""
    return []


@pytest.fixture(scope="module")
def finished(operations, one_model, recipe):
    with killed(np.inf) as storage:
        _, folder = training.train(recipe, str(bucket() / "run"), verbose=0, snapshots={"every_steps": 1})
    operations += storage.seen
    return folder


def results(folder) -> dict:
    """What must be the same, byte for byte; a `.keras` file holds the time, as TensorBoard's files do."""
    files = (
        folder.files()
        if isinstance(folder, RemotePath)
        else {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    )
    found = {name: files[name].read_bytes() for name in chosen(list(files)) if not name.startswith("tensorboard/")}
    with zipfile.ZipFile(BytesIO(found["gan.keras"])) as archive:
        return {**found, "gan.keras": archive.read("model.weights.h5")}


def assert_same_run(folder, expected: dict):
    found = results(folder)
    assert found.keys() == expected.keys()
    assert [name for name in found if found[name] != expected[name]] == []


def test_it_is_the_run_that_a_local_folder_holds(finished, recipe, tmp_path):
    assert isinstance(finished, str)
    _, folder = training.train(recipe, tmp_path / "run", verbose=0, snapshots={"every_steps": 1})
    assert_same_run(place(finished), results(folder))
    names = place(finished).files()
    assert [name for name in names if name.startswith(".")] == []
    assert {name for name in names if name + MARK in names} == {
        "gan.keras",
        "snapshots/step_0000000001.snapshot",
        "snapshots/step_0000000002.snapshot",
    }


@pytest.mark.slow
def test_longer_training(finished, recipe, tmp_path):
    longer, out = {"epochs": 3}, bucket() / "copy"
    _, folder = training.train(dataclasses.replace(recipe, **longer), tmp_path / "run", verbose=0)
    _, copy = training.resume(finished, longer, str(out), verbose=0)  # also copies it
    assert copy == str(out)
    found = results(out)
    assert found.pop("snapshots/step_0000000002.snapshot")  # the last one of the shorter run
    assert found == results(folder)


@pytest.mark.slow
def test_copies_between_local_and_remote_folders(finished, tmp_path):
    _, local = training.resume(finished, out=tmp_path / "local", verbose=0)
    _, again = training.resume(local, out=str(bucket() / "again"), verbose=0)
    kept = {name: content for name, content in results(place(finished)).items() if "step_0000000001" not in name}
    assert_same_run(local, kept)
    assert_same_run(place(again), kept)


def test_it_is_loaded(finished, built):
    model = kgz.load(finished)
    snapshots_in(f"{finished}/snapshots").newest().restore(built[0])
    assert_same_bits(weights_of(model), weights_of(built[0]))
    assert_same_bits(weights_of(kgz.load(f"{finished}/gan.keras")), weights_of(model))
    assert_same_bits(weights_of(kgz.load(f"{finished}/snapshots/step_0000000002.snapshot")), weights_of(model))
    with pytest.raises(InputError, match=rf"folder at {finished}/none"):
        kgz.load(f"{finished}/none")


@pytest.mark.slow
def test_a_fit_resumes_from_remote_snapshots(built, finished, recipe):
    folder, images = bucket() / "snapshots", kgz.data.load(recipe.data)
    for epochs in (1, 2):
        put(*built)
        built[0].fit(images, epochs=epochs, batch_size=64, callbacks=[kgz.callbacks.Snapshots(str(folder))], verbose=0)
    assert snapshots_in(folder).steps() == [2, 1]
    assert snapshots_in(f"{finished}/snapshots").newest().has_weights_of(built[0])


def test_reports_and_commands_read_it(finished, recipe, tmp_path):
    comparison = reports.write([finished], tmp_path / "report.html")
    assert comparison.to_dict()["runs"][0]["folder"] == finished
    assert (comparison.names, comparison.runs[0].steps, comparison.runs[0].state) == (["run"], 2, "finished")
    assert "data:image/png" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert trained_on(finished)["data"] == recipe.data
    said = CliRunner().invoke(main, ["compare", finished, f"{finished}/"])
    assert (said.exit_code, f"{finished} twice" in said.output) == (2, True)
    said = CliRunner().invoke(main, ["train", "--resume", finished])
    assert said.exit_code == 0, said.output
    assert f"The run in {finished} had already finished, after 2 steps" in said.output
    said = CliRunner().invoke(main, ["train", "gan", "--data", recipe.data, "--out", finished])
    assert (said.exit_code, f"empty folder for the run. Received: {finished}, which is in use" in said.output) == (
        2,
        True,
    )
    said = CliRunner().invoke(main, ["train", "--resume", "no://bucket/run"])
    assert (said.exit_code, said.output.startswith("Error: Expected storage that TensorFlow knows")) == (2, True)


@pytest.mark.slow
def test_a_run_that_trains_has_one_owner(recipe):
    class Meddling(kgz.callbacks.Progress):
        def on_epoch_end(self, epoch, logs=None):
            with pytest.raises(ClaimedError, match="Wait until it has ended"):
                training.resume(folder, verbose=0)
            assert reports.Run.read(str(folder)).state == "training"
            Claim.new().write(folder)  # as if another process had been told to take it over

    folder = bucket() / "run"
    with pytest.raises(ClaimedError, match="another process took it over"):
        training.train(recipe, str(folder), verbose=0, more_callbacks=(Meddling(),))
    assert [name for name in folder.files() if name.endswith((".snapshot", ".keras", ".csv", ".png"))] == []


@pytest.mark.slow
def test_pictures_and_logs_may_fail_but_not_the_model(recipe, monkeypatch):
    def refused(*_, **__):
        raise RemoteError("no quota")

    monkeypatch.setattr(uploads, "PAUSE", -1)
    monkeypatch.setattr(RemotePath, "upload", refused)
    folder = bucket() / "run"
    with pytest.warns(UserWarning, match="Training goes on without new pictures and logs") as warned:
        training.train(recipe, str(folder), verbose=0)
    assert len([each for each in warned if "no quota" in str(each.message)]) == 1
    assert {"gan.keras", "recipe.toml", "snapshots"} == {path.name for path in folder.iterdir()} - {f"gan.keras{MARK}"}
    monkeypatch.setattr(runs, "write_whole", refused)
    wanted = rf"the model to {folder}/gan\.keras\. Received: no quota\. Its weights are in the last snapshot\. Mend"
    with pytest.warns(UserWarning, match="no quota"), pytest.raises(OSError, match=wanted):
        training.resume(str(folder), verbose=0)


@pytest.mark.parametrize("in_memory", [False, True])
def test_pictures_are_read_from_there(in_memory):
    folder = bucket() / "pictures"
    for number in range(6):
        file = BytesIO()
        Image.new("RGB", (4, 4), (number, 0, 9)).save(file, "png")
        (folder / ("cat" if number % 2 else "dog") / f"{number}.png").write_bytes(file.getvalue())
    (folder / "dogs.txt").write_bytes(b"")  # in ram://, the folder dog lists the end of this name
    images = kgz.data.load(str(folder), memory_limit=10**6 if in_memory else 0)
    assert (images.name, images.class_names, len(images)) == ("pictures", ("cat", "dog"), 6)
    assert images.in_memory().examples[:, 0, 0, 0].tolist() == [1, 3, 5, 0, 2, 4]
    assert not kgz.data.has_splits(str(folder))
    assert kgz.data.located(str(folder)) == str(folder)
    with pytest.raises(InputError, match=rf"Expected no split for {folder}"):
        kgz.data.load(str(folder), split="test")


def start(recipe, folder):
    """A user's next start."""
    arguments = {"snapshots": {"every_steps": 1}, "verbose": 0}
    if (folder / "recipe.toml").exists():
        training.resume(str(folder), **arguments)
    else:
        training.train(recipe, str(folder), **arguments)


def kill(recipe, finished, at) -> bool:
    """Kills a run in an operation, resumes it and compares it with the whole one; returns whether it was killed."""
    folder = bucket() / "run"
    with killed(at) as storage:
        start(recipe, folder)
    with killed(np.inf):  # another process than the one before
        start(recipe, folder)
    assert_same_run(folder, results(place(finished)))
    assert [name for name in folder.files() if "/." in f"/{name}"] == [], storage.seen[-1:]
    return storage.is_done


def test_killed_between_a_snapshot_and_its_marker(recipe, finished, operations):
    names = [path.rpartition("/")[2] for _, path in operations]
    second = next(at for at, name in enumerate(names) if "step_0000000002" in name and MARK in name and name[0] == ".")
    assert kill(recipe, finished, second)


@pytest.mark.slow
def test_killed_anywhere(recipe, finished, monkeypatch):
    monkeypatch.setattr(uploads, "PAUSE", -1)
    for at in count(0, 7):  # at each of them, it would take ten minutes
        if not kill(recipe, finished, at):
            break
    assert at > 60
