// The timeline: everything that crossed the wire, as it comes; filtered, held, saved.
//
// It costs nothing while nobody looks at it, and one piece of work per frame otherwise.

import { element } from "./element.js";
import { NOISE } from "./timeline_entry.js";
import { Row } from "./timeline_row.js";
import { matches, Runs } from "./timeline_runs.js";

const MOST_LINES = 1000;
const TYPING = 150; // ms after the last letter
const NEAR = 24; // px from the end

export class Timeline {
  #parts;
  #runs = new Runs();
  #rows = new Map(); // by run: those that are shown
  #lines = new WeakMap(); // the same by element
  #waiting = []; // runs that have begun or changed since the last frame
  #frame = 0;
  #looking = false;
  #paused = false;
  #heldBack = 0;
  #following = true; // until someone scrolls up to read
  #filter = { text: "", way: "", hidden: new Set() };

  // parts: {list, empty, text, way, noise, count, pause, clear, save}
  constructor(parts) {
    this.#parts = parts;
    new ResizeObserver(() => this.#following && this.#toEnd()).observe(parts.list);
    parts.list.addEventListener("scroll", () => (this.#following = nearEnd(parts.list)));
    parts.list.addEventListener("keydown", (event) => this.#moved(event));
    let typing;
    parts.text.addEventListener("input", () => {
      clearTimeout(typing);
      const filter = () => this.#filterBy({ text: parts.text.value.trim().toLowerCase() });
      typing = setTimeout(filter, TYPING);
    });
    parts.way.addEventListener("change", () => this.#filterBy({ way: parts.way.value }));
    parts.pause.addEventListener("click", () => this.#pause(!this.#paused));
    parts.clear.addEventListener("click", () => this.clear());
    parts.save.addEventListener("click", () => save(this.#runs.everything()));
    this.#offerNoise();
  }

  addCrossing(crossing) {
    this.#changed(this.#runs.addCrossing(crossing));
  }

  // note: {kind: "log", level, message, at, ...} or {kind: "app" or "connection", message, at}
  addNote(note) {
    this.#changed(this.#runs.addNote(note));
  }

  // Whether someone sees it.
  look(looking) {
    this.#looking = looking;
    this.#rebuild();
  }

  clear() {
    this.#runs.clear();
    this.#pause(false);
  }

  forgetLog() {
    this.#runs.forgetLog();
    this.#rebuild();
  }

  #changed(change) {
    if (change === null || !this.#looking) return;
    if (this.#paused) this.#heldBack += 1;
    else if (this.#waiting.length <= MOST_LINES) this.#waiting.push(change);
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#draw();
    });
  }

  #draw() {
    const waiting = this.#waiting;
    this.#waiting = [];
    if (this.#paused) return this.#showState();
    // More than fit may have come while the window was out of sight.
    if (waiting.length > MOST_LINES) return this.#rebuild();
    // Someone who has opened an entry reads it, and nothing may move it away.
    const follow = nearEnd(this.#parts.list);
    for (const { run, isNew, forgotten } of waiting) {
      if (forgotten) this.#remove(this.#rows.get(forgotten));
      if (!isNew) this.#rows.get(run)?.update();
      else if (matches(run, this.#filter)) this.#place(new Row(run));
    }
    const oldest = () => this.#lines.get(this.#parts.list.firstElementChild);
    while (this.#rows.size > MOST_LINES) this.#remove(oldest());
    this.#showState();
    if (follow) this.#toEnd();
  }

  #toEnd() {
    const { list } = this.#parts;
    list.scrollTop = list.scrollHeight;
  }

  // At the end; or where it belongs, when it was told late.
  #place(row) {
    const { list } = this.#parts;
    let before = null;
    let last = list.lastElementChild;
    while (last && this.#lines.get(last).run.at > row.run.at) {
      before = last;
      last = last.previousElementSibling;
    }
    list.insertBefore(row.element, before);
    this.#rows.set(row.run, row);
    this.#lines.set(row.element, row);
  }

  #remove(row) {
    if (!row) return;
    row.element.remove();
    this.#rows.delete(row.run);
  }

  #filterBy(change) {
    this.#filter = { ...this.#filter, ...change };
    this.#rebuild();
  }

  #pause(paused) {
    this.#paused = paused;
    this.#heldBack = 0;
    this.#parts.pause.setAttribute("aria-pressed", String(paused));
    this.#rebuild();
  }

  #rebuild() {
    this.#waiting = [];
    const wanted = this.#looking ? this.#runs.all.filter((run) => matches(run, this.#filter)) : [];
    const rows = wanted.slice(-MOST_LINES).map((run) => new Row(run));
    this.#rows = new Map(rows.map((row) => [row.run, row]));
    this.#lines = new WeakMap(rows.map((row) => [row.element, row]));
    this.#parts.list.replaceChildren(...rows.map((row) => row.element));
    this.#showState();
    this.#toEnd();
  }

  #showState() {
    const { empty, count, pause } = this.#parts;
    const lines = this.#rows.size;
    const all = this.#runs.all.length;
    count.textContent = lines === all ? counted(all) : `${lines} of ${counted(all)}`;
    pause.textContent = this.#paused ? "Go on" : "Pause";
    if (this.#heldBack) pause.textContent = `Go on (${this.#heldBack} new)`;
    empty.hidden = lines > 0;
    empty.textContent = all > 0 ? NOTHING_MATCHES : NOTHING_YET;
  }

  #offerNoise() {
    for (const [kind, title] of Object.entries(NOISE)) {
      const chip = element("button", "wire-chip", title);
      chip.type = "button";
      chip.dataset.noise = kind;
      chip.setAttribute("aria-pressed", "true");
      chip.addEventListener("click", () => {
        const hidden = new Set(this.#filter.hidden);
        if (!hidden.delete(kind)) hidden.add(kind);
        chip.setAttribute("aria-pressed", String(!hidden.has(kind)));
        this.#filterBy({ hidden });
      });
      this.#parts.noise.append(chip);
    }
  }

  // Arrow keys, Home and End move among the lines; Enter and the space bar open one.
  #moved(event) {
    const { list } = this.#parts;
    const here = event.target.closest(".wire-line");
    if (!here && event.target !== list) return;
    if (event.target.closest(".wire-detail")) return;
    const there = {
      ArrowDown: () => (here ? here.nextElementSibling : list.firstElementChild),
      ArrowUp: () => (here ? here.previousElementSibling : list.lastElementChild),
      Home: () => list.firstElementChild,
      End: () => list.lastElementChild,
    }[event.key]?.();
    if (!there) return;
    event.preventDefault();
    this.#lines.get(there).focus();
  }
}

const NOTHING_YET = "What app, cloud and glasses say to each other appears here.";
const NOTHING_MATCHES = "Nothing of what there is matches the filter.";

const nearEnd = (list) => list.scrollHeight - list.scrollTop - list.clientHeight < NEAR;

const counted = (number) => `${number.toLocaleString("en")} ${number === 1 ? "line" : "lines"}`;

function save(everything) {
  const link = element("a");
  const text = JSON.stringify(everything, null, 1);
  link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  link.download = `timeline-${new Date().toISOString().slice(0, 19).replaceAll(":", "-")}.json`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
