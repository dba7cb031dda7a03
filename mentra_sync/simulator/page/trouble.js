// An exception in the app's code, told so that nobody can miss it.

import { copyButton } from "./copy.js";
import { button, element } from "./element.js";
import { explain } from "./explain.js";
import { tracebackDetails } from "./log.js";

export class Trouble {
  #root;
  #shown = "";
  #times = 0;

  constructor(root) {
    this.#root = root;
  }

  show(traceback) {
    this.#times = traceback === this.#shown ? this.#times + 1 : 1;
    if (this.#times > 1) {
      this.#root.querySelector(".trouble-times").textContent = `${this.#times} times`;
      return;
    }
    this.#shown = traceback;
    this.#root.replaceChildren(this.#card(traceback, explain(traceback)));
  }

  clear() {
    this.#shown = "";
    this.#root.replaceChildren();
  }

  #card(traceback, { error, message, plain, place }) {
    const card = element("section", "panel trouble-card");
    card.setAttribute("role", "alert");
    const head = element("div", "panel-head");
    head.append(
      element("h2", "", place ? "An error in your code" : "An error in the app"),
      element("span", "trouble-times"),
      button("Close", () => this.clear(), "button small quiet"),
    );
    const what = element("p", "trouble-what");
    what.append(element("strong", "", error));
    if (message) what.append(`: ${message}`);
    card.append(head, what);
    if (plain) card.append(element("p", "trouble-plain", plain));
    if (place) card.append(whereItHappened(place));
    const foot = element("div", "trouble-foot");
    foot.append(tracebackDetails(traceback), copyButton(() => traceback, "Copy the traceback"));
    card.append(foot);
    return card;
  }
}

function whereItHappened({ file, line, where, code }) {
  const box = element("div", "trouble-place");
  const spot = element("p");
  spot.append(element("strong", "", file), `, line ${line}`);
  if (where && where !== "<module>") spot.append(", in ", element("code", "", where));
  box.append(spot);
  if (code) box.append(element("pre", "", code));
  return box;
}
