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

export class AppState {
  #parts;
  #notices;
  #state = "connecting";

  // parts: {name, packageName, state, button}; onRun("start" or "stop")
  constructor(parts, notices, onRun) {
    this.#parts = parts;
    this.#notices = notices;
    parts.button.addEventListener("click", () => {
      parts.button.disabled = true; // until the simulator says what came of it
      onRun(this.#runs() ? "stop" : "start");
    });
  }

  name(appName, packageName) {
    const { name, packageName: shown } = this.#parts;
    name.textContent = appName || packageName;
    shown.textContent = packageName;
    document.title = `${name.textContent} · Simulator`;
  }

  show(reported, detail = null) {
    // A running app of which there is more to say is being stopped.
    const state = reported === "running" && detail ? "stopping" : reported;
    this.#state = state;
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
