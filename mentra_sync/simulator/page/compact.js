// The compact form: one of several wearers side by side, heard only when it is this one's turn.

import { button } from "./element.js";
import { COMPACT } from "./wearer.js";

// parts: {quick}; press(kind): the glasses' button; hear(on): whether to be heard
export function makeCompact({ quick }, { press, hear }) {
  if (!COMPACT) return;
  document.body.classList.add("compact");
  quick.append(
    button("Press", () => press("short")),
    button("Long press", () => press("long")),
  );
  if (window.parent === window) return;
  hear(false);
  window.addEventListener("message", ({ origin, source, data }) => {
    const parent = origin === location.origin && source === window.parent;
    if (parent && typeof data?.sound === "boolean") hear(data.sound);
  });
  window.parent.postMessage({ ask: "sound" }, location.origin);
}
