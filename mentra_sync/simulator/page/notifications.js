// Notifications of the phone: send one, and dismiss those that were sent.

import { ControlForm } from "./control_form.js";
import { button, element } from "./element.js";

const MOST = 20;

export class NotificationControl {
  #form;
  #list;
  #onSend;
  element;

  constructor(control, onSend) {
    this.#onSend = onSend;
    this.#form = new ControlForm(control, (message) => this.#sent(message));
    this.#list = element("ul", "sent-list");
    this.#list.setAttribute("aria-label", "Notifications on the phone");
    this.element = element("div");
    this.element.append(this.#form.element, this.#list);
  }

  update(control) {
    this.#form.update(control);
  }

  #sent(message) {
    this.#onSend(message);
    const { notificationId, app, title } = message;
    const item = element("li");
    const words = element("span", "sent-words");
    words.append(element("strong", "", app), ` ${title}`);
    const dismiss = button(
      "Dismiss",
      () => {
        const next = item.nextElementSibling?.querySelector("button");
        (next ?? this.#form.element.querySelector("button[type=submit], .primary")).focus();
        item.remove();
        const gone = { notificationId, notificationKey: notificationId };
        this.#onSend(gone, { by: "phone", path: "/api/client/notifications/dismissed" });
      },
      "button small quiet",
    );
    dismiss.setAttribute("aria-label", `Dismiss “${title}” of ${app}`);
    item.append(words, dismiss);
    this.#list.prepend(item);
    while (this.#list.childElementCount > MOST) this.#list.lastElementChild.remove();
  }
}
