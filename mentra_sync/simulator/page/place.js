// Where one is: coordinates, well-known places, and a walk that goes on by itself.

import { ControlForm } from "./control_form.js";
import { button, element, svgElement } from "./element.js";
import { moved, SPEED, walked } from "./walk.js";

const EVERY = 1000; // ms
const SHOWN = 80; // m from the middle of the compass to its rim

export class PlaceControl {
  #form;
  #walk;
  #needle;
  #trail;
  #said;
  #start = null; // where the walk began, and when
  #timer = null;
  element;

  constructor(control, onSend) {
    this.#form = new ControlForm(control, (message) => {
      this.#stopWhenMoved();
      onSend(message);
    });
    this.element = element("div", "place");
    this.#walk = button("Take a walk", () => this.#toggle(), "button");
    this.#walk.setAttribute("aria-pressed", "false");
    this.#said = element("p", "fine place-said", `${SPEED} metres a second, around the block`);
    const beside = element("div", "place-beside");
    beside.append(this.#walk, this.#said);
    const top = element("div", "place-top");
    top.append(this.#compass(), beside);
    this.element.append(this.#form.element, top);
  }

  update(control) {
    this.#form.update(control);
  }

  get values() {
    return this.#form.values;
  }

  fill(values) {
    this.#form.fill(values);
  }

  send() {
    this.#form.send();
  }

  #toggle() {
    if (this.#start) return this.#stop();
    const { lat, lng } = this.#form.values;
    if (lat === undefined || lng === undefined) return;
    this.#start = { lat, lng, at: performance.now(), sending: false };
    this.#trail.setAttribute("points", "");
    this.#walk.textContent = "Stop walking";
    this.#walk.setAttribute("aria-pressed", "true");
    this.#timer = setInterval(() => this.#step(), EVERY);
    this.#step();
  }

  #stop() {
    clearInterval(this.#timer);
    this.#start = null;
    this.#walk.textContent = "Take a walk";
    this.#walk.setAttribute("aria-pressed", "false");
  }

  // Somewhere else was chosen: the walk is over there.
  #stopWhenMoved() {
    if (this.#start && !this.#start.sending) this.#stop();
  }

  #step() {
    if (this.#walk.matches(":disabled")) return this.#stop();
    const seconds = (performance.now() - this.#start.at) / 1000;
    const here = walked(seconds);
    this.#form.fill(moved(this.#start, here));
    this.#start.sending = true;
    this.#form.send();
    this.#start.sending = false;
    this.#draw(here);
    this.#said.textContent = `${Math.round(seconds * SPEED)} m walked`;
  }

  #compass() {
    const compass = svgElement("svg", { viewBox: "-60 -60 120 120", class: "compass", "aria-hidden": "true" });
    const rim = svgElement("circle", { r: 54, class: "compass-rim" });
    const letters = [["N", 0, -40], ["E", 42, 4.5], ["S", 0, 49], ["W", -42, 4.5]];
    this.#trail = svgElement("polyline", { class: "compass-trail", points: "" });
    this.#needle = svgElement("path", { class: "compass-needle", d: "M0 -15 L9 12 L0 6 L-9 12 Z" });
    compass.append(
      rim,
      ...letters.map(([letter, x, y]) => {
        const text = svgElement("text", { x, y, class: letter === "N" ? "north" : "" });
        text.textContent = letter;
        return text;
      }),
      this.#trail,
      this.#needle,
    );
    return compass;
  }

  #draw({ east, north, heading }) {
    const x = ((east / SHOWN) * 54).toFixed(1);
    const y = ((-north / SHOWN) * 54).toFixed(1);
    this.#needle.setAttribute("transform", `translate(${x} ${y}) rotate(${heading}) scale(0.7)`);
    const points = `${this.#trail.getAttribute("points")} ${x},${y}`.trim().split(" ");
    this.#trail.setAttribute("points", points.slice(-240).join(" "));
  }
}
