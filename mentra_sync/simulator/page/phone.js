// The phone that carries the glasses: what it tells the cloud by HTTP.

export class Phone {
  #token = "";
  #userId = "";
  #onProblem;

  // onProblem(words): the cloud would not take it
  constructor(onProblem) {
    this.#onProblem = onProblem;
  }

  // Whose phone this is: the name of the wearer, and the glasses' token that proves it.
  belongTo(userId, token) {
    this.#userId = userId;
    this.#token = token;
  }

  async post(path, body) {
    return this.#send(path, { method: "POST", body: JSON.stringify(body) });
  }

  // Holds a picture (a blob; null: the test card) before the camera of the glasses.
  async show(picture, { requestId = "", webcam = false } = {}) {
    const query = new URLSearchParams({ user: this.#userId, webcam: String(webcam) });
    const path = `/api/sim/camera${requestId && `/${encodeURIComponent(requestId)}`}?${query}`;
    return this.#send(path, picture ? { method: "PUT", body: picture } : { method: "DELETE" });
  }

  // The answer, or null when it was refused.
  async #send(path, options) {
    try {
      const answer = await fetch(path, {
        ...options,
        headers: { ...options.headers, Authorization: `Bearer ${this.#token}` },
      });
      const content = await answer.json().catch(() => ({}));
      if (answer.ok) return content;
      this.#onProblem(content.message ?? content.error ?? `The simulator answered ${answer.status}.`);
    } catch {
      this.#onProblem("The simulator could not be reached.");
    }
    return null;
  }
}
