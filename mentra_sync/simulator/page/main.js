// Brings the page to life: builds its parts and passes what arrives to the one that it is for.

import { AppState } from "./app_state.js";
import { Connection } from "./connection.js";
import { byId } from "./element.js";
import { showFirstHint } from "./hints.js";
import { Lens } from "./lens.js";
import { Log } from "./log.js";
import { Microphone } from "./microphone.js";
import { Notices } from "./notices.js";
import { PressButton } from "./press.js";
import { Speaker } from "./speaker.js";
import { Talk } from "./talk.js";
import { Trouble } from "./trouble.js";

const notices = new Notices(byId("notices"));
const trouble = new Trouble(byId("trouble"));
const log = new Log({ list: byId("log"), empty: byId("log-empty"), clear: byId("log-clear") });

const lens = new Lens(
  {
    root: byId("lens"),
    glasses: byId("glasses"),
    note: byId("lens-note"),
    views: byId("views"),
  },
  (position) =>
    connection.sendToGlassesSocket({ type: "head_position", position, timestamp: Date.now() }),
);

const connection = new Connection({
  onStatus: showStatus,
  onState: showState,
  onGlasses: (message) => FROM_THE_CLOUD[message.type]?.(message),
  onSimulator: (message) => FROM_THE_SIMULATOR[message.kind]?.(message),
});

const app = new AppState(
  {
    name: byId("app-name"),
    packageName: byId("package-name"),
    state: byId("app-state"),
    button: byId("start-stop"),
  },
  notices,
  (action) => connection.sendToSimulator({ action }),
);

const talk = new Talk(
  {
    form: byId("say"),
    text: byId("say-text"),
    language: byId("language"),
    conversation: byId("conversation"),
    empty: byId("talk-empty"),
    listening: byId("listening"),
  },
  ({ text, language }) =>
    connection.sendToSimulator({ action: "say", text, language }),
);

const speaker = new Speaker(
  { button: byId("sound"), note: byId("sound-note") },
  {
    began: (requestId) => connection.sendToSimulator({ action: "speech_began", request_id: requestId }),
    finished: (result) =>
      connection.sendToGlassesSocket({ type: "audio_play_response", ...result }),
  },
);

new Microphone(
  {
    button: byId("microphone"),
    note: byId("microphone-note"),
    label: byId("microphone-label"),
  },
  {
    onHeard: ({ text, final, language }) =>
      connection.sendToSimulator({ action: "hear", text, final, language }),
    language: () => talk.language,
    // It would hear the loudspeakers, and an app that repeats what it hears would never end.
    deaf: () => speaker.speaking,
  },
);

new PressButton(
  { round: byId("button-press"), long: byId("button-long"), said: byId("button-said") },
  (pressType) =>
    connection.sendToGlassesSocket({
      type: "button_press",
      buttonId: "main",
      pressType,
      timestamp: Date.now(),
    }),
);

const FROM_THE_CLOUD = {
  audio_play_request: (message) => speaker.play(message),
  audio_stop_request: () => speaker.stop(),
  app_stopped: () => speaker.stop(),
};

const FROM_THE_SIMULATOR = {
  hello: (message) => {
    showState(message);
    lens.showAll(message.lens, message.head);
    talk.setStreams(message.streams);
    // What has been logged so far follows.
    log.clear();
    trouble.clear();
  },
  app: ({ state, detail }) => app.show(state, detail),
  lens: (message) => lens.show(message),
  head: ({ position }) => lens.look(position),
  heard: (message) => talk.heard(message),
  speech: (message) => {
    talk.spoke(message);
    if (message.byBrowser === false && message.state === "speaking") {
      speaker.fellBack(message.requestId);
    }
  },
  audio: (message) => talk.played(message),
  listening: ({ streams }) => talk.setStreams(streams),
  log: (entry) => {
    log.add(entry);
    if (entry.traceback) trouble.show(entry.traceback);
  },
  problem: ({ message }) =>
    notices.show("problem", {
      tone: "warn",
      text: message,
      action: { label: "Close", run: () => notices.hide("problem") },
    }),
};

let version = null;

function showState(state) {
  version ??= state.version;
  if (state.version !== version) location.reload(); // the page of another version is out of date
  app.name(state.appName, state.packageName);
  app.show(state.app.state, state.app.detail);
  byId("model").textContent = state.model;
  lens.setDisplay(state.display);
}

const STATUS_NOTICES = {
  lost: {
    tone: "warn",
    text: "The connection to the simulator was lost. Trying again…",
  },
  ended: {
    tone: "bad",
    text: "The app’s program has ended. Run it again in your terminal.",
  },
};

function showStatus(status) {
  const connected = status === "connected";
  document.body.dataset.connection = status;
  for (const id of ["button-press", "button-long", "say-send"]) byId(id).disabled = !connected;
  const notice = STATUS_NOTICES[status];
  if (notice) notices.show("connection", notice);
  else notices.hide("connection");
  if (connected) return;
  speaker.stop();
  app.show(status === "connecting" ? "connecting" : "gone");
  talk.setListening(false);
}

showStatus("connecting");
showFirstHint(notices);
connection.connect();
