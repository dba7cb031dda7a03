"""A long text behind a window of a few lines, to be scrolled up and down."""

from __future__ import annotations

from mentra_sync.display.breaks import BreakMode
from mentra_sync.display.measure import byte_count
from mentra_sync.display.profiles import G1, Profile
from mentra_sync.display.wrap import paginate


class ScrollView:
    """Shows part of a text; ``text`` is what is in the window now.

    The window holds ``visible_lines`` lines (default: all of the display's), or fewer where more
    would be beyond the display's limit of bytes.  Not for use from several threads at once.

    >>> view = ScrollView("one two three four", max_width_px=50, visible_lines=2, break_mode="word")
    >>> view.scroll_down()
    >>> view.lines
    ['two', 'three']
    """

    def __init__(
        self,
        text: str = "",
        *,
        profile: Profile = G1,
        max_width_px: int | None = None,
        visible_lines: int | None = None,
        break_mode: BreakMode = "character",
    ) -> None:
        """Raises ValueError as ``wrap`` does, and for fewer than one visible line."""
        self._profile = profile
        self._max_width_px = max_width_px
        self._break_mode = break_mode
        self._visible_lines = profile.max_lines if visible_lines is None else visible_lines
        if self._visible_lines < 1:
            raise ValueError(f"visible_lines must be at least 1, got {visible_lines}")
        self._lines: list[str] = []
        self._offset = 0
        self.set_text(text)

    def set_text(self, text: str) -> None:
        """Replace the text, and go to its top."""
        self._lines = self._wrap(text) if text else []
        self._max_offset = self._last_offset()
        self._offset = 0

    def append(self, text: str) -> None:
        """Add ``text`` on new lines; a window that is at the bottom stays at the bottom."""
        follow = self.at_bottom
        self._lines += self._wrap(text)
        self._max_offset = self._last_offset()
        if follow:
            self.to_bottom()

    @property
    def lines(self) -> list[str]:
        """The lines in the window."""
        return self._lines[self._offset : self._offset + self._window(self._offset)]

    @property
    def text(self) -> str:
        """The window as one text, ready to be shown."""
        return "\n".join(self.lines)

    @property
    def all_lines(self) -> list[str]:
        """The lines of the whole text."""
        return list(self._lines)

    @property
    def offset(self) -> int:
        """How many lines are above the window."""
        return self._offset

    @property
    def max_offset(self) -> int:
        """The offset at which the last line is in the window."""
        return self._max_offset

    @property
    def at_top(self) -> bool:
        """Whether the first line is in the window."""
        return self._offset == 0

    @property
    def at_bottom(self) -> bool:
        """Whether the last line is in the window."""
        return self._offset >= self._max_offset

    @property
    def percent(self) -> int:
        """How far down the window is, 0 to 100; 100 when everything is visible."""
        return round(100 * self._offset / self._max_offset) if self._max_offset else 100

    def scroll_to(self, offset: int) -> None:
        """Put line ``offset`` (from 0) at the top of the window, as far as the text goes."""
        self._offset = max(0, min(offset, self._max_offset))

    def scroll_down(self, lines: int = 1) -> None:
        """Go towards the end by some lines."""
        self.scroll_to(self._offset + lines)

    def scroll_up(self, lines: int = 1) -> None:
        """Go towards the beginning by some lines."""
        self.scroll_to(self._offset - lines)

    def page_down(self) -> None:
        """Go on to the first line below the window."""
        self.scroll_down(self._window(self._offset))

    def page_up(self) -> None:
        """Go back by a window, so that the line above it becomes its last one."""
        self.scroll_to(self._first_line_of_window_ending_at(self._offset))

    def to_top(self) -> None:
        """Go to the first line."""
        self.scroll_to(0)

    def to_bottom(self) -> None:
        """Go to the last line."""
        self.scroll_to(self._max_offset)

    def _wrap(self, text: str) -> list[str]:
        # Pages of one line are lines, and none of them is over the display's limit of bytes.
        return paginate(
            text,
            profile=self._profile,
            max_width_px=self._max_width_px,
            max_lines=1,
            break_mode=self._break_mode,
        )

    def _window(self, offset: int) -> int:
        """How many lines from ``offset`` on are in the window: at least one, if there is one."""
        return self._fitting(self._lines[offset : offset + self._visible_lines])

    def _last_offset(self) -> int:
        return self._first_line_of_window_ending_at(len(self._lines))

    def _first_line_of_window_ending_at(self, end: int) -> int:
        above = self._lines[max(0, end - self._visible_lines) : end]
        return end - self._fitting(above[::-1])

    def _fitting(self, lines: list[str]) -> int:
        used = -1  # the first line has no newline before it
        for count, line in enumerate(lines):
            used += byte_count(line) + 1
            if used > self._profile.max_bytes and count:
                return count
        return len(lines)
