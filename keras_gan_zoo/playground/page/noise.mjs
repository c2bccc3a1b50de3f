// Noise that is standard normal, by a seed, and ways through it.

/** A function that gives uniform numbers in [0, 1): the generator mulberry32. */
export function mulberry32(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Standard normal numbers, by the transform of Box and Muller. */
function normal(seed, length) {
  const random = mulberry32(seed);
  const one = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return Float32Array.from({ length }, one);
}

/**
 * Rows of noise. The first ones do not depend on their number. Numbers beyond a truncation are drawn again until they
 * are within it, so that those within it do not depend on it.
 */
export function noise(seed, count, length, truncation = Infinity) {
  const numbers = normal(seed, count * length);
  let beyond = [...numbers.keys()].filter((i) => Math.abs(numbers[i]) > truncation);
  for (let draw = 1; beyond.length; draw++) {
    const again = normal(seed + draw * 0x9e3779b9, count * length);
    for (const i of beyond) numbers[i] = again[i];
    beyond = beyond.filter((i) => Math.abs(numbers[i]) > truncation);
  }
  return Array.from({ length: count }, (_, i) => numbers.slice(i * length, (i + 1) * length));
}

/** Noise on the way from a to b: its direction turns at a constant rate, its length changes linearly. */
export function between(a, b, t) {
  if (t === 0 || t === 1) return t ? b : a;
  const [first, last] = [Math.hypot(...a), Math.hypot(...b)];
  const cosine = a.reduce((sum, value, i) => sum + value * b[i], 0) / (first * last);
  const angle = Math.acos(Math.min(1, Math.max(-1, cosine)));
  if (!(Math.sin(angle) > 1e-8)) return a.map((value, i) => (1 - t) * value + t * b[i]);
  const length = ((1 - t) * first + t * last) / Math.sin(angle);
  const [from, to] = [Math.sin((1 - t) * angle) / first, Math.sin(t * angle) / last];
  return a.map((value, i) => length * (from * value + to * b[i]));
}

/** Noise moved along directions, divided such that it is standard normal again. */
export function moved(noise, directions, weights) {
  const length = Math.hypot(1, ...weights);
  return noise.map((value, i) => directions.reduce((sum, one, k) => sum + weights[k] * one[i], value) / length);
}
