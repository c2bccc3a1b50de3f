// The picture that a model translates: drawn, or read from a file.

const LARGEST = 512, LARGEST_RESULT = 1024; // pixels a side, of pictures of free size and of their translations

export class Drawing {
  #pointer = null; // where the pen was last

  /** @param canvas Where the picture is. @param changed Is called when it has changed. */
  constructor(canvas, changed) {
    this.canvas = canvas;
    this.pen = { color: "#000", width: 2 };
    this.context = canvas.getContext("2d", { willReadFrequently: true });
    canvas.onpointerdown = (event) => {
      canvas.setPointerCapture(event.pointerId);
      this.#pointer = this.#place(event);
      this.#line(event, changed);
    };
    canvas.onpointermove = (event) => this.#line(event, changed);
    canvas.onpointerup = canvas.onpointercancel = () => { this.#pointer = null; };
  }

  /** What a model takes, and a white picture of the size that it was trained with. */
  suit({ shape: [height, width, channels], free_size }, [made]) {
    Object.assign(this, { sides: [height, width], channels, free: free_size });
    this.largest = Math.max(height, width, Math.min(LARGEST, (LARGEST_RESULT * height) / made));
    this.blank(height, width);
  }

  blank(height = this.sides[0], width = this.sides[1]) {
    [this.canvas.width, this.canvas.height] = [width, height];
    Object.assign(this.context, { fillStyle: "#fff", lineCap: "round", lineJoin: "round" });
    this.context.imageSmoothingQuality = "high";
    this.context.fillRect(0, 0, width, height);
  }

  /** Takes a picture, resized to a size that the model takes; returns a sentence about that, or "". */
  async take(blob) {
    const picture = await createImageBitmap(blob);
    const shrink = Math.min(1, this.largest / Math.max(picture.height, picture.width));
    const given = [picture.height, picture.width];
    const [height, width] = this.free ? given.map((length) => this.#side(length * shrink)) : this.sides;
    this.blank(height, width);
    const scale = Math.max(height / picture.height, width / picture.width); // of which the middle is seen
    const [tall, wide] = given.map((length) => length * scale);
    this.context.drawImage(picture, (width - wide) / 2, (height - tall) / 2, wide, tall);
    const isSame = height === picture.height && width === picture.width;
    return isSame ? "" : `Resized from ${given.join(" × ")} to ${height} × ${width} pixels, as the model needs it.`;
  }

  /** The picture as the model takes it: its pixels in [-1, 1], row by row. */
  picture() {
    const { height, width } = this.canvas, { data } = this.context.getImageData(0, 0, width, height);
    const pixels = new Float32Array(width * height * this.channels);
    for (let i = 0; i < width * height; i++) {
      const colour = data.subarray(4 * i, 4 * i + 3), [red, green, blue] = colour;
      const grey = (19595 * red + 38470 * green + 7471 * blue + 32768) >> 16; // as Pillow computes it
      const levels = this.channels === 1 ? [grey] : [...colour];
      pixels.set(levels.map((level) => level / 127.5 - 1), this.channels * i);
    }
    return { pixels, height, width };
  }

  /** The nearest side that the model takes. */
  #side(length) {
    const { multiple, least } = this.free;
    return Math.max(Math.ceil(least / multiple), Math.round(length / multiple)) * multiple;
  }

  #place({ offsetX, offsetY }) {
    const scale = this.canvas.width / this.canvas.clientWidth;
    return [offsetX * scale, offsetY * scale];
  }

  /** A line from where the pen was to where it is; at first a point. */
  #line(event, changed) {
    if (!this.#pointer) return;
    Object.assign(this.context, { strokeStyle: this.pen.color, lineWidth: this.pen.width });
    this.context.beginPath();
    this.context.moveTo(...this.#pointer);
    this.#pointer = this.#place(event);
    this.context.lineTo(...this.#pointer);
    this.context.stroke();
    changed();
  }
}
