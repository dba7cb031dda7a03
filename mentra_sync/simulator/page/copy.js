// A button that copies a text, and says whether it could.

import { button } from "./element.js";

const SAID = 2000;

// text() is asked for at the click; label is what the button does, in full.
export function copyButton(text, label) {
  const copy = button("Copy", async () => {
    copy.textContent = (await copied(text())) ? "Copied" : "Select and copy it";
    setTimeout(() => (copy.textContent = "Copy"), SAID);
  });
  copy.setAttribute("aria-label", label);
  return copy;
}

async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false; // some browsers refuse, for example in a page that is not on this machine
  }
}
