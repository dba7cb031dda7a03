"""Simple storage: what each app keeps for each of its users, in memory (section 7)."""

from __future__ import annotations

import threading
from typing import Any

from mentra_sync.simulator import limits

Answer = tuple[int, dict[str, Any]]
"""An HTTP status and the JSON body that goes with it, as the recorded cloud answers."""


class SimpleStorage:
    """All values of all users, by app and user; every method answers as the REST call does.

    A key with a dot becomes a nested object, as in the cloud's database: it comes back nested
    from :meth:`everything`, and cannot be read by its own name.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards the next
        self._data: dict[tuple[str, str], dict[str, Any]] = {}

    def everything(self, package: str, user_id: str) -> Answer:
        """All values of a user."""
        with self._lock:
            return 200, {"success": True, "data": _copy(self._data.get((package, user_id), {}))}

    def read(self, package: str, user_id: str, key: str) -> Answer:
        """One value."""
        with self._lock:
            values = self._data.get((package, user_id), {})
            if key not in values:
                return 404, {"success": False, "message": "Key not found"}
            return 200, {"success": True, "data": {"value": _copy(values[key])}}

    def write_all(self, package: str, user_id: str, body: Any) -> Answer:
        """Merge ``{data: {key: text}}`` into what is there."""
        data = body.get("data") if isinstance(body, dict) else None
        if not isinstance(data, dict):
            return 400, {"error": "Invalid body: expected { data: Record<string,string> }"}
        for key, value in data.items():
            if not isinstance(value, str):
                detail = f'Invalid value for key "{key}"'
                return 400, {"error": "All values must be strings", "detail": detail}
        return self._merge(package, user_id, data, "Storage updated")

    def write(self, package: str, user_id: str, key: str, body: Any) -> Answer:
        """Set one value to ``{value: text}``."""
        value = body.get("value") if isinstance(body, dict) else None
        if not isinstance(value, str):
            return 400, {"error": "Invalid body: expected { value: string }"}
        return self._merge(package, user_id, {key: value}, f'Key "{key}" set')

    def clear(self, package: str, user_id: str) -> Answer:
        """Forget all values; 404 when the user never had any."""
        with self._lock:
            if (package, user_id) not in self._data:
                return 404, {"success": False, "message": "Storage not found"}
            self._data[package, user_id] = {}
            return 200, {"success": True, "message": "Storage cleared"}

    def delete(self, package: str, user_id: str, key: str) -> Answer:
        """Forget one value; 404 only when the user never had any at all."""
        with self._lock:
            values = self._data.get((package, user_id))
            if values is None:
                return 404, {"success": False, "message": "Storage not found"}
            *path, last = _path(key)
            for part in path:
                values = values.get(part)
                if not isinstance(values, dict):
                    break
            else:
                values.pop(last, None)
            return 200, {"success": True, "message": f'Key "{key}" deleted'}

    def _merge(self, package: str, user_id: str, data: dict[str, str], done: str) -> Answer:
        most = limits.MAX_STORAGE_DEPTH
        for key in data:
            if len(_path(key)) > most:
                # An SDK asks again after a 500; this one would never do.
                detail = f'Key "{key[:50]}..." has more than {most} parts'
                return 400, {"error": "Keys are nested too deeply", "detail": detail}
        with self._lock:
            values = _copy(self._data.get((package, user_id), {}))
            for key, value in data.items():
                if not _set(values, _path(key), value):
                    # A database cannot put a field into a text.
                    return 500, {"success": False, "message": "Internal server error"}
            if _size(values) > limits.MAX_STORAGE:
                return 413, {"error": "Storage limit exceeded: 1MB in all"}
            self._data[package, user_id] = values
            return 200, {"success": True, "message": done}


def _path(key: str) -> list[str]:
    parts = key.split(".")
    return parts if all(parts) else [key]


def _set(values: dict[str, Any], path: list[str], value: str) -> bool:
    for part in path[:-1]:
        values = values.setdefault(part, {})
        if not isinstance(values, dict):
            return False
    values[path[-1]] = value
    return True


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(item) for key, item in value.items()}
    return value


def _size(values: dict[str, Any]) -> int:
    return sum(
        len(key.encode("utf-8", "surrogatepass"))
        + (_size(value) if isinstance(value, dict) else len(value.encode("utf-8", "surrogatepass")))
        for key, value in values.items()
    )
