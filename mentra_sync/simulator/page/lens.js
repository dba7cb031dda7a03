// The lens: draws what the simulator says is visible, in the green of a waveguide.

import { element } from "./element.js";

const DEFAULT_ROWS = 5;
const ROWS = [
  [/vuzix|z100|simulated/i, 7],
  [/mentra live/i, 0],
];

// Layouts that are more than lines of text. Everything else is drawn from `lines`, which are
// already broken as on the real lens.
const DRAWERS = {
  reference_card: drawCard,
  dashboard_card: drawPair,
  bitmap_view: (lens, { layout }) => void drawBitmap(lens, layout.data),
  bitmap_animation: drawAnimation,
};

export class Lens {
  #root;
  #glasses;
  #note;
  #views;
  #rows = DEFAULT_ROWS;
  #stopAnimation = () => {};

  constructor({ root, glasses, note, views }) {
    this.#root = root;
    this.#glasses = glasses;
    this.#note = note;
    this.#views = [...views.querySelectorAll("[data-view]")];
    new ResizeObserver(() => this.#fit()).observe(root);
    document.fonts?.ready.then(() => this.#fit());
  }

  setModel(model) {
    const known = ROWS.find(([pattern]) => pattern.test(model));
    this.#rows = known ? known[1] : DEFAULT_ROWS;
    this.#glasses.dataset.rows = String(this.#rows || DEFAULT_ROWS);
    this.#root.style.setProperty("--rows", String(this.#rows || DEFAULT_ROWS));
    if (!this.#rows) this.#note.textContent = `${model} has no display`;
  }

  // visible: {view, lines, layout, boot, at}, as the simulator sends it
  show(visible) {
    this.#stopAnimation();
    const lens = element("div", "lens-content");
    const draw = DRAWERS[visible.layout?.layoutType] ?? drawLines;
    this.#stopAnimation = draw(lens, visible) ?? (() => {});
    this.#root.replaceChildren(lens);
    const lit = lens.childElementCount > 0;
    this.#glasses.classList.toggle("lit", lit);
    this.#glasses.classList.toggle("booting", Boolean(visible.boot));
    for (const one of this.#views) {
      if (one.dataset.view === (visible.view ?? "main")) one.setAttribute("aria-current", "true");
      else one.removeAttribute("aria-current");
    }
    this.#note.textContent = this.#describe(visible, lit);
    this.#fit();
  }

  #describe({ boot, at }, lit) {
    if (!this.#rows) return "These glasses have no display";
    if (boot) return "Starting the app";
    if (!lit) return "Nothing on the lens";
    const time = at ? new Date(at) : new Date();
    return `Shown at ${time.toLocaleTimeString()}`;
  }

  // The browser's letters are not as wide as the glasses': a line that fits there must fit here.
  #fit() {
    for (const line of this.#root.querySelectorAll(".lens-line")) {
      line.style.transform = "";
      const room = line.parentElement.clientWidth;
      const wanted = line.scrollWidth;
      if (room > 0 && wanted > room) line.style.transform = `scaleX(${room / wanted})`;
    }
  }
}

function drawLines(lens, { lines = [] }) {
  if (lines.every((line) => !line.trim())) return;
  for (const line of lines) lens.append(lensLine(line));
}

function drawCard(lens, visible) {
  drawLines(lens, visible);
  const title = visible.layout.title?.trim();
  const first = lens.firstElementChild;
  if (title && first?.textContent.trim() && title.startsWith(first.textContent.trim())) {
    first.classList.add("lens-title");
  }
}

function drawPair(lens, { layout }) {
  const pair = element("div", "lens-pair");
  for (const text of [layout.leftText, layout.rightText]) {
    const side = element("div", "lens-side");
    for (const line of String(text ?? "").split("\n")) side.append(lensLine(line));
    pair.append(side);
  }
  if (pair.textContent.trim()) lens.append(pair);
}

function lensLine(text) {
  const line = element("div", "lens-line", text || "\u00a0");
  line.dir = "auto";
  return line;
}

function drawBitmap(lens, base64) {
  const picture = element("div", "lens-bitmap");
  const image = element("img");
  image.alt = "A picture shown by the app";
  image.src = bitmapAddress(base64);
  picture.append(image);
  lens.append(picture);
  return image;
}

function drawAnimation(lens, { layout }) {
  const frames = layout.frames ?? [];
  if (frames.length === 0) return undefined;
  let index = 0;
  const image = drawBitmap(lens, frames[index]);
  const timer = setInterval(() => {
    index += 1;
    if (index >= frames.length && !layout.repeat) return clearInterval(timer);
    index %= frames.length;
    image.src = bitmapAddress(frames[index]);
  }, layout.interval || 1650);
  return () => clearInterval(timer);
}

const bitmapAddress = (base64) => `data:image/bmp;base64,${base64 ?? ""}`;
