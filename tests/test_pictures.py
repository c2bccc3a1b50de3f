import numpy as np
import pytest
from PIL import Image

from keras_gan_zoo import pictures
from keras_gan_zoo.errors import InputError


def test_uint8_covers_the_range_and_clips():
    assert pictures.to_uint8(np.array([-2.0, -1.0, 0.0, 1.0, 2.0])).tolist() == [0, 0, 128, 255, 255]


def test_uint8_inverts_the_normalisation():
    levels = np.arange(256)
    np.testing.assert_array_equal(pictures.to_uint8(levels.astype(np.float32) / 127.5 - 1), levels)


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (2, "LA"), (3, "RGB"), (4, "RGBA")])
def test_grid_of_any_channels(channels, mode):
    assert pictures.grid(np.zeros((4, 8, 8, channels))).mode == mode


def test_grid_runs_row_by_row():
    levels = np.linspace(-1, 1, 6)[:, None, None, None] * np.ones((1, 300, 300, 1))  # large: not enlarged
    picture = np.array(pictures.grid(levels, columns=3))
    gap = (picture.shape[1] - 900) // 2
    shown = [
        int(picture[150 + row * (300 + gap), 150 + column * (300 + gap)]) for row in range(2) for column in range(3)
    ]
    assert shown == pictures.to_uint8(np.linspace(-1, 1, 6)).tolist()


def test_grid_is_enlarged_by_a_whole_factor():
    picture = pictures.grid(np.zeros((4, 8, 8, 1)))
    assert max(picture.size) >= pictures.SIDE
    assert picture.width % (2 * 8 + 1) == 0


def test_scatter_puts_real_and_generated_where_they_are():
    real, generated = np.array([[-1.0, -1.0], [1.0, 1.0]]), np.array([[1.0, -1.0]] * 200 + [[50.0, 0.0]])
    pixels = np.array(pictures.scatter(generated, real)).astype(int)
    low, high = round(pictures.SIDE * (1 - 1 / 1.2) / 2), round(pictures.SIDE * (1 + 1 / 1.2) / 2)
    blue, green = pixels[high, low], pixels[high, high]  # the second axis points up
    assert blue[2] > blue[1] > blue[0]
    assert green[1] > green[2]
    assert (pixels[low, low] == 255).all()


def test_draw_refuses_what_has_no_picture():
    with pytest.raises(InputError, match="npz"):
        pictures.draw(np.zeros((5, 3)))
    with pytest.raises(InputError, match="shape"):
        pictures.grid(np.zeros((5, 8, 8, 7)))


def test_history_is_an_animation(tmp_path):
    frames = []
    for i in range(200):
        frames.append(tmp_path / f"{i}.png")
        Image.new("L", (16, 16), i).save(frames[-1])
    pictures.save_history(frames, tmp_path / "history.gif")
    with Image.open(tmp_path / "history.gif") as animation:
        assert 50 < animation.n_frames <= 81
        animation.seek(animation.n_frames - 1)
        assert animation.info["duration"] == 2000
        assert animation.convert("L").getpixel((8, 8)) == 199
