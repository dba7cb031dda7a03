// Two to four wearers at once. Each has a frame with a page of its own; one of them is heard.

import { AddWearer } from "./add_wearer.js";
import { byId, element } from "./element.js";
import { SoundSwitch } from "./sound_switch.js";
import { askForWearers, pageOf, withUser } from "./wearer.js";

const MOST = 4;

const root = byId("frames");
const note = byId("beside-note");
const menu = byId("menu");
const list = element("ul", "wearer-list");
const sound = new SoundSwitch();
const add = new AddWearer((name) => {
  show([...shown().slice(0, MOST - 1), name]);
  void refresh();
});
const frames = new Map(); // by wearer

menu.append(list, element("h3", "", "Add a wearer"), add.element);

// The address says who is shown, so that it can be kept and sent.
function shown() {
  return new URLSearchParams(location.search).getAll("user").slice(0, MOST);
}

function show(names) {
  const address = names.reduce(withUser, location.pathname);
  history.replaceState(null, "", address);
  draw();
}

async function refresh() {
  const everybody = await askForWearers();
  note.hidden = everybody !== null;
  if (everybody === null) {
    note.textContent = "The app’s program has ended. Run it again in your terminal.";
    return;
  }
  const { wearers } = everybody;
  if (shown().length === 0) show(wearers.slice(0, MOST));
  add.offer(everybody);
  const here = document.activeElement?.name;
  list.replaceChildren(...wearers.map((name) => choice(name)));
  // Who goes through them by keyboard stays where they are.
  for (const box of list.querySelectorAll("input")) if (box.name === here) box.focus();
  note.hidden = shown().length > 1;
  note.textContent = "There is one wearer so far. Add another one in the menu above.";
}

function choice(name) {
  const item = element("li", "wearer");
  const label = element("label", "beside-choice");
  const box = element("input");
  box.type = "checkbox";
  box.name = name;
  box.checked = shown().includes(name);
  box.disabled = !box.checked && shown().length >= MOST;
  box.addEventListener("change", () => {
    const others = shown().filter((one) => one !== name);
    show(box.checked ? [...others, name] : others);
    void refresh();
  });
  label.append(box, element("span", "wearer-name", name));
  item.append(label);
  return item;
}

function draw() {
  const names = shown();
  for (const [name, box] of frames) {
    if (names.includes(name)) continue;
    box.remove();
    frames.delete(name);
    sound.remove(name);
  }
  for (const name of names) {
    if (frames.has(name)) continue;
    frames.set(name, frameOf(name));
    root.append(frames.get(name));
  }
  root.dataset.count = names.length;
}

function frameOf(name) {
  const box = element("section", "frame");
  box.setAttribute("aria-label", name);
  const page = element("iframe", "frame-page");
  page.title = `Glasses of ${name}`;
  page.src = withUser("/?compact", name);
  const head = element("header", "frame-head");
  const alone = element("a", "frame-alone", "Alone");
  alone.href = pageOf(name);
  alone.setAttribute("aria-label", `Show ${name} alone`);
  const title = element("h2", "frame-name", name);
  title.title = name;
  head.append(title, sound.add(name, page), alone);
  box.append(head, page);
  return box;
}

document.addEventListener("click", ({ target }) => {
  // What was clicked may have been drawn anew meanwhile.
  if (target.isConnected && !byId("choose").contains(target)) byId("choose").open = false;
});
byId("choose").addEventListener("toggle", () => {
  if (byId("choose").open) void refresh();
});
byId("choose").addEventListener("keydown", ({ key }) => {
  if (key !== "Escape") return;
  byId("choose").open = false;
  byId("choose").querySelector("summary").focus();
});
draw();
void refresh();
