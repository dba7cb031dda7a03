// Faults at a click: what goes wrong on purpose, and a notice as long as something does.

import { button, element } from "./element.js";

const CAUSED = 1200; // ms that "Done" is shown

// What the number of a fault means, in words around its field.
const PARAMETERS = {
  seconds: ["for", "s"],
  delay: ["by", "s"],
};

export class Faults {
  #notices;
  #send;
  #active;
  #cards = new Map(); // by name
  element = element("fieldset", "faults");

  // send({name, on, value}): begin or end one; active(number): how many go on now
  constructor(notices, send, active) {
    this.#notices = notices;
    this.#send = send;
    this.#active = active;
    this.element.setAttribute("aria-label", "Faults on purpose");
  }

  // faults: [{name, title, help, lasting, parameter, default, active}]
  show(faults) {
    for (const fault of faults) {
      if (!this.#cards.has(fault.name)) this.#add(fault);
      this.#cards.get(fault.name).setActive(fault.active);
      this.#announce(fault);
    }
    this.#active(faults.filter(({ active }) => active).length);
  }

  setConnected(connected) {
    this.element.disabled = !connected;
  }

  #add(fault) {
    const card = new Card(fault, (on, value) => this.#send({ name: fault.name, on, value }));
    this.#cards.set(fault.name, card);
    this.element.append(card.element);
  }

  #announce({ name, title, active }) {
    const key = `fault-${name}`;
    if (!active) return this.#notices.hide(key);
    const end = { label: "End it", run: () => this.#send({ name, on: false }) };
    this.#notices.show(key, { tone: "warn", text: `${title}: this fault is on.`, actions: [end] });
  }
}

class Card {
  #fault;
  #number = null;
  #act;
  #timer;
  element = element("section", "fault");

  constructor(fault, send) {
    this.#fault = fault;
    const words = element("div", "fault-words");
    const help = element("p", "fine", fault.help);
    help.id = `fault-${fault.name}-help`;
    words.append(element("h3", "", fault.title), help);
    const form = element("form", "fault-act");
    form.noValidate = false;
    if (fault.parameter) form.append(...this.#field());
    this.#act = button("", () => {}, "button small");
    this.#act.type = "submit";
    this.#act.setAttribute("aria-describedby", help.id);
    form.append(this.#act);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit(send);
    });
    this.element.append(words, form);
    this.setActive(false);
  }

  setActive(active) {
    this.element.dataset.active = String(active);
    if (this.#timer) return;
    const { lasting, title } = this.#fault;
    this.#act.textContent = active ? "End it" : lasting ? "Begin" : "Now";
    this.#act.setAttribute("aria-label", active ? `End: ${title}` : title);
    if (lasting) this.#act.setAttribute("aria-pressed", String(active));
    if (this.#number) this.#number.disabled = active;
  }

  #submit(send) {
    const on = this.element.dataset.active !== "true";
    const value = on && this.#number ? { value: this.#number.valueAsNumber } : {};
    if (send(on, value.value) === false || this.#fault.lasting) return;
    // One that is over at once leaves no other trace here.
    this.#act.textContent = "Done";
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = 0;
      this.setActive(false);
    }, CAUSED);
  }

  #field() {
    const { name, title, parameter } = this.#fault;
    const [before, after] = PARAMETERS[parameter] ?? ["", ""];
    const label = element("label", "fault-number", before);
    this.#number = element("input");
    Object.assign(this.#number, { type: "number", min: 0.1, max: 3600, step: "any", required: true });
    this.#number.value = this.#fault.default;
    this.#number.name = `${name}-${parameter}`;
    this.#number.setAttribute("aria-label", `${title}, ${parameter} in seconds`);
    label.append(this.#number, after);
    return [label];
  }
}
