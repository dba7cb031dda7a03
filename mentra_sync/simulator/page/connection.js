// The two websockets to the simulator, and getting them back when they are lost.
//
// They live and die together: without the glasses' own socket nothing reaches the app, without
// the simulator's nothing reaches this page. A status is "connected", "lost" (trying again),
// "ended" (nobody answers any more) or "uninvited" (another run does not know this device); in
// all of them it goes on trying.

import { mine, NAMED } from "./wearer.js";

const FIRST_DELAY = 250;
const LONGEST_DELAY = 5000;
const ATTEMPT_TIMEOUT = 5000;

// On one's own machine a port that nobody listens on refuses at once, so a second refusal means
// that the program is gone rather than slow.
const REFUSALS_OF_AN_ENDED_PROGRAM = 2;

export class Connection {
  #handlers;
  #sockets = { glasses: null, simulator: null };
  #attempt = 0;
  #delay = FIRST_DELAY;
  #refusals = 0;
  #uninvited = false;
  #timer = null;

  // handlers: onStatus(status), onState(state), onGlasses(message), onSimulator(message);
  // onUnknown(everybody) when this page's wearer is not there: then it waits for connect()
  constructor(handlers) {
    this.#handlers = handlers;
  }

  async connect() {
    clearTimeout(this.#timer);
    const attempt = ++this.#attempt;
    const state = await this.#askForState();
    if (attempt !== this.#attempt) return;
    if (state === null) return this.#tryLater();
    this.#refusals = 0;
    if (state.nobody) return this.#handlers.onUnknown(state.nobody);
    this.#handlers.onState(state);
    this.#open(attempt, state.glassesToken);
  }

  sendToGlassesSocket(message) {
    return this.#send("glasses", message);
  }

  sendToSimulator(message) {
    return this.#send("simulator", message);
  }

  async #askForState() {
    try {
      // A wearer who is not there is no error: the simulator may have been started anew.
      const everybody = NAMED === null ? null : await this.#ask("/api/sim/wearers");
      if (everybody?.wearers.includes(NAMED) === false) return { nobody: everybody };
      return await this.#ask(mine("/api/sim/state"));
    } catch {
      this.#refusals += 1;
      this.#uninvited = false;
      return null;
    }
  }

  async #ask(path) {
    const signal = AbortSignal.timeout(ATTEMPT_TIMEOUT);
    const answer = await fetch(path, { cache: "no-store", signal });
    this.#uninvited = answer.status === 401;
    return answer.ok ? answer.json() : null;
  }

  #open(attempt, token) {
    const address = new URL(location.href);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    const sockets = {
      glasses: new WebSocket(new URL(`/glasses-ws?token=${encodeURIComponent(token)}`, address)),
      simulator: new WebSocket(new URL(mine("/simulator-ws"), address)),
    };
    this.#sockets = sockets;
    const lost = () => {
      if (attempt !== this.#attempt) return;
      this.#attempt += 1;
      clearTimeout(tooLate);
      for (const socket of Object.values(sockets)) socket.close();
      this.#tryLater();
    };
    const tooLate = setTimeout(lost, ATTEMPT_TIMEOUT);
    // The page must know its glasses before the cloud tells them anything.
    let greeted = false;
    const introduce = () => {
      if (attempt === this.#attempt && greeted) {
        this.sendToGlassesSocket({ type: "connection_init" });
      }
    };
    // From here on these glasses are told everything.
    const acknowledged = () => {
      clearTimeout(tooLate);
      this.#delay = FIRST_DELAY;
      this.#handlers.onStatus("connected");
    };
    const received = {
      simulator: (message) => {
        this.#handlers.onSimulator(message);
        if (message.kind !== "hello") return;
        greeted = true;
        introduce();
      },
      glasses: (message) => {
        if (message.type === "connection_ack") acknowledged();
        this.#handlers.onGlasses(message);
      },
    };
    sockets.glasses.addEventListener("open", introduce);
    for (const [name, socket] of Object.entries(sockets)) {
      socket.addEventListener("close", lost);
      socket.addEventListener("message", (event) => {
        if (attempt !== this.#attempt || typeof event.data !== "string") return;
        received[name](JSON.parse(event.data));
      });
    }
  }

  #send(name, message) {
    const socket = this.#sockets[name];
    if (!socket || socket.readyState !== WebSocket.OPEN) return false;
    socket.send(JSON.stringify(message));
    return true;
  }

  #tryLater() {
    const ended = this.#refusals >= REFUSALS_OF_AN_ENDED_PROGRAM;
    this.#handlers.onStatus(this.#uninvited ? "uninvited" : ended ? "ended" : "lost");
    this.#timer = setTimeout(() => this.connect(), this.#delay);
    this.#delay = Math.min(this.#delay * 2, LONGEST_DELAY);
  }
}
