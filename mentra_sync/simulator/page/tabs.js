// Tabs: one group of controls at a time. Arrow keys, Home and End move among them.

import { element } from "./element.js";
import { remember, remembered } from "./remember.js";

const STEPS = { ArrowRight: 1, ArrowLeft: -1 };

export class Tabs {
  #list;
  #panels;
  #name;
  #onShown;
  #tabs = new Map(); // by id: {tab, panel}

  // parts: {list, panels}; name: what the open tab is remembered by; onShown(id): one is open now
  constructor({ list, panels }, name, onShown = () => {}) {
    this.#list = list;
    this.#panels = panels;
    this.#name = name;
    this.#onShown = onShown;
    list.addEventListener("keydown", (event) => this.#moved(event));
  }

  // The panel of a new tab, to be filled.
  add(id, title) {
    const tab = element("button", "tab", title);
    tab.type = "button";
    tab.id = `tab-${id}`;
    tab.setAttribute("role", "tab");
    tab.setAttribute("aria-controls", `panel-${id}`);
    tab.addEventListener("click", () => this.open(id));
    const panel = element("div", "tab-panel");
    panel.id = `panel-${id}`;
    panel.setAttribute("role", "tabpanel");
    panel.setAttribute("aria-labelledby", tab.id);
    this.#tabs.set(id, { tab, panel });
    this.#list.append(tab);
    this.#panels.append(panel);
    const wanted = remembered(this.#name);
    if (this.#tabs.size === 1 || wanted === id) this.#show(id);
    else this.#hide(id);
    return panel;
  }

  open(id) {
    if (!this.#tabs.has(id)) return;
    this.#show(id);
    remember(this.#name, id);
  }

  // Marks the tabs that hold something which the app listens to.
  mark(id, on) {
    this.#tabs.get(id)?.tab.classList.toggle("used", on);
  }

  #show(id) {
    for (const other of this.#tabs.keys()) if (other !== id) this.#hide(other);
    const { tab, panel } = this.#tabs.get(id);
    tab.setAttribute("aria-selected", "true");
    tab.tabIndex = 0;
    panel.hidden = false;
    this.#panels.scrollTop = 0;
    this.#onShown(id);
  }

  #hide(id) {
    const { tab, panel } = this.#tabs.get(id);
    tab.setAttribute("aria-selected", "false");
    tab.tabIndex = -1;
    panel.hidden = true;
  }

  #moved(event) {
    const ids = [...this.#tabs.keys()];
    const here = ids.findIndex((id) => this.#tabs.get(id).tab === event.target);
    if (here < 0) return;
    let there = here + (STEPS[event.key] ?? 0);
    if (event.key === "Home") there = 0;
    if (event.key === "End") there = ids.length - 1;
    if (there === here) return;
    event.preventDefault();
    const id = ids.at(there % ids.length);
    this.open(id);
    this.#tabs.get(id).tab.focus();
    this.#tabs.get(id).tab.scrollIntoView?.({ block: "nearest", inline: "nearest" });
  }
}
