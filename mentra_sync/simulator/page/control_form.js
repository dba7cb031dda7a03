// A control drawn from the schema: its fields, its presets, and the button that sends.

import { button, element } from "./element.js";
import { makeField } from "./fields.js";
import { messageOf } from "./messages.js";

export class ControlForm {
  #control;
  #fields = new Map(); // by name
  #defaults = new Map();
  #onSend;
  element;

  // onSend(message): the control has been used
  constructor(control, onSend) {
    this.#control = control;
    this.#onSend = onSend;
    this.element = element("form", "control-form");
    this.element.noValidate = false;
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      this.send();
    });
    if (control.presets.length) this.element.append(this.#presets());
    const rows = element("div", "fields");
    for (const field of control.fields) {
      const made = makeField(field, (done) => this.#changed(done), { atOnce: !control.button });
      if (!made) continue;
      this.#fields.set(field.name, made);
      this.#defaults.set(field.name, field.default);
      made.element.dataset.field = field.name;
      rows.append(made.element);
    }
    this.element.append(rows);
    if (control.button) {
      const send = element("button", "button primary", control.button);
      const foot = element("div", "control-foot");
      foot.append(send);
      this.element.append(foot);
    }
  }

  // The glasses have changed: what a field begins with may be another.
  update(control) {
    this.#control = control;
    for (const { name, default: first } of control.fields) {
      if (this.#defaults.get(name) === first) continue;
      this.#defaults.set(name, first);
      this.#fields.get(name)?.write(first);
    }
  }

  get values() {
    return Object.fromEntries([...this.#fields].map(([name, field]) => [name, field.read()]));
  }

  fill(values) {
    for (const [name, value] of Object.entries(values)) this.#fields.get(name)?.write(value);
  }

  send() {
    this.#onSend(messageOf(this.#control, this.values));
  }

  #changed(done) {
    if (done && !this.#control.button) this.send();
  }

  // Where there is a button, a preset only fills in: one sees what is going to be sent.
  #presets() {
    const row = element("div", "presets");
    row.setAttribute("role", "group");
    row.setAttribute("aria-label", "Examples");
    for (const { label, values } of this.#control.presets) {
      row.append(
        button(
          label,
          () => {
            this.fill(values);
            if (!this.#control.button) this.send();
          },
          "chip",
        ),
      );
    }
    return row;
  }
}
