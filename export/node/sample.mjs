// Images from a generator in ONNX, in Node.js. Needs onnxruntime-node alone; the PNG is written by hand.
import { readFile, writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { deflateSync } from "node:zlib";
import * as ort from "onnxruntime-node";

const OPTIONS = "[-n 64] [--labels 3,8] [--text TEXT] [--seed 1] [--columns 10] [-o images.png]";
const USAGE = `node sample.mjs generator.onnx ${OPTIONS}`;
const CHARACTERS = "8d32eb8b25b932a3b223ec29ab7b4f076968ea8c9d46dd571225eb84b1430298"; // the encoder's digest

/** The metadata of the file: field 14 of ONNX's ModelProto, pairs of a key (1) and a value (2). */
function metadata(bytes) {
  const found = {};
  for (const [field, pair] of fields(bytes)) {
    if (field !== 14) continue;
    const { 1: key, 2: value } = Object.fromEntries(fields(pair));
    found[new TextDecoder().decode(key)] = new TextDecoder().decode(value);
  }
  return found;
}

/** The fields of a message in protocol buffers: [number, bytes], or [number, integer]. */
function* fields(bytes) {
  let at = 0;
  const integer = () => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      value += (bytes[at] & 127) * scale;
      if (!(bytes[at++] >= 128)) return value; // where the bytes end, too
    }
  };
  while (at < bytes.length) {
    const tag = integer();
    if (tag % 8 === 0) yield [tag >> 3, integer()];
    else if (tag % 8 === 2) {
      const length = integer();
      yield [tag >> 3, bytes.subarray(at, (at += length))];
    } else throw new Error("not an ONNX model");
  }
}

/** The words of a text between marks of punctuation, in lower case. */
function clauses(text) {
  const parts = text.normalize("NFKC").toLowerCase().split(/[.,;:!?()]/);
  return parts.map((part) => part.match(/[\p{L}\p{N}]+/gu) ?? []);
}

/** The vector of a text: what keras_gan_zoo.encoders.Characters describes. */
function encode(text, length = 512) {
  const vector = new Float64Array(length), utf8 = new TextEncoder();
  const add = (string, weight) => {
    let hash = 0x811c9dc5;
    for (const byte of utf8.encode(string)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
    vector[hash % length] += hash >>> 31 ? -weight : weight;
  };
  const hex = (word) => Array.from(utf8.encode(word), (byte) => byte.toString(16).padStart(2, "0")).join("");
  const inOrder = (a, b) => hex(a) < hex(b) ? `${a} ${b}` : `${b} ${a}`; // of code points, unlike that of strings
  for (const words of clauses(text)) words.forEach((word, i) => {
    const marked = [...`<${word}>`], whole = marked.join("");
    const grams = [3, 4].flatMap((n) => marked.slice(n - 1).map((_, at) => marked.slice(at, at + n).join("")));
    const parts = [whole, ...grams.filter((gram) => gram !== whole)];
    for (const part of parts) add(part, parts.length ** -0.5);
    for (const other of words.slice(i + 1, i + 3)) add(inOrder(word, other), 0.5);
  });
  const norm = Math.max(Math.hypot(...vector), 1e-12);
  return Float32Array.from(vector, (value) => value / norm);
}

/** Standard normal numbers: Box and Muller's transform of mulberry32. The same seed gives the same numbers. */
function normal(count, seed) {
  const uniform = () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  return Float32Array.from({ length: count }, () =>
    Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()));
}

/** Images (n, height, width, channels) in [-1, 1], or from 0 to 255, side by side, as a PNG. */
function png({ data, type, dims: [n, height, width, channels] }, columns) {
  const line = 1 + columns * width * channels; // every line begins with its filter, 0
  const lines = new Uint8Array(Math.ceil(n / columns) * height * line);
  data.forEach((value, i) => {
    const x = i % (width * channels); // within the image, and so is y
    const y = Math.floor(i / (width * channels)) % height;
    const image = Math.floor(i / (height * width * channels));
    const [row, column] = [Math.floor(image / columns), image % columns];
    lines[(row * height + y) * line + 1 + column * width * channels + x] = type === "uint8" ? value : pixel(value);
  });
  const size = Buffer.alloc(13);
  size.writeUInt32BE(columns * width, 0);
  size.writeUInt32BE(lines.length / line, 4);
  size.set([8, { 1: 0, 2: 4, 3: 2, 4: 6 }[channels]], 8); // 8 bits; grey, grey with alpha, colour, colour with alpha
  const chunks = [chunk("IHDR", size), chunk("IDAT", deflateSync(lines)), chunk("IEND", Buffer.alloc(0))];
  return Buffer.concat([Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]), ...chunks]);
}

