"""Layouts: what a display event puts on the lens (section 5)."""

from dataclasses import field
from typing import Any

from mentra_sync.protocol.message import Message, message
from mentra_sync.protocol.names import LayoutType


@message
class Layout(Message):
    """A layout of an unknown kind; all that came with it is in ``extra``."""

    layout_type: str = field(default="", kw_only=True)


@message
class TextWall(Layout):
    """One text over the whole lens."""

    text: str = ""
    layout_type: str = field(default=LayoutType.TEXT_WALL.value, kw_only=True)


@message
class DoubleTextWall(Layout):
    """Two texts, one above the other."""

    top_text: str = ""
    bottom_text: str = ""
    layout_type: str = field(default=LayoutType.DOUBLE_TEXT_WALL.value, kw_only=True)


@message
class ReferenceCard(Layout):
    """A title with a text under it."""

    title: str = ""
    text: str = ""
    layout_type: str = field(default=LayoutType.REFERENCE_CARD.value, kw_only=True)


@message
class DashboardCard(Layout):
    """Two texts side by side, as on the dashboard."""

    left_text: str = ""
    right_text: str = ""
    layout_type: str = field(default=LayoutType.DASHBOARD_CARD.value, kw_only=True)


@message
class BitmapView(Layout):
    """A picture: base64 of a 576x135 BMP of 1 bit, at most 1,000,000 characters."""

    data: str = ""
    layout_type: str = field(default=LayoutType.BITMAP_VIEW.value, kw_only=True)


@message
class BitmapAnimation(Layout):
    """Pictures in turn, each as in `BitmapView`; ``interval`` in ms."""

    frames: list[str] = field(default_factory=list)
    interval: float | None = None
    repeat: bool | None = None
    layout_type: str = field(default=LayoutType.BITMAP_ANIMATION.value, kw_only=True)


@message
class ClearView(Layout):
    """Nothing: the view is emptied."""

    layout_type: str = field(default=LayoutType.CLEAR_VIEW.value, kw_only=True)


LAYOUTS: dict[str, type[Layout]] = {
    LayoutType.TEXT_WALL.value: TextWall,
    LayoutType.DOUBLE_TEXT_WALL.value: DoubleTextWall,
    LayoutType.REFERENCE_CARD.value: ReferenceCard,
    LayoutType.DASHBOARD_CARD.value: DashboardCard,
    LayoutType.BITMAP_VIEW.value: BitmapView,
    LayoutType.BITMAP_ANIMATION.value: BitmapAnimation,
    LayoutType.CLEAR_VIEW.value: ClearView,
}
"""The class of each ``layoutType``."""


def layout_from_dict(data: Any) -> Layout:
    """The layout that a JSON object stands for, by its ``layoutType``."""
    kind = data.get("layoutType") if isinstance(data, dict) else None
    return LAYOUTS.get(kind if isinstance(kind, str) else "", Layout).from_dict(data)
