"""The command line for every variant and every option of a model."""

import dataclasses
import functools
import re

import numpy as np
import pytest
from click.testing import CliRunner

import keras_gan_zoo as kgz
from keras_gan_zoo.cli import main
from keras_gan_zoo.cli.options import model_options, run_options
from keras_gan_zoo.training import Recipe, build, planning, resolve


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments], terminal_width=110)


OPTIONS = {option.name: option for option in model_options()}


@pytest.fixture
def without_estimate(monkeypatch):
    """A dry run without the few steps that tell how long a run will take, which takes as long as all else."""
    monkeypatch.setattr(planning, "_steps_per_second", lambda *_: None)


# ------------------------------------------------------------------------------------------------------------- recipes


@pytest.mark.parametrize("variant", kgz.VARIANTS)
def test_a_dry_run_prints_a_whole_recipe(variant, tmp_path, monkeypatch, without_estimate):
    monkeypatch.chdir(tmp_path)
    kind = kgz.VARIANTS[variant]
    name, split = ("avatars", "train[:640]") if kind.takes_texts else ("digits", "train")
    name, split = ("openmoji", "train[:640]") if variant == "pix2pix" else (name, split)
    name = "digits,digits" if variant == "cycle_gan" else name
    dataset = kgz.data.load(name, split=split)
    defaults = kgz.VARIANTS[variant].default_arguments(dataset.example_shape)
    narrow = {"width": 2} if "width" in defaults else {}
    given = [f"--{option}={value}" for option, value in narrow.items()]
    result = run("train", variant, "--data", name, "--split", split, *given, "--dry-run")
    assert result.exit_code == 0, result.output
    recipe = Recipe.from_toml(result.output)
    assert (recipe.variant, recipe.optimizer, recipe.data, recipe.seed) == (variant, variant, name, 0)
    assert recipe.conditional == kgz.VARIANTS[variant].needs_labels
    assert recipe.batch_size == kind.minibatch_size * defaults.get("discriminator_steps", 1)
    assert recipe.epochs >= 4500 // (len(dataset) // recipe.batch_size)
    averaged = {"ema_decay": 0.999} if issubclass(kind, kgz.TwoPlayerModel) else {}
    assert recipe.model == {**averaged, **({} if kind.takes_pictures else {"latent_dim": 100}), **defaults, **narrow}
    assert resolve(recipe)[0] == recipe  # nothing is left to resolve
    assert not list(tmp_path.iterdir())


def test_a_recorded_recipe_is_averaged_only_if_it_says_so(tmp_path, without_estimate):
    """What was trained before new recipes had an averaged generator is trained again as it was."""
    recorded = tmp_path / "recipe.toml"
    recorded.write_text(Recipe("dcgan", "digits", model={"width": 2}).to_toml(), encoding="utf-8")
    for options, expected in (((), None), (("--ema", "0.9"), 0.9)):
        result = run("train", "--recipe", recorded, *options, "--dry-run")
        assert Recipe.from_toml(result.output).model.get("ema_decay") == expected


def test_options_reach_the_model(without_estimate):
    model = {
        "wgan": "--clip 0.03 --keep-normalization --critic-head-start --k 2 --width 2",
        "wgan_gp": "--penalty-weight 3 --one-sided --architecture mlp --units 4 --latent-dim 7",
        "fgan": "--divergence alpha --alpha 0.3 --generator-objective non_saturating --r1 0.5 --r2 0.25 --packing 2",
        "gan": "--loss relativistic --simultaneous --ema 0.9 --spectral-normalization --architecture elu --conditional",
    }
    gans = {}
    for variant, options in model.items():
        result = run("train", variant, "--data", "digits", "--seed", "5", "--dry-run", *options.split())
        assert result.exit_code == 0, result.output
        gans[variant] = build(*resolve(Recipe.from_toml(result.output)))
    wgan, wgan_gp, fgan, gan = gans["wgan"], gans["wgan_gp"], gans["fgan"], gans["gan"]
    assert (wgan.clip, wgan.clip_normalization, wgan.critic_head_start) == (0.03, False, True)
    assert wgan.discriminator_steps == 2
    assert (wgan_gp.penalty_weight, wgan_gp.one_sided, wgan_gp.latent_shape) == (3, True, (7,))
    assert wgan_gp.discriminator.layers[2].units == 4
    assert (fgan.divergence.name, fgan.divergence.alpha) == ("alpha", 0.3)
    assert fgan.adversarial_loss.generator_objective == "non_saturating"
    assert (fgan.r1, fgan.r2, fgan.packing) == (0.5, 0.25, 2)
    assert type(gan.adversarial_loss) is kgz.losses.Relativistic
    assert (gan.simultaneous, gan.ema_decay, gan.conditional) == (True, 0.9, True)
    assert "SpectralNormalization" in {type(layer).__name__ for layer in gan.discriminator.layers}
    assert gan.class_names == tuple("0123456789")
    assert {gan.seed for gan in gans.values()} == {5}


