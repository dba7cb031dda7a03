"""Take a photo at each press of the button, and tell how large it has become."""

from mentra_sync import AppServer, RequestFailed, RequestTimeout

app = AppServer("com.example.photo")
app.simulated_glasses = "live"  # Mentra Live: they have a camera, but no display


@app.session_handler
def main(session):
    tell(session, "Press the button to take a photo.")

    @session.events.on_button_press
    def pressed():
        glasses = session.capabilities
        if glasses and not glasses.has_camera:
            tell(session, f"{glasses.model_name} have no camera. Mentra Live have one.")
            return
        try:
            photo = session.camera.request_photo(size="small")
        except (RequestFailed, RequestTimeout) as error:
            tell(session, f"No photo: {error}")
        else:
            width, height = photo.image().size
            tell(session, f"A photo of {width} by {height} pixels, {photo.size} bytes.")


def tell(session, text):
    """Show it and say it: glasses that have a camera may have no display."""
    session.layouts.show_text_wall(text)
    session.audio.play_tts(text, wait=False)


app.run()
