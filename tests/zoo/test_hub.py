"""Presets on a hub, which is one of this machine: pushed, loaded, and refused in a sentence."""

import hashlib
import io
import pickle
import sys
import threading
import tomllib
import traceback

import numpy as np
import pytest
from click.testing import CliRunner

import keras_gan_zoo as kgz
from keras_gan_zoo.cli import main
from keras_gan_zoo.core import downloads
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.zoo import cards
from tests.hub import TOKEN, Hub

constants = pytest.importorskip("huggingface_hub.constants", reason="the extra 'hub' is not installed")
PLACE = "hf://me/points"


@pytest.fixture(scope="module")
def gan():
    return kgz.GAN.for_images((2,), latent_dim=3, units=4, depth=1, architecture="mlp", seed=0)


@pytest.fixture(scope="module")
def files(gan, tmp_path_factory):
    folder = tmp_path_factory.mktemp("presets") / "points"
    gan.save_preset(folder, description="Noise", licence="MIT")
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def hub(monkeypatch, tmp_path):
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "HF_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv(downloads.OFFLINE, raising=False)
    monkeypatch.setenv(downloads.FOLDER, str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no_token"))
    monkeypatch.setattr(downloads, "PAUSES", ())
    with Hub() as server:
        monkeypatch.setattr(constants, "ENDPOINT", server.endpoint)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_what_is_pushed_is_loaded(hub, gan, capfd, monkeypatch, tmp_path):
    place = gan.push_to_hub("me/points", private=True, token=TOKEN, description="Dots", licence="MIT")
    [_, (commit, files)] = hub.repositories["me/points"]["commits"]  # all of it came in one
    assert place == f"{PLACE}@{commit}"
    assert set(files) == {".gitattributes", cards.CARD_FILE, cards.README, cards.PICTURE, *cards.FILES}
    assert hub.repositories["me/points"]["private"]
    assert 'kgz.load("hf://me/points")' in files[cards.README].decode()
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    again = kgz.load(PLACE, with_discriminator=True)
    np.testing.assert_array_equal(again.sample(4, seed=0), gan.sample(4, seed=0))
    assert isinstance(kgz.GAN.from_preset(place), kgz.GAN)
    again.push_to_hub("me/points", with_discriminator=False)
    [*_, (_, newer)] = hub.repositories["me/points"]["commits"]
    assert set(files) - set(newer) == {cards.DISCRIMINATOR}
    assert tomllib.loads(newer[cards.CARD_FILE].decode())["points"]["licence"] == "MIT"
    result = CliRunner().invoke(main, ["sample", place, "-n", "4", "-o", str(tmp_path / "points.npz")])
    assert result.exit_code == 0, result.output
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    said = "".join(capfd.readouterr()) + result.output
    assert TOKEN.encode() not in kept + b"".join([*files.values(), *newer.values()]) + said.encode()
    assert any(TOKEN in sent for sent in hub.sent)


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        ("hf://me/nothing", InputError, "Received: hf://me/nothing, not shown without a token"),
        ("hf://me/hidden", InputError, "Received: hf://me/hidden, not shown without a token.*HF_TOKEN"),
        (f"{PLACE}@v9", InputError, "Expected a branch, a tag or a commit. Received: hf://me/points@v9"),
        ("hf://me/other", InputError, r"Expected a preset, with a preset\.toml\. Received: hf://me/other"),
        ("hf://me", InputError, "Expected a repository on the hub, hf://user/name"),
        ("hf://me/points?token=secret", InputError, r"Received: hf://me/points\?\.\.\.\. Check it"),
        ("hf://me/link", InputError, r"generator\.npz with SHA-256 .*The file was changed"),
        ("hf://me/pickle", InputError, "Expected the weights of the generator of points, array by array"),
        ("hf://me/large", InputError, "Expected at most 1,048,576 bytes"),
        ("hf://me/extra", InputError, "file of a preset"),
    ],
)
def test_what_is_no_preset_is_refused_and_nothing_is_kept(source, error, message, hub, files, tmp_path):
    class Evil:
        def __reduce__(self):
            return (pytest.fail, ("code of a stranger was run",))

    pickled = io.BytesIO()
    np.savez(pickled, **{"0": np.array([Evil()], dtype=object)}, allow_pickle=True)
    pickled = pickled.getvalue()
    digest = hashlib.sha256(files["generator.npz"]).hexdigest()
    card = files[cards.CARD_FILE].decode()
    of_pickle = card.replace(digest, hashlib.sha256(pickled).hexdigest()).encode()
    hub.add("me/points", files)
    hub.add("me/hidden", files, private=True)
    hub.add("me/other", {"config.json": b"{}", "model.pkl": pickle.dumps([1])})
    hub.add("me/link", {**files, "generator.npz": b"../../etc/passwd"})  # a link is served as its target's name
    hub.add("me/pickle", {**files, "generator.npz": pickled, cards.CARD_FILE: of_pickle})
    hub.add("me/large", {**files, cards.CARD_FILE: b"#" * (2**20 + 1)})
    hub.add("me/extra", {**files, "run.py": b"", cards.CARD_FILE: card.replace("golden.npz", "run.py").encode()})
    with pytest.raises(error, match=message) as raised:
        kgz.load(source)
    assert "\n" not in str(raised.value)
    assert not [path for path in hub.paths if path.endswith((".pkl", ".py"))]
    kept = {path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert kept <= {*files.values(), pickled}  # whole files that the cards list


@pytest.mark.parametrize(
    ("repository", "token", "options", "error", "message"),
    [
        ("me/points", None, {}, InputError, "Expected a token that may write to hf://me/points. Received: none"),
        ("me/new", "hf_wrong", {}, InputError, "Received: one that the hub refuses (403)"),
        ("me/new", "hf_two\nlines", {}, InputError, "Expected a token without spaces"),
        ("points", TOKEN, {}, InputError, "Expected a repository on the hub, user/name. Received: 'points'"),
        ("me/other", TOKEN, {}, InputError, "hf://me/other, which holds something else"),
        ("me/points", TOKEN, {"private": True}, InputError, "hf://me/points, which exists and is public"),
    ],
)
def test_what_cannot_be_pushed_leaves_the_hub_as_it_was(repository, token, options, error, message, hub, files, gan):
    hub.add("me/points", files)
    hub.add("me/other", {"model.safetensors": b""})
    before = repr(hub.repositories)
    with pytest.raises(error) as raised:
        gan.push_to_hub(repository, token=token, **options)
    assert message in str(raised.value)
    assert (token or "\0") not in "".join(traceback.format_exception(raised.value))
    assert repr(hub.repositories) == before


def test_without_network_or_client_there_is_a_sentence(hub, gan, monkeypatch):
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(OSError, match=rf"Expected to reach the hub for {PLACE}\. Received: .*Check the network\."):
        kgz.load(PLACE)
    monkeypatch.setattr(constants, "ENDPOINT", "http://example.org")
    with pytest.raises(InputError, match="HF_ENDPOINT as https://"):
        gan.push_to_hub("me/points", token=TOKEN)
    with pytest.raises(InputError, match=r"Expected no sha256 with hf://.*add @COMMIT"):
        kgz.load(PLACE, sha256="0" * 64)
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(InputError, match=r"pip install 'keras-gan-zoo\[hub\]'"):
        kgz.load(PLACE)
    monkeypatch.setenv(downloads.OFFLINE, "1")
    for use in (lambda: kgz.load(PLACE), lambda: gan.push_to_hub("me/points", token=TOKEN)):
        with pytest.raises(OSError, match=f"while {downloads.OFFLINE} is set"):
            use()