def test_the_optimizer_of_another_paper(without_estimate):
    result = run("train", "wgan", "--data", "digits", "--optimizer", "wgan_gp", "--learning-rate", "0.003", "--dry-run")
    gan = build(*resolve(Recipe.from_toml(result.output)))
    assert type(gan.discriminator_optimizer).__name__ == "Adam"
    assert gan.discriminator_optimizer.beta_2 == 0.9
    assert float(gan.generator_optimizer.learning_rate) == pytest.approx(0.003)


# ---------------------------------------------------------------------------------------------------------------- runs


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    """24 images of 8 by 8 pixels in three classes with names."""
    path = tmp_path_factory.mktemp("data") / "few.npz"
    images = np.random.default_rng(0).integers(0, 256, (24, 8, 8, 1), dtype=np.uint8)
    np.savez(path, images=images, labels=np.arange(24) % 3)
    return path


TINY_RUNS = {
    "wgan": ["--width", "2", "--k", "2"],
    "fgan": ["--architecture", "mlp", "--units", "4", "--divergence", "pearson"],
    "conditional_gan": ["--architecture", "dcgan", "--width", "2", "--optimizer", "dcgan"],
}
FIGURES = {"wgan": "wasserstein", "fgan": "divergence", "conditional_gan": "d_loss"}


@pytest.mark.parametrize("variant", TINY_RUNS)
def test_a_run_leaves_a_whole_folder(variant, few, tmp_path):
    folder = tmp_path / "run"
    options = ["--epochs", "1", "--batch-size", "8", "--latent-dim", "3", "--out", folder, *TINY_RUNS[variant]]
    result = run("train", variant, "--data", few, *options)
    assert result.exit_code == 0, result.output
    names = {path.name for path in folder.iterdir()}
    assert {"recipe.toml", "log.csv", "gan.keras", "samples.png", "samples", "tensorboard"} <= names
    recipe = Recipe.from_toml((folder / "recipe.toml").read_text())
    assert (recipe.variant, recipe.epochs, recipe.batch_size, recipe.model["latent_dim"]) == (variant, 1, 8, 3)
    header, *rows = (folder / "log.csv").read_text().splitlines()
    assert FIGURES[variant] in header.split(",")
    assert len(rows) == 1
    gan = kgz.load(folder)
    assert type(gan) is kgz.VARIANTS[variant]
    assert int(gan.step) == 3
    assert gan.sample(2).shape == (2, 8, 8, 1)


# ---------------------------------------------------------------------------------------------------------------- help


@functools.cache
def help_text():
    return run("train", "--help").output


def help_of(name):
    """What `train --help` says of an option, on one line."""
    pieces = re.split(r"\n  (?=-)", help_text())
    flags = [flag for flag in OPTIONS[name].opts if flag.startswith("--")]
    [piece] = [piece for piece in pieces if re.match(rf"(-\w, )?{re.escape(flags[0])}\b(?!-)", piece)]
    return " ".join(piece.split())


@pytest.mark.parametrize("name", OPTIONS)
def test_help_states_every_option_and_its_default(name):
    said = help_of(name)
    assert re.search(r"\[default: [^\]]+\]", said)
    assert len(said.split()) > 4
    assert not re.search(r"[`$]|\bNone\b", said)


