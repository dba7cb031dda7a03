// One short hint for someone who sees the page for the first time.

const SEEN = "mentra_sync.simulator.hint";

export function showFirstHint(notices) {
  if (remembered()) return;
  notices.show("hint", {
    tone: "info",
    text: "These are your glasses. Type what you would say, press Enter, and watch the lens.",
    action: {
      label: "Got it",
      run: () => {
        remember();
        notices.hide("hint");
      },
    },
  });
}

// A browser may forbid storage; the hint is then simply shown again.
function remembered() {
  try {
    return localStorage.getItem(SEEN) !== null;
  } catch {
    return false;
  }
}

function remember() {
  try {
    localStorage.setItem(SEEN, "seen");
  } catch {
    // see remembered()
  }
}
