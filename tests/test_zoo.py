import keras
import numpy as np
import pytest

import keras_gan_zoo as kgz
from keras_gan_zoo.errors import InputError


def test_loads_a_file(tiny, tmp_path):
    gan = tiny("dcgan")
    gan.save(tmp_path / "gan.keras")
    np.testing.assert_array_equal(kgz.load(tmp_path / "gan.keras").sample(3, seed=0), gan.sample(3, seed=0))


def test_other_files_are_refused_by_name(tmp_path):
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save(tmp_path / "other.keras")
    (tmp_path / "text.keras").write_text("no archive")
    np.savez(tmp_path / "arrays.npz", a=np.zeros(2))
    with pytest.raises(InputError, match="model of class 'Sequential'"):
        kgz.load(tmp_path / "other.keras")
    for name in ("text.keras", "arrays.npz"):
        with pytest.raises(InputError, match=f"whole model.*{name}"):
            kgz.load(tmp_path / name)
    with pytest.raises(InputError, match="does not exist"):
        kgz.load(tmp_path / "missing.keras")
    with pytest.raises(InputError, match="which has neither"):
        kgz.load(tmp_path)
