// The lens: draws what is on its two views, in the green of a waveguide.

import { element } from "./element.js";

const DEFAULT_ROWS = 5;
const ROWS = [
  [/vuzix|z100|simulated/i, 7],
  [/mentra live/i, 0],
];

// Layouts that are not drawn from lines of text.
const DRAWERS = new Map([
  ["bitmap_view", (lens, { layout }) => void drawBitmap(lens, layout.data)],
  ["bitmap_animation", drawAnimation],
]);
const DEFAULT_INTERVAL = 1650; // ms
const LONGEST_INTERVAL = 2 ** 31 - 1; // a timer counts no further

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
    this.#views = {};
    for (const [view, visible] of Object.entries(views)) this.#keep(view, visible);
    for (const tab of this.#tabs) tab.classList.remove("fresh");
    this.#draw();
  }

  // visible: {view, lines, columns, title, problem, layout, boot, at}, as the simulator sends it;
  // lines and columns are already broken as on the real lens, and so is the problem, which is
  // there when a picture cannot be shown
  show(visible) {
    const { view } = visible;
    this.#keep(view, visible);
    if (view === this.#chosen) return this.#draw();
    return this.#tab(view)?.classList.toggle("fresh", !isEmpty(visible));
  }

  // An animation goes on from here while the other view is looked at.
  #keep(view, visible) {
    this.#views[view] = { ...visible, since: performance.now() };
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
      const draw = drawerOf(visible) ?? drawText;
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

const drawerOf = ({ problem, layout }) => (problem ? undefined : DRAWERS.get(layout?.layoutType));

function isEmpty(visible) {
  const { problem, lines = [] } = visible;
  return !problem && !drawerOf(visible) && lines.every((line) => !line.trim());
}

function drawText(lens, { lines, columns, title, problem }) {
  if (columns) return drawColumns(lens, columns);
  let rest = squeezed(title ?? "");
  for (const text of problem ?? lines) {
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
  // The simulator has looked at the picture, but browsers look at more of its header.
  image.addEventListener("error", () => {
    picture.replaceWith(lensLine("picture cannot be shown: this browser cannot read it"));
  });
  image.src = bitmapAddress(base64);
  picture.append(image);
  lens.append(picture);
  return image;
}

// The time since the display came says which frame it is, so that late timers do not add up.
function drawAnimation(lens, { layout, since }) {
  const { frames, repeat } = layout;
  const interval = intervalOf(layout);
  const last = frames.length - 1;
  let image;
  let timer;
  const step = () => {
    const passed = Math.floor((performance.now() - since) / interval);
    const frame = frames[repeat === true ? passed % frames.length : Math.min(passed, last)];
    if (image) image.src = bitmapAddress(frame);
    else image = drawBitmap(lens, frame);
    if (repeat !== true && passed >= last) return;
    timer = setTimeout(step, Math.ceil(since + (passed + 1) * interval - performance.now()));
  };
  step();
  return () => clearTimeout(timer);
}

function intervalOf({ interval }) {
  if (typeof interval !== "number" || !(interval > 0)) return DEFAULT_INTERVAL;
  return Math.max(1, Math.min(interval, LONGEST_INTERVAL));
}

const bitmapAddress = (base64) => `data:image/bmp;base64,${base64}`;
