"""Models as the page takes them: ONNX files, what they take, and the facts of their cards."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from keras_gan_zoo.core import registry
from keras_gan_zoo.core.conditions import Condition
from keras_gan_zoo.core.files import written_beside
from keras_gan_zoo.encoders import Characters
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.latent.morphs import around_encoded_label
from keras_gan_zoo.onnx_file import OnnxFile
from keras_gan_zoo.zoo.cards import Card, shipped

if TYPE_CHECKING:
    from keras_gan_zoo.latent.sampler import Sampler

GENERATOR, OF_VECTORS, VECTORS = "generator.onnx", "of_vectors.onnx", "vectors.json"  # the files of one model
EXAMPLES = 4  # pictures to translate
LONGEST = 40  # characters of a text that is made of words of the captions
SOURCE_CHANNELS, IMAGE_CHANNELS = (1, 3), (1, 2, 3, 4)


def export_all(model: Sampler, folder: Path) -> None:
    """Writes the files of a model: its generator; that of mixed classes; held-out pictures that it can translate.

    Args:
        model: A trained model.
        folder: A folder to write to, which exists.

    Raises:
        InputError: If the generator cannot be exported.
    """
    from keras_gan_zoo.export import export  # imports TensorFlow

    export(model, folder / GENERATOR)
    if model.has_classes and model.latent_shape is not None:
        _export_mixed_classes(model, folder)
    for number, picture in enumerate(_pictures_to_translate(model)):
        picture.save(folder / f"{number}.png")


def _export_mixed_classes(model: Sampler, folder: Path) -> None:
    """Writes the part of a generator that takes the encoding of a class, and the encodings; nothing if it has none."""
    import keras
    import numpy as np

    from keras_gan_zoo.export.exporting import export_part  # imports TensorFlow
    from keras_gan_zoo.export.generator import Generator  # likewise

    try:
        encode, decode = around_encoded_label(Generator.from_model(model).network)
    except InputError:  # labels enter in several places
        return
    encodings = np.asarray(encode(np.arange(model.num_classes)), np.float32)
    vectors = encodings.reshape(len(encodings), -1)
    noise, vector = keras.Input(model.latent_shape), keras.Input(vectors.shape[1:])
    encoding = keras.layers.Reshape(encodings.shape[1:])(vector)
    network = keras.Model([noise, vector], decode([noise, encoding]))
    export_part(model, network, Condition(vectors.shape[1:]), folder / OF_VECTORS)
    with written_beside(folder / VECTORS) as beside:
        beside.write_text(json.dumps(vectors.tolist()), encoding="utf-8")


def _pictures_to_translate(model: Sampler) -> list:
    """Held-out sources of a preset, if its data are in the package: nothing is fetched for them."""
    origin = getattr(model, "origin", None)
    if not model.translates or origin is None or origin.card.data.get("name") not in registry.EMBEDDED:
        return []
    from PIL import Image

    from keras_gan_zoo.pictures import to_uint8  # needed for translators only
    from keras_gan_zoo.training.publishing import pairs_to_show  # imports TensorFlow
    from keras_gan_zoo.training.recipe import Recipe  # likewise

    sources = pairs_to_show(model, Recipe(**origin.card.recipe))[0]
    sources = sources if sources.dtype == "uint8" else to_uint8(sources)
    return [Image.fromarray(each[..., 0] if each.shape[-1] == 1 else each) for each in sources[:EXAMPLES]]


@dataclass(frozen=True)
class ModelFiles:
    """A model whose files are in a folder.

    Args:
        name: Its name on the page and in the names of files.
        folder: The folder.
        card: The card of the preset that it is; None for others.
    """

    name: str
    folder: Path
    card: Card | None = None

    def files(self) -> dict[str, Path]:
        """The files that the page needs, by their paths in its folder."""
        found = {f"models/{self.name}.onnx": self.folder / GENERATOR}
        if (self.folder / OF_VECTORS).is_file():
            found[f"models/{self.name}.{OF_VECTORS}"] = self.folder / OF_VECTORS
        numbers = range(EXAMPLES)
        pictures = {f"pictures/{self.name}_{number}.png": self.folder / f"{number}.png" for number in numbers}
        return found | {name: path for name, path in pictures.items() if path.is_file()}

    def entry(self) -> dict:
        """What the index says about the model.

        Raises:
            InputError: If its file is damaged, or the page cannot give what it takes, or show what it makes.
        """
        file = OnnxFile(self.folder / GENERATOR)
        card = self.card or shipped().get(file.metadata.get("preset", ""))
        return {
            "name": self.name,
            "file": f"models/{self.name}.onnx",
            "size": (self.folder / GENERATOR).stat().st_size,
            **_facts(file, card),
            "image_shape": _image_shape(file),
            "noise": None if file.latent_shape is None else list(file.latent_shape),
            "classes": self._classes(file),
            "texts": _texts(file, card),
            "pictures": self._pictures(file),
        }

    def _classes(self, file: OnnxFile) -> dict | None:
        if not file.has_classes or file.num_classes is None:
            return None
        names = list(file.class_names or map(str, range(file.num_classes)))
        mixed = None
        if (self.folder / OF_VECTORS).is_file():
            vectors = json.loads((self.folder / VECTORS).read_text(encoding="utf-8"))
            mixed = {"file": f"models/{self.name}.{OF_VECTORS}", "vectors": vectors}
        return {"names": names, "mixed": mixed}

    def _pictures(self, file: OnnxFile) -> dict | None:
        if file.condition is None or file.condition.kind != "pictures":
            return None
        shape = list(file.condition.shape)
        if shape[2] not in SOURCE_CHANNELS:
            raise _refusal(file, "pictures to translate of 1 or 3 channels", f"{shape[2]} channels")
        free = None if file.free_size is None else file.free_size.to_dict()
        examples = [name for name in self.files() if name.startswith("pictures/")]
        return {"shape": shape, "free_size": free, "examples": examples}


def _facts(file: OnnxFile, card: Card | None) -> dict:
    licence, data_licence = (file.metadata.get(name, "") for name in ("licence", "data_licence"))
    if card is None:
        data = {"name": "", "authors": "", "licence": data_licence}
        return {"variant": file.metadata.get("variant", ""), "description": "", "paper": "", "licence": licence} | {
            "data": data
        }
    return {
        "variant": registry.VARIANT_CLASSES.get(card.variant, card.variant),
        "description": card.description,
        "paper": card.paper,
        "licence": licence or card.licence,
        "data": {key: str(card.data.get(key, "")) for key in ("name", "authors", "licence")},
    }


def _image_shape(file: OnnxFile) -> list[int]:
    try:
        shape = json.loads(file.metadata.get("image_shape", "null"))
    except ValueError:
        shape = None
    if not isinstance(shape, list) or len(shape) != 3 or shape[2] not in IMAGE_CHANNELS:
        raise _refusal(file, "a generator of images of 1 to 4 channels", f"image_shape {shape} in its metadata")
    return shape


def _texts(file: OnnxFile, card: Card | None) -> dict | None:
    if file.condition is None or file.condition.kind != "vectors":
        return None
    [length] = file.condition.shape
    if file.encoder is None or length & (length - 1) or file.encoder.digest != Characters(length).digest:
        received = "vectors of no texts" if file.encoder is None else f"those of the encoder {file.encoder.name}"
        raise _refusal(
            file, 'classes, pictures, or texts by the encoder "characters", which the page computes', received
        )
    known = sorted(file.vocabulary or ())
    return {"length": length, "vocabulary": known, "examples": _example_texts(card, known)}


def _example_texts(card: Card | None, known: Sequence[str]) -> list[str]:
    if card is not None and card.texts:
        return list(card.texts)
    words = known[:: max(1, len(known) // 5)]
    return [" ".join(words)[:LONGEST].strip()] if words else ["a face"]


def _refusal(file: OnnxFile, expected: str, received: str) -> InputError:
    return InputError(
        f"Expected a model that the page can run, with {expected}. Received: {file.path} with {received}. Leave it out."
    )


def name_of(source: str | os.PathLike, taken: Sequence[str]) -> str:
    """A name for a model that suits files and URLs, and is not among others.

    Example:
        >>> name_of("runs/my digits", []), name_of("digits.onnx", ["digits"])
        ('my_digits', 'digits_2')
    """
    path = Path(re.sub(r"[#?].*", "", str(source)))
    stem = path.stem if path.suffix.lower() in (".onnx", ".keras", ".zip") else path.name
    base = re.sub(r"[^\w-]+", "_", stem or path.absolute().name, flags=re.ASCII).strip("_") or "model"
    return next(name for n in range(1, len(taken) + 2) if (name := base if n == 1 else f"{base}_{n}") not in taken)
