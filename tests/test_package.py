"""The package as a whole: what importing it costs, what it exposes, what Keras finds by itself."""

import subprocess
import sys

import pytest

import keras_gan_zoo as kgz
from keras_gan_zoo.game.two_player import TwoPlayerModel
from tests.helpers import slow


def python(code):
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.parametrize("code", ["import keras_gan_zoo", "import keras_gan_zoo.cli", "import keras_gan_zoo.errors"])
def test_importing_imports_no_tensorflow(code):
    heavy = "{'tensorflow', 'keras', 'numpy', 'PIL', 'sklearn', 'rich'}"
    assert python(f"import sys; {code}; print({heavy} & set(sys.modules))").strip() == "set()"


def test_another_backend_is_refused_in_a_sentence():
    said = python(
        "import os; os.environ['KERAS_BACKEND'] = 'jax'; import keras_gan_zoo, sys\n"
        "try: keras_gan_zoo.DCGAN\n"
        "except keras_gan_zoo.InputError as error: print(error, 'keras' in sys.modules)"
    )
    assert said == (
        "Expected Keras on TensorFlow. Received: the backend 'jax'. Set KERAS_BACKEND=tensorflow before Keras is "
        "imported. False\n"
    )


def test_every_public_name_is_there():
    for name in kgz.__all__:
        assert getattr(kgz, name) is not None
    assert set(kgz.__all__) <= set(dir(kgz))
    with pytest.raises(AttributeError, match="no attribute 'GNA'"):
        kgz.GNA  # noqa: B018


def test_variants_are_games_of_two_players_under_their_names():
    of_others = [name for name, variant in kgz.VARIANTS.items() if not issubclass(variant, TwoPlayerModel)]
    assert of_others == ["vae"]
    assert [variant.__name__ for variant in kgz.VARIANTS.values()] == list(kgz.VARIANT_CLASSES.values())


@pytest.mark.parametrize(
    "imports",
    [
        slow("import keras_gan_zoo, keras"),
        "import keras, keras_gan_zoo",
        slow("import keras_gan_zoo; keras_gan_zoo.GAN; import keras"),
        "from keras_gan_zoo import data; import keras",
    ],
)
def test_keras_loads_our_models_by_itself_in_any_order(tiny, tmp_path, imports):
    path = tmp_path / "gan.keras"
    tiny("dcgan").save(path)
    assert "DCGAN" in python(f"{imports}; print(type(keras.saving.load_model({str(path)!r})))")


@pytest.mark.parametrize(
    "load",
    [
        slow("from keras_gan_zoo.zoo import load; load({path!r})"),
        # as gan-zoo does
        "import keras_gan_zoo.training.recipe; from keras_gan_zoo.metrics import sources; sources.as_source({path!r})",
    ],
)
def test_models_are_loaded_whichever_module_of_ours_imported_keras(load, tiny, tmp_path):
    path = tmp_path / "gan.keras"
    tiny("dcgan").save(path)
    python(load.format(path=str(path)))


@pytest.mark.parametrize("module", ["models.gan", slow("losses"), slow("training")])
def test_modules_can_be_imported_by_their_own_path_first(module):
    python(f"import keras_gan_zoo.{module}")
