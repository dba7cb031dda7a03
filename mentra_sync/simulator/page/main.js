// Brings the page to life: builds its parts and passes what arrives to the one that it is for.

import { AppState } from "./app_state.js";
import { makeCompact } from "./compact.js";
import { Connection } from "./connection.js";
import { Controls } from "./controls.js";
import { CameraControl } from "./camera.js";
import { byId } from "./element.js";
import { showFirstHint } from "./hints.js";
import { Invite } from "./invite.js";
import { Journal } from "./journal.js";
import { Lens } from "./lens.js";
import { Lights } from "./lights.js";
import { Log } from "./log.js";
import { Microphone } from "./microphone.js";
import { Notices } from "./notices.js";
import { Permissions } from "./permissions.js";
import { Phone } from "./phone.js";
import { Playing } from "./playing.js";
import { Requests } from "./requests.js";
import { Settings } from "./settings.js";
import { Speaker } from "./speaker.js";
import { Tabs } from "./tabs.js";
import { Talk } from "./talk.js";
import { Trouble } from "./trouble.js";
import { addWearer, COMPACT, NAMED } from "./wearer.js";
import { Unknown, Wearers } from "./wearers.js";

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
  onUnknown: (everybody) => void nobody(everybody),
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
    translations: byId("translations"),
  },
  (said) => connection.sendToSimulator({ action: "say", ...said }),
);

const invite = new Invite({
  button: byId("invite"),
  dialog: byId("invite-box"),
  code: byId("invite-code"),
  address: byId("invite-address"),
  note: byId("invite-note"),
  close: byId("invite-close"),
});

const speaker = new Speaker(
  { button: byId("sound"), note: byId("sound-note") },
  {
    began: (requestId, seconds) =>
      connection.sendToSimulator({ action: "speech_began", request_id: requestId, seconds }),
    finished: (result) =>
      connection.sendToGlassesSocket({ type: "audio_play_response", ...result }),
  },
);

