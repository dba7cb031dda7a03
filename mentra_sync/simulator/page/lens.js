// The lens: draws what is on its two views, in the green of a waveguide.

import { element } from "./element.js";

const DEFAULT_ROWS = 5;
const ROWS = [
  [/vuzix|z100|simulated/i, 7],
  [/mentra live/i, 0],
];

// Layouts that are not drawn from lines of text.
const DRAWERS = {
  bitmap_view: (lens, { layout }) => void drawBitmap(lens, layout.data),
  bitmap_animation: drawAnimation,
};

export class Lens {
  #root;
  #glasses;
  #note;
  #tabs;
  #rows = DEFAULT_ROWS;
  #views = {}; // what each view shows, as the simulator sent it
  #chosen = "main";
  #stopAnimation = () => {};

  constructor({ root, glasses, note, views }) {
    this.#root = root;
    this.#glasses = glasses;
    this.#note = note;
    this.#tabs = [...views.querySelectorAll("[data-view]")];
    for (const tab of this.#tabs) {
      tab.addEventListener("click", () => this.#choose(tab.dataset.view));
    }
    new ResizeObserver(() => this.#fit()).observe(root);
  }

  setModel(model) {
    const known = ROWS.find(([pattern]) => pattern.test(model));
    this.#rows = known ? known[1] : DEFAULT_ROWS;
    this.#glasses.dataset.rows = String(this.#rows || DEFAULT_ROWS);
  }

  // views: {main, dashboard}, each as for show()
  showAll(views) {
    this.#views = { ...views };
    for (const tab of this.#tabs) tab.classList.remove("fresh");
    this.#draw();
  }

  // visible: {view, lines, columns, title, layout, boot, at}, as the simulator sends it; lines
  // and columns are already broken as on the real lens
  show(visible) {
    const { view } = visible;
    this.#views[view] = visible;
    if (view === this.#chosen) return this.#draw();
    return this.#tab(view)?.classList.toggle("fresh", !isEmpty(visible));
  }

  #choose(view) {
    this.#chosen = view;
    for (const tab of this.#tabs) {
      tab.setAttribute("aria-pressed", String(tab.dataset.view === view));
    }
    this.#tab(view).classList.remove("fresh");
    this.#draw();
  }

  #tab(view) {
    return this.#tabs.find((tab) => tab.dataset.view === view);
  }

  #draw() {
    this.#stopAnimation();
    this.#stopAnimation = () => {};
    const visible = this.#views[this.#chosen] ?? {};
    const lens = element("div", "lens-content");
    if (!isEmpty(visible)) {
      const draw = DRAWERS[visible.layout?.layoutType] ?? drawText;
      this.#stopAnimation = draw(lens, visible) ?? this.#stopAnimation;
    }
    this.#root.replaceChildren(lens);
    const lit = lens.childElementCount > 0;
    this.#glasses.classList.toggle("lit", lit);
    this.#glasses.classList.toggle("booting", Boolean(visible.boot));
    this.#note.textContent = this.#describe(visible, lit);
    this.#fit();
  }

  #describe({ boot, at }, lit) {
    if (!this.#rows) return "These glasses have no display";
    if (boot) return "Starting the app";
    if (!lit) return this.#chosen === "main" ? "Nothing on the lens" : "Nothing on the dashboard";
    const time = at ? new Date(at) : new Date();
    return `Shown ${time.toLocaleTimeString()}`;
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

function isEmpty({ lines = [], layout }) {
  return !DRAWERS[layout?.layoutType] && lines.every((line) => !line.trim());
}

function drawText(lens, { lines, columns, title }) {
  if (columns) return drawColumns(lens, columns);
  let rest = squeezed(title ?? "");
  for (const text of lines) {
    const line = lensLine(text);
    const part = squeezed(text);
    const ofTitle = part !== "" && rest.startsWith(part);
    line.classList.toggle("lens-title", ofTitle);
    rest = ofTitle ? rest.slice(part.length) : "";
    lens.append(line);
  }
  return undefined;
}

const squeezed = (text) => text.replaceAll(/\s/g, "");

function drawColumns(lens, columns) {
  const pair = element("div", "lens-pair");
  for (const lines of columns) {
    const column = element("div", "lens-column");
    column.append(...lines.map(lensLine));
    pair.append(column);
  }
  lens.append(pair);
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
