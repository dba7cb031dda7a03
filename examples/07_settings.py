"""Greet as the wearer likes it: what they change in the app's settings shows at once."""

from mentra_sync import AppServer

app = AppServer("com.example.greeting")

# For real glasses these stand in the developer console.
app.simulated_config = {
    "settings": [
        {"key": "name", "label": "Your name", "type": "text", "defaultValue": "stranger"},
        {"key": "loud", "label": "In capital letters", "type": "toggle", "defaultValue": False},
    ]
}


@app.session_handler
def main(session):
    def greet():
        text = f"Hello {session.settings.get('name')}!"
        session.layouts.show_text_wall(text.upper() if session.settings.get("loud") else text)

    session.settings.on_change(greet)
    greet()


app.run()
