// Images from a generator in ONNX, in Node.js. Needs onnxruntime-node alone; the PNG is written by hand.
import { readFile, writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { deflateSync } from "node:zlib";
import * as ort from "onnxruntime-node";

const USAGE = "node sample.mjs generator.onnx [-n 64] [--labels 3,8] [--seed 1] [--columns 10] [-o images.png]";

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

async function main() {
  const { values, positionals: [path] } = parseArgs({
    allowPositionals: true,
    options: {
      n: { type: "string", short: "n", default: "64" },
      labels: { type: "string" },
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
  await writeFile(values.out, png((await session.run(feed)).images, Number(values.columns)));
  console.log(values.out);
}

main().catch((error) => {
  console.error(`Error: ${error.message.split("\n")[0]}`);
  process.exitCode = 1;
});
