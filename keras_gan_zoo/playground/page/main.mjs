// The controls of the page: what they ask a model for, and what they show.

import { Drawing } from "./drawing.mjs";
import { Generator, mixture, startRuntime } from "./generator.mjs";
import { between, moved, noise } from "./noise.mjs";
import { paint, save } from "./painting.mjs";
import { encode, words } from "./texts.mjs";

const STEPS = 9, DIRECTIONS = 6, WAY = 3000; // images of the strip; sliders; milliseconds from one end to the other
const FIRST_DIRECTION = 2 ** 31; // seeds of the directions, which are far from those that people type
const $ = (id) => document.getElementById(id);
const drawing = new Drawing($("source"), () => show());
let ort, index, generator, running = null, again = false;
let vectors = { start: null, end: null }; // of the texts

/** Runs something; an error becomes a sentence on the page. */
async function attempt(action, hint) {
  try {
    await action();
    $("error").hidden = true;
  } catch (error) {
    $("error").textContent = `${hint} (${String(error?.message ?? error).split("\n")[0]})`;
    $("error").hidden = false;
  }
}

// ------------------------------------------------------------------------------------------------ what is asked for

function seedIn(id) {
  const seed = $(id).valueAsNumber;
  if (!Number.isInteger(seed) || seed < 0 || seed >= 2 ** 32) throw new Error("a seed is a whole number from 0 on");
  return seed;
}

/** What the model is given at a position of the morph: a row for each of some images. */
function rowsAt(at, count, { noise: shape, classes, texts, pictures }) {
  const row = pictures ? { picture: drawing.picture() } : {};
  if (classes) Object.assign(row, { from: Number($("class").value), to: Number($("end-class").value), at });
  if (texts) row.vector = mixture(vectors.start, vectors.end, at);
  if (!shape) return [row];
  const length = shape.reduce((a, b) => a * b), largest = $("truncation").valueAsNumber;
  const truncation = largest < Number($("truncation").max) ? largest : Infinity;
  const [start, end] = ["seed", "end-seed"].map((id) => noise(seedIn(id), count, length, truncation));
  const weights = [...$("directions").querySelectorAll("input")].map((slider) => slider.valueAsNumber);
  const directions = weights.map((_, i) => noise(FIRST_DIRECTION + i, 1, length)[0]);
  return start.map((one, i) => ({ ...row, noise: moved(between(one, end[i], at), directions, weights) }));
}

/** Takes a text, if it has a word that is known; says which ones are not. */
function readText(id, otherwise) {
  const { length, vocabulary } = generator.facts.texts, said = $(id === "text" ? "unknown" : "end-unknown");
  const given = words($(id).value), known = new Set(vocabulary);
  const strange = given.filter((word) => known.size && !known.has(word)), isTaken = strange.length < given.length;
  const missing = strange.length ? `No caption of training has: ${strange.join(", ")}. ` : "";
  said.textContent = missing + (isTaken || (!given.length && otherwise) ? "" : "The image stays. Describe another.");
  return isTaken ? encode($(id).value, length) : given.length ? null : otherwise;
}

function readTexts() {
  vectors.start = readText("text", null) ?? vectors.start;
  vectors.end = readText("end-text", vectors.start) ?? vectors.end ?? vectors.start;
}

// -------------------------------------------------------------------------------------------------- what is shown

/** The image and the strip. While they are being made, a further call has them made once more afterwards. */
function show() {
  again = Boolean(generator);
  $("position").ariaValueText = `${Math.round(100 * $("position").valueAsNumber)} %`;
  for (const output of document.querySelectorAll("label output")) output.value = worded(output.htmlFor.value);
  document.querySelector("main").ariaBusy = "true";
  running ??= attempt(showOften, "The model cannot be run.").finally(() => {
    running = null;
    document.querySelector("main").ariaBusy = "false";
  });
  return running;
}

function worded(id) {
  const { value, max } = $(id);
  return id === "truncation" && Number(value) >= Number(max) ? "off" : value;
}

