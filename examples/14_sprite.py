"""A ball that jumps from side to side, drawn picture by picture; the button stops and starts it."""

from PIL import Image, ImageDraw

from mentra_sync import AppServer

app = AppServer("com.example.ball")


def ball_at(x, y):
    picture = Image.new("RGB", (300, 100))
    ImageDraw.Draw(picture).ellipse((x, y, x + 30, y + 30), fill="white")
    return picture


THERE = [ball_at(45 * step, 70 - [0, 40, 60, 60, 40, 0][step]) for step in range(6)]
BACK = THERE[-2:0:-1]


@app.session_handler
def main(session):
    def jump():
        return session.layouts.show_bitmap_animation(THERE + BACK, 400, repeat=True)

    ball = jump()
    for _ in session.events.stream("button_press"):
        if ball.running:
            ball.stop()
        else:
            ball = jump()


app.run()
