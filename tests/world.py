"""An app server and the simulator, which meet on the wire only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cloud import KEY, PACKAGE, Calls

from mentra_sync import AppServer
from mentra_sync.simulator.http import Simulator


class World:
    """An app on simulated glasses: they take no time, unless ``simulator`` has other options."""

    def __init__(
        self,
        on_session: Callable[..., Any],
        simulator: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        self.stopped = Calls()
        options = {"on_stop": self.stopped, **options}
        self.app = AppServer(
            PACKAGE, KEY, port=0, host="127.0.0.1", on_session=on_session, **options
        )
        self.app.start()
        self.simulator = Simulator(
            webhook_url=f"http://127.0.0.1:{self.app.port}",
            package_name=PACKAGE,
            api_key=KEY,
            port=0,
            **{"user_id": "you@example.com", "realistic": False, **(simulator or {})},
        )
        self.simulator.start()

    @property
    def glasses(self) -> Any:
        return self.simulator.glasses

    def start(self) -> None:
        assert self.simulator.start_app()
        assert self.simulator.wait_for_streams()

    def close(self) -> None:
        self.app.stop()
        self.simulator.stop()
