"""Every source of batches, with every fault: what is refused of an array is refused of all of them, in one sentence."""

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import keras_gan_zoo as kgz
from keras_gan_zoo import callbacks
from keras_gan_zoo.errors import InputError
from tests import equality, games
from tests.helpers import assert_same, slow, weights_of

N, BATCH = 24, 8
IMAGES = np.random.default_rng(0).uniform(-1, 1, (N, 8, 8, 1)).astype(np.float32)
LABELS = (np.arange(N) % 3).astype(np.int32)
LONG = LABELS.astype(np.int64)


class Batches(keras.utils.PyDataset):
    def __init__(self, *columns: np.ndarray, size=BATCH, **workers):
        super().__init__(**workers)
        self.columns, self.size, self.calls = list(columns), size, []

    def __len__(self):
        return -(-len(self.columns[0]) // self.size)

    def __getitem__(self, index):
        self.calls.append(index)
        rows = slice(index * self.size, (index + 1) * self.size)
        return tuple(column[rows] for column in self.columns)

    def on_epoch_end(self):
        self.calls.append("end")


class Loader:
    """Batches as a torch DataLoader gives them: read again for each epoch, in lists."""

    def __init__(self, *columns):
        self.batches = Batches(*columns)

    def __len__(self):
        return len(self.batches)

    def __iter__(self):
        return map(list, iter(self.batches))


def tf_data(*columns, size=BATCH):
    return tf.data.Dataset.from_tensor_slices(columns[0] if len(columns) == 1 else columns).batch(size)


def shapeless(*columns):
    spec = [tf.TensorSpec(None, tf.as_dtype(column.dtype)) for column in columns]
    return tf.data.Dataset.from_generator(lambda: iter(Batches(*columns)), output_signature=tuple(spec))


SOURCES = {
    "arrays": lambda *columns: columns,
    "tf.data": tf_data,
    "tf.data without shapes": shapeless,
    "generator": lambda *columns: (batch for batch in Batches(*columns)),
    "PyDataset": Batches,
    "loader": Loader,
}
FAULTS = {
    "0 to 255": ((IMAGES + 1) * 127.5, LABELS, r"in \[-1, 1\]. Received: values from 0.*: .*images / 127.5 - 1"),
    "NaN": (np.where(IMAGES > 0.9, np.nan, IMAGES), LABELS, "Expected finite numbers"),
    "a late NaN": (np.where(np.arange(N)[:, None, None, None] == N - 2, np.nan, IMAGES), LABELS, "finite numbers"),
    "a late 255": (np.where(np.arange(N)[:, None, None, None] == N - 2, 255, IMAGES), LABELS, r"\[-1, 1\].*to 255"),
    "huge labels": (IMAGES, LABELS + np.int64(2**32), "labels from 0 to 1048575.*int64 from 4294967296"),
    "bool one-hot": (IMAGES, np.eye(3, dtype=bool)[LABELS], r"bool.*One-hot labels: .*argmax"),
    "int64 images": ((100 * IMAGES).astype(np.int64), LABELS, r"Expected uint8 images.*int64.*uint8"),
    "bool images": (IMAGES > 0, LABELS, "Expected uint8 images.*bool"),
    "complex images": (IMAGES.astype(np.complex64), LABELS, "Expected uint8 images.*complex64"),
    "channels first": (IMAGES.transpose(0, 3, 1, 2), LABELS, r"\(1, 8, 8\). Put the channels last: .*transpose"),
    "another size": (IMAGES[:, :7], LABELS, r"Expected examples of the shape.*\(7, 8, 1\).*Build the networks"),
    "labels from 1": (IMAGES, LABELS + 1, "labels from 0 to 2.*Received: int32 from 1 to 3.*labels - 1.*num_classes"),
    "a negative label": (IMAGES, LABELS - 1, "Expected one integer label from 0 up.*from -1"),
    "a late label": (IMAGES, np.where(np.arange(N) == N - 2, 3, LABELS), "labels from 0 to 2.*to 3"),
    "a label of 2^31": (IMAGES, np.where(LABELS, LONG, 2**31), "Received: int64 from 1 to 2147483648.*Number them"),
    "a late label of 2^32": (IMAGES, np.where(np.arange(N) == N - 2, 2**32, LONG), "int64 from 0 to 4294967296"),
    "a label of 2^64 - 1": (IMAGES, np.where(LABELS, 2**64 - 1, LABELS.astype(np.uint64)), "uint64 from 0 to 1844674"),
    "a label of 10^9": (IMAGES, np.where(LABELS, LONG, 10**9), "labels from 0 to 1048575.*10000000.*searchsorted"),
    "float labels": (IMAGES, LABELS.astype(np.float32), "one integer label.*Received: float32.*int64"),
    "float column": (IMAGES, LABELS[:, None].astype(np.float32), r"integer labels.*\(1,\). Whole numbers: .*int64"),
    "one-hot": (IMAGES, np.eye(3, dtype=np.float32)[LABELS], r"integer labels.*\(3,\).*One-hot labels: .*argmax"),
    "integer one-hot": (IMAGES, np.eye(3, dtype=np.int32)[LABELS], r"integer label.*\(3,\).*One-hot labels: .*argmax"),
    "text": (IMAGES, np.array(["a", "b", "c"])[LABELS], "one integer label.*Received: text. Number the names: "),
    "bytes": (IMAGES, np.array([b"a", b"b", b"c"])[LABELS], "one integer label.*Received: text. Number the names: "),
    "objects": (IMAGES, np.array(["a", "b", "c"], object)[LABELS], "one integer label.*Received: text"),
}  # fmt: skip


@pytest.fixture(scope="module")
def gan():
    """One conditional model for all tests, which look at what it is given rather than at what it learns."""
    model = equality.build("conditional_gan", True)
    model.compile()
    return model


def as_floats(columns):
    return [column.astype(np.float32) if column.dtype == np.float64 else column for column in columns]


def given(made) -> tuple:
    """x and y for `fit`."""
    return made if isinstance(made, tuple) else (made,)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("source", SOURCES)
def test_what_is_refused_of_arrays_is_refused_of_every_source(gan, source, fault):
    *columns, message = FAULTS[fault]
    if fault == "objects" and source == "tf.data without shapes":
        pytest.skip("TensorFlow has one type of text")
    with pytest.raises(InputError, match=message) as error:
        gan.evaluate(*given(SOURCES[source](*as_floats(columns))), batch_size=BATCH, verbose=0)
    assert len(str(error.value).splitlines()) == 1


def test_labels_are_bounded_where_the_number_of_classes_is_unknown(gan):
    model = equality.build("conditional_gan", True)
    model.compile()
    model.num_classes = None
    for fault in ("a label of 2^31", "a late label of 2^32", "a label of 2^64 - 1", "a label of 10^9"):
        images, labels, message = FAULTS[fault]
        with pytest.raises(InputError, match=message):
            model.evaluate(tf_data(images, labels), verbose=0)


def test_a_later_batch_of_a_wider_type_does_not_wrap(gan):
    """A generator that begins with int32 and goes on with numbers that int32 lacks."""
    batches = [(IMAGES[:BATCH], LABELS[:BATCH]), (IMAGES[:BATCH], LONG[:BATCH] + 2**32)]
    with pytest.raises(InputError, match=r"in int32\. Received: int64 from 4294967296"):
        gan.evaluate(iter(batches), verbose=0)


@pytest.mark.parametrize("fault", ["0 to 255", "a late label", "text"])
@pytest.mark.parametrize("source", SOURCES)
def test_fit_refuses_them_too_before_a_wrong_step(gan, source, fault):
    *columns, message = FAULTS[fault]
    before, step = weights_of(gan), gan.steps_done
    with pytest.raises(InputError, match=message):
        gan.fit(*given(SOURCES[source](*as_floats(columns))), batch_size=BATCH, verbose=0)
    steps = gan.steps_done - step
    assert steps < N // BATCH
    if steps == 0:
        assert_same(weights_of(gan), before)


@pytest.mark.parametrize("source", [name for name in SOURCES if name != "generator"])
def test_validation_data_are_looked_at_before_training(gan, source):
    *columns, message = FAULTS["0 to 255"]
    made, step = SOURCES[source](*as_floats(columns)), gan.steps_done
    with pytest.raises(InputError, match=message):
        gan.fit(IMAGES, LABELS, batch_size=BATCH, validation_data=made, verbose=0)
    assert gan.steps_done == step


@pytest.mark.parametrize("source", SOURCES)
def test_images_in_0_to_1_are_warned_of_at_the_users_line(gan, source):
    made = SOURCES[source]((IMAGES + 1) / 2, LABELS)
    with pytest.warns(UserWarning, match=r"black is -1 here.* pass .*2 \* images - 1") as caught:
        gan.evaluate(*given(made), batch_size=BATCH, verbose=0)
    assert [warning.filename for warning in caught if "black" in str(warning.message)] == [__file__]


@pytest.mark.parametrize("images", [IMAGES, IMAGES[..., 0], (IMAGES * 127).astype(np.uint8)], ids=["", "grey", "uint8"])
@pytest.mark.parametrize("source", SOURCES)
def test_every_source_gives_the_same_batches(gan, source, images):
    made = SOURCES[source](images, LABELS[:, None] if images is IMAGES else LABELS)
    expected = gan.evaluate(images, LABELS, batch_size=BATCH, verbose=0)
    np.testing.assert_allclose(gan.evaluate(*given(made), batch_size=BATCH, verbose=0), expected, rtol=1e-5)


# ------------------------------------------------------------------------------------------------- the form of batches


def rows():
    return {"id": LABELS, "image": IMAGES, "label": LABELS}


def pairs():
    return Batches(IMAGES, LABELS)


def of(source):
    return tf.data.Dataset.from_tensor_slices(source)


BY_ROWS = r"dictionaries of id, image, label. {}\(row\['image'\], row\['label'\]\)"
FORMS = {
    "dictionaries": (lambda: of(rows()).batch(8), BY_ROWS.format(r"Pass dataset.map\(lambda row: ")),
    "yielded dictionaries": (lambda: iter([rows()]), BY_ROWS.format("Yield ")),
    "three parts": (lambda: of((IMAGES, LABELS, LABELS)).batch(8), r"sample weights.*lambda images, labels, \*_"),
    "three yielded parts": (lambda: iter([(IMAGES, LABELS, LABELS)]), "sample weights.*Yield"),
    "nested parts": (lambda: of(((IMAGES, LABELS), LABELS)).batch(8), r"Received: \(tuple, array\)"),
    "examples only": (lambda: tf_data(IMAGES), r"Expected labels, .*batches \(images, labels\)"),
    "single examples": (
        lambda: of((IMAGES, LABELS)),
        r"Received: \(8, 8, 1\).*dataset.batch\(64, drop_remainder=True\)",
    ),
    "single grey examples": (lambda: of((IMAGES[..., 0], LABELS)), r"Received: \(8, 8\).*dataset.batch\(64"),
    "single yielded examples": (lambda: zip(IMAGES, LABELS, strict=True), r"Received: \(8, 8, 1\)"),
    "ragged": (lambda: of((tf.ragged.constant([[1.0], [2.0, 3.0]]), [0, 1])).batch(2), "dense.*RaggedTensor"),
    "sparse": (lambda: of((tf.sparse.from_dense(IMAGES), LABELS)).batch(2), "dense.*SparseTensor"),
    "no batch": (lambda: tf_data(IMAGES, LABELS).take(0), "at least one batch"),
    "no yielded batch": (lambda: iter(()), "at least one batch"),
    "no item": (lambda: Batches(IMAGES[:0], LABELS[:0]), "at least one batch"),
    "no batch, unknown": (lambda: tf_data(IMAGES, LABELS).filter(lambda *_: False), "at least one batch"),
    "an empty batch": (lambda: iter([(IMAGES[:0], LABELS[:0])]), "at least one example"),
    "another batch": (lambda: iter([(IMAGES, LABELS), (IMAGES[:, :7], LABELS)]), "batches like the first, .*7, 8, 1"),
    "another type": (lambda: iter([(IMAGES, LABELS), (IMAGES.astype(np.uint8), LABELS)]), "like the first, .*uint8"),
    "fewer labels": (lambda: iter([(IMAGES, LABELS[:9])]), "one integer label for each of 24 examples. Received: 9"),
    "a ragged tensor": (lambda: tf.ragged.constant([[1.0], [2.0, 3.0]]), "source of batches. Received: RaggedTensor"),
    "a number": (lambda: 7, "source of batches. Received: int"),
    "lists": (lambda: [IMAGES, LABELS], r"Received: list.*fit\(images, labels\)"),
    "endless": (lambda: tf_data(IMAGES, LABELS).repeat(), r"Expected steps_per_epoch, .*Pass steps_per_epoch=, or"),
}


@pytest.mark.parametrize("form", FORMS)
def test_batches_of_another_form_are_refused_in_one_sentence(gan, form):
    make, message = FORMS[form]
    with pytest.raises(InputError, match=message):
        gan.fit(make(), verbose=0)


@pytest.mark.parametrize("tensor", ["grad", "bfloat16"])
def test_a_tensor_that_numpy_cannot_read_is_refused_in_one_sentence(gan, tensor):
    class Tensor:
        shape = (N, 8, 8, 1)

        def __array__(self, *_, **__):
            raise {"grad": RuntimeError("it has a gradient"), "bfloat16": TypeError("unsupported")}[tensor]

    for source in (Tensor(), iter([(Tensor(), LABELS)])):
        with pytest.raises(InputError, match=r"Received: a Tensor that NumPy cannot read .*detach\(\)"):
            gan.evaluate(source, LABELS if isinstance(source, Tensor) else None, verbose=0)


@pytest.mark.parametrize("count", [-1, 0, 2.5, "3"])
def test_numbers_of_batches_are_whole_and_positive(gan, count):
    for name in ("steps_per_epoch", "validation_steps"):
        with pytest.raises(InputError, match=f"Expected {name} to be a whole number of at least 1"):
            gan.fit(IMAGES, LABELS, batch_size=BATCH, verbose=0, **{name: count})
    with pytest.raises(InputError, match="Expected steps to be a whole number of at least 1"):
        gan.evaluate(IMAGES, LABELS, verbose=0, steps=count)


def test_labels_beside_batches_are_refused(gan):
    with pytest.raises(InputError, match=r"Received: separate labels beside a _BatchDataset. Leave y out"):
        gan.fit(tf_data(IMAGES), LABELS, verbose=0)


def test_shapes_that_only_the_model_knows(gan):
    spec = (tf.TensorSpec((None, None, None, 1)), tf.TensorSpec((None,), tf.int32))
    known_in_part = tf.data.Dataset.from_generator(lambda: iter(pairs()), output_signature=spec)
    np.testing.assert_allclose(
        gan.evaluate(known_in_part, verbose=0), gan.evaluate(IMAGES, LABELS, batch_size=BATCH, verbose=0), rtol=1e-5
    )


def test_endless_data_need_a_number_of_steps(gan):
    endless = tf_data(IMAGES, LABELS).repeat()
    with pytest.raises(InputError, match="Expected validation_steps, because the data repeat without end"):
        gan.fit(IMAGES, LABELS, batch_size=BATCH, verbose=0, validation_data=endless)
    with pytest.raises(InputError, match="Expected steps, because the data repeat without end"):
        gan.evaluate(endless, verbose=0)
    expected = gan.evaluate(IMAGES, LABELS, batch_size=BATCH, verbose=0)
    np.testing.assert_allclose(gan.evaluate(endless, steps=3, verbose=0), expected, rtol=1e-5)
    np.testing.assert_allclose(gan.evaluate(pairs(), steps=3, verbose=0), expected, rtol=1e-5)


def test_generators_need_steps_for_several_epochs(gan):
    step = gan.steps_done
    with pytest.raises(InputError, match="Expected steps_per_epoch beside a generator"):
        gan.fit(iter(pairs()), epochs=2, verbose=0)
    gan.fit(iter(pairs()), epochs=3, steps_per_epoch=1, verbose=0)
    assert gan.steps_done == step + 3


# ------------------------------------------------------------------------------------- batches for several critic steps


def test_advice_for_batches_of_varying_sizes_can_be_followed(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for number in range(7):
            Image.fromarray((IMAGES[number, ..., 0] * 127 + 127).astype(np.uint8)).save(
                tmp_path / name / f"{number}.png"
            )
    options = {"image_size": (8, 8), "color_mode": "grayscale", "batch_size": 8, "label_mode": None, "verbose": False}
    dataset = keras.utils.image_dataset_from_directory(tmp_path, **options)
    critic = kgz.WGANGP.for_images((8, 8, 1), 2, architecture="mlp", units=4, depth=1, discriminator_steps=2)
    critic.compile(steps_per_execution=1)
    with pytest.raises(InputError, match=r"of varying sizes. Pass dataset.rebatch\(128, drop_remainder=True\)"):
        critic.fit(dataset, verbose=0)
    with pytest.raises(InputError, match=r"Pass .*: dataset.map\(lambda images: images / 127.5 - 1\)"):
        critic.fit(dataset.rebatch(4, drop_remainder=True), verbose=0)
    critic.fit(dataset.rebatch(4, drop_remainder=True).map(lambda images: images / 127.5 - 1), verbose=0)
    assert critic.steps_done == 3
    for source in (Batches(IMAGES), iter(Batches(IMAGES))):  # their sizes are fixed, too
        critic.fit(source, verbose=0)
    assert critic.steps_done == 9
    with pytest.raises(InputError, match=r"batches like the first, float32 \(10, 8, 8, 1\). Received: float32 \(4, 8"):
        critic.fit(Batches(IMAGES, size=10), verbose=0)
    assert critic.steps_done == 9


# --------------------------------------------------------------------------------------------------- kinds of sources


def test_the_order_of_a_py_dataset_is_a_function_of_seed_and_epoch(gan, tmp_path):
    def order(**arguments):
        source = pairs()
        gan.fit(source, verbose=0, **arguments)
        calls = ",".join(map(str, source.calls)).split("end")[1:-1]  # what Keras looks at comes before
        return [[int(call) for call in epoch.split(",") if call] for epoch in calls]

    shuffled = order(epochs=4)
    assert [sorted(epoch) for epoch in shuffled] == [[0, 1, 2]] * 4
    assert len(set(map(tuple, shuffled))) > 1
    assert order(epochs=4) == shuffled
    assert order(epochs=4, initial_epoch=2) == shuffled[2:]
    assert order(epochs=2, shuffle=False) == [[0, 1, 2]] * 2


@pytest.mark.parametrize("workers", [{}, slow({"workers": 2})])
def test_a_py_dataset_is_resumed_exactly(workers, tmp_path):
    def trained(folder, epochs):
        gan = games.game()
        gan.fit(Batches(games.VECTORS, **workers), epochs=epochs, verbose=0, callbacks=[callbacks.Snapshots(folder)])
        return games.state(gan)

    trained(tmp_path / "interrupted", 1)
    assert_same(trained(tmp_path / "interrupted", 2), trained(tmp_path / "straight", 2))


def test_hdf5_is_read_like_arrays(gan, tmp_path):
    with h5py.File(tmp_path / "set.h5", "w") as file:
        file["images"], file["labels"] = np.tile(IMAGES, (6, 1, 1, 1)), np.tile(LABELS, 6)
        step = gan.steps_done
        gan.fit(file["images"], file["labels"], verbose=0)
    assert gan.steps_done == step + 2  # of 64


@pytest.mark.slow
def test_several_replicas_look_at_the_same_batches(two_replicas):
    with two_replicas.scope():
        model = equality.build("conditional_gan", True)
        model.compile()
    with pytest.raises(InputError, match=r"labels from 0 to 2.*to 3"):
        model.fit(tf_data(*FAULTS["a late label"][:2]), verbose=0)
    model.fit(tf_data(IMAGES, LABELS), verbose=0)
    model.fit(two_replicas.experimental_distribute_dataset(tf_data(IMAGES, LABELS)), verbose=0)
    assert model.steps_done > 6


@pytest.mark.parametrize(
    ("examples", "said"),
    [
        (list(IMAGES), r"in one array\. Received: a list of 24 arrays\. Join them: np\.stack\(examples\)"),
        ((IMAGES, LABELS), r"Received: tuple\. Pass images and labels, as in fit\(images, labels\)"),
        (np.array(["a.png", "b.png"]), r"as numbers\. Received: texts .*data\.load\(folder\)"),
        (tf.constant(["a.png", "b.png"]), r"as numbers\. Received: objects .*data\.load\(folder\)"),
        (tf.data.Dataset.from_tensors(["a.png"]), r"Received: texts\. If they are names of files, read these"),
    ],
)
def test_what_is_no_array_of_examples_is_named(shared, examples, said):
    with pytest.raises(InputError, match=said):
        shared("dcgan").fit(examples, verbose=0)


def test_bfloat16_is_taken_as_an_array_too():
    examples = tf.cast(tf.fill((2, 8, 8, 1), -0.5), tf.bfloat16)
    held = kgz.data.Dataset(examples.numpy()).examples
    assert held.dtype == np.float32
    assert (held == -0.5).all()
