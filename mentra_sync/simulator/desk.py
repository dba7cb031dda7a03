"""What pages and other tools are told of each wearer, and what they may do."""

from __future__ import annotations

from dataclasses import asdict
from typing import Protocol

from mentra_sync._version import VERSION
from mentra_sync.protocol.capabilities import KNOWN
from mentra_sync.simulator.actions import BLOCKING, Action, Actions, Stage
from mentra_sync.simulator.app_session import AppSession
from mentra_sync.simulator.cloud import Cloud
from mentra_sync.simulator.faults import KINDS
from mentra_sync.simulator.glasses import Glasses
from mentra_sync.simulator.panel import Message, Panel, app_message
from mentra_sync.simulator.registry import App
from mentra_sync.simulator.schema import app_schema


class House(Stage, Protocol):
    """The simulator: where everything happens."""

    @property
    def invites(self) -> bool:
        """Whether other devices may be invited."""

    def session_of(self, user_id: str | None = None) -> AppSession:
        """The app's session with a wearer."""

    def token_of(self, user_id: str | None = None) -> str:
        """What a wearer's phone shows."""


class Desk:
    """All wearers as their pages see them; ``first`` is who is meant where nobody is named.

    Every method may be called from any thread.
    """

    def __init__(self, cloud: Cloud, app: App, first: str, stage: House) -> None:
        self._cloud = cloud
        self._app = app
        self._first = first
        self._stage = stage
        self._actions = Actions(stage)
        self.panel = Panel(cloud.timeline, self._hello, self._act)
        """The open pages."""

    def glasses_of(self, user_id: str, model: str | None = None) -> Glasses:
        """The glasses of a wearer, who is there from the first call on; then ``model`` counts.

        Raises ValueError for a model that there is not.
        """
        return self._stage.glasses_of(user_id, model)

    def streams(self, user_id: str) -> tuple[str, ...]:
        """What the app listens to."""
        return self._stage.session_of(user_id).streams

    def find(self, user_id: str | None) -> str | None:
        """The wearer of that name, the default one for None; None when there is no such."""
        name = user_id or self._first
        return None if self._cloud.find_wearer(name) is None else name

    def wearers(self) -> Message:
        """Who there is, who is meant where nobody is named, and what others could wear."""
        names = [wearer.user_id for wearer in self._cloud.wearers()]
        usual = self._stage.glasses_of(self._first).model
        models = sorted(KNOWN, key=lambda model: model != usual)
        return {"wearers": names, "first": self._first, "models": models}

    def state(self, user_id: str) -> Message:
        """What a page asks for first."""
        with self._cloud.lock:
            app = app_message(self._stage.session_of(user_id))
        glasses = self._stage.glasses_of(user_id)
        return {
            "packageName": self._app.package_name,
            "appName": self._app.name,
            "userId": user_id,
            "glassesToken": self._stage.token_of(user_id),
            "model": glasses.model,
            "display": glasses.display_size,
            "app": app,
            "invites": self._stage.invites,
            "version": VERSION,
        }

    def action(self, user_id: str, name: str) -> Action:
        """Something that can be done to a wearer; raises ValueError for an unknown name."""
        return self._actions.find(user_id, name)

    def actions(self) -> list[Action]:
        """All that can be done."""
        return list(self._actions.of(self._first).values())

    def schema(self, user_id: str) -> Message:
        """What the page draws its controls from."""
        with self._cloud.lock:
            glasses = self._stage.glasses_of(user_id)
            return {**glasses.schema(), **app_schema(self._app, user_id)}

    def _hello(self, user_id: str) -> Message:
        lens = self._stage.glasses_of(user_id).lens
        return {
            **self.state(user_id),
            "lens": lens.message(),
            "head": lens.head,
            "streams": list(self._stage.session_of(user_id).streams),
            "faults": self._faults_message(user_id),
            "permissions": self._permissions_message(),
            "wearers": self.wearers(),
            "schema": self.schema(user_id),
            **self._stage.glasses_of(user_id).outputs(),
        }

    def faults_changed(self, user_id: str) -> None:
        """Something goes wrong now for a wearer, or no longer does."""
        self.panel.tell(self._faults_message(user_id), user_id)

    def permissions_changed(self) -> None:
        """The app has been given a permission, or lost one."""
        self.panel.tell(self._permissions_message())

    def wearers_changed(self) -> None:
        """Somebody has come."""
        self.panel.tell({"kind": "wearers", **self.wearers()})

    def _faults_message(self, user_id: str) -> Message:
        active = self._stage.faults_of(user_id).active
        kinds = [{**asdict(kind), "active": kind.name in active} for kind in KINDS]
        return {"kind": "faults", "faults": kinds}

    def _permissions_message(self) -> Message:
        with self._cloud.lock:
            return {"kind": "permissions", "denied": sorted(self._app.denied)}

    def _act(self, user_id: str, name: str, arguments: Message) -> None:
        action = self._actions.find(user_id, name)
        if name in BLOCKING:
            # Its page goes on meanwhile.
            checked = action.checked(arguments)
            self._cloud.webhooks.run(lambda: action.do(checked))
        else:
            action.do(arguments)
