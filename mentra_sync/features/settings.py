"""``session.settings``: what the wearer has set, for this app and for the glasses."""

from __future__ import annotations

import copy
import dataclasses
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from mentra_sync.errors import RequestFailed
from mentra_sync.protocol.codec import MalformedMessage, decode
from mentra_sync.protocol.notices import ConnectionAck, MentraosSettingsUpdate, SettingsUpdate
from mentra_sync.protocol.settings import Setting
from mentra_sync.protocol.streams import StreamName
from mentra_sync.runtime.asking import ask
from mentra_sync.runtime.callbacks import LEFT_OUT, adapt, check_name
from mentra_sync.runtime.cloud_api import CloudApi
from mentra_sync.runtime.feature import Feature, also_after_end
from mentra_sync.runtime.link import Link
from mentra_sync.runtime.subscription import Subscription

Handler = Callable[..., Any]


@dataclass(frozen=True)
class SettingChange:
    """The value in force now, and before."""

    new: Any
    old: Any


class Settings(Feature):
    """The app's settings, by key, with the values in force; and the glasses' own ones.

    The value in force is the one that the wearer saved, else the setting's default.  Reading
    never blocks, and gives copies: to change them changes no setting.  Handlers are called once
    for each real change, by whatever way it came.
    """

    def __init__(self, link: Link, cloud_api: CloudApi) -> None:
        self._link = link
        self._cloud_api = cloud_api
        self._order = threading.Lock()  # held from a change until its handlers are queued
        self._lock = threading.Lock()
        # Guarded by _lock:
        self._settings: dict[str, Setting] = {}
        self._system: dict[str, Any] = {}
        self._known = False
        link.router.read("tpa_connection_ack", self._read_ack)
        link.router.read("settings_update", self._read_update)
        link.router.read("augmentos_settings_update", self._read_system_update)

    # --- The app's settings -------------------------------------------------------------------

    def get(self, key: str, default: Any = None) -> Any:
        """The value in force of a setting, or ``default`` when there is none."""
        setting = self._held(key)
        value = None if setting is None else setting.in_force
        return default if value is None else copy.deepcopy(value)

    def has(self, key: str) -> bool:
        """Whether the app has a setting of this key."""
        return self._held(key) is not None

    def get_setting(self, key: str) -> Setting | None:
        """One setting with label, type, options and so on, or None."""
        setting = self._held(key)
        return None if setting is None else setting.with_value_in_force()

    def get_all(self) -> list[Setting]:
        """All settings that hold a value; groups and titles are left out."""
        return self._all()

    def on_change(self, handler: Handler = LEFT_OUT) -> Any:
        """Call ``handler(changes)``, a dict of key to :class:`SettingChange`, at each change."""
        return self._on("setting_changes", handler, "changes")

    def on_value_change(self, key: str, handler: Handler = LEFT_OUT) -> Any:
        """Call ``handler(new, old)`` when one setting's value changes."""
        check_name("key", key)
        return self._on(("setting", key), handler, "new", "old")

    def fetch(self) -> list[Setting]:
        """Ask the cloud for the settings; blocks for its answer, 15 s at most.

        Handlers fire for what has changed.  Raises ``RequestFailed`` when the cloud refuses,
        ``ConnectionFailed`` when it cannot be reached, ``RequestTimeout`` when it is too slow.
        """
        base, identity = self._link.target.http_base, self._link.identity
        package_name, user_id = identity.package_name, identity.user_id
        answer = ask(
            self._link,
            lambda call: self._cloud_api.app_settings(base, package_name, user_id, call=call),
        )
        try:
            settings = decode(SettingsUpdate, answer).settings
        except MalformedMessage as error:
            raise RequestFailed(
                "BAD_ANSWER", f"the cloud's settings make no sense: {error}"
            ) from None
        self.apply(settings)
        return self.get_all()

    def configure_subscriptions(
        self, update_on_change: Iterable[str], handler: Handler
    ) -> Subscription:
        """Choose streams by settings: ``handler(settings)`` returns the names to subscribe to.

        It is called as a callback of the session, now and whenever one of the settings
        ``update_on_change`` changes; what it returned before is given up.
        """
        if isinstance(update_on_change, str):
            raise TypeError(
                f"update_on_change must be a list of keys, like [{update_on_change!r}],"
                f" got {update_on_change!r}"
            )
        keys = frozenset(update_on_change)
        choose = adapt(handler, "settings")
        chosen: list[Callable[[], None]] = []
        lock = threading.Lock()  # guards chosen and stopped
        stopped = False

        def update(_: Any = None) -> None:
            streams = _streams(choose(self._all()))
            with lock:
                added = [] if stopped else [self._link.subscribe(stream) for stream in streams]
                before, chosen[:] = chosen[:], added
            for unsubscribe in before:
                unsubscribe()

        def on_change(changes: dict[str, SettingChange]) -> None:
            if keys & changes.keys():
                update()

        called = self._link.on("setting_changes", on_change, "changes")
        self._link.dispatcher.post_now(update)

        def stop() -> None:
            nonlocal stopped
            called.unsubscribe()
            with lock:
                stopped = True
                before, chosen[:] = chosen[:], []
            for unsubscribe in before:
                unsubscribe()

        return Subscription(handler, stop)

    # --- The glasses' settings ----------------------------------------------------------------

    def get_mentraos(self, key: str, default: Any = None) -> Any:
        """A setting of the glasses themselves, such as ``"metricSystemEnabled"``."""
        with self._lock:
            return copy.deepcopy(self._system[key]) if key in self._system else default

    def on_mentraos_change(self, key: str, handler: Handler = LEFT_OUT) -> Any:
        """Call ``handler(new, old)`` when a setting of the glasses changes."""
        check_name("key", key)
        stream = StreamName.setting(key)
        if handler is LEFT_OUT:
            return lambda function: self.on_mentraos_change(key, function)
        called = self._link.on(("system_setting", key), handler, "new", "old")
        unsubscribe = self._link.subscribe(stream)

        def stop() -> None:
            called.unsubscribe()
            unsubscribe()

        return Subscription(handler, stop)

    # --- What comes ---------------------------------------------------------------------------

    @also_after_end
    def apply(self, update: Iterable[Setting]) -> None:
        """Take in new values; a key that is absent is unchanged. Fires what has really changed."""
        with self._order:
            self._apply(update)

    def _apply(self, update: Iterable[Setting]) -> None:
        changes: dict[str, SettingChange] = {}
        with self._lock:
            first, self._known = not self._known, True
            for setting in update:
                if not setting.key:
                    continue
                # Those that are only shown are kept too: an update may leave out their type.
                before = self._settings.get(setting.key)
                after = self._settings[setting.key] = _merged(before, setting)
                old = before.in_force if before is not None and before.holds_value else None
                if after.holds_value and after.in_force != old:
                    changes[setting.key] = copy.deepcopy(SettingChange(after.in_force, old))
        if first or not changes:
            return
        self._link.tell("settings", self._all())
        self._link.tell("setting_changes", changes)
        for key, change in changes.items():
            self._link.tell(("setting", key), change.new, change.old)

    def _read_ack(self, frame: dict[str, Any]) -> None:
        ack = decode(ConnectionAck, frame)
        # What the user never saved is only in the configuration, and that only sometimes; of what
        # was saved the list may hold no more than key and value.
        configured = [] if ack.config is None else ack.config.settings or []
        with self._lock:
            first, known = not self._known, self._settings.keys()
            news = [setting for setting in configured if setting.key not in known]
        self.apply(news + list(ack.settings or ()))
        self._merge_system(ack.system_settings, first=first)

    def _read_update(self, frame: dict[str, Any]) -> None:
        self.apply(decode(SettingsUpdate, frame).settings)

    def _read_system_update(self, frame: dict[str, Any]) -> None:
        self._merge_system(decode(MentraosSettingsUpdate, frame).settings)

    def _merge_system(self, update: dict[str, Any], *, first: bool = False) -> None:
        """Some updates hold all system settings, some only the one that changed.

        On the connection thread.
        """
        with self._lock:
            before = self._system
            self._system = {**before, **update}
            changed = [key for key in update if update[key] != before.get(key)]
        for key in () if first else changed:
            new = copy.deepcopy(update[key])
            self._link.tell(("system_setting", key), new, before.get(key))
            self._link.router.deliver(StreamName.setting(key).name, {key: new})

    def _held(self, key: str) -> Setting | None:
        with self._lock:
            setting = self._settings.get(key)
        return setting if setting is not None and setting.holds_value else None

    def _all(self) -> list[Setting]:
        with self._lock:
            settings = list(self._settings.values())
        return [setting.with_value_in_force() for setting in settings if setting.holds_value]

    def _on(self, signal: Any, handler: Handler, *arguments: str) -> Any:
        if handler is LEFT_OUT:
            return lambda function: self._link.on(signal, function, *arguments)
        return self._link.on(signal, handler, *arguments)


def _streams(chosen: Any) -> list[StreamName]:
    """The streams that a function of the app has chosen."""
    if isinstance(chosen, str):
        raise TypeError(f"return a list of streams, like [{chosen!r}], not {chosen!r}")
    return [StreamName.parse(name) for name in chosen or ()]


def _merged(known: Setting | None, update: Setting) -> Setting:
    """What is known of a setting with what an update says; labels and defaults stay known."""
    if known is None:
        return update
    said = {
        field.name: getattr(update, field.name)
        for field in dataclasses.fields(update)
        if field.name != "extra" and getattr(update, field.name) is not None
    }
    if update.value is None and "value" in update.to_dict():
        said["value"] = None  # a null that was sent takes the saved value away
    return dataclasses.replace(known, **said, extra={**known.extra, **update.extra})
