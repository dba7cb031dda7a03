// The lens: shows the view that the wearer looks at, as the glasses would.

import { element } from "./element.js";
import { drawAnimation, drawBitmap } from "./lens_picture.js";
import { drawText, fitRuns } from "./lens_text.js";

// Layouts that are not drawn from lines of text.
const DRAWERS = new Map([
  ["bitmap_view", (lens, { layout }) => void drawBitmap(lens, layout.data)],
  ["bitmap_animation", drawAnimation],
]);

const WIDE = 576; // px of a G1's lens, and of every picture

// Where the head is while a view is seen.
const HEAD = { main: "down", dashboard: "up" };

export class Lens {
  #root;
  #glasses;
  #note;
  #tabs;
  #display = null; // width and height in pixels of the glasses; null for those without a display
  #views = {}; // what each view shows, as the simulator sent it
  #seen = "main";
  #stopAnimation = () => {};

  // onLook("up" or "down") moves the wearer's head, and returns whether it could
  constructor({ root, glasses, note, views }, onLook) {
    this.#root = root;
    this.#glasses = glasses;
    this.#note = note;
    this.#tabs = [...views.querySelectorAll("[data-view]")];
    for (const tab of this.#tabs) {
      const { view } = tab.dataset;
      tab.addEventListener("click", () => {
        // What the simulator says of it comes back, to every page. Without one, just look.
        if (view !== this.#seen && !onLook(HEAD[view])) this.look(HEAD[view]);
      });
    }
  }

  // size: [width, height] in pixels of the lens, or null
  setDisplay(size) {
    this.#display = size;
    this.#draw();
  }

  // views: {main, dashboard}, each as for show(); head: "up" or "down"
  showAll(views, head) {
    this.#views = {};
    for (const [view, visible] of Object.entries(views)) this.#keep(view, visible);
    for (const tab of this.#tabs) tab.classList.remove("fresh");
    this.look(head);
  }

  // visible: {view, placed, size, cut, problem, layout, boot, at, age}, as the simulator sends it;
  // placed are the lines with the places of their letters, also those of the problem, which is
  // there when a picture cannot be shown; age is for how many seconds it has been shown
  show(visible) {
    const { view } = visible;
    this.#keep(view, visible);
    if (view === this.#seen) return this.#draw();
    return this.#tab(view)?.classList.toggle("fresh", !isEmpty(visible));
  }

  // Looking up shows the dashboard.
  look(head) {
    const view = head === HEAD.dashboard ? "dashboard" : "main";
    this.#seen = view;
    for (const tab of this.#tabs) {
      tab.setAttribute("aria-pressed", String(tab.dataset.view === view));
    }
    this.#tab(view).classList.remove("fresh");
    this.#draw();
  }

  // An animation goes on from here while the other view is looked at, or after a reload.
  #keep(view, visible) {
    this.#views[view] = { ...visible, since: performance.now() - 1000 * visible.age };
  }

  #tab(view) {
    return this.#tabs.find((tab) => tab.dataset.view === view);
  }

  #draw() {
    this.#stopAnimation();
    this.#stopAnimation = () => {};
    const visible = this.#views[this.#seen] ?? {};
    const lens = element("div", "lens-content");
    const lit = this.#display !== null && !isEmpty(visible);
    if (lit) {
      const draw = drawerOf(visible) ?? drawText;
      this.#stopAnimation = draw(lens, visible) ?? this.#stopAnimation;
    } else if (this.#display === null) {
      lens.append(absence());
    }
    this.#root.replaceChildren(lens);
    fitRuns(lens);
    // Other glasses may be worn since that was shown. A picture fills lenses of any width.
    const lensShape = shapeOf(lit ? visible.size : this.#display);
    const isPicture = lit && drawerOf(visible) !== undefined;
    this.#glasses.dataset.lens = lensShape;
    this.#glasses.dataset.shape = isPicture ? "wide" : lensShape;
    this.#glasses.classList.toggle("lit", lit);
    this.#glasses.classList.toggle("booting", lit && Boolean(visible.boot));
    this.#note.textContent = this.#describe(visible, lit);
    this.#note.classList.toggle("cut", lit && visible.cut > 0);
  }

  #describe({ boot, at, cut }, lit) {
    if (this.#display === null) return "No display";
    if (lit && boot) return "Starting the app";
    if (!lit) return this.#seen === "main" ? "Nothing on the lens" : "Nothing on the dashboard";
    if (cut > 0) return cut === 1 ? "1 more line doesn’t fit" : `${cut} more lines don’t fit`;
    return `Shown ${new Date(at).toLocaleTimeString()}`;
  }
}

const shapeOf = (size) => (size && size[0] < WIDE ? "narrow" : "wide");

function absence() {
  const words = element("div", "lens-absent");
  words.append(element("p", "", "These glasses have no display."));
  words.append(element("p", "", "They listen, speak and take photos."));
  return words;
}

const drawerOf = ({ problem, layout }) => (problem ? undefined : DRAWERS.get(layout?.layoutType));

function isEmpty(visible) {
  const { placed = [] } = visible;
  return !drawerOf(visible) && placed.every(({ text }) => !text.trim());
}
