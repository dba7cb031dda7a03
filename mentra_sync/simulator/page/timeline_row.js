// One line of the timeline: who spoke to whom, what it was; opened, its JSON.

import { button, element } from "./element.js";
import { copyButton } from "./copy.js";

export class Row {
  #run;
  #head;
  #name;
  #times;
  #summary;
  #detail = null;
  element;

  constructor(run) {
    this.#run = run;
    this.element = element("li", "wire-line");
    this.element.dataset.tone = run.tone;
    this.#head = element("button", "wire-head");
    this.#head.type = "button";
    this.#head.tabIndex = -1; // arrow keys move among the lines
    this.#head.setAttribute("aria-expanded", "false");
    this.#head.addEventListener("click", () => this.#toggle());
    this.#name = element("span", "wire-name", run.name);
    this.#times = element("span", "wire-times");
    this.#summary = element("span", "wire-summary");
    const words = element("span", "wire-words");
    words.append(this.#name, this.#times, this.#summary);
    this.#head.append(element("span", "wire-time", clockTime(run.at)), arrow(run.way), words);
    this.element.append(this.#head);
    this.update();
  }

  get run() {
    return this.#run;
  }

  focus() {
    this.#head.focus();
  }

  // There are more of the same kind now.
  update() {
    const { count, summary } = this.#run;
    this.#times.textContent = count > 1 ? `× ${count.toLocaleString("en")}` : "";
    this.#summary.textContent = summary;
    this.#detail?.update();
  }

  #toggle() {
    const open = this.#detail === null;
    if (open) {
      this.#detail = new Detail(this.#run);
      this.element.append(this.#detail.element);
      this.#detail.element.scrollIntoView({ block: "nearest" });
    } else {
      this.#detail.element.remove();
      this.#detail = null;
    }
    this.#head.setAttribute("aria-expanded", String(open));
  }
}

// What was sent, as JSON; of a run, one after the other.
class Detail {
  #run;
  #index;
  #json = element("pre", "wire-json");
  #position = element("span", "wire-position");
  #steps = [
    button("‹", () => this.#show(this.#index - 1), "button small quiet"),
    button("›", () => this.#show(this.#index + 1), "button small quiet"),
  ];
  element = element("div", "wire-detail");

  constructor(run) {
    this.#run = run;
    const [back, on] = this.#steps;
    back.setAttribute("aria-label", "The one before");
    on.setAttribute("aria-label", "The next one");
    this.#json.tabIndex = 0; // it scrolls
    const foot = element("div", "wire-foot");
    foot.append(back, this.#position, on, copyButton(() => this.#text, "Copy the JSON"));
    this.element.append(foot, this.#json);
    this.#show(run.kept.length - 1);
  }

  get #text() {
    return this.#json.textContent;
  }

  update() {
    // The kept ones move on while one of them is looked at; what is shown stays.
    const index = this.#run.kept.indexOf(this.#shown);
    this.#index = Math.max(index, 0);
    this.#place();
  }

  #shown = null;

  #show(index) {
    this.#index = index;
    this.#shown = this.#run.kept[index];
    const { body } = this.#shown;
    this.#json.textContent = JSON.stringify(body ?? this.#shown, null, 2);
    this.#place();
  }

  #place() {
    const { kept, count } = this.#run;
    const [back, on] = this.#steps;
    const several = count > 1;
    const number = count - kept.length + this.#index + 1;
    this.#position.textContent = several ? `${number} of ${count}` : clockTime(this.#shown.at);
    back.hidden = on.hidden = !several;
    back.disabled = this.#index === 0;
    on.disabled = this.#index === kept.length - 1;
  }
}

function arrow(way) {
  const made = element("span", "wire-way");
  made.dataset.way = way;
  if (way) made.append(element("span", "hidden-label", way), element("span", "wire-arrow"));
  return made;
}

// To the millisecond: what comes first matters.
export function clockTime(at) {
  const time = new Date(at);
  const thousandths = String(time.getMilliseconds()).padStart(3, "0");
  return `${time.toLocaleTimeString("en-GB")}.${thousandths}`;
}
