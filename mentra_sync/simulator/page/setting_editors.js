// Editors of the app's settings, one for each type of setting.
//
// Each is made of a setting and save(value), and gives {element, write(value), editing?()}.

import { button, element } from "./element.js";
import { labelled } from "./fields.js";

const TYPING = 600; // ms without a key after which a text without a button is saved

const EDITORS = {
  toggle,
  text: (setting, save) => text(setting, save, true),
  text_no_save_button: (setting, save) => text(setting, save, false),
  select,
  select_with_search: searchable,
  multiselect,
  slider,
  numeric_input: number,
  time_picker: time,
};

// The editor of a setting, or null for a type that nobody knows.
export function editorOf(setting, save) {
  const make = EDITORS[setting.type];
  return make && setting.key ? make(setting, save) : null;
}

// The value in force.
export const inForce = ({ value, defaultValue }) => value ?? defaultValue;

const nameOf = ({ label, key }) => label || key;

const optionsOf = ({ options }) =>
  (Array.isArray(options) ? options : []).map((one) => ({
    label: String(one?.label ?? one?.value ?? one),
    value: one?.value ?? one,
  }));

function toggle(setting, save) {
  const box = element("input", "switch");
  box.type = "checkbox";
  box.setAttribute("role", "switch");
  box.addEventListener("change", () => save(box.checked));
  const write = (value) => {
    box.checked = value === true;
  };
  return { element: labelled(nameOf(setting), box, "field switch-row"), write };
}

function text(setting, save, withButton) {
  const { maxLines, placeholder } = setting;
  const input = element(maxLines > 1 ? "textarea" : "input");
  if (maxLines > 1) input.rows = Math.min(maxLines, 8);
  input.placeholder = placeholder ?? "";
  const row = labelled(nameOf(setting), input);
  let saved = "";
  let timer = null;
  const keep = () => {
    clearTimeout(timer);
    if (input.value === saved) return;
    saved = input.value;
    save(saved);
    show();
  };
  const keepButton = button("Save", keep, "button small primary");
  const show = () => {
    keepButton.hidden = input.value === saved;
  };
  if (withButton) row.append(keepButton);
  else input.addEventListener("change", keep);
  input.addEventListener("input", () => {
    if (withButton) return show();
    clearTimeout(timer);
    timer = setTimeout(keep, TYPING);
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && input.localName === "input") keep();
  });
  const write = (value) => {
    saved = value === null || value === undefined ? "" : String(value);
    input.value = saved;
    show();
  };
  return { element: row, write, editing: () => input.value !== saved };
}

function select(setting, save) {
  const options = optionsOf(setting);
  const list = element("select");
  list.append(...options.map(({ label }, index) => new Option(label, index)));
  list.addEventListener("change", () => save(options[list.value].value));
  const write = (value) => {
    list.selectedIndex = options.findIndex((one) => one.value === value);
  };
  return { element: labelled(nameOf(setting), list), write };
}

function searchable(setting, save) {
  const options = optionsOf(setting);
  const search = element("input");
  search.type = "search";
  search.placeholder = "Search";
  const list = element("select", "found");
  list.size = Math.max(2, Math.min(5, options.length));
  list.setAttribute("aria-label", nameOf(setting));
  let chosen = -1;
  const find = () => {
    const wanted = search.value.trim().toLowerCase();
    const found = options
      .map(({ label }, index) => ({ label, index }))
      .filter(({ label }) => label.toLowerCase().includes(wanted));
    list.replaceChildren(
      ...found.map(({ label, index }) => new Option(label, index, false, index === chosen)),
    );
  };
  search.addEventListener("input", find);
  search.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") list.focus();
  });
  list.addEventListener("change", () => {
    chosen = Number(list.value);
    save(options[chosen].value);
  });
  const row = labelled(nameOf(setting), search);
  row.append(list);
  const write = (value) => {
    chosen = options.findIndex((one) => one.value === value);
    find();
  };
  return { element: row, write };
}

function multiselect(setting, save) {
  const options = optionsOf(setting);
  const group = element("fieldset", "field many");
  group.append(element("legend", "field-label", nameOf(setting)));
  const boxes = options.map(({ label }) => {
    const row = element("label", "check");
    const box = element("input");
    box.type = "checkbox";
    box.addEventListener("change", () => {
      save(options.filter((_, index) => boxes[index].checked).map(({ value }) => value));
    });
    row.append(box, label);
    group.append(row);
    return box;
  });
  const write = (values) => {
    const chosen = Array.isArray(values) ? values : [];
    options.forEach(({ value }, index) => {
      boxes[index].checked = chosen.includes(value);
    });
  };
  return { element: group, write };
}

function slider(setting, save) {
  const { min = 0, max = 100, step = 1, unit = "" } = setting;
  const range = element("input", "slider");
  Object.assign(range, { type: "range", min, max, step });
  const shown = element("output", "slider-value");
  const show = () => {
    shown.textContent = `${range.value}${unit}`;
    range.style.setProperty("--part", (range.value - min) / (max - min || 1));
  };
  range.addEventListener("input", show);
  range.addEventListener("change", () => save(range.valueAsNumber));
  const row = labelled(nameOf(setting), range, "field slide");
  row.append(shown);
  const write = (value) => {
    range.value = value ?? min;
    show();
  };
  return { element: row, write };
}

function number(setting, save) {
  const { min, max, step, placeholder, unit } = setting;
  const input = element("input");
  Object.assign(input, { type: "number", step: step ?? "any", inputMode: "decimal" });
  if (Number.isFinite(min)) input.min = min;
  if (Number.isFinite(max)) input.max = max;
  input.placeholder = placeholder ?? "";
  input.addEventListener("change", () => {
    if (input.reportValidity() && Number.isFinite(input.valueAsNumber)) save(input.valueAsNumber);
  });
  const write = unlessTyping(input, (value) => {
    input.value = value ?? "";
  });
  const name = unit ? `${nameOf(setting)} (${unit})` : nameOf(setting);
  return { element: labelled(name, input), write };
}

// A phone keeps a time as seconds since midnight; one that is text stays text.
function time(setting, save) {
  const input = element("input");
  input.type = "time";
  if (setting.showSeconds !== false) input.step = 1;
  let asText = false;
  input.addEventListener("change", () => {
    if (input.value) save(asText ? input.value : secondsOf(input.value));
  });
  const write = unlessTyping(input, (value) => {
    asText = typeof value === "string";
    input.value = asText ? value : clockOf(Number(value) || 0);
  });
  return { element: labelled(nameOf(setting), input), write };
}

// Half of a time is a time, and saved: the answer must not begin anew what somebody still types.
// It is shown when they leave.
function unlessTyping(input, show) {
  let missed = null;
  input.addEventListener("blur", () => {
    if (missed) show(missed.value);
    missed = null;
  });
  return (value) => {
    missed = input.matches(":focus") ? { value } : null;
    if (!missed) show(value);
  };
}

const secondsOf = (clock) =>
  clock.split(":").reduce((sum, part, index) => sum + Number(part) * [3600, 60, 1][index], 0);

function clockOf(seconds) {
  const parts = [seconds / 3600, (seconds / 60) % 60, seconds % 60];
  return parts.map((part) => String(Math.floor(part)).padStart(2, "0")).join(":");
}
