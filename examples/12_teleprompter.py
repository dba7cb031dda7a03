"""A speech that scrolls by itself; the button holds it or lets it go on, a long press goes back."""

from mentra_sync import AppServer
from mentra_sync.display import SIMULATED, ScrollView

SPEECH = """Friends, thank you for coming. I will be brief, since the cake is waiting.
Twenty years ago four people met in a kitchen that was too small for three of them.
They had one table, two chairs and an idea that nobody wanted to hear. Today you are here,
there are chairs for all of you, and the idea still is not finished. That is the best that
can be said of an idea. So let us go on with it, and let us eat."""

app = AppServer("com.example.prompter")


@app.session_handler
def main(session):
    view = ScrollView(SPEECH, profile=SIMULATED, visible_lines=4, break_mode="word")
    held = False

    def pressed(press):
        nonlocal held
        held = press.press_type == "short" and not held
        if press.press_type == "long":
            view.to_top()
            session.layouts.show_text_wall(view.text)

    def scroll():
        if not held and not view.at_bottom:
            view.scroll_down()
            session.layouts.show_text_wall(view.text)

    session.events.on_button_press(pressed)
    session.layouts.show_text_wall(view.text)
    session.every(2, scroll)


app.run()
