// What an app asks of the wearer: a wifi for the glasses, and where one is. One click answers.

export class Requests {
  #notices;
  #answers;

  // answers: network() and place() name what connect() and tellPlace() would say
  constructor(notices, answers) {
    this.#notices = notices;
    this.#answers = answers;
  }

  // The app asks for a wifi: show_wifi_setup
  wifi({ reason }) {
    const why = reason ? ` It says: ${reason}` : "";
    this.#show("wifi", `The app asks you to connect the glasses to a wifi.${why}`, {
      label: `Connect to “${this.#answers.network()}”`,
      run: () => this.#answers.connect(),
    });
  }

  // The app asks where the wearer is: request_single_location
  place() {
    this.#show("place", "The app asks where you are.", {
      label: `Say ${this.#answers.place()}`,
      run: () => this.#answers.tellPlace(),
    });
  }

  // It was answered, in whatever way.
  answered(key) {
    this.#notices.hide(key);
  }

  clear() {
    for (const key of ["wifi", "place"]) this.#notices.hide(key);
  }

  #show(key, text, { label, run }) {
    const close = () => this.#notices.hide(key);
    const answer = () => {
      close();
      run();
    };
    this.#notices.show(key, {
      tone: "warn",
      text,
      actions: [
        { label, run: answer, primary: true },
        { label: "Not now", run: close },
      ],
    });
  }
}
