// One short hint for someone who sees the page for the first time.

import { remember, remembered } from "./remember.js";

export function showFirstHint(notices) {
  if (remembered("hint") !== null) return;
  notices.show("hint", {
    tone: "info",
    text: "These are your glasses. Type what you would say, press Enter, and watch the lens.",
    actions: [
      {
        label: "Got it",
        run: () => {
          remember("hint", "seen");
          notices.hide("hint");
        },
      },
    ],
  });
}
