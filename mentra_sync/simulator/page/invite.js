// Inviting another device: a code for its camera, good once, and fresh each time it is asked for.

import { mine } from "./wearer.js";

const SVG = "http://www.w3.org/2000/svg";
const QUIET = 4; // light modules around the code, which the standard asks for

export class Invite {
  #parts;
  #tooOld = null;

  // parts: {button, dialog, code, address, note, close}
  constructor(parts) {
    this.#parts = parts;
    parts.button.addEventListener("click", () => this.#invite());
    parts.close.addEventListener("click", () => parts.dialog.close());
    parts.dialog.addEventListener("close", () => this.#forget());
  }

  // Whether the simulator lets in other devices at all.
  offer(invites) {
    this.#parts.button.hidden = !invites;
  }

  async #invite() {
    const { dialog, code, address, note } = this.#parts;
    this.#forget();
    try {
      const answer = await fetch(mine("/api/sim/invitations"), { method: "POST" });
      if (!answer.ok) throw new Error(`the simulator answered ${answer.status}`);
      const made = await answer.json();
      code.replaceChildren(drawing(made.code));
      address.textContent = made.address;
      const minutes = Math.round(made.seconds / 60);
      note.textContent = `Good once, for ${minutes} minutes. The device must be in the same network.`;
      this.#tooOld = setTimeout(() => dialog.close(), made.seconds * 1000);
    } catch (problem) {
      note.textContent = `There is no invitation: ${problem.message}.`;
    }
    if (!dialog.open) dialog.showModal();
  }

  #forget() {
    clearTimeout(this.#tooOld);
    this.#parts.code.replaceChildren();
    this.#parts.address.textContent = "";
  }
}

// rows: texts of "1" (dark) and "0" (light)
function drawing(rows) {
  const size = rows.length + 2 * QUIET;
  const svg = svgElement("svg", { viewBox: `0 0 ${size} ${size}`, role: "img" });
  const name = svgElement("title", {});
  name.textContent = "QR code of the address";
  const dark = rows.flatMap((row, y) =>
    [...row].flatMap((module, x) => (module === "1" ? [`M${x + QUIET} ${y + QUIET}h1v1h-1z`] : [])),
  );
  svg.append(name, svgElement("path", { d: dark.join(""), "shape-rendering": "crispEdges" }));
  return svg;
}

function svgElement(tag, attributes) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}
