// A generator: its ONNX files, run by ONNX Runtime Web.

/** The runtime, on one thread: several need headers that a plain web server does not send. */
export async function startRuntime() {
  const ort = await import("./runtime/ort.wasm.bundle.min.mjs");
  ort.env.wasm.numThreads = 1;
  return ort;
}

async function read(file) {
  const answer = await fetch(file);
  if (!answer.ok) throw new Error(`${file}: ${answer.status} ${answer.statusText}`);
  return new Uint8Array(await answer.arrayBuffer());
}

const joined = (rows) => {
  const all = new Float32Array(rows.length * rows[0].length);
  rows.forEach((row, i) => all.set(row, i * row.length));
  return all;
};

export const mixture = (a, b, t) => Float32Array.from(a, (value, i) => (1 - t) * value + t * b[i]);

export class Generator {
  /** @param ort The runtime. @param facts The entry of the index. @param session Of the model's file. */
  constructor(ort, facts, session) {
    Object.assign(this, { ort, facts, session, ofVectors: null });
  }

  static async open(ort, facts) {
    return new Generator(ort, facts, await ort.InferenceSession.create(await read(facts.file)));
  }

  async close() {
    for (const session of [this.session, await this.ofVectors]) await session?.release();
  }

  /**
   * Images of rows, each with what the model takes: noise; the classes `from` and `to`, and `at`, the position between
   * them; the vector of a text; or the pixels of a picture, all of one size.
   */
  async images(rows) {
    const feed = {}, n = rows.length, { Tensor } = this.ort, { noise, classes, texts, pictures } = this.facts;
    if (noise) feed.noise = new Tensor("float32", joined(rows.map((row) => row.noise)), [n, ...noise]);
    if (classes?.mixed && rows.some(({ from, to, at }) => from !== to && at % 1)) return this.#mixed(feed, rows);
    if (classes) {
      const labels = rows.map(({ from, to, at }) => (at < 0.5 ? from : to));
      feed.labels = new Tensor("int32", Int32Array.from(labels), [n]);
    }
    if (texts) feed.condition = new Tensor("float32", joined(rows.map((row) => row.vector)), [n, texts.length]);
    if (pictures) {
      const { pixels, height, width } = rows[0].picture;
      feed.condition = new Tensor("float32", pixels, [1, height, width, pictures.shape[2]]);
    }
    return (await this.session.run(feed)).images;
  }

  /** By the file that takes the encodings of classes, of which there are mixtures. It is read when first needed. */
  async #mixed(feed, rows) {
    const { file, vectors } = this.facts.classes.mixed;
    this.ofVectors ??= read(file).then((bytes) => this.ort.InferenceSession.create(bytes));
    this.ofVectors.catch(() => { this.ofVectors = null; }); // so that it is tried again
    const mixtures = rows.map(({ from, to, at }) => mixture(vectors[from], vectors[to], at));
    feed.condition = new this.ort.Tensor("float32", joined(mixtures), [rows.length, vectors[0].length]);
    return (await (await this.ofVectors).run(feed)).images;
  }
}
