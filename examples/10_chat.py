"""A chat: what one wearer says, all others who have the app open read."""

from mentra_sync import AppServer

app = AppServer("com.example.chat")


@app.session_handler
def main(session):
    users = session.users

    def name(user_id):
        return user_id.partition("@")[0]

    def show(text):
        session.layouts.show_text_wall(text, fit="wrap")

    users.on_joined(lambda user: show(f"{name(user.user_id)} is here."))
    users.on_left(lambda user: show(f"{name(user.user_id)} has gone."))
    users.on_message(lambda m: show(f"{name(m.sender_user_id)}: {m.payload}"))
    show("Say something.")
    while True:
        words = session.listen()
        users.broadcast(words)
        show(f"You: {words}")


app.run()
