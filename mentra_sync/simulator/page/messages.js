// Messages from the schema: what is sent when a control is used.

const FILLED_IN = {
  id: () => crypto.randomUUID?.() ?? `id-${Date.now()}-${Math.random()}`,
  now: () => new Date().toISOString(),
  timezone: () => Intl.DateTimeFormat().resolvedOptions().timeZone,
};

// control: as the schema has it; values: by the name of the field
export function messageOf(control, values) {
  const message = structuredClone(control.message);
  for (const { name, kind } of control.fields) {
    const value = FILLED_IN[kind] ? FILLED_IN[kind]() : values[name];
    if (value !== undefined) put(message, name.split("."), value);
  }
  return message;
}

function put(object, [name, ...rest], value) {
  if (rest.length === 0) object[name] = value;
  else put((object[name] ??= {}), rest, value);
}
