"""A picture viewer: every press of the button shows the next picture."""

from itertools import cycle

from PIL import Image, ImageDraw

from mentra_sync import AppServer

app = AppServer("com.example.pictures")


def drawing(paint):
    """A picture of 100 by 100 pixels; one from a file would do as well: "cat.png"."""
    picture = Image.new("RGB", (100, 100))
    paint(ImageDraw.Draw(picture))
    return picture


PICTURES = [
    drawing(lambda pen: pen.ellipse((5, 5, 95, 95), outline="white", width=4)),
    drawing(lambda pen: pen.rectangle((15, 15, 85, 85), fill="white")),
    drawing(lambda pen: pen.polygon([(50, 5), (95, 95), (5, 95)], outline="white", width=4)),
]


@app.session_handler
def main(session):
    pictures = cycle(PICTURES)

    def show_next():
        session.layouts.show_bitmap_view(next(pictures))

    session.events.on_button_press(show_next)
    show_next()


app.run()
