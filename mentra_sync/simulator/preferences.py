"""What a wearer sets on the phone: the app's settings, and those of the glasses themselves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mentra_sync.protocol.codec import dumps, iso_timestamp
from mentra_sync.simulator import limits, subscriptions
from mentra_sync.simulator.app_session import AppSession
from mentra_sync.simulator.faces import CloudFace, WearerFace

Frame = dict[str, Any]

SYSTEM_SETTINGS: Frame = {
    "useOnboardMic": False,
    "contextualDashboard": True,
    "metricSystemEnabled": False,
    "headUpAngle": 20,
    "dashboardHeight": 4,
    "dashboardDepth": 5,
    "brightness": 50,
    "autoBrightness": False,
    "sensingEnabled": True,
    "alwaysOnStatusBar": False,
    "bypassVad": False,
    "bypassAudioEncoding": False,
    "enforceLocalTranscription": False,
}
"""What a new wearer's settings are in the recorded cloud."""

_CORE_STATUS = {
    ("core_info", "force_core_onboard_mic"): "useOnboardMic",
    ("core_info", "contextual_dashboard_enabled"): "contextualDashboard",
    ("core_info", "metric_system_enabled"): "metricSystemEnabled",
    ("core_info", "sensing_enabled"): "sensingEnabled",
    ("core_info", "always_on_status_bar_enabled"): "alwaysOnStatusBar",
    ("core_info", "bypass_vad_for_debugging"): "bypassVad",
    ("core_info", "bypass_audio_encoding_for_debugging"): "bypassAudioEncoding",
    ("core_info", "enforce_local_transcription"): "enforceLocalTranscription",
    ("glasses_settings", "brightness"): "brightness",
    ("glasses_settings", "auto_brightness"): "autoBrightness",
    ("glasses_settings", "dashboard_height"): "dashboardHeight",
    ("glasses_settings", "dashboard_depth"): "dashboardDepth",
    ("glasses_settings", "head_up_angle"): "headUpAngle",
}
"""Where a phone's core status says what (part and name) -> the setting."""

_USER_SETTINGS = {name: setting for (_, name), setting in _CORE_STATUS.items()}
"""The same names in a change of the user's settings."""


class Preferences:
    """All settings of one wearer; the cloud's lock guards them.

    What JSON doesn't have is refused with ValueError (NaN) or TypeError, and nothing is kept: an
    app is told all of them when it starts, which would fail from then on.
    """

    def __init__(self, cloud: CloudFace, wearer: WearerFace) -> None:
        self.system = dict(SYSTEM_SETTINGS)
        """The glasses' own settings, by their names on the wire."""
        self._by_phone: Frame = {}
        self._cloud = cloud
        self._wearer = wearer

    # --- The glasses' own --------------------------------------------------------------------

    def change_system(self, changes: Frame) -> None:
        """Change some; apps that listen to one of them are told of the changes."""
        dumps(changes)  # raises before anything is kept
        with self._cloud.lock:
            changed = {key: new for key, new in changes.items() if self.system.get(key) != new}
            self.system.update(changed)
            self._tell_listeners(changed, dict(changes))

    def change_by_phone(self, changes: Frame) -> Frame:
        """The same with the names that phones use (``metric_system_enabled``): all so far."""
        self.change_system({_USER_SETTINGS.get(name, name): new for name, new in changes.items()})
        self._by_phone.update(changes)
        return dict(self._by_phone)

    def model_of(self, frame: Frame) -> str | None:
        """The model of the glasses, where a core status tells it."""
        status = _part(_part(frame, "status"), "status")
        model = _part(status, "connected_glasses").get("model_name")
        return model if isinstance(model, str) and model else None

    def take_core_status(self, frame: Frame) -> None:
        """A phone tells all of them; as recorded, listeners get them all when one has changed."""
        status = _part(_part(frame, "status"), "status")
        now: Frame = {}
        for (part, name), setting in _CORE_STATUS.items():
            told = _part(status, part)
            if name in told:
                now[setting] = told[name]
        dumps(now)  # raises before anything is kept
        changed = [key for key, new in now.items() if self.system.get(key) != new]
        self.system.update(now)
        self._tell_listeners(changed, dict(self.system))

    def _tell_listeners(self, changed: Iterable[str], settings: Frame) -> None:
        heard = {f"augmentos:{key}" for key in changed}
        if not heard:
            return
        heard.update(subscriptions.EVERYTHING)
        for session in self._wearer.sessions():
            if not heard.isdisjoint(session.streams):
                session.send(
                    {
                        "type": "augmentos_settings_update",
                        "settings": settings,
                        "timestamp": iso_timestamp(),
                        "sessionId": session.session_id,
                    }
                )

    # --- An app's ----------------------------------------------------------------------------

    def change_app(self, session: AppSession, changes: Frame) -> bool:
        """Save some of an app's settings: a frame if it runs, then ``POST /settings``.

        Blocks until that was answered (True), or was not.
        """
        user_id, app = self._wearer.user_id, session.app
        with self._cloud.lock:
            settings = app.save_settings(user_id, changes)
            self._cloud.announce(session)
            session.send(
                {
                    "type": "settings_update",
                    "packageName": app.package_name,
                    "sessionId": session.session_id,
                    "settings": settings,
                    "timestamp": iso_timestamp(),
                }
            )
        _, _, problem = self._cloud.webhooks.ask(
            app.base_url + "/settings",
            {"userIdForSettings": user_id, "settings": settings},
            {},
            limits.WEBHOOK_TIMEOUT,
            repeat=False,
        )
        return not problem


def _part(whole: Any, name: str) -> Frame:
    part = whole.get(name) if isinstance(whole, dict) else None
    return part if isinstance(part, dict) else {}
