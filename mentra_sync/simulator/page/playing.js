// What is playing now, the button that stops it, and how loud this page is.

import { element } from "./element.js";
import { remember, remembered } from "./remember.js";

const SOUNDING = new Set(["speaking", "playing"]);

export class Playing {
  #parts;
  #sounding = new Map(); // words by requestId

  // parts: {bar, words, stop, volume}; onStop(requestIds), onVolume(0 to 1)
  constructor(parts, { onStop, onVolume }) {
    this.#parts = parts;
    parts.stop.addEventListener("click", () => onStop([...this.#sounding.keys()]));
    const { volume } = parts;
    const loudness = remembered("volume");
    if (loudness !== null && loudness !== "") volume.value = loudness;
    const changed = () => {
      volume.parentElement.classList.toggle("muted", volume.valueAsNumber === 0);
      volume.setAttribute("aria-valuetext", `${volume.value} percent`);
      onVolume(volume.valueAsNumber / 100);
    };
    volume.addEventListener("input", changed);
    volume.addEventListener("change", () => remember("volume", volume.value));
    changed();
    this.#show();
  }

  // message: {state, requestId, text or url}, of speech or other audio
  follow({ state, requestId, text, url }) {
    if (SOUNDING.has(state)) this.#sounding.set(requestId, text ?? `♪ ${fileOf(url)}`);
    else this.#sounding.delete(requestId);
    this.#show();
  }

  clear() {
    this.#sounding.clear();
    this.#show();
  }

  #show() {
    const { bar, words } = this.#parts;
    const all = [...this.#sounding.values()];
    bar.hidden = all.length === 0;
    if (all.length) words.replaceChildren(waves(), all.at(-1));
  }
}

export const fileOf = (url) => url.split(/[?#]/)[0].split("/").at(-1) || url;

export function waves() {
  const made = element("span", "waves");
  made.setAttribute("aria-hidden", "true");
  for (let bar = 0; bar < 4; bar += 1) made.append(element("i"));
  return made;
}
