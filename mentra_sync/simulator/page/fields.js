// Fields from the schema: one input for each value of a control.
//
// makeField gives {element, read(), write(value)}. read() is undefined where there is no value.

import { element } from "./element.js";

const FEW = 3; // so many choices stand side by side
const LONG = 500; // texts that may be longer get more room

let made = 0;

// field: as the schema has it; changed(done): done is false while a slider is being dragged.
// atOnce: every change is sent, so that few choices are buttons
export function makeField(field, changed, { atOnce = false } = {}) {
  const kind = field.kind === "choice" && atOnce && field.options.length <= FEW ? "buttons" : field.kind;
  const make = MAKERS[kind];
  return make ? make(field, changed) : null;
}

const MAKERS = {
  choice: makeChoice,
  buttons: makeButtons,
  number: (field, changed) => (field.step ? makeSlider(field, changed) : makeNumber(field, changed)),
  toggle: makeToggle,
  text: makeText,
  moment: makeMoment,
};

// A label above an input, which is what it names.
export function labelled(text, input, className = "field") {
  const row = element("div", className);
  const label = element("label", "field-label", text);
  made += 1;
  input.id ||= `field-${made}`;
  label.htmlFor = input.id;
  row.append(label, input);
  return row;
}

function makeChoice({ label, options, default: first }, changed) {
  const select = element("select");
  select.append(...options.map((option) => new Option(option.label, option.value)));
  select.value = first ?? options[0]?.value;
  select.addEventListener("change", () => changed(true));
  return {
    element: labelled(label, select),
    read: () => select.value,
    write: (value) => {
      select.value = value;
    },
  };
}

function makeButtons({ label, options, default: first }, changed) {
  const group = element("div", "choices");
  group.setAttribute("role", "group");
  group.setAttribute("aria-label", label);
  let chosen = first;
  const show = () => {
    for (const one of group.children) {
      one.setAttribute("aria-pressed", String(one.dataset.value === chosen));
    }
  };
  for (const { value, label: words } of options) {
    const choice = element("button", "choice", words);
    choice.type = "button";
    choice.dataset.value = value;
    choice.addEventListener("click", () => {
      chosen = value;
      show();
      changed(true);
    });
    group.append(choice);
  }
  show();
  return {
    element: group,
    read: () => chosen,
    write: (value) => {
      chosen = value;
      show();
    },
  };
}

function makeSlider({ label, min, max, step, unit = "", default: first }, changed) {
  const slider = element("input", "slider");
  Object.assign(slider, { type: "range", min, max, step, value: first });
  const shown = element("output", "slider-value");
  const show = () => {
    shown.textContent = `${slider.value}${unit}`;
    slider.style.setProperty("--part", (slider.value - slider.min) / (slider.max - slider.min));
  };
  slider.addEventListener("input", () => {
    show();
    changed(false);
  });
  slider.addEventListener("change", () => changed(true));
  show();
  const row = labelled(label, slider, "field slide");
  row.append(shown);
  return {
    element: row,
    read: () => slider.valueAsNumber,
    write: (value) => {
      slider.value = value;
      show();
    },
  };
}

function makeNumber({ label, min, max, unit, default: first }, changed) {
  const input = element("input");
  Object.assign(input, { type: "number", step: "any", inputMode: "decimal" });
  if (min !== undefined) input.min = min;
  if (max !== undefined) input.max = max;
  if (first !== null) input.value = first;
  input.addEventListener("change", () => changed(true));
  const name = unit ? `${label} (${unit})` : label;
  return {
    element: labelled(name, input),
    read: () => (Number.isFinite(input.valueAsNumber) ? input.valueAsNumber : undefined),
    write: (value) => {
      input.value = value ?? "";
    },
  };
}

function makeToggle({ label, default: first }, changed) {
  const toggle = element("input", "switch");
  toggle.type = "checkbox";
  toggle.setAttribute("role", "switch");
  toggle.checked = first === true;
  toggle.addEventListener("change", () => changed(true));
  return {
    element: labelled(label, toggle, "field switch-row"),
    read: () => toggle.checked,
    write: (value) => {
      toggle.checked = value === true;
    },
  };
}

function makeText({ label, maxLength, default: first }, changed) {
  const input = element(maxLength > LONG ? "textarea" : "input");
  if (input.localName === "textarea") input.rows = 2;
  if (maxLength) input.maxLength = maxLength;
  input.value = first ?? "";
  input.addEventListener("change", () => changed(true));
  return {
    element: labelled(label, input),
    read: () => input.value,
    write: (value) => {
      input.value = value ?? "";
    },
  };
}

// The default is in minutes from now.
function makeMoment({ label, default: minutes }, changed) {
  const input = element("input");
  input.type = "datetime-local";
  const write = (moment) => {
    const local = new Date(moment.getTime() - moment.getTimezoneOffset() * 60_000);
    input.value = local.toISOString().slice(0, 16);
  };
  write(new Date(Date.now() + (minutes ?? 0) * 60_000));
  input.addEventListener("change", () => changed(true));
  return {
    element: labelled(label, input),
    read: () => (input.value ? new Date(input.value).toISOString() : undefined),
    write,
  };
}