const pixel = (value) => Math.min(255, Math.max(0, Math.round((value + 1) * 127.5)));

function chunk(name, content) {
  const whole = Buffer.concat([Buffer.alloc(4), Buffer.from(name), content, Buffer.alloc(4)]);
  whole.writeUInt32BE(content.length, 0);
  let crc = -1;
  for (const byte of whole.subarray(4, -4)) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  whole.writeUInt32BE(~crc >>> 0, whole.length - 4);
  return whole;
}

/** Classes by index or name as indices; all of them if none is given. */
function indices(labels, said) {
  const count = Number(said.num_classes);
  const names = JSON.parse(said.class_names ?? "null") ?? [];
  if (!labels) return [...Array(count).keys()];
  return labels.split(",").map((label) => {
    const index = names.includes(label) ? names.indexOf(label) : /^\d+$/.test(label) ? Number(label) : count;
    if (index < count) return index;
    throw new Error(`no such class: ${label}. There are ${[...Array(count).keys(), ...names].join(", ")}.`);
  });
}

/** The vector of a text; warns of words that no caption of training has. */
function vectorOf(text, said) {
  const { digest } = JSON.parse(said.encoder ?? "{}");
  if (digest !== CHARACTERS) throw new Error("the conditions of this generator are not vectors of this encoder");
  const words = clauses(text ?? "").flat(), known = new Set(JSON.parse(said.vocabulary ?? "null") ?? words);
  const strange = words.filter((word) => !known.has(word)).join(", ");
  if (!words.some((word) => known.has(word))) throw new Error(`--text has no known words: ${strange || "it is empty"}`);
  if (strange) console.error(`Warning: no caption of training has: ${strange}`);
  return encode(text);
}

async function main() {
  const { values, positionals: [path] } = parseArgs({
    allowPositionals: true,
    options: {
      n: { type: "string", short: "n", default: "64" },
      labels: { type: "string" },
      text: { type: "string" },
      seed: { type: "string", default: String(Date.now() % 2 ** 31) },
      columns: { type: "string", default: "10" },
      out: { type: "string", short: "o", default: "images.png" },
    },
  });
  if (!path) throw new Error(`a model is missing: ${USAGE}`);
  const bytes = await readFile(path);
  const [n, said] = [Number(values.n), metadata(bytes)];
  const session = await ort.InferenceSession.create(bytes);
  const { shape } = session.inputMetadata.find((input) => input.name === "noise");
  const size = shape.slice(1).reduce((a, b) => a * b);
  const feed = { noise: new ort.Tensor("float32", normal(n * size, Number(values.seed)), [n, ...shape.slice(1)]) };
  if (session.inputNames.includes("labels")) {
    const classes = indices(values.labels, said);
    feed.labels = new ort.Tensor("int32", Int32Array.from({ length: n }, (_, i) => classes[i % classes.length]), [n]);
  } else if (values.labels) throw new Error("this generator has no classes");
  if (session.inputNames.includes("condition")) {
    const vector = vectorOf(values.text, said), vectors = new Float32Array(n * vector.length);
    for (let i = 0; i < n; i++) vectors.set(vector, i * vector.length);
    feed.condition = new ort.Tensor("float32", vectors, [n, vector.length]);
  } else if (values.text) throw new Error("this generator takes no texts");
  await writeFile(values.out, png((await session.run(feed)).images, Number(values.columns)));
  console.log(values.out);
}

main().catch((error) => {
  console.error(`Error: ${error.message.split("\n")[0]}`);
  process.exitCode = 1;
});