async function showOften() {
  while (again && generator) {
    again = false;
    const model = generator, { name, noise: takesNoise } = model.facts; // another one may be opened meanwhile
    const begin = performance.now();
    const images = await model.images(rowsAt($("position").valueAsNumber, $("count").valueAsNumber, model.facts));
    const time = (performance.now() - begin).toFixed(0), [n, height, width] = images.dims;
    paint($("picture"), images, Math.ceil(Math.sqrt(n)));
    $("picture").ariaLabel = `${n === 1 ? "An image" : `${n} images`} by ${name}`;
    if (takesNoise) {
      const way = Array.from({ length: STEPS }, (_, i) => rowsAt(i / (STEPS - 1), 1, model.facts)[0]);
      paint($("strip"), await model.images(way), STEPS);
    }
    $("status").textContent = `${n > 1 ? `${n} images of ` : ""}${height} × ${width} pixels in ${time} ms, in this browser.`;
  }
}

/** Shows the controls for what a model takes, and its facts. */
function suit(facts) {
  for (const part of document.querySelectorAll("[data-needs]")) part.hidden = !facts[part.dataset.needs];
  const options = (names) => names.map((text, i) => new Option(text, i));
  for (const id of ["class", "end-class"]) $(id).replaceChildren(...options(facts.classes?.names ?? []));
  $("end-class").value = Math.min(1, $("end-class").options.length - 1);
  $("unmixed").hidden = !facts.classes || facts.classes.mixed !== null;
  $("position").value = 0;
  resetDirections();
  if (facts.texts) suitTexts(facts.texts);
  if (facts.pictures) suitPictures(facts);
  describe(facts);
}

function suitTexts({ examples, vocabulary }) {
  $("text").value = examples[0];
  $("end-text").value = "";
  $("captions").replaceChildren(new Option("Choose one", ""), ...examples.map((text) => new Option(text)));
  $("vocabulary").textContent = vocabulary.join(", ");
  $("words").hidden = !vocabulary.length;
  vectors = { start: null, end: null };
  readTexts();
}

function suitPictures({ pictures, image_shape }) {
  drawing.suit(pictures, image_shape);
  $("colour").hidden = pictures.shape[2] === 1;
  $("width").value = Math.max(1, Math.round(Math.min(...drawing.sides) / 32));
  usePen();
  $("sizes").textContent = "Draw with a mouse, a pen or a finger, or choose or drop a file.";
  $("examples").replaceChildren(...pictures.examples.map((file, i) => {
    const button = document.createElement("button");
    button.append(Object.assign(new Image(), { src: file, alt: `Picture ${i + 1}` }));
    button.onclick = () => take(fetch(file).then((answer) => answer.blob()));
    return button;
  }));
}

function describe({ file, name, description, paper, data, licence, variant, size }) {
  $("description").textContent = description;
  Object.assign($("download"), { href: file, download: `${name}.onnx` });
  $("download").textContent = `Download ONNX (${(size / 1e6).toFixed(1)} MB)`;
  const [, words_, address] = paper.match(/^(.*?),? ?(https:\S+)?$/);
  const link = Object.assign(document.createElement("a"), { href: address, textContent: words_, rel: "noreferrer" });
  const facts = {
    Variant: variant, Paper: address ? link : paper,
    Data: [data.name, data.authors].filter(Boolean).join(", "), "Licence of the data": data.licence,
    "Licence of the weights": licence || "not stated",
  };
  $("facts").replaceChildren(...Object.entries(facts).filter(([, value]) => value).flatMap(([heading, value]) => {
    const [term, detail] = ["dt", "dd"].map((tag) => document.createElement(tag));
    term.textContent = heading;
    detail.append(value);
    return [term, detail];
  }));
}

/** Opens a model; what is wrong with it becomes a sentence. */
async function choose(name) {
  await attempt(() => open(name), "This model cannot be run.");
  if (!generator) rest();
}

function rest() {
  $("status").textContent = "";
  document.querySelector("main").ariaBusy = "false";
}

