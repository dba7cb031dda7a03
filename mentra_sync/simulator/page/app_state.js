// The app in the header: what it is called, whether it runs, and the button that changes that.

const LABELS = {
  starting: "Starting",
  running: "Running",
  stopping: "Stopping",
  stopped: "Stopped",
  failed: "Failed",
  connecting: "Connecting",
  gone: "Not connected",
};

// Nobody knows how the app is.
const UNHEARD = new Set(["connecting", "gone"]);

export class AppState {
  #parts;
  #notices;
  #state = "connecting";
  #ran = false;

  // parts: {name, packageName, state, button}; onRun("start" or "stop")
  constructor(parts, notices, onRun) {
    this.#parts = parts;
    this.#notices = notices;
    parts.button.addEventListener("click", () => {
      parts.button.disabled = true; // until the simulator says what came of it
      onRun(this.#runs() ? "stop" : "start");
    });
  }

  // Whether it ran when it was last heard of.
  get ran() {
    return this.#ran;
  }

  // wearer: whose page this is, where there is more than one
  name(appName, packageName, wearer = null) {
    const { name, packageName: shown } = this.#parts;
    name.textContent = appName || packageName;
    shown.textContent = packageName;
    const whose = wearer === null ? "" : ` · ${wearer}`;
    document.title = `${name.textContent}${whose} · Simulator`;
  }

  show(reported, detail = null) {
    // A running app of which there is more to say is being stopped.
    const state = reported === "running" && detail ? "stopping" : reported;
    this.#state = state;
    if (!UNHEARD.has(state)) this.#ran = this.#runs();
    const { state: pill, button } = this.#parts;
    pill.dataset.state = state;
    pill.textContent = LABELS[state] ?? state;
    button.textContent = this.#runs() ? "Stop" : "Start";
    button.classList.toggle("primary", !this.#runs());
    button.disabled = ["connecting", "gone", "stopping"].includes(state);
    this.#explain(state, detail);
  }

  #explain(state, detail) {
    const words = detail ? sentence(detail) : "Its log says why.";
    if (state === "failed") {
      this.#notices.show("app", { tone: "bad", text: `The app did not start. ${words}` });
    } else if (state === "starting" && detail) {
      this.#notices.show("app", { tone: "warn", text: words });
    } else {
      this.#notices.hide("app");
    }
  }

  #runs() {
    return ["running", "starting", "stopping"].includes(this.#state);
  }
}

const sentence = (words) => words.charAt(0).toUpperCase() + words.slice(1);
