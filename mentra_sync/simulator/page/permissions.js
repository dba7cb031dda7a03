// What the wearer allows the app, as the phone asks it.

import { element } from "./element.js";
import { labelled } from "./fields.js";
import { listensTo } from "./streams.js";

export class Permissions {
  #onChange;
  #streams = [];
  #rows = new Map(); // by type: {row, box, needed}
  #list = element("div", "fields");
  element = element("section", "control");

  // onChange(type, granted)
  constructor(onChange) {
    this.#onChange = onChange;
    this.element.setAttribute("aria-label", "Permissions of the app");
    const head = element("div", "control-head");
    head.append(element("h3", "", "Permissions"));
    const help = element("p", "fine", "Take one away, and see what the app does without it.");
    this.element.append(head, help, this.#list);
  }

  show(permissions) {
    for (const permission of permissions) this.#row(permission);
    this.setDenied(permissions.filter(({ granted }) => !granted).map(({ type }) => type));
    this.#mark();
  }

  setDenied(denied) {
    for (const [type, { box, row }] of this.#rows) {
      box.checked = !denied.includes(type);
      row.dataset.granted = String(box.checked);
    }
  }

  setStreams(streams) {
    this.#streams = streams;
    this.#mark();
  }

  #row({ type, title, streams }) {
    const known = this.#rows.get(type);
    if (known) return known;
    const box = element("input", "switch");
    box.type = "checkbox";
    box.setAttribute("role", "switch");
    box.addEventListener("change", () => this.#onChange(type, box.checked));
    const row = labelled(title, box, "field switch-row");
    const needed = element("span", "needed", "in use");
    needed.title = "The app listens to something that needs it.";
    row.insertBefore(needed, box);
    const made = { row, box, needed, streams };
    this.#rows.set(type, made);
    this.#list.append(row);
    return made;
  }

  #mark() {
    for (const { needed, streams } of this.#rows.values()) {
      needed.hidden = !listensTo(this.#streams, streams);
    }
  }
}
