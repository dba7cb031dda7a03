// The app in the header: what it is called, whether it runs, and the button that changes that.

const LABELS = {
  starting: "Starting",
  running: "Running",
  waiting: "Reconnecting",
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

  show(state, detail = null) {
    this.#state = state;
    const { state: pill, button } = this.#parts;
    pill.dataset.state = state;
    pill.textContent = LABELS[state] ?? state;
    pill.title = detail ?? "";
    button.textContent = this.#runs() ? "Stop" : "Start";
    button.classList.toggle("primary", !this.#runs());
    button.disabled = ["connecting", "gone", "stopping"].includes(state);
    if (state === "failed") {
      const text = detail ? `The app did not start: ${detail}` : "The app did not start.";
      this.#notices.show("app", { tone: "bad", text });
    } else {
      this.#notices.hide("app");
    }
  }

  #runs() {
    return ["running", "starting", "waiting", "stopping"].includes(this.#state);
  }
}
