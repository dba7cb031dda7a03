// What the wearer can do, drawn from the schema: tabs, and in each the controls of one group.

import { ControlForm } from "./control_form.js";
import { element } from "./element.js";
import { NotificationControl } from "./notifications.js";
import { PlaceControl } from "./place.js";
import { PressButton } from "./press.js";
import { listensTo } from "./streams.js";
import { TouchPad } from "./touch_pad.js";

const SENT = 1200; // ms that "sent" is shown

// Controls that have more than a form of fields. Each makes {element, update(control), fill?()}.
const SPECIAL = {
  button_press: (control, send) => new PressButton(control, send),
  location_update: (control, send) => new PlaceControl(control, send),
  phone_notification: (control, send) => new NotificationControl(control, send),
  touch_event: (control, send) => new TouchPad(control, send),
};
const form = (control, send) => new ControlForm(control, send);

export class Controls {
  #tabs;
  #send;
  #special;
  #cards = new Map(); // by control id
  #streams = [];

  // send(control, message) passes a message on; special: more controls with parts of their own
  constructor(tabs, send, special = {}) {
    this.#tabs = tabs;
    this.#send = send;
    this.#special = { ...SPECIAL, ...special };
  }

  // The first schema builds the controls; another, of other glasses, changes them.
  setSchema({ groups, controls }) {
    if (this.#cards.size === 0) this.#build(groups, controls);
    for (const control of controls) this.#cards.get(control.id)?.update(control);
    this.#mark();
  }

  setStreams(streams) {
    this.#streams = streams;
    this.#mark();
  }

  // Uses a control, with some values changed.
  use(controlId, values = {}) {
    this.fill(controlId, values);
    this.#cards.get(controlId)?.use();
  }

  values(controlId) {
    return this.#cards.get(controlId)?.values ?? {};
  }

  // What is so now, whoever has brought it about.
  fill(controlId, values) {
    this.#cards.get(controlId)?.fill(values);
  }

  setConnected(connected) {
    for (const card of this.#cards.values()) card.setConnected(connected);
  }

  #build(groups, controls) {
    for (const { id, title } of groups) {
      const mine = controls.filter(({ group }) => group === id);
      const drawn = mine.filter((control) => control.fields.length || this.#special[control.id]);
      if (id === "speech" || drawn.length === 0) continue; // one speaks in the conversation
      const panel = this.#tabs.add(id, title);
      for (const control of drawn) {
        const make = this.#special[control.id] ?? form;
        const card = new Card(control, make, (message, by = control) => this.#send(by, message));
        this.#cards.set(control.id, card);
        panel.append(card.element);
      }
    }
  }

  #mark() {
    const used = new Map();
    for (const card of this.#cards.values()) {
      const on = card.mark(this.#streams);
      used.set(card.group, used.get(card.group) || on);
    }
    for (const [group, on] of used) this.#tabs.mark(group, on);
  }
}

// One control: what it is, whether the app listens to it, and what one does with it.
class Card {
  #control;
  #inside;
  #body;
  #help;
  #uses;
  #timer;
  element;

  constructor(control, make, send) {
    this.#control = control;
    this.element = element("section", "control");
    this.element.dataset.control = control.id;
    this.element.setAttribute("aria-label", control.title);
    const head = element("div", "control-head");
    this.#uses = element("span", "uses");
    head.append(element("h3", "", control.title), this.#uses);
    this.#help = element("p", "fine");
    this.#body = element("fieldset", "control-body");
    this.#inside = make(control, (message, by) => {
      if (send(message, by) !== false) this.#sent();
    });
    this.#body.append(this.#inside.element);
    this.element.append(head, this.#help, this.#body);
  }

  get group() {
    return this.#control.group;
  }

  update(control) {
    this.#control = control;
    this.element.classList.toggle("missing", Boolean(control.missing));
    this.#help.textContent = control.missing ?? control.help;
    this.#body.hidden = Boolean(control.missing);
    this.#inside.update(control);
  }

  fill(values) {
    this.#inside.fill?.(values);
  }

  use() {
    this.#inside.send?.();
  }

  get values() {
    return this.#inside.values;
  }

  setConnected(connected) {
    this.#body.disabled = !connected;
  }

  // Whether the app listens to what this feeds.
  mark(streams) {
    const { streams: fed, missing } = this.#control;
    const on = !missing && listensTo(streams, fed);
    this.#uses.hidden = fed.length === 0 || Boolean(missing);
    this.#uses.dataset.on = String(on);
    if (!this.#timer) this.#say(on);
    return on;
  }

  #say(on = this.#uses.dataset.on === "true") {
    this.#uses.textContent = on ? "The app listens" : "Nobody listens";
    this.#uses.title = on ? "" : "The app does not listen to this at the moment.";
  }

  #sent() {
    clearTimeout(this.#timer);
    const on = this.#uses.dataset.on === "true";
    this.#uses.textContent = on ? "Sent" : "Sent, nobody listens";
    this.#uses.classList.remove("sent");
    void this.#uses.offsetWidth; // restarts the animation when sent twice
    this.#uses.classList.add("sent");
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#uses.classList.remove("sent");
      this.#say();
    }, SENT);
  }
}
