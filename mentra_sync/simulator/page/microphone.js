// The microphone, where the browser offers to recognise speech (it does so online, on its own).

const Recognition = window.SpeechRecognition ?? window.webkitSpeechRecognition;

const TOO_SHORT = 500; // ms; what ends sooner was refused, and would be again

const ERRORS = {
  "not-allowed": "The browser may not use the microphone. Allow it beside the page’s address.",
  "service-not-allowed": "This browser does not allow its speech service here.",
  "audio-capture": "No microphone was found.",
  network: "The browser’s speech service cannot be reached. It needs the internet.",
  "language-not-supported": "The browser’s speech service does not know this language.",
};
const HOPELESS = "service-not-allowed"; // trying again in this page is of no use

const NOT_SECURE =
  "Browsers let a page use the microphone only over https, or on the simulator’s own computer. " +
  "Type here instead, or use the microphone of your keyboard.";

export class Microphone {
  #parts;
  #onHeard;
  #language;
  #deaf;
  #recognition = null;
  #wanted = false;

  // onHeard({text, final, language}); language() now chosen; deaf(): ignore what comes in now
  constructor(parts, { onHeard, language, deaf }) {
    this.#parts = parts;
    this.#onHeard = onHeard;
    this.#language = language;
    this.#deaf = deaf;
    if (!Recognition) return;
    parts.label.hidden = false;
    if (!window.isSecureContext) {
      parts.label.textContent = NOT_SECURE;
      return;
    }
    parts.button.hidden = false;
    parts.button.addEventListener("click", () => (this.#wanted ? this.stop() : this.#start()));
    this.#showState();
  }

  stop() {
    this.#wanted = false;
    this.#recognition?.stop();
    this.#showState();
  }

  #start() {
    this.#wanted = true;
    this.#say("");
    this.#listen();
    this.#showState();
  }

  #listen() {
    const recognition = new Recognition();
    this.#recognition = recognition;
    recognition.lang = this.#language();
    recognition.continuous = true;
    recognition.interimResults = true;
    recognition.onresult = (event) => this.#results(event, recognition.lang);
    recognition.onerror = (event) => this.#failed(event.error);
    const begun = performance.now();
    // Browsers end a recognition after some silence; the button says that it is on, so go on.
    recognition.onend = () => {
      if (this.#recognition !== recognition) return;
      this.#recognition = null;
      if (!this.#wanted) return;
      if (performance.now() - begun < TOO_SHORT) this.#failed("it ended at once");
      else this.#listen();
    };
    recognition.start();
  }

  #results(event, language) {
    if (this.#deaf()) return;
    for (let index = event.resultIndex; index < event.results.length; index += 1) {
      const result = event.results[index];
      const text = result[0].transcript.trim();
      if (text) this.#onHeard({ text, final: result.isFinal, language });
    }
  }

  #failed(error) {
    if (error === "no-speech" || error === "aborted") return;
    this.#wanted = false;
    this.#say(`${ERRORS[error] ?? `The microphone stopped (${error}).`} Typing always works.`);
    if (error === HOPELESS) this.#parts.button.disabled = true;
    this.#showState();
  }

  #say(words) {
    this.#parts.note.textContent = words;
    this.#parts.note.hidden = !words;
  }

  #showState() {
    const { button } = this.#parts;
    button.setAttribute("aria-pressed", String(this.#wanted));
    const what = this.#wanted ? "Stop listening to the microphone" : "Speak with the microphone";
    button.setAttribute("aria-label", `${what} (your browser’s online speech service)`);
    button.title = `${what}: uses your browser’s online speech service`;
  }
}
