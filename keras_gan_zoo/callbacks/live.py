"""Pictures of samples in a notebook, in one display that changes while the model trains."""

import html

from PIL import Image

from keras_gan_zoo.callbacks.drawing import Drawing
from keras_gan_zoo.core.notebooks import image_tag, is_notebook
from keras_gan_zoo.errors import InputError


class LivePictures(Drawing):
    """Shows samples below the cell of a notebook, always from the same noise, with the last figures beneath.

    There is one picture, which is replaced by the next; it is drawn as `SamplePictures` draws it. To keep pictures, and
    outside of notebooks, use `SamplePictures`. If a picture cannot be shown, a warning says so, and training goes on.

    Args:
        n: Number of samples, as in `SamplePictures`.
        seed: Seed of the noise.
        real: As in `SamplePictures`.
        every: Number of epochs between pictures.
        every_steps: If given, there are also pictures within epochs, whenever the model's steps are a multiple of this.

    Raises:
        InputError: If this is no notebook, or an interval is not a whole number of at least 1.

    Example:
        ```python
        gan.fit(images, epochs=20, verbose=0, callbacks=[kgz.callbacks.LivePictures(every_steps=100)])
        ```
    """

    side_output = "its live pictures"

    def __init__(self, n=None, seed=0, real=None, every=1, every_steps=None):
        if not is_notebook():
            raise InputError(
                "Expected a notebook, whose output can be replaced. Received: a process without one. Use "
                "callbacks.SamplePictures(folder), which writes the same pictures as files."
            )
        super().__init__(n, seed, real, every, every_steps)

    def on_train_begin(self, logs=None):
        super().on_train_begin(logs)
        self._display, self._epoch = None, 0

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch

    def after_steps(self, step, logs):
        self._show(self._epoch, logs)

    def after_epoch(self, epoch, logs):
        self._show(epoch + 1, logs)

    def _show(self, epochs: int, logs: dict) -> None:
        from IPython.display import display  # only notebooks have it for sure

        figures = "   ".join(f"{name} {float(value):.4g}" for name, value in logs.items())
        caption = f"epoch {epochs}/{self.params['epochs']}   step {self.model.steps_done}   {figures}"
        shown = Captioned(self.draw(), caption.rstrip())
        if self._display is None:
            self._display = display(shown, display_id=True)
        else:
            self._display.update(shown)


class Captioned:
    """A picture with a line of text beneath, as notebooks show it."""

    def __init__(self, picture: Image.Image, caption: str):
        self.picture, self.caption = picture, caption

    def __repr__(self) -> str:
        return self.caption

    def _repr_html_(self) -> str:
        return f'{image_tag(self.picture)}<div style="white-space: pre-wrap">{html.escape(self.caption)}</div>'
