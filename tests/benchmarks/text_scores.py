"""What `text_to_image` measures: attributes and R-precision, answers that need no model, diversity, copies."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.spatial.distance import pdist

from keras_gan_zoo import data, pictures
from keras_gan_zoo.data.captioned import CaptionedDataset
from keras_gan_zoo.latent.noise import truncated_noise
from keras_gan_zoo.metrics.neighbours import Neighbours, nearest_neighbours
from tests.benchmarks.attributes import Reader, codes_of, rates, scaled
from tests.benchmarks.matching import Encoded, Matcher, r_precision

SELECTING, REPORTING = 500, 1500  # test captions
SAMPLES, CAPTIONS = 16, 64  # of diversity


@dataclass
class Asked:
    """Captions, and the real pictures that they belong to."""

    pictures: CaptionedDataset
    texts: list[str]

    @cached_property
    def codes(self) -> np.ndarray:
        """The attributes that the captions ask for, (n, attributes)."""
        return codes_of(self.pictures)


def selecting(name: str) -> Asked:
    """The captions by which models are chosen."""
    test = data.load(name, split=f"test[:{SELECTING}]")
    return Asked(test, complete(test.captions))


def reporting(name: str) -> dict[str, Asked]:
    """The captions that are reported on."""
    test = data.load(name, split=f"test[{SELECTING}:{SELECTING + REPORTING}]")
    held_out = data.load(name, split=f"held_out[:{REPORTING}]")
    return {
        "unseen": Asked(test, complete(test.captions)),
        "in other words": Asked(test, complete(test.paraphrases)),
        "held-out combinations": Asked(held_out, complete(held_out.captions)),
    }


def complete(captions) -> list[str]:
    """The captions that mention every attribute."""
    return [texts[0] for texts in captions]


def drawn(gan, texts: list[str], noise: np.ndarray | int = 0) -> np.ndarray:
    """A sample for each text, rounded to 8 bits, in [-1, 1]; from noise or from the seed of noise."""
    if isinstance(noise, int):
        noise = truncated_noise(len(texts), gan.noise_shape(), seed=noise)
    return scaled(pictures.to_uint8(gan.sample_from(noise, conditions=gan.encoder.encode(texts))))


@dataclass
class Judges:
    """What sees pictures."""

    reader: Reader
    matcher: Matcher

    def scores(self, images: np.ndarray, asked: Asked) -> dict[str, float]:
        """Rates of the attributes, and the R-precision, of a picture for each caption."""
        found, between_groups = r_precision(self.matcher.products(images, asked.texts), asked.codes)
        return {**self.rates(images, asked), "R-precision": found, "between groups": between_groups}

    def rates(self, images: np.ndarray, asked: Asked) -> dict[str, float]:
        return rates(self.reader.codes(images), asked.codes, self.reader.attributes)


def scores_of_model(gan, asked: Asked, judges: Judges) -> dict[str, dict]:
    """The scores of samples, and of the same samples as if each had been drawn for the caption of another."""
    samples = drawn(gan, asked.texts)
    order = np.random.default_rng(0).permutation(len(samples))
    exchanged = np.empty_like(order)
    exchanged[order] = np.roll(order, 1)  # no caption stays
    return {
        "samples": judges.scores(samples, asked),
        "samples of other captions": judges.scores(samples[exchanged], asked),
    }


def scores_without_model(asked: Asked, training: Encoded, judges: Judges) -> dict[str, dict]:
    """The scores of real pictures, and of answers that need no model."""
    nearest = nearest_captions(judges.matcher.encoder.encode(asked.texts), training)
    majority = np.array([np.bincount(codes).argmax() for codes in codes_of(training.pictures).T])
    return {
        "real pictures": judges.scores(asked.pictures.examples, asked),
        "picture of the nearest caption": judges.scores(training.pictures.examples[nearest], asked),
        "most frequent values": rates(np.tile(majority, (len(asked.texts), 1)), asked.codes, judges.reader.attributes),
    }


def nearest_captions(vectors: np.ndarray, training: Encoded) -> np.ndarray:
    """For each vector of a caption, the training picture that has the nearest caption, by the cosine."""
    unit = training.vectors / np.linalg.norm(training.vectors, axis=1, keepdims=True)
    pieces = np.array_split(vectors, -(-len(vectors) // 250))
    return training.owners[np.concatenate([(piece @ unit.T).argmax(axis=1) for piece in pieces])]


def familiar(asked: Asked, training: CaptionedDataset) -> list[tuple[str, np.ndarray]]:
    """Captions, each with the training pictures of exactly its attributes: those with the most, and at least two."""
    places: dict[tuple, list[int]] = {}
    for place, codes in enumerate(codes_of(training).tolist()):
        places.setdefault(tuple(codes), []).append(place)
    texts = dict(zip(map(tuple, asked.codes.tolist()), asked.texts, strict=True))
    found = [(text, np.array(places[codes])) for codes, text in texts.items() if len(places.get(codes, [])) > 1]
    return sorted(found, key=lambda pair: -len(pair[1]))[:CAPTIONS]


def diversity(gan, asked: Asked, training: CaptionedDataset, judges: Judges) -> dict[str, dict]:
    """Mean distances between samples of a caption, between the real ones, and between samples of one noise."""
    chosen = familiar(asked, training)
    texts = [text for text, _ in chosen]
    noises = [truncated_noise(SAMPLES, gan.noise_shape(), seed=number) for number in range(len(texts))]
    of_captions = [drawn(gan, [text] * SAMPLES, noise) for text, noise in zip(texts, noises, strict=True)]
    of_noises = [drawn(gan, texts[:SAMPLES], np.repeat(noise[:1], len(texts[:SAMPLES]), axis=0)) for noise in noises]
    groups = {
        "samples of a caption": of_captions,
        "real pictures of its attributes": [scaled(training.examples[same]) for _, same in chosen],
        "samples of one noise": of_noises,
    }
    return {
        name: {
            "features": mean_distance(images, judges.reader.features),
            "pixels": mean_distance(images) / float(np.sqrt(images[0][0].size)),
        }
        for name, images in groups.items()
    }


def mean_distance(groups, features: Callable = lambda images: images) -> float:
    """The mean distance between two pictures of a group, over the groups.

    Example:
        >>> mean_distance([np.array([[0.0], [3.0]]), np.array([[1.0], [1.0], [4.0]])])
        2.5
    """
    return float(np.mean([pdist(np.reshape(features(group), (len(group), -1))).mean() for group in groups]))


def copies(images: np.ndarray, training: CaptionedDataset) -> tuple[dict[str, float], Neighbours]:
    """Distances to the nearest training pictures, and how many pictures equal one."""
    found = nearest_neighbours(pictures.to_uint8(images), training.examples)
    exact = float((found.distances[:, 0] == 0).mean())
    shown = {"distance": found.distance, "ratio": found.ratio, "copies": found.copies, "equal": exact}
    return shown, found
