// Talking with the app: the text box, what was heard, and what the app said aloud.

import { element } from "./element.js";
import { followEnd } from "./follow.js";
import { fileOf, waves } from "./playing.js";
import { translationTargets } from "./streams.js";

const LANGUAGES = [
  "en-US", "en-GB", "de-DE", "es-ES", "fr-FR", "it-IT", "pt-BR", "nl-NL", "pl-PL", "uk-UA",
  "tr-TR", "hi-IN", "ja-JP", "ko-KR", "zh-CN", "ar-SA",
];
const SOUNDING = new Set(["speaking", "playing"]);
const MOST_ENTRIES = 200;
const SPEECH_STREAM = /^(?:transcription|translation)(?::([a-z]{2,3}-[A-Z]{2}))?/;

export class Talk {
  #parts;
  #interim = null;
  #streams = [];
  #translations = new Map(); // the fields, by language
  #sounding = new Map(); // what is being spoken or played, by requestId

  // parts: the elements; onSay({text, language, translations}): someone typed
  constructor(parts, onSay) {
    this.#parts = parts;
    this.#fillLanguages(LANGUAGES);
    followEnd(parts.conversation);
    parts.form.addEventListener("submit", (event) => {
      event.preventDefault();
      const text = parts.text.value.trim();
      const said = { text, language: this.language, translations: this.#translated() };
      if (text && onSay(said) !== false) this.#empty();
    });
    parts.language.addEventListener("change", () => this.#offerTranslations());
    document.addEventListener("keydown", (event) => this.#focusOnSlash(event));
  }

  get language() {
    return this.#parts.language.value;
  }

  // entry: {text, final, listening}; an interim text grows until its final one replaces it
  heard({ text, final, listening }) {
    const entry = this.#interim ?? this.#add("you", "You");
    entry.words.textContent = text;
    entry.item.classList.toggle("interim", !final);
    if (final && listening === false) this.#annotate(entry, "not heard: the app isn’t listening");
    this.#interim = final ? null : entry;
  }

  // speech: {state: speaking|spoken|stopped, requestId, text, byBrowser}
  spoke({ state, requestId, text, byBrowser }) {
    this.#aloud({ state, requestId, text, silent: byBrowser ? "" : "shown instead of spoken" });
  }

  // audio: {state: playing|played|stopped, requestId, url, byBrowser}
  played({ state, requestId, url, byBrowser }) {
    this.#aloud({ state, requestId, text: `♪ ${fileOf(url)}`, silent: byBrowser ? "" : "not heard here" });
  }

  clear() {
    this.#interim = null;
    this.#sounding.clear();
    this.#parts.conversation.replaceChildren();
    this.#parts.empty.hidden = false;
  }

  #aloud({ state, requestId, text, silent }) {
    const entry = this.#sounding.get(requestId) ?? this.#add("app", "App");
    entry.words.replaceChildren(waves(), text);
    entry.item.dataset.sound = state;
    const note = state === "stopped" ? "stopped" : silent;
    if (note) this.#annotate(entry, note);
    if (SOUNDING.has(state)) this.#sounding.set(requestId, entry);
    else this.#sounding.delete(requestId);
  }

  // What the app listens to decides which language is offered, and whether to warn.
  setStreams(streams) {
    const speech = streams.map((name) => SPEECH_STREAM.exec(name)).filter(Boolean);
    const all = streams.includes("*") || streams.includes("all");
    const languages = [...new Set(speech.map((match) => match[1] ?? "en-US"))];
    this.#fillLanguages([...new Set([...languages, ...LANGUAGES])]);
    if (languages.length && !all && !languages.includes(this.language)) {
      this.#parts.language.value = languages[0];
    }
    this.setListening(all || speech.length > 0);
    this.#streams = streams;
    this.#offerTranslations();
  }

  setListening(on) {
    const { listening } = this.#parts;
    listening.dataset.on = String(on);
    listening.textContent = on ? "The app is listening" : "The app isn’t listening";
  }

  // An app that listens to a translation gets what is typed here as that.
  #offerTranslations() {
    const { translations } = this.#parts;
    const targets = translationTargets(this.#streams, this.language);
    if (targets.join() === [...this.#translations.keys()].join()) return;
    this.#translations = new Map(targets.map((target) => [target, element("input")]));
    const rows = [...this.#translations].map(([target, input]) => {
      const row = element("label", "translation");
      Object.assign(input, { type: "text", maxLength: 2000, placeholder: "What it means, if it matters" });
      row.append(element("span", "", `In ${target}`), input);
      return row;
    });
    translations.replaceChildren(...rows);
  }

  #translated() {
    const typed = [...this.#translations].map(([target, input]) => [target, input.value.trim()]);
    return Object.fromEntries(typed.filter(([, text]) => text));
  }

  #empty() {
    for (const input of [this.#parts.text, ...this.#translations.values()]) input.value = "";
  }

  #fillLanguages(codes) {
    const { language } = this.#parts;
    if (codes.join() === [...language.options].map((option) => option.value).join()) return;
    const chosen = language.value || codes[0];
    language.replaceChildren(...codes.map((code) => new Option(code, code)));
    language.value = codes.includes(chosen) ? chosen : codes[0];
  }

  #add(who, name) {
    const item = element("li", `entry ${who}`);
    const words = element("span", "entry-words");
    item.append(element("span", "entry-who", name), words);
    const list = this.#parts.conversation;
    list.append(item);
    while (list.childElementCount > MOST_ENTRIES) list.firstElementChild.remove();
    this.#parts.empty.hidden = true;
    return { item, words };
  }

  #annotate({ item }, note) {
    item.querySelector(".entry-note")?.remove();
    item.append(element("span", "entry-note", note));
  }

  #focusOnSlash(event) {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest?.("input, select, textarea")) return;
    event.preventDefault();
    this.#parts.text.focus();
  }
}
