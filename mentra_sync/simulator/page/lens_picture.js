// Pictures on the lens, one or many one after the other.

import { element } from "./element.js";

const DEFAULT_INTERVAL = 1650; // ms
const LONGEST_INTERVAL = 2 ** 31 - 1; // a timer counts no further

export function drawBitmap(lens, base64) {
  const picture = element("div", "lens-bitmap");
  const image = element("img");
  image.alt = "A picture shown by the app";
  image.src = bitmapAddress(base64);
  picture.append(image);
  lens.append(picture);
  return image;
}

// since: when its first frame was shown, by this page's clock. The time since then says which
// frame it is, so that late timers do not add up. Returns how to stop it.
export function drawAnimation(lens, { layout, since }) {
  const { frames, repeat } = layout;
  const interval = intervalOf(layout);
  const last = frames.length - 1;
  let image;
  let timer;
  const step = () => {
    const passed = Math.floor((performance.now() - since) / interval);
    const frame = frames[repeat === true ? passed % frames.length : Math.min(passed, last)];
    if (image) image.src = bitmapAddress(frame);
    else image = drawBitmap(lens, frame);
    if (repeat !== true && passed >= last) return;
    timer = setTimeout(step, Math.ceil(since + (passed + 1) * interval - performance.now()));
  };
  step();
  return () => clearTimeout(timer);
}

function intervalOf({ interval }) {
  if (typeof interval !== "number" || !(interval > 0)) return DEFAULT_INTERVAL;
  return Math.max(1, Math.min(interval, LONGEST_INTERVAL));
}

const bitmapAddress = (base64) => `data:image/bmp;base64,${base64}`;
