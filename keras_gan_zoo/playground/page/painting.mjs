// From the numbers of a model to a canvas, and from there to a file.

/** Paints images (n, height, width, channels) in [-1, 1], or from 0 to 255, in rows of some number of columns. */
export function paint(canvas, { data, type, dims: [n, height, width, channels] }, columns) {
  [canvas.width, canvas.height] = [columns * width, Math.ceil(n / columns) * height];
  const context = canvas.getContext("2d"), size = height * width;
  const level = (value) => (type === "uint8" ? value : (value + 1) * 127.5);
  for (let image = 0; image < n; image++) {
    const pixels = new ImageData(width, height);
    for (let i = 0; i < size; i++) {
      const values = data.subarray((image * size + i) * channels, (image * size + i + 1) * channels);
      const colour = channels < 3 ? [values[0], values[0], values[0]] : values.subarray(0, 3);
      pixels.data.set(Array.from(colour, level), 4 * i);
      pixels.data[4 * i + 3] = channels % 2 ? 255 : level(values[channels - 1]);
    }
    context.putImageData(pixels, (image % columns) * width, Math.floor(image / columns) * height);
  }
}

/** Downloads what a canvas shows, as a PNG. */
export async function save(canvas, name) {
  const blob = await new Promise((done) => { canvas.toBlob(done); });
  const href = URL.createObjectURL(blob);
  Object.assign(document.createElement("a"), { href, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(href), 60_000);
}
