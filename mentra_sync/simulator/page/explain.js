// What a Python traceback means, in plain words.

const EXPLANATIONS = {
  NameError: "A name is used that has not been given a value. Is it spelled the same everywhere?",
  UnboundLocalError: "A variable of this function is read before it has been given a value.",
  AttributeError: "Something does not have what stands after the dot. Check the spelling, and whether it is None.",
  TypeError: "A value of the wrong kind is used here, or a function is called with the wrong arguments.",
  ValueError: "The kind of value is right, but not this value.",
  KeyError: "A dictionary does not have this key.",
  IndexError: "A list is shorter than the position that is asked for.",
  ZeroDivisionError: "Something is divided by zero.",
  ModuleNotFoundError: "This module is not installed. Try: pip install, and its name.",
  ImportError: "Something that should be imported is not there.",
  FileNotFoundError: "There is no file with this name in the folder where the app runs.",
  RecursionError: "A function calls itself again and again without an end.",
  AssertionError: "An assert found that something is not as it should be.",
  RequestTimeout: "The answer did not come in time.",
  PermissionDenied: "The wearer has not allowed this.",
};

const FRAME = /^\s+File "(.+)", line (\d+)(?:, in (.+))?$/;
const NOT_YOURS = /[\\/](?:site-packages|mentra_sync|lib[\\/]python[\d.]+)[\\/]|^<frozen/;

// -> {error, message, plain, place: {file, line, where, code} or null}
export function explain(traceback) {
  const lines = traceback.trimEnd().split("\n");
  const frames = [];
  lines.forEach((text, index) => {
    const match = FRAME.exec(text);
    if (match) frames.push({ path: match[1], line: match[2], where: match[3] ?? "", index });
  });
  const last = frames.at(-1);
  const rest = lines.slice((last?.index ?? -1) + 1);
  const headline = rest.find((text) => /^\S/.test(text)) ?? lines.at(-1) ?? "";
  const [, name, message = ""] = /^([\w.]+)(?:: ?([^]*))?$/.exec(headline) ?? [null, headline];
  const error = name.split(".").at(-1);
  const yours = frames.filter((frame) => !NOT_YOURS.test(frame.path)).at(-1);
  return { error, message, plain: EXPLANATIONS[error] ?? "", place: yours ? place(yours, lines) : null };
}

function place({ path, line, where, index }, lines) {
  const next = lines[index + 1] ?? "";
  const code = FRAME.test(next) || !/^\s/.test(next) ? "" : next.trim();
  return { file: path.split(/[\\/]/).at(-1), line, where, code };
}
