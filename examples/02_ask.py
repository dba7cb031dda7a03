"""Take an order for a hot drink: questions, answers, and what to do when nobody answers."""

from mentra_sync import AppServer, RequestTimeout

DRINKS = ["tea", "coffee", "cocoa"]

app = AppServer("com.example.drinks")


@app.session_handler
def main(session):
    name = session.ask("What is your name?").strip(" .")
    drink = ask_for_one_of(DRINKS, session, f"Hello {name}! Tea, coffee or cocoa?")
    if drink is None:
        session.layouts.show_text_wall(f"Call me when you are thirsty, {name}.")
    else:
        session.layouts.show_text_wall(f"One {drink} for {name}.")
        session.audio.play_tts(f"One {drink} for {name}. It will be ready soon.")


def ask_for_one_of(choices, session, question):
    """Ask until one of the choices is said; None if there is no answer for a minute."""
    while True:
        try:
            answer = session.ask(question, timeout=60).lower()
        except RequestTimeout:
            return None
        for choice in choices:
            if choice in answer:
                return choice
        question = f"I have {', '.join(choices)}. Which one?"


app.run()