async function open(name) {
  stop();
  const facts = index.models.find((one) => one.name === name);
  if (!facts) throw new Error(`there is none of the name ${name}`);
  const before = generator;
  document.querySelector("main").ariaBusy = "true";
  $("status").textContent = `Loading ${name} …`;
  generator = null;
  await running;
  await before?.close();
  const opened = await Generator.open(ort, facts);
  if ($("model").value !== name) return opened.close(); // another one was chosen meanwhile
  generator = opened;
  suit(facts);
  const [example] = facts.pictures?.examples ?? [];
  if (example) await drawing.take(await (await fetch(example)).blob());
  history.replaceState(null, "", `#${name}`);
  await show();
}

// ---------------------------------------------------------------------------------------------------- controls

function take(blob) {
  return attempt(async () => {
    if (!generator?.facts.pictures) throw new Error("this model takes none");
    const said = await drawing.take(await blob);
    $("sizes").textContent = said || "Draw on it, or choose or drop another file.";
    await show();
  }, "This picture cannot be translated.");
}

function usePen() {
  drawing.pen = { color: $("colour").hidden ? "#000" : $("colour").value, width: $("width").valueAsNumber };
}

function resetDirections() {
  for (const slider of $("directions").querySelectorAll("input")) slider.value = 0;
}

let stopped = true;

function stop() {
  stopped = true;
  $("play").textContent = "Play";
  $("play").ariaPressed = "false";
}

/** Moves the position from one end to the other and back, until it is stopped. */
async function play() {
  stopped = false;
  $("play").textContent = "Stop";
  $("play").ariaPressed = "true";
  const begin = performance.now() - WAY * $("position").valueAsNumber;
  while (!stopped) {
    const turns = (performance.now() - begin) / WAY;
    $("position").value = 1 - Math.abs(1 - (turns % 2));
    await show();
    await new Promise(requestAnimationFrame);
  }
}

$("directions").append(...Array.from({ length: DIRECTIONS }, (_, i) => {
  const label = Object.assign(document.createElement("label"), { textContent: `Direction ${i + 1} ` });
  label.append(Object.assign(document.createElement("input"), { type: "range", min: -2, max: 2, step: 0.01, value: 0 }));
  return label;
}));

for (const id of ["seed", "count", "truncation", "end-seed", "directions"]) $(id).oninput = () => show();
for (const id of ["class", "end-class"]) $(id).onchange = () => show();
for (const id of ["text", "end-text"]) $(id).oninput = () => { readTexts(); show(); };
for (const id of ["colour", "width"]) $(id).oninput = usePen;
$("position").oninput = () => { stop(); show(); };
$("captions").onchange = ({ target }) => {
  if (target.value) $("text").value = target.value;
  readTexts();
  show();
};
$("new-seed").onclick = () => { $("seed").value = Math.floor(Math.random() * 1e6); show(); };
$("play").onclick = () => (stopped ? play() : stop());
$("reset").onclick = () => { resetDirections(); show(); };
$("save").onclick = () => attempt(() => save($("picture"), `${$("model").value}.png`), "The picture cannot be saved.");
$("clear").onclick = () => { drawing.blank(); $("file").value = ""; show(); };
$("file").onchange = ({ target }) => { if (target.files[0]) take(target.files[0]); };
document.ondragover = (event) => event.preventDefault();
document.ondrop = (event) => {
  event.preventDefault();
  if (event.dataTransfer.files[0]) take(event.dataTransfer.files[0]);
};
$("model").onchange = ({ target }) => choose(target.value);

await attempt(async () => {
  const answer = await fetch("models.json");
  if (!answer.ok) throw new Error(`models.json: ${answer.status} ${answer.statusText}`);
  index = await answer.json();
  $("model").replaceChildren(...index.models.map(({ name }) => new Option(name)));
  ort = await startRuntime();
  const asked = decodeURIComponent(location.hash.slice(1));
  if (index.models.some(({ name }) => name === asked)) $("model").value = asked;
}, "The models cannot be loaded. This page needs a web server, and a browser with WebAssembly.");
if (ort) await choose($("model").value);
else rest();
