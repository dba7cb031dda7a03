// The touch pad: taps and swipes with a finger or the mouse, or a gesture from the list.

import { button, element } from "./element.js";
import { messageOf } from "./messages.js";

const TAP_PAUSE = 300; // ms after which no further tap belongs to the same gesture
const LONG_PRESS = 600;
const SWIPE = 24; // px

const TAPS = ["single_tap", "double_tap", "triple_tap"];
const KEYS = {
  ArrowRight: "forward_swipe",
  ArrowLeft: "backward_swipe",
  ArrowUp: "up_swipe",
  ArrowDown: "down_swipe",
};

const farthest = ([across, down]) => Math.max(Math.abs(across), Math.abs(down));

export class TouchPad {
  #control;
  #onSend;
  #pad;
  #said;
  #labels = {};
  #taps = 0;
  #tapTimer = null;
  #longTimer = null;
  #start = null;
  element;

  constructor(control, onSend) {
    this.#control = control;
    this.#onSend = onSend;
    this.element = element("div", "touch");
    this.#pad = element("button", "pad");
    this.#pad.type = "button";
    this.#said = element("span", "pad-said", "Tap or swipe here");
    this.#said.setAttribute("role", "status");
    this.#pad.append(element("span", "hidden-label", "Touch pad of the glasses: "), this.#said);
    const list = element("div", "gestures");
    for (const { value, label } of control.fields[0].options) {
      this.#labels[value] = label;
      list.append(button(label, () => this.#make(value), "chip"));
    }
    this.element.append(this.#pad, list);
    this.#listen(this.#pad);
  }

  update(control) {
    this.#control = control;
  }

  #listen(pad) {
    pad.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || pad.matches(":disabled")) return;
      pad.setPointerCapture(event.pointerId);
      this.#start = { x: event.clientX, y: event.clientY };
      this.#longTimer = setTimeout(() => {
        this.#forget();
        this.#make("long_press");
      }, LONG_PRESS);
    });
    // A finger that moves makes a swipe, however long it takes for that.
    pad.addEventListener("pointermove", (event) => {
      if (this.#start && farthest(this.#way(event)) >= SWIPE) clearTimeout(this.#longTimer);
    });
    pad.addEventListener("pointerup", (event) => this.#lifted(event));
    pad.addEventListener("pointercancel", () => this.#forget());
    pad.addEventListener("contextmenu", (event) => event.preventDefault());
    pad.addEventListener("keydown", (event) => {
      if (!KEYS[event.key]) return;
      event.preventDefault();
      this.#make(KEYS[event.key]);
    });
    // Pointers are handled above; what is left are Enter, Space and assistive tools.
    pad.addEventListener("click", (event) => {
      if (event.detail === 0) this.#tapped();
    });
  }

  #way({ clientX, clientY }) {
    return [clientX - this.#start.x, clientY - this.#start.y];
  }

  #lifted(event) {
    if (!this.#start) return;
    const [across, down] = this.#way(event);
    this.#forget();
    if (farthest([across, down]) < SWIPE) return this.#tapped();
    if (Math.abs(across) >= Math.abs(down)) {
      return this.#make(across > 0 ? "forward_swipe" : "backward_swipe");
    }
    return this.#make(down > 0 ? "down_swipe" : "up_swipe");
  }

  #forget() {
    clearTimeout(this.#longTimer);
    this.#start = null;
  }

  #tapped() {
    clearTimeout(this.#tapTimer);
    this.#taps += 1;
    const done = () => {
      const gesture = TAPS[this.#taps - 1];
      this.#taps = 0;
      this.#make(gesture);
    };
    if (this.#taps === TAPS.length) done();
    else this.#tapTimer = setTimeout(done, TAP_PAUSE);
  }

  #make(gesture) {
    this.#onSend(messageOf(this.#control, { gesture_name: gesture }));
    this.#said.textContent = this.#labels[gesture];
    this.#pad.dataset.gesture = "";
    void this.#pad.offsetWidth; // restarts the animation
    this.#pad.dataset.gesture = gesture;
  }
}
