"""Count presses of the button, and every "one more" that is said; next time, go on from there."""

from mentra_sync import AppServer

app = AppServer("com.example.counter")


@app.session_handler
def main(session):
    storage = session.simple_storage

    def show(text):
        session.layouts.show_text_wall(f"{text}\nPress the button, or say: one more.")

    def add_one():
        count = storage.get_json("count", 0) + 1
        storage.set_json("count", count)
        show(f"Count: {count}")

    def heard(words):
        if words.is_final and "more" in words.text.lower():
            add_one()
        elif words.is_final and "zero" in words.text.lower():
            storage.delete("count")
            show("Back to zero.")

    session.events.on_button_press(add_one)
    session.events.on_transcription(heard)
    show(f"Count so far: {storage.get_json('count', 0)}")


app.run()
