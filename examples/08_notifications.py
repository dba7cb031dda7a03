"""Show what the phone notifies of, the important things longer; a press puts it away."""

from mentra_sync import AppServer

SECONDS = {"low": 3, "normal": 10, "high": 60}

app = AppServer("com.example.notifications")


@app.session_handler
def main(session):
    def show(notification):
        session.layouts.show_reference_card(
            f"{notification.app}: {notification.title}",
            notification.content,
            duration_ms=1000 * SECONDS.get(notification.priority, 10),
        )

    session.events.on_phone_notification(show)
    session.events.on_button_press(session.layouts.clear)
    session.layouts.show_text_wall("Waiting for news.", duration_ms=5000)


app.run()
