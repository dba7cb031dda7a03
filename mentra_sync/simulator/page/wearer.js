// Whose page this is: the wearer that the page's own address names, or the first one.

export const COMPACT = new URLSearchParams(location.search).has("compact");

// null: nobody is named, so that the first wearer is meant.
export const NAMED = new URLSearchParams(location.search).get("user") || null;

// The same address for this page's wearer.
export function mine(path) {
  return NAMED === null ? path : withUser(path, NAMED);
}

// The address of a wearer's page; the first one needs no name.
export function pageOf(name, first) {
  return name === first ? "/" : withUser("/", name);
}

export function withUser(path, name) {
  return `${path}${path.includes("?") ? "&" : "?"}user=${encodeURIComponent(name)}`;
}

// Who there is: {wearers, first, models}; null when the simulator does not answer.
export async function askForWearers() {
  const answer = await fetch("/api/sim/wearers", { cache: "no-store" }).catch(() => null);
  return answer?.ok ? answer.json() : null;
}

// Give somebody glasses, and have them start the app. Returns an empty text, or what is wrong.
export async function addWearer(name, { model, start = true } = {}) {
  const body = JSON.stringify(model ? { model } : {});
  const address = `/api/sim/wearers/${encodeURIComponent(name)}`;
  const answer = await fetch(address, { method: "POST", body }).catch(() => null);
  if (!answer) return "The simulator does not answer.";
  if (!answer.ok) return (await answer.json().catch(() => ({}))).error ?? "That did not work.";
  // Whether it starts is told on the wearer's own page, to which this one may give way meanwhile.
  if (start) void fetch(withUser("/api/sim/start", name), { method: "POST", keepalive: true }).catch(() => null);
  return "";
}

const PEOPLE = ["bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy"];

// A name that nobody has.
export function suggestion(taken) {
  const free = PEOPLE.map(asAddress).find((name) => !taken.includes(name));
  return free ?? asAddress(`wearer${taken.length + 1}`);
}

// Wearers are known by their e-mail addresses; a first name is made into one.
export function asAddress(name) {
  const given = name.trim();
  return !given || given.includes("@") ? given : `${given}@example.com`;
}
