// Draws faces: node render.mjs STYLE SIZE < options.jsonl > pixels. A line has the options of one face; its pixels are
// SIZE x SIZE x 4 bytes, RGBA. The face depends on nothing else: every option that DiceBear would draw is given.
import { createAvatar } from "@dicebear/core";
import * as openPeeps from "@dicebear/open-peeps";
import * as pixelArt from "@dicebear/pixel-art";
import { Resvg } from "@resvg/resvg-js";
import fs from "node:fs";

const [style, size] = process.argv.slice(2);
const styles = { openPeeps, pixelArt };
const fit = { fitTo: { mode: "width", value: Number(size) }, font: { loadSystemFonts: false } };

for (const line of fs.readFileSync(0, "utf8").trim().split("\n")) {
  const svg = createAvatar(styles[style], JSON.parse(line)).toString();
  fs.writeSync(1, new Resvg(svg, fit).render().pixels);
}
