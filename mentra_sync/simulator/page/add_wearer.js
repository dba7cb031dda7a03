// The form that gives somebody else glasses.

import { element } from "./element.js";
import { addWearer, asAddress, suggestion } from "./wearer.js";

export class AddWearer {
  #name = element("input");
  #model = element("select");
  #problem = element("p", "wearer-problem");
  #submit = element("button", "button small primary", "Add");
  #suggested = "";
  element = element("form", "add-wearer");

  // onAdded(name): somebody has come
  constructor(onAdded) {
    Object.assign(this.#name, { type: "text", required: true, maxLength: 240, autocomplete: "off" });
    this.#name.setAttribute("aria-label", "Name of the new wearer");
    this.#name.spellcheck = false;
    this.#model.setAttribute("aria-label", "Glasses of the new wearer");
    this.#problem.setAttribute("role", "alert");
    this.#problem.hidden = true;
    this.#submit.type = "submit";
    this.element.append(this.#name, this.#model, this.#submit, this.#problem);
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#add(onAdded);
    });
  }

  // wearers: who is there; models: what can be worn, the usual ones first
  offer({ wearers, models }) {
    if (this.#name.value === this.#suggested) {
      this.#suggested = suggestion(wearers);
      this.#name.value = this.#suggested;
    }
    if (this.#model.options.length > 0) return;
    this.#model.append(...models.map((model) => new Option(model, model)));
  }

  async #add(onAdded) {
    const name = asAddress(this.#name.value);
    this.#submit.disabled = true;
    const problem = await addWearer(name, { model: this.#model.value });
    this.#submit.disabled = false;
    this.#problem.textContent = problem;
    this.#problem.hidden = !problem;
    if (problem) return;
    this.#name.value = this.#suggested = "";
    onAdded(name);
  }
}
