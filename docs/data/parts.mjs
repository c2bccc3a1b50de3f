// Prints where the parts of avatars are drawn: node parts.mjs > parts.json, {part: {variant: 256 opacities}}.
// They are in the order in which DiceBear draws them. Colours are white, because beards are the more opaque the brighter
// they are.
import { createAvatar } from "@dicebear/core";
import * as pixelArt from "@dicebear/pixel-art";
import { Resvg } from "@resvg/resvg-js";
import * as components from "./node_modules/@dicebear/pixel-art/lib/components/index.js";

const colours = Object.fromEntries(["skin", "clothing", "eyes", "glasses", "mouth", "hair", "hat"].map((part) => [part, "#fff"]));
const [skin] = createAvatar(pixelArt, { seed: "" }).toString().match(/<path[^>]*>/);

function opacities(body) {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16" fill="none" shape-rendering="crispEdges">${body}</svg>`;
  return [...new Resvg(svg, { font: { loadSystemFonts: false } }).render().pixels].filter((_, i) => i % 4 === 3);
}

const parts = { skin: { only: opacities(skin) } };
for (const part of ["clothing", "eyes", "glasses", "beard", "mouth", "hair", "hat"]) {
  const variants = Object.entries(components[part]);
  parts[part] = Object.fromEntries(variants.map(([name, draw]) => [name, opacities(draw({}, colours))]));
}
console.log(JSON.stringify(parts));