def test_a_recipe_has_an_option_for_all_it_says():
    fields = {field.name for field in dataclasses.fields(Recipe)}
    assert {option.name for option in run_options()} == fields - {"variant", "model"}
    for option in run_options():
        assert re.search(r"\[default: [^\]]+\]$", option.help) or option.name == "data"
        assert not re.search(r"[`$]|\bNone\b", option.help)


@pytest.mark.parametrize(
    ("name", "variant"),
    [
        *[(name, "dcgan") for name in ("width", "discriminator_normalization", "loss", "discriminator_steps")],
        *[(name, "dcgan") for name in ("packing", "r1", "r2")],
        *[("discriminator_steps", variant) for variant in ("wgan", "wgan_gp")],
        *[("discriminator_normalization", variant) for variant in ("wgan", "wgan_gp")],
        ("clip", "wgan"),
        ("penalty_weight", "wgan_gp"),
        *[(name, "fgan") for name in ("divergence", "generator_objective")],
    ],
)
def test_the_defaults_in_help_are_those_of_the_code(name, variant):
    said = re.search(r"\[default: ([^\]]+)\]", help_of(name)).group(1)
    own = [part for part in said.split("; ") if re.search(rf"\b{variant}\b", part)]
    said = own[0].split(" for ")[0] if own else said.split("; ")[0]
    default = kgz.VARIANTS[variant].default_arguments((8, 8, 1))[name]
    assert said == default if isinstance(default, str) else float(said) == default


def test_help_names_every_architecture_loss_and_divergence():
    for name, options in (
        ("architecture", kgz.networks.ARCHITECTURES),
        ("loss", kgz.losses.LOSSES),
        ("divergence", kgz.divergences.F_DIVERGENCES),
        ("generator_objective", kgz.losses.Variational.OBJECTIVES),
        ("discriminator_normalization", ("batch", "layer", "none")),
    ):
        words = re.findall(r"\w+", help_of(name))
        assert set(options) <= set(words), name


def test_help_names_the_variants_of_every_option():
    """An option that some variant refuses says whose it is, and every option is some variant's."""
    shape = (8, 8, 1)
    for name in OPTIONS:
        takers = {
            (variant, architecture)
            for variant, kind in kgz.VARIANTS.items()
            for architecture in kgz.networks.ARCHITECTURES
            if name in ("architecture", "latent_dim", "spectral_normalization")
            or name in {argument for part in kind._keywords(shape, architecture) for argument in part}
        }
        assert takers, name
        variants = {variant for variant, _ in takers}
        if variants != set(kgz.VARIANTS) and name != "discriminator_steps":
            words = set(re.findall(r"\w+", help_of(name)))
            assert variants <= words or f"all but {', '.join(set(kgz.VARIANTS) - variants)}:" in help_of(name), name


