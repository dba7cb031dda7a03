// What the app listens to, and whether a control feeds it.

const EVERYTHING = ["*", "all"];

const base = (stream) => stream.split(":")[0];

// streams: the app's subscriptions; fed: the base names that a control feeds
export function listensTo(streams, fed) {
  if (fed.length === 0) return false;
  if (EVERYTHING.some((name) => streams.includes(name))) return true;
  return streams.some((stream) => fed.includes(base(stream)));
}

// The languages that the app wants what is said translated into.
export function translationTargets(streams, language) {
  const found = streams.map((name) => /^translation:(.+)-to-([a-z]{2,3}-[A-Z]{2})/.exec(name));
  const wanted = found.filter((match) => match && (match[1] === "all" || match[1] === language));
  return [...new Set(wanted.map((match) => match[2]))];
}
