"""What comes nearest to what was missed, among much that is large."""

from __future__ import annotations

from background import Call

from mentra_sync.testing.seen import nearest


def test_pictures_are_not_read_letter_by_letter():
    """A thousand of them took half a minute."""
    shown = [(f"picture {number}: {'00ff' * 5000}", f"picture {number}") for number in range(1000)]
    shown.insert(500, ("You said: hello", "what was said"))
    call = Call(lambda: nearest("You said: hallo", shown))
    assert call.outcome == "what was said"
