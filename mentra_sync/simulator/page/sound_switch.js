// One of several frames is heard: a switch for each, of which one is on.

import { element } from "./element.js";

export class SoundSwitch {
  #frames = new Map(); // by name: {page, knob}
  #heard = null;

  constructor() {
    // A page that has just been loaded asks whether it may be heard.
    window.addEventListener("message", ({ origin, source, data }) => {
      if (origin === location.origin && data?.ask === "sound") this.#tell(source);
    });
  }

  // page: the frame; returns its switch
  add(name, page) {
    const knob = element("button", "frame-sound");
    knob.type = "button";
    knob.addEventListener("click", () => this.#hear(this.#heard === name ? null : name));
    this.#frames.set(name, { page, knob });
    this.#hear(this.#heard ?? name);
    return knob;
  }

  remove(name) {
    this.#frames.delete(name);
    if (this.#heard === name) this.#hear(this.#frames.keys().next().value ?? null);
  }

  #hear(name) {
    this.#heard = name;
    for (const [one, { page, knob }] of this.#frames) {
      const on = one === name;
      knob.setAttribute("aria-pressed", String(on));
      knob.textContent = on ? "Sound on" : "Sound off";
      if (page.contentWindow) this.#tell(page.contentWindow);
    }
  }

  #tell(target) {
    for (const [name, { page }] of this.#frames) {
      if (page.contentWindow !== target) continue;
      target.postMessage({ sound: name === this.#heard }, location.origin);
    }
  }
}
