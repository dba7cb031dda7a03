"""Count the presses of a button, and tell what the touch pad feels; a double tap starts anew."""

from mentra_sync import AppServer

app = AppServer("com.example.buttons")


@app.session_handler
def main(session):
    presses = []

    def pressed(press):
        presses.append(press.press_type)
        session.layouts.show_text_wall(f"Presses: {len(presses)}. The last one was {presses[-1]}.")

    def touched(touch):
        session.layouts.show_text_wall(f"You made a {touch.gesture_name}.")

    def start_anew():
        presses.clear()
        session.layouts.show_text_wall("Back to zero.")

    session.events.on_button_press(pressed)
    session.events.on_touch_event("forward_swipe", touched)
    session.events.on_touch_event("double_tap", start_anew)
    session.layouts.show_text_wall("Press the button.")


app.run()
