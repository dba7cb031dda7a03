// The app's log: one line each, newest last, with the traceback under those that have one.

import { element } from "./element.js";
import { followEnd } from "./follow.js";

const MOST_LINES = 500;

export class Log {
  #list;
  #empty;

  constructor({ list, empty, clear }) {
    this.#list = list;
    this.#empty = empty;
    followEnd(list);
    clear.addEventListener("click", () => this.clear());
  }

  // entry: {level, logger, message, traceback, at}
  add({ level, logger, message, traceback, at }) {
    const list = this.#list;
    const item = element("li", "log-line");
    item.dataset.level = String(level).toLowerCase();
    const time = element("time", "log-time", clockTime(at));
    time.title = logger ?? "";
    const words = element("div", "log-words");
    words.append(element("span", "log-level", level), element("span", "log-message", message));
    if (traceback) words.append(tracebackDetails(traceback));
    item.append(time, words);
    list.append(item);
    while (list.childElementCount > MOST_LINES) list.firstElementChild.remove();
    this.#empty.hidden = true;
  }

  clear() {
    this.#list.replaceChildren();
    this.#empty.hidden = false;
  }
}

export function tracebackDetails(traceback) {
  const details = element("details", "traceback");
  details.append(element("summary", "", "Traceback"), element("pre", "", traceback.trimEnd()));
  return details;
}

function clockTime(at) {
  const time = at ? new Date(at) : new Date();
  return time.toLocaleTimeString([], { hour12: false });
}
