// The camera: what is before it (a test card, a file or the webcam), and the photos it has taken.

import { element } from "./element.js";
import { Photos } from "./photos.js";

const LARGEST = [1920, 1080]; // what the camera of Mentra Live has
const QUALITY = 0.88;
const WEBCAM = { video: { width: { ideal: 1280 }, height: { ideal: 720 } } };
const REFUSED = {
  NotAllowedError: "The browser may not use the webcam. Allow it beside the page’s address.",
  NotFoundError: "No webcam was found.",
  NotReadableError: "The webcam is used by another program.",
};

const SOURCES = [
  ["card", "Test card"],
  ["file", "Picture"],
  ["webcam", "Webcam"],
];

// Browsers offer the webcam to pages of one's own machine, and to those that came over https.
const webcamWorks = () => Boolean(window.isSecureContext && navigator.mediaDevices?.getUserMedia);

export class CameraControl {
  #upload;
  #photos = new Photos();
  #source = "card";
  #buttons = new Map();
  #file = element("input");
  #card = element("div", "test-card");
  #picture = element("img", "before-camera");
  #video = element("video", "before-camera");
  #note = element("p", "fine camera-note");
  #stream = null;
  element = element("div", "camera");

  // upload(blob or null, {requestId, webcam}) holds a picture before the camera of the simulator
  constructor(upload) {
    this.#upload = upload;
    const group = element("div", "choices");
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", "What the camera sees");
    for (const [source, label] of SOURCES) {
      if (source === "webcam" && !webcamWorks()) continue;
      const choice = element("button", "choice", label);
      choice.type = "button";
      choice.addEventListener("click", () => this.#choose(source));
      this.#buttons.set(source, choice);
      group.append(choice);
    }
    Object.assign(this.#file, { type: "file", accept: "image/*", hidden: true });
    this.#file.addEventListener("change", () => this.#chosen(this.#file.files[0]));
    this.#picture.alt = "The picture before the camera";
    Object.assign(this.#video, { muted: true, playsInline: true });
    this.#video.setAttribute("aria-label", "What the webcam sees");
    this.#note.setAttribute("role", "status");
    const view = element("div", "camera-view");
    view.append(this.#card, this.#picture, this.#video);
    this.element.append(group, this.#file, view, this.#note, this.#photos.element);
    this.#show("card");
  }

  // Glasses without a camera need no webcam.
  update({ missing }) {
    if (missing) this.#stopWebcam();
    if (missing && this.#source === "webcam") this.#show("card");
  }

  // What becomes of a photo; with state "look" it waits for what the webcam sees.
  photo(message) {
    if (message.state === "look") this.#look(message.requestId);
    this.#photos.add(message);
  }

  // The photos that were taken before this page came.
  album(photos) {
    this.#photos.clear();
    for (const message of photos) this.#photos.add(message);
  }

  async #choose(source) {
    this.#say("");
    if (source === "file") return this.#file.click();
    if (source === "webcam") return this.#startWebcam();
    this.#show("card");
    return this.#upload(null);
  }

  async #chosen(file) {
    this.#file.value = ""; // the same one may be chosen again
    if (!file) return;
    try {
      const blob = await scaled(await createImageBitmap(file));
      if ((await this.#upload(blob)) === null) return;
      URL.revokeObjectURL(this.#picture.src);
      this.#picture.src = URL.createObjectURL(blob);
      this.#show("file");
    } catch {
      this.#say(`This browser cannot read ${file.name} as a picture.`);
    }
  }

  async #startWebcam() {
    try {
      this.#stream ??= await navigator.mediaDevices.getUserMedia(WEBCAM);
      this.#video.srcObject = this.#stream;
      await this.#video.play();
      this.#show("webcam");
      await this.#upload(await this.#frame(), { webcam: true });
    } catch (problem) {
      this.#stopWebcam();
      this.#show("card");
      this.#say(REFUSED[problem.name] ?? `The webcam does not work: ${problem.message}`);
    }
  }

  async #look(requestId) {
    if (this.#source !== "webcam" || !this.#stream) return; // another page's
    await this.#upload(await this.#frame(), { requestId });
  }

  #frame() {
    return scaled(this.#video, this.#video.videoWidth, this.#video.videoHeight);
  }

  #show(source) {
    this.#source = source;
    if (source !== "webcam") this.#stopWebcam();
    for (const [name, choice] of this.#buttons) {
      choice.setAttribute("aria-pressed", String(name === source));
    }
    this.#card.hidden = source !== "card";
    this.#picture.hidden = source !== "file";
    this.#video.hidden = source !== "webcam";
  }

  #stopWebcam() {
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#stream = null;
    this.#video.srcObject = null;
  }

  #say(words) {
    this.#note.textContent = words;
    this.#note.hidden = !words;
  }
}

// A JPEG, no larger than what the glasses' camera takes.
function scaled(image, width = image.width, height = image.height) {
  const part = Math.min(1, LARGEST[0] / width, LARGEST[1] / height);
  const canvas = element("canvas");
  canvas.width = Math.max(1, Math.round(width * part));
  canvas.height = Math.max(1, Math.round(height * part));
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve, reject) => {
    const done = (blob) => (blob ? resolve(blob) : reject(new Error("it cannot be read")));
    canvas.toBlob(done, "image/jpeg", QUALITY);
  });
}
