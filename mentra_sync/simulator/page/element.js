// Makes elements from text. What an app sends is untrusted: it only ever becomes textContent.

export function element(tag, className = "", text = "") {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

export function button(text, onClick, className = "button small") {
  const made = element("button", className, text);
  made.type = "button";
  made.addEventListener("click", onClick);
  return made;
}

export const byId = (id) => document.getElementById(id);
