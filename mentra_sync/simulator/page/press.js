// The button of the glasses: a click is a short press, holding it a long one.

const LONG_PRESS = 600;

export class PressButton {
  #parts;
  #onPress;
  #timer = null;

  // parts: round (hold or click), long (a long press in one click), said (for screen readers)
  constructor(parts, onPress) {
    this.#parts = parts;
    this.#onPress = onPress;
    const { round, long } = parts;
    round.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      round.setPointerCapture(event.pointerId);
      this.#begin();
    });
    round.addEventListener("pointerup", () => this.#end());
    round.addEventListener("pointercancel", () => this.#forget());
    round.addEventListener("contextmenu", (event) => event.preventDefault());
    round.addEventListener("keydown", (event) => {
      if (event.key !== " " && event.key !== "Enter") return;
      event.preventDefault();
      if (!event.repeat) this.#begin();
    });
    round.addEventListener("keyup", (event) => {
      if (event.key === " " || event.key === "Enter") this.#end();
    });
    round.addEventListener("blur", () => this.#forget());
    // Pointers and keys are handled above; what is left are clicks that assistive tools make.
    round.addEventListener("click", (event) => {
      if (event.detail === 0) this.#press("short");
    });
    long.addEventListener("click", () => this.#press("long"));
  }

  #begin() {
    if (this.#timer !== null || this.#parts.round.disabled) return;
    this.#parts.round.classList.add("held");
    this.#timer = setTimeout(() => {
      this.#forget();
      this.#press("long");
    }, LONG_PRESS);
  }

  #end() {
    if (this.#timer === null) return;
    this.#forget();
    this.#press("short");
  }

  #forget() {
    clearTimeout(this.#timer);
    this.#timer = null;
    this.#parts.round.classList.remove("held");
  }

  #press(pressType) {
    const { round, said } = this.#parts;
    this.#onPress(pressType);
    said.textContent = `${pressType === "long" ? "Long" : "Short"} press sent`;
    round.classList.remove("pressed-short", "pressed-long");
    void round.offsetWidth; // restarts the animation when pressed twice
    round.classList.add(`pressed-${pressType}`);
  }
}
