// The timeline's memory: what happened, in runs of the same kind, the oldest forgotten.

import { describe, describeNote, FLOODS } from "./timeline_entry.js";

const MOST_RUNS = 2000;
const MOST_KEPT = 100; // of one run
// Sound and interim words come by turns with one another: each joins its run over the others.
const NEAR = 6;

export class Runs {
  #runs = [];
  #newest = { number: 0, at: "" };

  get all() {
    return this.#runs;
  }

  // A crossing; null when it is known already, else {run, isNew, forgotten}: the run that it is
  // part of now, whether that has just begun, and one that there was no more room for.
  addCrossing(crossing) {
    // After a reconnection the last ones come again; a simulator begun anew counts from 1 again.
    const known = crossing.number <= this.#newest.number && crossing.at <= this.#newest.at;
    if (known) return null;
    this.#newest = { number: crossing.number, at: crossing.at };
    return this.#add(describe(crossing), crossing);
  }

  // note: {kind: "log" or "connection" or "app", at, message, ...}
  addNote(note) {
    return this.#add(describeNote(note), note);
  }

  clear() {
    this.#runs = [];
  }

  // The lines of the log come again after a reconnection.
  forgetLog() {
    this.#runs = this.#runs.filter(({ kept }) => kept[0].kind !== "log");
  }

  // Everything that is kept, as it was told, in its order.
  everything() {
    const kept = this.#runs.flatMap((run) => run.kept);
    return kept.sort((one, other) => order(one, other));
  }

  #add(told, what) {
    const same = this.#same(told);
    if (same) {
      same.count += 1;
      same.summary = told.summary;
      same.kept.push(what);
      if (same.kept.length > MOST_KEPT) same.kept.shift();
      return { run: same, isNew: false, forgotten: null };
    }
    const run = { ...told, at: what.at, count: 1, kept: [what] };
    this.#place(run);
    const forgotten = this.#runs.length > MOST_RUNS ? this.#runs.shift() : null;
    return { run, isNew: true, forgotten };
  }

  #same({ key, noise }) {
    const last = this.#runs.at(-1);
    if (last?.key === key) return last;
    if (!FLOODS.has(noise)) return null;
    for (const run of this.#runs.slice(-NEAR).reverse()) {
      if (!FLOODS.has(run.noise)) return null;
      if (run.key === key) return run;
    }
    return null;
  }

  // At the end; or where it belongs, when it is told late.
  #place(run) {
    let index = this.#runs.length;
    while (index > 0 && this.#runs[index - 1].at > run.at) index -= 1;
    this.#runs.splice(index, 0, run);
  }
}

// Whether a run is wanted; filter: {text (lower case), way, hidden (a set of kinds of noise)}.
export function matches(run, { text, way, hidden }) {
  if (run.noise && hidden.has(run.noise)) return false;
  if (way && !run.way.includes(way)) return false;
  return !text || run.kept.some((what) => searchable(what).includes(text));
}

const TEXTS = new WeakMap();

function searchable(what) {
  if (!TEXTS.has(what)) TEXTS.set(what, JSON.stringify(what).toLowerCase());
  return TEXTS.get(what);
}

function order(one, other) {
  if (one.at !== other.at) return one.at < other.at ? -1 : 1;
  return (one.number ?? 0) - (other.number ?? 0);
}
