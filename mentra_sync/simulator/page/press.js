// The button of the glasses: a click is a short press, holding it a long one.

import { button, element } from "./element.js";
import { messageOf } from "./messages.js";

const LONG_PRESS = 600;

export class PressButton {
  #control;
  #onSend;
  #round;
  #said;
  #timer = null;
  element;

  constructor(control, onSend) {
    this.#control = control;
    this.#onSend = onSend;
    this.element = element("div", "press");
    const round = element("button", "round");
    round.id = "button-press";
    round.type = "button";
    const ring = element("span", "round-ring");
    ring.setAttribute("aria-hidden", "true");
    round.append(ring, element("span", "hidden-label", "Button of the glasses"));
    const long = button("Long press", () => this.#press("long"));
    long.id = "button-long";
    const said = element("p", "hidden-label");
    said.id = "button-said";
    said.setAttribute("role", "status");
    this.element.append(round, long, said);
    this.#round = round;
    this.#said = said;
    this.#listen(round);
  }

  update(control) {
    this.#control = control;
  }

  #listen(round) {
    round.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      round.setPointerCapture(event.pointerId);
      this.#begin();
    });
    round.addEventListener("pointerup", () => this.#end());
    round.addEventListener("pointercancel", () => this.#forget());
    round.addEventListener("contextmenu", (event) => event.preventDefault());
    round.addEventListener("keydown", (event) => {
      if (event.key !== " " && event.key !== "Enter") return;
      event.preventDefault();
      if (!event.repeat) this.#begin();
    });
    round.addEventListener("keyup", (event) => {
      if (event.key === " " || event.key === "Enter") this.#end();
    });
    round.addEventListener("blur", () => this.#forget());
    // Pointers and keys are handled above; what is left are clicks that assistive tools make.
    round.addEventListener("click", (event) => {
      if (event.detail === 0) this.#press("short");
    });
  }

  #begin() {
    if (this.#timer !== null || this.#round.matches(":disabled")) return;
    this.#round.classList.add("held");
    this.#timer = setTimeout(() => {
      this.#forget();
      this.#press("long");
    }, LONG_PRESS);
  }

  #end() {
    if (this.#timer === null) return;
    this.#forget();
    this.#press("short");
  }

  #forget() {
    clearTimeout(this.#timer);
    this.#timer = null;
    this.#round.classList.remove("held");
  }

  #press(pressType) {
    this.#onSend(messageOf(this.#control, { pressType }));
    this.#said.textContent = `${pressType === "long" ? "Long" : "Short"} press sent`;
    this.#round.classList.remove("pressed-short", "pressed-long");
    void this.#round.offsetWidth; // restarts the animation when pressed twice
    this.#round.classList.add(`pressed-${pressType}`);
  }
}
