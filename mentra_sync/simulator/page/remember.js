// What the page remembers from one visit to the next. A browser may forbid it; then it does not.

const PREFIX = "mentra_sync.simulator.";

export function remembered(name) {
  try {
    return localStorage.getItem(PREFIX + name);
  } catch {
    return null;
  }
}

export function remember(name, value) {
  try {
    localStorage.setItem(PREFIX + name, value);
  } catch {
    // the next visit begins anew
  }
}
