"""Capabilities: what a pair of glasses has, and the glasses that are known (section 10).

A detail is None where the glasses don't have the thing, and is sent as null.
"""

from dataclasses import field

from mentra_sync.protocol.message import Message, message, wire


@message
class Resolution(Message):
    """A size in pixels."""

    width: int | None = None
    height: int | None = None


@message
class FieldOfView(Message):
    """The angle that a display covers, in degrees."""

    horizontal: float | None = None
    vertical: float | None = None


@message
class VideoCapabilities(Message):
    """What the camera does with moving pictures."""

    can_record: bool = False
    can_stream: bool = False
    supported_stream_types: list[str] | None = None
    supported_resolutions: list[Resolution] | None = None


@message
class CameraCapabilities(Message):
    """The camera."""

    resolution: Resolution | None = None
    has_hdr: bool = wire("hasHDR", default=False)
    has_focus: bool = False
    video: VideoCapabilities | None = None


@message
class DisplayCapabilities(Message):
    """The display; ``count`` is 2 for one per eye."""

    count: int | None = None
    is_color: bool = False
    color: str | None = None
    can_display_bitmap: bool = False
    resolution: Resolution | None = None
    field_of_view: FieldOfView | None = None
    max_text_lines: int | None = None
    adjust_brightness: bool | None = None


@message
class MicrophoneCapabilities(Message):
    """The microphone; ``has_vad``: it notices by itself when somebody speaks."""

    count: int | None = None
    has_vad: bool = wire("hasVAD", default=False)


@message
class SpeakerCapabilities(Message):
    """The speaker; ``is_private``: only the wearer hears it."""

    count: int | None = None
    is_private: bool = False


@message
class ImuCapabilities(Message):
    """The motion sensor."""

    axis_count: int | None = None
    has_accelerometer: bool = False
    has_compass: bool = False
    has_gyroscope: bool = False


@message
class Button(Message):
    """One button; ``type`` is a `ButtonType`, ``events`` what it can tell apart."""

    type: str | None = None
    events: list[str] | None = None
    is_capacitive: bool = False


@message
class ButtonCapabilities(Message):
    """The buttons."""

    count: int | None = None
    buttons: list[Button] | None = None


@message
class Light(Message):
    """One light: its id, purpose, colour and place."""

    id: str | None = None
    purpose: str | None = None
    is_full_color: bool = False
    color: str | None = None
    position: str | None = None


@message
class LightCapabilities(Message):
    """The lights."""

    count: int | None = None
    lights: list[Light] | None = None


@message
class PowerCapabilities(Message):
    """The power supply."""

    has_external_battery: bool = False


@message
class Capabilities(Message):
    """What a pair of glasses has."""

    model_name: str | None = None
    has_camera: bool = False
    camera: CameraCapabilities | None = wire(default=None, send_none=True)
    has_display: bool = False
    display: DisplayCapabilities | None = wire(default=None, send_none=True)
    has_microphone: bool = False
    microphone: MicrophoneCapabilities | None = wire(default=None, send_none=True)
    has_speaker: bool = False
    speaker: SpeakerCapabilities | None = wire(default=None, send_none=True)
    has_imu: bool = wire("hasIMU", default=False)
    imu: ImuCapabilities | None = wire(default=None, send_none=True)
    has_button: bool = False
    button: ButtonCapabilities | None = wire(default=None, send_none=True)
    has_light: bool = False
    light: LightCapabilities | None = wire(default=None, send_none=True)
    power: PowerCapabilities = field(default_factory=PowerCapabilities)
    has_wifi: bool = False


EVEN_REALITIES_G1 = Capabilities(
    model_name="Even Realities G1",
    has_display=True,
    display=DisplayCapabilities(
        count=2,
        color="green",
        can_display_bitmap=True,
        resolution=Resolution(640, 200),
        field_of_view=FieldOfView(horizontal=25),
        max_text_lines=5,
        adjust_brightness=True,
    ),
    has_microphone=True,
    microphone=MicrophoneCapabilities(count=1),
    has_imu=True,
)

MENTRA_LIVE = Capabilities(
    model_name="Mentra Live",
    has_camera=True,
    camera=CameraCapabilities(
        resolution=Resolution(1920, 1080),
        has_focus=True,
        video=VideoCapabilities(
            can_record=True,
            can_stream=True,
            supported_stream_types=["rtmp"],
            supported_resolutions=[
                Resolution(1920, 1080),
                Resolution(1280, 720),
                Resolution(640, 480),
            ],
        ),
    ),
    has_microphone=True,
    microphone=MicrophoneCapabilities(count=1, has_vad=True),
    has_speaker=True,
    speaker=SpeakerCapabilities(count=1),
    has_imu=True,
    imu=ImuCapabilities(axis_count=6, has_accelerometer=True, has_gyroscope=True),
    has_button=True,
    button=ButtonCapabilities(
        count=1,
        buttons=[Button(type="press", events=["press", "double_press", "long_press"])],
    ),
    has_light=True,
    light=LightCapabilities(
        count=2,
        lights=[
            Light(id="privacy", purpose="privacy", color="white", position="front_facing"),
            Light(
                id="user_feedback",
                purpose="user_feedback",
                is_full_color=True,
                color="rgb",
                position="user_facing",
            ),
        ],
    ),
    has_wifi=True,
)

VUZIX_Z100 = Capabilities(
    model_name="Vuzix Z100",
    has_display=True,
    display=DisplayCapabilities(
        count=1,
        color="green",
        resolution=Resolution(640, 480),
        field_of_view=FieldOfView(horizontal=30),
        max_text_lines=7,
        adjust_brightness=True,
    ),
)

SIMULATED_GLASSES = Capabilities(
    model_name="Simulated Glasses",
    has_display=True,
    display=DisplayCapabilities(
        count=1,
        color="green",
        resolution=Resolution(640, 480),
        field_of_view=FieldOfView(horizontal=30),
        max_text_lines=7,
        adjust_brightness=True,
    ),
    has_microphone=True,
    microphone=MicrophoneCapabilities(count=1),
    has_speaker=True,
    speaker=SpeakerCapabilities(count=1),
    has_button=True,
    button=ButtonCapabilities(count=1, buttons=[Button(type="press", events=["press"])]),
)

KNOWN: dict[str, Capabilities] = {
    "Even Realities G1": EVEN_REALITIES_G1,
    "Mentra Live": MENTRA_LIVE,
    "Vuzix Z100": VUZIX_Z100,
    "Simulated Glasses": SIMULATED_GLASSES,
}
"""The known glasses by model name. G1 and Mentra Live are byte for byte what the recorded cloud
sends; of the other two the table of section 10 is all that is known."""
