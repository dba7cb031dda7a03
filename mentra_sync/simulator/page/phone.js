// The phone that carries the glasses: what it tells the cloud by HTTP.

export class Phone {
  #token = "";
  #onProblem;

  // onProblem(words): the cloud would not take it
  constructor(onProblem) {
    this.#onProblem = onProblem;
  }

  // The glasses' token, which says whose phone this is.
  set token(token) {
    this.#token = token;
  }

  async post(path, body) {
    return this.send(path, { method: "POST", body: JSON.stringify(body) });
  }

  // Anything else that is sent with the token; the answer, or null when it was refused.
  async send(path, options) {
    try {
      const answer = await fetch(path, {
        ...options,
        headers: { ...options.headers, Authorization: `Bearer ${this.#token}` },
      });
      const content = await answer.json().catch(() => ({}));
      if (answer.ok) return content;
      this.#onProblem(content.message ?? `The simulator answered ${answer.status}.`);
    } catch {
      this.#onProblem("The simulator could not be reached.");
    }
    return null;
  }
}
