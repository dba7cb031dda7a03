// Text on the lens: every letter where it stands on the glasses, which have a font of their own.

import { svgElement } from "./element.js";

const ROW = 27; // px of the lens
const BASELINE = 20;

// Letters of a browser's fonts are wider than a G1's: they are made smaller, and then taller.
const LOOKS = new Map([[576, { size: 17.5, taller: 1.14 }]]);
const OTHER_LOOK = { size: 20, taller: 1 };

// placed: [{text, row, x, width, column, title, rtl, pieces}], each piece [text, x, width, isRun]
export function drawText(lens, { placed, size }) {
  const [width, height] = size;
  const look = LOOKS.get(width) ?? OTHER_LOOK;
  const drawing = svgElement("svg", { class: "lens-text", viewBox: `0 0 ${width} ${height}` });
  const twoColumns = placed.some(({ column }) => column > 0);
  for (const column of twoColumns ? [0, 1] : [0]) {
    const group = svgElement("g", {
      class: twoColumns ? "lens-column" : "",
      "font-size": look.size,
      transform: `scale(1 ${look.taller})`,
    });
    const lines = placed.filter((line) => line.column === column);
    // Firefox tells lines that are copied, found or read aloud apart by what is between them.
    const between = (at) => (column === 0 && at === 0 ? [] : ["\n"]);
    const made = lines.map((line) => lineElement(line, look.taller));
    group.append(...made.flatMap((line, at) => [...between(at), line]));
    drawing.append(group);
  }
  lens.append(drawing);
}

// Firefox knows textLength for whole lines only: within a line it gets letters of another size.
export function fitRuns(drawn) {
  for (const run of drawn.querySelectorAll("tspan[textLength]")) {
    const width = run.getComputedTextLength();
    const wanted = run.textLength.baseVal.value;
    if (width > 0 && Math.abs(width - wanted) > 0.1) {
      const size = parseFloat(getComputedStyle(run).fontSize);
      run.setAttribute("font-size", (size * wanted) / width);
    }
  }
}

function lineElement(line, taller) {
  const made = svgElement("text", {
    class: line.title ? "lens-line lens-title" : "lens-line",
    y: (line.row * ROW + BASELINE) / taller,
  });
  if (line.rtl) {
    // Anchored where it begins, at the right.
    setRun(made, [line.text, line.x + line.width, line.width]);
    made.setAttribute("direction", "rtl");
    return made;
  }
  const parts = stretches(line.pieces);
  if (parts.length === 1) return fill(made, parts[0]);
  made.append(...parts.map((part) => fill(svgElement("tspan"), part)));
  return made;
}

// Pieces in a row that are placed letter by letter together. A run is by itself, and so is a
// letter of several characters, of which browsers disagree how many places it takes.
function stretches(pieces) {
  const parts = [];
  let letters = null;
  for (const piece of pieces) {
    const alone = piece[0].length > 1;
    if (alone || !letters) parts.push((letters = []));
    letters.push(piece);
    if (alone) letters = null;
  }
  return parts;
}

function fill(made, pieces) {
  if (pieces[0][3]) return setRun(made, pieces[0]);
  made.textContent = pieces.map(([text]) => text).join("");
  made.setAttribute("x", pieces.map(([, x]) => x).join(" "));
  return made;
}

// The browser joins and turns its letters; only their width is that of the glasses.
function setRun(made, [text, x, width]) {
  made.textContent = text;
  made.setAttribute("x", x);
  made.setAttribute("textLength", width);
  made.setAttribute("lengthAdjust", "spacingAndGlyphs");
  return made;
}
