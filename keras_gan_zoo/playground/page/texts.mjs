// From a text to the vector that models take: what keras_gan_zoo.encoders.Characters describes.

const utf8 = new TextEncoder();

/** The words of a text between marks of punctuation, in lower case. */
function clauses(text) {
  const parts = text.normalize("NFKC").toLowerCase().split(/[.,;:!?()]/);
  return parts.map((part) => part.match(/[\p{L}\p{N}]+/gu) ?? []);
}

/** The different words of a text. */
export const words = (text) => [...new Set(clauses(text).flat())];

/** The parts of a word: itself between marks, and its runs of three and four characters, each once as often as it is. */
function partsOf(word) {
  const characters = [...`<${word}>`], whole = characters.join("");
  const runs = [3, 4].flatMap((n) => characters.slice(n - 1).map((_, i) => characters.slice(i, i + n).join("")));
  return [whole, ...runs.filter((run) => run !== whole)];
}

/** Two words in the order of their code points, which is that of their bytes and not that of strings. */
function inOrder(a, b) {
  const [first, second] = [a, b].map((word) => utf8.encode(word));
  const at = first.findIndex((byte, i) => byte !== second[i]);
  return (at < 0 ? first.length < second.length : first[at] < (second[at] ?? -1)) ? `${a} ${b}` : `${b} ${a}`;
}

/** The vector of a text, of length 1: hashed parts of words, and pairs of words that are near each other. */
export function encode(text, length) {
  const vector = new Float64Array(length);
  const add = (string, weight) => {
    let hash = 0x811c9dc5;
    for (const byte of utf8.encode(string)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
    vector[hash % length] += hash >>> 31 ? -weight : weight;
  };
  for (const clause of clauses(text)) {
    clause.forEach((word, i) => {
      const parts = partsOf(word);
      for (const part of parts) add(part, parts.length ** -0.5);
      for (const other of clause.slice(i + 1, i + 3)) add(inOrder(word, other), 0.5);
    });
  }
  const norm = Math.max(Math.hypot(...vector), 1e-12);
  return Float32Array.from(vector, (value) => value / norm);
}
