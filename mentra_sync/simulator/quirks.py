"""The faults of the recorded cloud that this one has only when it is asked to (``--quirks``).

What an app has to live with there, it has to live with here at all times: refusals close the
connection, transcription with options gets nothing, an rtmp stream that fails has just stopped.
These are the rest: what hits an app that has done nothing wrong, and what newer clouds add.
"""

from __future__ import annotations

QUIRKS: dict[str, str] = {
    "older display wins": (
        "A display that had to wait is shown even if a newer one has been shown meanwhile."
    ),
    "overlapping sockets": (
        "When an app's old socket closes after its new one was accepted, the new one hears"
        " nothing more, and 5 s later the app is restarted."
    ),
    "restart after a repaired loss": (
        "An app that loses its connection, comes back and is stopped within 5 s of the loss is"
        " started again when the 5 s are over."
    ),
    "late blank": (
        "The boot screen of a start that has failed, or was stopped, still empties the lens when"
        " its 1.5 s are over."
    ),
    "glasses greeted twice": (
        "A phone that comes back within 60 s gets two connection_ack frames."
    ),
    "no altitude": "A location that the phone reports by REST loses its altitude.",
    "no configuration": "The tpa_connection_ack has no config.",
    "no permission errors": (
        "Streams that lack a permission stay silent: there is no permission_error."
    ),
    "nobody else": (
        "Messages to other users and rooms get no answer, and discover-users is not there."
    ),
}
"""What ``Simulator(quirks=True)`` adds: a name and a sentence each."""
