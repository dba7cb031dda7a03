// The lights of the glasses: they blink as the app tells them, and show when the camera is at work.

import { element } from "./element.js";

const PRIVACY = "privacy";
const COLORS = { red: "#ff4438", green: "#35e06f", blue: "#4a8dff", orange: "#ff9a2e", white: "#ffffff" };
const CAMERA_PATIENCE = 15_000; // ms after which nobody believes that a photo is still taken

export class Lights {
  #root;
  #state;
  #lamps = new Map(); // by id
  #command = null; // {color, ontime, offtime, count, since}
  #timer = null;
  #photos = new Map(); // those that are being taken: requestId and its timer
  #streaming = false;
  #onMissing;

  // parts: {root (where lamps are drawn), state (words about the camera)};
  // onMissing(): the app has switched on a light that these glasses do not have
  constructor({ root, state }, onMissing) {
    this.#root = root;
    this.#state = state;
    this.#onMissing = onMissing;
  }

  // lights: those of the glasses worn now, as the schema has them
  setLights(lights) {
    for (const lamp of this.#lamps.values()) lamp.remove();
    this.#lamps.clear();
    for (const { id, position } of lights) {
      const lamp = element("span", "lamp");
      lamp.dataset.light = id;
      lamp.dataset.position = position;
      lamp.setAttribute("role", "img");
      this.#lamps.set(id, lamp);
      this.#root.append(lamp);
    }
    this.#draw();
  }

  // What the app last asked for, with its age: for how many seconds it has been obeyed; or null
  obey(command) {
    clearTimeout(this.#timer);
    const on = command?.action === "on" && command.ontime > 0;
    this.#command = on ? { ...command, since: performance.now() - command.age * 1000 } : null;
    if (on && command.age === 0 && ![...this.#lamps.keys()].some((id) => id !== PRIVACY)) this.#onMissing();
    this.#draw();
  }

  // A photo: {state: taking|look|taken|failed, requestId}
  photo({ state, requestId }) {
    clearTimeout(this.#photos.get(requestId));
    this.#photos.delete(requestId);
    if (state === "taking" || state === "look") {
      const forget = () => this.photo({ state: "failed", requestId });
      this.#photos.set(requestId, setTimeout(forget, CAMERA_PATIENCE));
    }
    this.#draw();
  }

  streaming(on) {
    this.#streaming = on;
    this.#draw();
  }

  #draw() {
    const color = this.#colorNow();
    const busy = this.#photos.size > 0 || this.#streaming;
    for (const [id, lamp] of this.#lamps) {
      const lit = id === PRIVACY ? (busy ? "white" : null) : color;
      lamp.dataset.lit = lit ?? "";
      lamp.style.setProperty("--lamp", COLORS[lit] ?? "transparent");
      const name = id === PRIVACY ? "Camera light" : "Light for the wearer";
      lamp.setAttribute("aria-label", `${name}: ${lit ?? "off"}`);
      lamp.title = `${name}: ${lit ?? "off"}`;
    }
    this.#state.textContent = this.#streaming ? "Streaming" : busy ? "Taking a photo" : "";
    this.#state.hidden = !busy;
  }

  // The time since the command says what is lit, so that late timers do not add up.
  #colorNow() {
    if (!this.#command) return null;
    const { color, ontime, offtime, count, since } = this.#command;
    const round = ontime + Math.max(0, offtime ?? 0);
    const passed = performance.now() - since;
    const rounds = Math.floor(passed / round);
    if (rounds >= (count ?? 1)) {
      this.#command = null;
      return null;
    }
    const part = passed - rounds * round;
    const lit = part < ontime;
    const next = lit ? ontime - part : round - part;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#draw(), Math.min(next + 1, 2 ** 31 - 1));
    return lit ? color : null;
  }
}
