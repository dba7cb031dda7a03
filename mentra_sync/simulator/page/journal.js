// What goes on, and what goes wrong on purpose: the tabs Log, Timeline and Faults.

import { byId } from "./element.js";
import { Faults } from "./faults.js";
import { remember, remembered } from "./remember.js";
import { Tabs } from "./tabs.js";
import { Timeline } from "./timeline.js";

// The states of the connection, as the timeline tells them.
const STATUS = {
  connected: "This page is connected to the simulator",
  lost: "This page has lost the simulator",
  ended: "The app’s program has ended",
};

export class Journal {
  #timeline = new Timeline({
    list: byId("wire"),
    empty: byId("wire-empty"),
    text: byId("wire-text"),
    way: byId("wire-way"),
    noise: byId("wire-noise"),
    count: byId("wire-count"),
    pause: byId("wire-pause"),
    clear: byId("wire-clear"),
    save: byId("wire-save"),
  });
  #faults;
  #said = {}; // the last note of each kind

  // onFault({name, on, value}): one is to begin or to end
  constructor(notices, onFault) {
    const parts = { list: byId("journal-tabs"), panels: byId("journal-panels") };
    const tabs = new Tabs(parts, "journal", (id) => this.#opened(id));
    this.#faults = new Faults(notices, onFault, (count) => tabs.mark("faults", count > 0));
    tabs.add("log", "Log").append(byId("journal-log"));
    tabs.add("timeline", "Timeline").append(byId("journal-timeline"));
    tabs.add("faults", "Faults").append(this.#faults.element);
    this.#makeWide(remembered("wide") === "yes");
    byId("journal-wide").addEventListener("click", ({ currentTarget }) =>
      this.#makeWide(currentTarget.getAttribute("aria-pressed") !== "true"),
    );
  }

  // How things stand has been told; what has been logged so far follows.
  greet({ faults }) {
    this.#timeline.forgetLog();
    this.#faults.show(faults.faults);
  }

  crossing(crossing) {
    this.#timeline.addCrossing(crossing);
  }

  log(entry) {
    this.#timeline.addNote(entry);
  }

  faults(faults) {
    this.#faults.show(faults);
  }

  app({ state, detail }) {
    this.#note("app", detail ? `The app is ${state}: ${detail}` : `The app is ${state}`);
  }

  status(status) {
    this.#faults.setConnected(status === "connected");
    if (STATUS[status]) this.#note("connection", STATUS[status]);
  }

  #opened(id) {
    byId("journal").dataset.open = id;
    this.#timeline.look(id === "timeline");
  }

  #note(kind, message) {
    if (this.#said[kind] === message) return;
    this.#said[kind] = message;
    this.#timeline.addNote({ kind, message, at: new Date().toISOString() });
  }

  #makeWide(wide) {
    byId("room").classList.toggle("wide-journal", wide);
    byId("journal-wide").setAttribute("aria-pressed", String(wide));
    remember("wide", wide ? "yes" : "no");
  }
}
