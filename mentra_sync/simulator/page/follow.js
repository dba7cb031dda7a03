// Keeps the end of a growing list in sight, unless someone has scrolled up to read.

const NEAR = 24;

export function followEnd(list) {
  let atEnd = true;
  const follow = () => {
    if (atEnd) list.scrollTop = list.scrollHeight;
  };
  list.addEventListener("scroll", () => {
    atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < NEAR;
  });
  new MutationObserver(follow).observe(list, { childList: true, subtree: true });
  new ResizeObserver(follow).observe(list);
}
