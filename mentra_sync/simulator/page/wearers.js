// The wearers: whose page this is, the pages of the others, and one more.

import { AddWearer } from "./add_wearer.js";
import { button, element } from "./element.js";
import { addWearer, NAMED, pageOf } from "./wearer.js";

export class Wearers {
  #box;
  #who = element("span", "wearer-who");
  #list = element("ul", "wearer-list");
  #side = element("a", "button small", "Side by side");
  #add;

  // box: a <details>, whose summary says who this is
  constructor(box) {
    this.#box = box;
    const summary = element("summary", "wearer-summary");
    summary.append(element("span", "hidden-label", "Wearer: "), this.#who);
    this.#add = new AddWearer((name) => {
      location.href = pageOf(name);
    });
    this.#side.href = "/side-by-side";
    const foot = element("div", "wearer-foot");
    foot.append(this.#side);
    const menu = element("div", "wearer-menu");
    const title = element("h3", "", "Add a wearer");
    menu.append(this.#list, title, this.#add.element, foot);
    box.append(summary, menu);
    this.#closeOutside();
  }

  // everybody: {wearers, first, models}; me: whose page this is
  show(everybody, me) {
    const { wearers, first } = everybody;
    this.#who.textContent = me;
    this.#box.hidden = false;
    this.#list.replaceChildren(...wearers.map((name) => entry(name, first, name === me)));
    this.#add.offer(everybody);
  }

  #closeOutside() {
    document.addEventListener("click", ({ target }) => {
      if (!this.#box.contains(target)) this.#box.open = false;
    });
    this.#box.addEventListener("keydown", ({ key }) => {
      if (key !== "Escape" || !this.#box.open) return;
      this.#box.open = false;
      this.#box.querySelector("summary").focus();
    });
  }
}

function entry(name, first, isMe) {
  const item = element("li", "wearer");
  const here = element("a", "wearer-name", name);
  here.href = pageOf(name, first);
  if (isMe) here.setAttribute("aria-current", "page");
  const away = element("a", "wearer-window", "New window");
  away.href = here.href;
  away.target = "_blank";
  away.setAttribute("aria-label", `Open the page of ${name} in a new window`);
  item.append(here, away);
  return item;
}

// What stands in the room's place when nobody of that name is there.
export class Unknown {
  #root;
  #onAdded;

  constructor(root, onAdded) {
    this.#root = root;
    this.#onAdded = onAdded;
  }

  show(first) {
    const card = element("section", "panel unknown");
    card.append(
      element("h2", "", `There is no wearer ${NAMED} yet`),
      element("p", "", "Each wearer has glasses and a session of the app of their own."),
    );
    const problem = element("p", "wearer-problem");
    problem.setAttribute("role", "alert");
    const add = button(
      `Add ${NAMED}`,
      async () => {
        problem.textContent = await addWearer(NAMED);
        if (!problem.textContent) this.#onAdded();
      },
      "button primary",
    );
    const back = element("a", "button", `Go to ${first}`);
    back.href = "/";
    const choice = element("div", "unknown-choice");
    choice.append(add, back);
    card.append(choice, problem);
    this.#root.replaceChildren(card);
    this.#root.hidden = false;
  }

  hide() {
    this.#root.hidden = true;
  }
}