# ------------------------------------------------------------------------------------------------------------- mistakes


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("gan --clip 0.1", "Unknown argument of GAN.for_images 'clip'"),
        ("wgan --penalty-weight 1", "Unknown argument of WGAN.for_images 'penalty_weight'"),
        ("wgan --loss hinge", "Unknown argument of WGAN.for_images 'loss'"),
        ("wgan_gp --critic-head-start", "Unknown argument of WGANGP.for_images 'critic_head_start'"),
        ("wgan_gp --keep-normalization", "Unknown argument of WGANGP.for_images 'clip_normalization'"),
        ("dcgan --divergence kl", "Unknown argument of DCGAN.for_images 'divergence'"),
        ("fgan --k 2", "Unknown argument of FGAN.for_images 'discriminator_steps'"),
        ("fgan --simultaneous", "Unknown argument of FGAN.for_images 'simultaneous'"),
        ("dcgan --units 8", "Unknown argument of DCGAN.for_images 'units'"),
        ("fgan --divergence klx", "Unknown divergence 'klx'"),
        ("fgan --divergence kl --alpha 1.5", "Expected alpha with 'alpha' only. Received: 'kl'"),
        ("fgan --divergence alpha --alpha 1", "Use reverse_kl for 0, kl for 1"),
        ("fgan --weight 2", "Expected weight with 'weighted_jensen_shannon' only"),
        ("fgan --divergence weighted_jensen_shannon --weight 2", "between 0 and 1"),
        ("fgan --generator-objective practical", "Unknown --generator-objective 'practical'"),
        ("gan --packing 3", "divisible by --packing 3. Received: minibatches of 64"),
        ("wgan --packing 3", "divisible by --packing 3. Received: minibatches of 64"),
        ("wgan --batch-size 64", "divisible by --k 5"),
        ("gan --architecture dcgn", "Did you mean 'dcgan'"),
        ("gan --architecture conditional_maxout", "Expected num_classes"),
        ("dcgan --discriminator-normalization bach", "Did you mean 'batch'"),
        ("gan --k 2 --simultaneous", "Expected --k 1 for simultaneous updates"),
        ("wgan --clip 0", "'--clip'"),
        ("wgan_gp --penalty-weight -1", "'--penalty-weight'"),
        ("gan --packing 0", "'--packing'"),
        ("gan --r1 -1", "'--r1'"),
        ("gan --ema 1", "'--ema'"),
        ("gan --optimizer adam", "'--optimizer'"),
    ],
)
def test_mistakes_are_one_clear_line(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run("train", *arguments.split(), "--data", "digits")
    assert result.exit_code == 2, result.output
    last = result.output.splitlines()[-1]
    assert last.startswith("Error: ")
    assert message in last
    assert "Traceback" not in result.output
    assert not list(tmp_path.iterdir())


def test_a_conditional_gan_needs_labelled_data(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run("train", "conditional_gan", "--data", "swiss_roll")
    assert result.exit_code == 2
    assert "Expected labelled data" in result.output


# --------------------------------------------------------------------------------------------------------------- sample


@pytest.fixture(scope="module")
def conditional(tmp_path_factory):
    gan = kgz.ConditionalGAN.for_images(
        (8, 8, 1), 3, class_names=["shirt", "7", "boot"], generator_units=6, discriminator_units=2, pieces=2, seed=0
    )
    path = tmp_path_factory.mktemp("model") / "gan.keras"
    gan.save(path)
    return path


@pytest.mark.parametrize(("label", "index"), [("shirt", 0), ("boot", 2), ("2", 2), ("0", 0), ("7", 1), (None, None)])
def test_samples_of_one_class_by_name_or_index(conditional, label, index, tmp_path):
    out = tmp_path / "samples.npz"
    asked = [] if label is None else ["--label", label]
    result = run("sample", conditional, "-n", "4", "--seed", "3", *asked, "-o", out)
    assert result.exit_code == 0, result.output
    gan = kgz.load(conditional)
    noise = np.random.default_rng(3).standard_normal((4, 3), dtype=np.float32)
    labels = np.arange(4) % 3 if index is None else np.full(4, index)
    expected = gan.generator([noise, labels], training=False)
    np.testing.assert_allclose(np.load(out)["images"], expected, atol=1e-6)


@pytest.mark.parametrize(
    ("label", "message"),
    [("shrt", "Did you mean 'shirt'"), ("3", "from 0 to 2"), ("-1", "Unknown class '-1'"), ("", "Unknown class ''")],
)
def test_unknown_classes_are_one_clear_line(conditional, label, message, tmp_path):
    result = run("sample", conditional, "--label", label, "-o", tmp_path / "samples.png")
    assert result.exit_code == 2, result.output
    assert message in result.output.splitlines()[-1]
    assert not list(tmp_path.iterdir())


def test_a_class_of_a_model_without_labels_is_refused(tmp_path):
    gan = kgz.GAN.for_images((8, 8, 1), 3, generator_units=2, discriminator_units=2, pieces=1)
    gan.save(tmp_path / "gan.keras")
    result = run("sample", tmp_path / "gan.keras", "--label", "shirt", "-o", tmp_path / "samples.npz")
    assert result.exit_code == 2, result.output
    assert "label" in result.output.splitlines()[-1]
