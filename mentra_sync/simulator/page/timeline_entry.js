// What one crossing of the wire is, in a few words: its name, a summary, and whether it is noise.
//
// An app sends what it likes: nothing here relies on a field being there, or on its type.

const MOST_WORDS = 160;

// Kinds of crossings that can be hidden: pieces of sound; words that are not final yet; what the
// cloud passes on to the glasses, which is mostly what the app has just said.
export const NOISE = {
  sound: "Sound",
  interim: "Interim",
  copies: "Copies",
};

// Those of which only the newest is of interest.
export const FLOODS = new Set(["sound", "interim"]);

// crossing: {number, at, way, what, name, userId, body}
// Returns {key, way, name, summary, noise, tone}; crossings of equal key are of the same kind.
export function describe(crossing) {
  const { way, what, name, body } = crossing;
  const told = (SPECIAL[what] ?? SPECIAL.frame)(String(name), isObject(body) ? body : {}, body);
  const summary = shorten(told.summary ?? "");
  const noise = told.noise ?? (way === "cloud to glasses" ? "copies" : "");
  // What is worth reading counts as the same only when it says the same.
  const key = [way, what, told.name, FLOODS.has(noise) ? noise : summary].join("\n");
  return { key, way, name: told.name, summary, noise, tone: told.tone ?? "" };
}

// A line of the app's log, or a change of the connection, between the crossings.
export function describeNote({ kind, level = "", message }) {
  const tone = { ERROR: "bad", CRITICAL: "bad", WARNING: "warn" }[level] ?? "";
  const name = kind === "log" ? level.toLowerCase() || "log" : kind;
  const key = [kind, level, message].join("\n");
  return { key, way: "", name, summary: shorten(message), noise: "", tone };
}

const SPECIAL = {
  frame: (name, frame) =>
    name === "data_stream" ? event(frame) : { name, ...told(name, frame), tone: toneOf(name, frame) },
  binary: (name, said) =>
    name === "speech"
      ? { name, summary: quoted(said.text), noise: said.isFinal === false ? "interim" : undefined }
      : { name, summary: text(said), noise: "sound" },
  request: (name, body) => ({ name, ...told(body.type ?? name, body) }),
  answer: (name, { status, problem }) => ({
    name,
    summary: text(problem),
    tone: Number(status) >= 200 && Number(status) < 400 ? "" : "bad",
  }),
  close: (name) => ({ name: "close", summary: name, tone: /^100[01]/.test(name) ? "" : "bad" }),
};

function event({ streamType, data }) {
  const name = text(streamType) || "data_stream";
  const inside = isObject(data) ? data : {};
  const interim = inside.isFinal === false ? { noise: "interim" } : {};
  return { name, summary: summaryOf(inside.type ?? name.split(":")[0], inside), ...interim };
}

function told(name, frame) {
  const interim = frame.isFinal === false ? { noise: "interim" } : {};
  return { summary: summaryOf(name, frame), ...interim };
}

const toneOf = (name, { success }) =>
  name.endsWith("_error") || success === false ? "bad" : "";

function summaryOf(kind, fields) {
  const make = Object.hasOwn(SUMMARIES, kind) ? SUMMARIES[kind] : plain;
  return make(fields);
}

const SUMMARIES = {
  audio_play_request: ({ audioUrl }) => spoken(audioUrl),
  audio_play_response: ({ success, error }) => (success === false ? failure(error) : "played"),
  button_press: ({ buttonId, pressType }) => list(buttonId, pressType),
  calendar_event: ({ title }) => quoted(title),
  custom_message: ({ action }) => text(action),
  display_event: ({ view, layout }) => (view === "dashboard" ? "dashboard: " : "") + shown(layout),
  glasses_battery_update: battery,
  glasses_connection_state: ({ modelName, status }) => list(modelName, status),
  head_position: ({ position }) => text(position),
  local_transcription: (said) => quoted(said.text),
  location_update: ({ lat, lng }) => list(lat, lng),
  microphone_state_change: ({ isMicrophoneEnabled }) => (isMicrophoneEnabled ? "on" : "off"),
  permission_error: ({ message }) => text(message),
  phone_battery_update: battery,
  phone_notification: ({ app, title, content }) => `${text(app)}: ${list(title, content)}`,
  photo_request: ({ size, saveToGallery }) => list(size, saveToGallery && "into the gallery"),
  photo_response: ({ success, error, errorMessage }) =>
    success === false ? failure(error ?? errorMessage) : "taken",
  rgb_led_control: ({ action, color, count }) => list(action, color, count && `${text(count)} ×`),
  session_request: ({ userId }) => list("session_request", userId),
  stop_request: ({ reason }) => list("stop_request", reason),
  subscription_update: ({ subscriptions }) =>
    array(subscriptions).map((one) => text(one?.stream ?? one)).join(", ") || "nothing",
  tpa_connection_ack: ({ settings }) => count(settings, "setting"),
  tpa_connection_error: ({ code, message }) => list(code, message),
  tpa_connection_init: ({ packageName }) => text(packageName),
  touch_event: ({ gesture_name: gesture }) => text(gesture),
  transcription: (said) => quoted(said.text),
  translation: (said) => quoted(said.text),
  VAD: ({ status }) => (String(status) === "true" ? "speaking" : "silent"),
};

const LAYOUTS = {
  bitmap_animation: ({ frames }) => `animation, ${count(frames, "picture")}`,
  bitmap_view: () => "picture",
  clear_view: () => "cleared",
  dashboard_card: ({ leftText, rightText }) => quoted(list(leftText, rightText)),
  double_text_wall: ({ topText, bottomText }) => quoted(list(topText, bottomText)),
  reference_card: ({ title, text: words }) => quoted(`${text(title)}: ${text(words)}`),
  text_wall: ({ text: words }) => quoted(words) || "cleared",
};

function shown(layout) {
  if (!isObject(layout)) return "";
  const kind = text(layout.layoutType);
  return Object.hasOwn(LAYOUTS, kind) ? LAYOUTS[kind](layout) : kind;
}

function spoken(address) {
  const url = URL.canParse(text(address), location.href) && new URL(text(address), location.href);
  if (!url) return text(address);
  if (url.pathname.endsWith("/api/tts")) return quoted(url.searchParams.get("text") ?? "");
  return url.pathname.split("/").at(-1) || url.href;
}

function battery({ level, charging }) {
  return list(`${text(level)} %`, charging === true && "charging");
}

const failure = (error) => text(isObject(error) ? (error.message ?? error.code) : error) || "failed";

// The first simple fields of what is not in the tables.
const USUAL = new Set(["type", "timestamp", "sessionId", "packageName", "userId"]);

function plain(fields) {
  return Object.entries(fields)
    .filter(([name, value]) => !USUAL.has(name) && value !== null && typeof value !== "object")
    .slice(0, 3)
    .map(([name, value]) => `${name} ${value}`)
    .join(", ");
}

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const array = (value) => (Array.isArray(value) ? value : []);
const list = (...parts) => parts.map(text).filter(Boolean).join(", ");
const quoted = (words) => (text(words) ? `“${text(words)}”` : "");

function count(values, noun) {
  const number = array(values).length;
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

function text(value) {
  if (typeof value === "string") return value;
  return typeof value === "number" || value === true ? String(value) : "";
}

function shorten(words) {
  const line = words.slice(0, 4 * MOST_WORDS).replace(/\s+/g, " ").trim();
  return line.length > MOST_WORDS ? `${line.slice(0, MOST_WORDS)}…` : line;
}
