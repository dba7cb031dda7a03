// The speaker of the glasses: reads text aloud with the browser's voices, and plays sound files.
//
// Browsers keep silent before the first click, and some have no voices. Then the simulator takes
// the time that speaking would take and the words are shown; this only notices, and offers help.

const TURN_ON_PATIENCE = 3000;
const WATCH_INTERVAL = 1000;

export class Speaker {
  #parts;
  #tell;
  #synth = window.speechSynthesis ?? null;
  #queue = [];
  #current = null;
  #files = new Map();
  #works = false;
  #refusedFile = false;
  #missed = null; // words that were shown because nothing could be heard
  #muted = false;
  #loudness = 1; // of this page, 0 to 1
  #sample = null; // Chromium forgets utterances that only its engine knows: so all are kept

  // parts: {button, note}; tell: began(requestId, seconds if known), finished({requestId, success, duration, error})
  constructor(parts, tell) {
    this.#parts = parts;
    this.#tell = tell;
    parts.button.addEventListener("click", () => this.#turnOn());
    this.#synth?.addEventListener?.("voiceschanged", () => this.#showState());
  }

  // Another page is to be heard instead. The words are shown then, and files play silently.
  mute(muted) {
    this.#muted = muted;
    for (const { audio } of this.#files.values()) audio.muted = muted;
    const job = this.#current;
    if (!muted || !job) return;
    if (job.startedAt) this.#over(job, true); // the rest of it is not worth an error of the app
    else this.#decline(job);
  }

  get speaking() {
    return Boolean(this.#current?.startedAt) || this.#files.size > 0;
  }

  // How loud this page is, 0 to 1; a voice that speaks already keeps its loudness.
  set loudness(loudness) {
    this.#loudness = loudness;
    for (const { audio, volume } of this.#files.values()) audio.volume = volume * loudness;
  }

  // request: {requestId, audioUrl, volume, stopOtherAudio} of an audio_play_request
  play(request) {
    if (request.stopOtherAudio !== false) this.stop("interrupted");
    const { requestId, audioUrl } = request;
    if (!URL.canParse(audioUrl, location.href)) {
      const error = `This is no address: ${audioUrl}`;
      return this.#tell.finished({ requestId, success: false, duration: 0, error });
    }
    const address = new URL(audioUrl, location.href);
    const volume = Math.min(1, Math.max(0, request.volume ?? 1));
    if (address.pathname.endsWith("/api/tts")) {
      const text = address.searchParams.get("text") ?? "";
      this.#queue.push({ requestId, text, volume, startedAt: 0 });
      return this.#speakNext();
    }
    return this.#playFile(requestId, address.href, volume);
  }

  stop(error = "stopped") {
    const job = this.#current;
    this.#queue = [];
    this.#silence();
    if (job?.startedAt) this.#finished(job, false, error);
    for (const [requestId, { audio }] of this.#files) {
      audio.pause();
      this.#files.delete(requestId);
      const duration = Math.round(audio.currentTime * 1000);
      this.#tell.finished({ requestId, success: false, duration, error });
    }
  }

  // The simulator has given up waiting for this page's voice and shows the words instead.
  fellBack(requestId) {
    const waiting = this.#queue.find((job) => job.requestId === requestId);
    if (waiting) this.#queue = this.#queue.filter((job) => job !== waiting);
    else if (this.#current?.requestId === requestId) this.#giveUp();
    this.#speakNext();
  }

  #speakNext() {
    if (this.#current || this.#queue.length === 0) return;
    const job = this.#queue.shift();
    this.#current = job;
    if (this.#muted) return this.#decline(job);
    if (!this.#synth) return this.#over(job, false, "this browser cannot speak");
    const utterance = this.#utterance(job.text, job.volume * this.#loudness);
    job.utterance = utterance;
    utterance.onstart = () => {
      if (this.#current !== job) return;
      job.startedAt = performance.now();
      this.#soundWorks();
      this.#tell.began(job.requestId);
      this.#watch(job);
    };
    utterance.onend = () => this.#over(job, true);
    utterance.onerror = (event) => this.#over(job, false, event.error);
    this.#synth.speak(utterance);
  }

  #over(job, success, error) {
    if (this.#current !== job) return;
    if (!success && !job.startedAt) this.#giveUp();
    this.#silence();
    this.#finished(job, success, error);
    this.#speakNext();
  }

  #decline(job) {
    this.#silence();
    this.#finished(job, false, "muted");
    this.#speakNext();
  }

  #giveUp() {
    this.#missed = this.#current.text;
    this.#silence();
    this.#showState();
  }

  #finished({ requestId, startedAt }, success, error) {
    const duration = startedAt ? Math.round(performance.now() - startedAt) : 0;
    this.#tell.finished({ requestId, success, duration, ...(error && { error }) });
  }

  #silence() {
    clearInterval(this.#current?.watch);
    if (this.#current) this.#synth?.cancel();
    this.#current = null;
  }

  // Some engines stop without saying so, and the app would wait for ever.
  #watch(job) {
    job.watch = setInterval(() => {
      if (!this.#synth.speaking && !this.#synth.pending) this.#over(job, true);
    }, WATCH_INTERVAL);
  }

  #utterance(text, volume) {
    const utterance = new SpeechSynthesisUtterance(text);
    utterance.volume = volume;
    // Voices of online services break off after some seconds, and need a network.
    const voices = this.#synth.getVoices();
    const usual = voices.find((voice) => voice.default) ?? voices[0];
    const local = voices.find((voice) => voice.localService && voice.lang === usual.lang);
    if (usual && !usual.localService && local) utterance.voice = local;
    if (utterance.voice) utterance.lang = utterance.voice.lang;
    return utterance;
  }

  #playFile(requestId, address, volume) {
    const audio = new Audio(address);
    audio.volume = volume * this.#loudness;
    audio.muted = this.#muted;
    this.#files.set(requestId, { audio, volume });
    const finish = (success, error) => {
      if (!this.#files.delete(requestId)) return;
      const duration = Math.round(audio.currentTime * 1000);
      this.#tell.finished({ requestId, success, duration, ...(error && { error }) });
    };
    const began = () => this.#tell.began(requestId, known(audio.duration));
    audio.addEventListener("playing", began, { once: true });
    audio.addEventListener("ended", () => finish(true));
    audio.addEventListener("error", () => finish(false, `Not playable: ${audio.error.message}`));
    audio.play().then(
      () => this.#soundWorks(),
      (problem) => {
        this.#refusedFile ||= problem.name === "NotAllowedError";
        finish(false, `Not playable: ${problem.message}`);
        this.#showState();
      },
    );
  }

  // Called by a click, which is what the browser was waiting for.
  #turnOn() {
    if (!this.#hasVoices()) return this.#soundWorks();
    const utterance = this.#utterance(this.#missed ?? "Sound is on.", this.#loudness || 1);
    const failed = () => this.#explain("This browser made no sound. The words are shown instead.");
    const patience = setTimeout(failed, TURN_ON_PATIENCE);
    utterance.onstart = () => {
      clearTimeout(patience);
      this.#soundWorks();
    };
    utterance.onerror = () => {
      clearTimeout(patience);
      if (!this.#works) failed();
    };
    this.#sample = utterance;
    this.#synth.cancel();
    this.#synth.speak(utterance);
  }

  #hasVoices() {
    return Boolean(this.#synth) && this.#synth.getVoices().length > 0;
  }

  #soundWorks() {
    this.#works = true;
    this.#showState();
  }

  #showState() {
    const missing = !this.#works && (this.#missed !== null || this.#refusedFile);
    const help = this.#hasVoices() || this.#refusedFile;
    this.#parts.button.hidden = !missing || !help;
    this.#explain(missing && !help ? "This browser has no voices: words are shown instead." : "");
  }

  #explain(words) {
    this.#parts.note.textContent = words;
    this.#parts.note.hidden = !words;
  }
}

// What is sent as it is made, as by a radio station, has no length.
const known = (seconds) => (Number.isFinite(seconds) && seconds > 0 ? seconds : undefined);
