"""Show how far the wearer has gone from where they started."""

from math import cos, hypot, radians

from mentra_sync import AppServer

METERS_PER_DEGREE = 111_195

app = AppServer("com.example.walk")


@app.session_handler
def main(session):
    session.layouts.show_text_wall("Start walking.")
    places = []

    def show_distance(place):
        places.append(place)
        start = places[0]
        north = (place.lat - start.lat) * METERS_PER_DEGREE
        east = (place.lng - start.lng) * METERS_PER_DEGREE * cos(radians(start.lat))
        session.layouts.show_text_wall(f"You are {hypot(north, east):.0f} m from the start.")

    session.location.subscribe_to_stream(show_distance, accuracy="high")


app.run()
