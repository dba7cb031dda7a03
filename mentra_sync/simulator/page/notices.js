// The strips above the room: what a person should know before anything else. One per key.

import { button, element } from "./element.js";

export class Notices {
  #root;
  #shown = new Map();

  constructor(root) {
    this.#root = root;
  }

  // tone: "info", "warn" or "bad"; actions: [{label, run, primary}]
  show(key, { tone, text, actions = [] }) {
    const notice = element("div", `notice ${tone}`);
    notice.setAttribute("role", tone === "info" ? "note" : "alert");
    notice.dataset.key = key;
    notice.append(element("span", "notice-text", text));
    for (const { label, run, primary } of actions) {
      notice.append(button(label, run, primary ? "button small primary" : "button small"));
    }
    if (this.#shown.has(key)) this.#shown.get(key).replaceWith(notice);
    else this.#root.append(notice);
    this.#shown.set(key, notice);
  }

  hide(key) {
    this.#shown.get(key)?.remove();
    this.#shown.delete(key);
  }
}