const playing = new Playing(
  {
    bar: byId("playing"),
    words: byId("playing-words"),
    stop: byId("playing-stop"),
    volume: byId("volume"),
  },
  {
    onStop: (requestIds) => {
      for (const requestId of requestIds) {
        const error = "stopped";
        const answer = { type: "audio_play_response", requestId, success: false, error };
        connection.sendToGlassesSocket(answer);
      }
    },
    onVolume: (loudness) => {
      speaker.loudness = loudness;
    },
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

const phone = new Phone((words) => showProblem(words));

// The ways of a control's message: by the glasses, by the phone that carries them, or by what
// no glasses could say.
const SENDERS = {
  glasses: (message) => connection.sendToGlassesSocket({ ...message, timestamp: Date.now() }),
  phone: (message, { path }) => void phone.post(path, message),
  simulator: (message) => connection.sendToSimulator(message),
};

const tabs = new Tabs({ list: byId("control-tabs"), panels: byId("control-panels") }, "tab");
const camera = new CameraControl((picture, options) => phone.show(picture, options));
const controls = new Controls(tabs, send, { camera: () => camera });
const settings = new Settings((changed) =>
  connection.sendToSimulator({ action: "change_settings", settings: changed }),
);
const permissions = new Permissions((permission, granted) =>
  connection.sendToSimulator({ action: granted ? "allow" : "deny", permission }),
);

const journal = new Journal(notices, (fault) =>
  connection.sendToSimulator({ action: "fault", ...fault }),
);
const wearers = new Wearers(byId("wearers"));
const unknown = new Unknown(byId("unknown"), () => connection.connect());
makeCompact(
  { quick: byId("quick") },
  {
    press: (pressType) =>
      SENDERS.glasses({ type: "button_press", buttonId: "main", pressType }),
    hear: (on) => speaker.mute(!on),
  },
);

const lights = new Lights({ root: byId("glasses"), state: byId("camera-state") }, () =>
  notices.show("light", {
    tone: "info",
    text: `The app has switched a light on, but ${byId("model").textContent} have none.`,
    actions: [{ label: "Close", run: () => notices.hide("light") }],
  }),
);

const requests = new Requests(notices, {
  network: () => controls.values("wifi")["wifi.ssid"] || "Home",
  connect: () => controls.use("wifi", { "wifi.connected": true }),
  place: () => {
    const { lat, lng } = controls.values("location_update");
    return `${lat}, ${lng}`;
  },
  tellPlace: () => controls.use("location_update"),
});

function send(control, message) {
  if (message.type === "location_update") requests.answered("place");
  return SENDERS[control.by](message, control);
}

byId("model").addEventListener("click", () => {
  tabs.open("glasses");
  document.querySelector("#panel-glasses select")?.focus();
});

const FROM_THE_CLOUD = {
  show_wifi_setup: (message) => requests.wifi(message),
  request_single_location: () => requests.place(),
  audio_play_request: (message) => speaker.play(message),
  audio_stop_request: () => speaker.stop(),
  app_stopped: () => {
    speaker.stop();
    requests.clear();
  },
};

const FROM_THE_SIMULATOR = {
  hello: (message) => {
    showState(message);
    lens.showAll(message.lens, message.head);
    showSchema(message.schema);
    controls.fill("head_position", { position: message.head });
    setStreams(message.streams);
    lights.obey(message.light);
    lights.streaming(message.streaming);
    camera.album(message.photos);
    playing.clear();
    // What has been logged and said so far follows.
    log.clear();
    talk.clear();
    trouble.clear();
    journal.greet(message);
    wearers.show(message.wearers, message.userId);
  },
  app: (message) => {
    app.show(message.state, message.detail);
    journal.app(message);
  },
  crossing: (crossing) => {
    if (!COMPACT) journal.crossing(crossing);
  },
  faults: ({ faults }) => journal.faults(faults),
  wearers: (everybody) => wearers.show(everybody, me.userId),
  lens: (message) => lens.show(message),
  head: ({ position }) => {
    lens.look(position);
    controls.fill("head_position", { position });
  },
  heard: (message) => talk.heard(message),
  speech: (message) => {
    talk.spoke(message);
    playing.follow(message);
    if (message.byBrowser === false && message.state === "speaking") {
      speaker.fellBack(message.requestId);
    }
  },
  audio: (message) => {
    talk.played(message);
    playing.follow(message);
  },
  light: (command) => lights.obey(command),
  photo: (message) => {
    lights.photo(message);
    camera.photo(message);
  },
  streaming: ({ on }) => lights.streaming(on),
  listening: ({ streams }) => setStreams(streams),
  schema: (schema) => showSchema(schema),
  settings: (message) => settings.show(message.settings),
  permissions: ({ denied }) => permissions.setDenied(denied),
  log: (entry) => {
    log.add(entry);
    journal.log(entry);
    if (entry.traceback) trouble.show(entry.traceback);
  },
  problem: ({ message }) => showProblem(message),
};

function showProblem(words) {
  notices.show("problem", {
    tone: "warn",
    text: words,
    actions: [{ label: "Close", run: () => notices.hide("problem") }],
  });
}

function setStreams(streams) {
  talk.setStreams(streams);
  controls.setStreams(streams);
  permissions.setStreams(streams);
}

// What there is with the glasses worn now; at the beginning also what is the app's.
function showSchema(schema) {
  controls.setSchema(schema);
  lens.setDisplay(schema.display);
  lights.setLights(schema.lights);
  byId("model").textContent = schema.connected ? schema.model : "No glasses connected";
  byId("glasses").classList.toggle("out-of-reach", !schema.connected);
  if (!schema.settings) return;
  if (!settings.element.isConnected) {
    tabs.add("app", "App").append(settings.element, permissions.element);
  }
  settings.show(schema.settings);
  permissions.show(schema.permissions);
}

let me = null; // the last state, of this page's wearer

function showState(state) {
  // The page of another version is out of date.
  if (me && state.version !== me.version) location.reload();
  me = state;
  unknown.hide();
  app.name(state.appName, state.packageName, NAMED);
  app.show(state.app.state, state.app.detail);
  phone.belongTo(state.userId, state.glassesToken);
  invite.offer(state.invites);
}

// This page's wearer is not there. One who was there, before the program was run again, comes
// back; anybody else is a question for the person who looks at the page.
async function nobody(everybody) {
  if (me !== null && (await addWearer(NAMED, { model: me.model, start: app.ran })) === "") {
    connection.connect();
    return;
  }
  showStatus("unknown");
  unknown.show(everybody.first);
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
  uninvited: {
    tone: "bad",
    text: "This device is no longer invited. Press “Add a device” on the page on the computer, and scan the code there.",
  },
};

function showStatus(status) {
  const connected = status === "connected";
  document.body.dataset.connection = status;
  byId("say-send").disabled = !connected;
  controls.setConnected(connected);
  journal.status(status);
  const notice = STATUS_NOTICES[status];
  if (notice) notices.show("connection", notice);
  else notices.hide("connection");
  if (connected) return;
  speaker.stop();
  playing.clear();
  app.show(status === "connecting" ? "connecting" : "gone");
  talk.setListening(false);
}

// Not with the attribute: browsers complain of it where something has the focus already.
if (document.activeElement === document.body && window.top === window) byId("say-text").focus();

showStatus("connecting");
showFirstHint(notices);
connection.connect();
