// The app's settings as the phone shows them, drawn from the app's configuration.

import { element } from "./element.js";
import { editorOf, inForce } from "./setting_editors.js";

export class Settings {
  #onChange;
  #drawn = "";
  #editors = []; // {setting, editor}
  #rows = element("div", "fields");
  element = element("section", "control");

  // onChange({key: value}): the wearer has changed one
  constructor(onChange) {
    this.#onChange = onChange;
    this.element.setAttribute("aria-label", "Settings of the app");
    const head = element("div", "control-head");
    head.append(element("h3", "", "Settings"));
    this.element.append(head, this.#rows);
  }

  // settings: those of the configuration, each with the value in force
  show(settings) {
    const drawn = JSON.stringify(settings.map((one) => ({ ...one, value: undefined })));
    if (drawn !== this.#drawn) this.#draw(settings);
    this.#drawn = drawn;
    settings.forEach((setting, index) => {
      const editor = this.#editors[index];
      // What somebody is typing stays.
      if (editor && !editor.editing?.()) editor.write(inForce(setting));
    });
  }

  #draw(settings) {
    this.#editors = settings.map((setting) =>
      editorOf(setting, (value) => this.#onChange({ [setting.key]: value })),
    );
    this.#rows.replaceChildren(
      ...settings.map((setting, index) => this.#editors[index]?.element ?? structure(setting)),
    );
    if (settings.length === 0) this.#rows.append(none());
  }
}

// Groups and titles only structure the list.
function structure({ type, title, label, key, value }) {
  if (type === "group") return element("h4", "setting-group", title ?? label ?? "");
  if (type === "titleValue") {
    const row = element("div", "field fact");
    row.append(
      element("span", "field-label", label ?? title ?? ""),
      element("span", "", String(value ?? "")),
    );
    return row;
  }
  return element("p", "fine", `${label || key || "A setting"}: nobody knows the type “${type}”.`);
}

function none() {
  const words = element("p", "fine");
  words.append(
    "This app has no settings. Give it some with ",
    element("code", "", "simulated_config"),
    ", and they can be changed here.",
  );
  return words;
}
