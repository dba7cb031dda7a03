"""What comes nearest to what was missed, among much that is large."""

from __future__ import annotations

from background import Call

from mentra_sync.testing.seen import nearest


def test_pictures_are_not_read_letter_by_letter():
    """Ten thousand of them took minutes."""
    shown = [("picture: " + "00ff" * 5000, "a picture")] * 10_000
    shown.insert(5000, ("You said: hello", "what was said"))
    call = Call(lambda: nearest("You said: hallo", shown))
    assert call.outcome == "what was said"
