"""What comes before the app is ready."""

from __future__ import annotations

from typing import Any

from mentra_sync.runtime.backlog import KEEP
from mentra_sync.runtime.hold import Hold


def test_a_delivery_that_fails_does_not_keep_the_others_back(logged: Any) -> None:
    hold = Hold(10, lambda: None)
    delivered: list[int] = []

    def deliver(number: int) -> None:
        if number == 1:
            raise ZeroDivisionError
        delivered.append(number)

    for number in range(4):
        hold.deliver(deliver, number, KEEP)
    hold.let_go()
    assert delivered == [0, 2, 3]
    assert hold.open
    assert len(logged.about("deliver() raised")) == 1
