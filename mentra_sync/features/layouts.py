"""``session.layouts``: what the lens shows."""

from __future__ import annotations

from mentra_sync.protocol.codec import clean_text
from mentra_sync.protocol.commands import DisplayEvent
from mentra_sync.protocol.layouts import (
    ClearView,
    DashboardCard,
    DoubleTextWall,
    Layout,
    ReferenceCard,
    TextWall,
)
from mentra_sync.protocol.names import ViewType
from mentra_sync.runtime.link import Link


class Layouts:
    """Shows text on the lens.

    ``view`` is ``"main"`` or ``"dashboard"`` (what the wearer sees on looking up), and
    ``duration_ms`` clears the view after that time.  Anything that is not a string is shown as
    ``str()`` of it, and None as nothing.

    No call here waits: displays keep 300 ms between them (``display_interval_ms`` of the
    ``AppServer``), and the newest of each view goes out when its turn comes.  All raise
    ``ValueError`` for an unknown view or a negative duration, with nothing sent, and
    ``SessionEnded`` after the end.
    """

    def __init__(self, link: Link) -> None:
        self._link = link

    def show_text_wall(
        self, text: object, *, view: str = "main", duration_ms: float | None = None
    ) -> None:
        """One text over the whole lens."""
        self._show(TextWall(text=_text(text)), view, duration_ms)

    def show_double_text_wall(
        self,
        top_text: object,
        bottom_text: object,
        *,
        view: str = "main",
        duration_ms: float | None = None,
    ) -> None:
        """Two texts, one above the other."""
        layout = DoubleTextWall(top_text=_text(top_text), bottom_text=_text(bottom_text))
        self._show(layout, view, duration_ms)

    def show_reference_card(
        self,
        title: object,
        text: object,
        *,
        view: str = "main",
        duration_ms: float | None = None,
    ) -> None:
        """A title with a text below it."""
        self._show(ReferenceCard(title=_text(title), text=_text(text)), view, duration_ms)

    def show_dashboard_card(
        self,
        left_text: object,
        right_text: object,
        *,
        view: str = "dashboard",
        duration_ms: float | None = None,
    ) -> None:
        """Two texts side by side, on the dashboard unless told otherwise."""
        layout = DashboardCard(left_text=_text(left_text), right_text=_text(right_text))
        self._show(layout, view, duration_ms)

    def clear_view(self, *, view: str = "main") -> None:
        """Empty a view."""
        self._show(ClearView(), view, None)

    clear = clear_view

    def _show(self, layout: Layout, view: str, duration_ms: float | None) -> None:
        if view not in ViewType.values():
            raise ValueError(f'view must be "main" or "dashboard", got {view!r}')
        self._link.show(
            DisplayEvent(layout=layout, view=str(view), duration_ms=_duration(duration_ms))
        )


def _text(value: object) -> str:
    return "" if value is None else clean_text(str(value))


def _duration(duration_ms: float | None) -> float | None:
    if duration_ms is None:
        return None
    if isinstance(duration_ms, bool) or not isinstance(duration_ms, int | float):
        raise ValueError(f"duration_ms must be a number of milliseconds, got {duration_ms!r}")
    if not 0 <= duration_ms < float("inf"):
        raise ValueError(f"duration_ms must be 0 or more, got {duration_ms!r}")
    return duration_ms
