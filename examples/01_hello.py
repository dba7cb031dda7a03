"""Greet the wearer, then show whatever they say."""

from mentra_sync import AppServer

app = AppServer("com.example.hello")


@app.session_handler
def main(session):
    session.layouts.show_text_wall("Hello! Say something.")
    session.audio.play_tts("Hello! Say something.")
    while True:
        words = session.listen()
        session.layouts.show_text_wall(f"You said: {words}")


app.run()
