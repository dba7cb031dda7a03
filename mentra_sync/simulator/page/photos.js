// The photos that the glasses have taken, small, the newest first.

import { element } from "./element.js";

const MOST = 8;

export class Photos {
  #list = element("ul", "photos");
  #shown = new Map(); // by requestId
  element = element("div", "photo-box");

  constructor() {
    this.#list.setAttribute("aria-label", "Photos taken");
    this.element.append(element("p", "fine", "No photo was taken yet."), this.#list);
    this.#update();
  }

  clear() {
    this.#list.replaceChildren();
    this.#shown.clear();
    this.#update();
  }

  // message: {state: taking|look|taken|failed, requestId, picture, size, bytes, at}
  add({ state, requestId, picture, size, bytes, at }) {
    if (state === "failed") this.#shown.get(requestId)?.classList.add("failed");
    if (state !== "taken") return;
    const item = element("li", "photo");
    const image = picture ? element("img") : element("span", "no-picture", "?");
    const time = at ? new Date(at).toLocaleTimeString() : "";
    if (picture) {
      image.src = picture;
      image.alt = `Photo taken at ${time}`;
    }
    item.title = [size, `${Math.ceil(bytes / 1024)} KB`, time].filter(Boolean).join(" · ");
    item.append(image);
    this.#shown.get(requestId)?.remove();
    this.#shown.set(requestId, item);
    this.#list.prepend(item);
    while (this.#list.childElementCount > MOST) this.#list.lastElementChild.remove();
    this.#update();
  }

  #update() {
    this.element.firstElementChild.hidden = this.#list.childElementCount > 0;
  }
}
