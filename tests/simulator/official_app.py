"""The official TypeScript SDK from npm, and ``tests/peer/app.mjs`` on it as a process."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mentra_sync.clock import Deadline

SDK = "@mentra/sdk@2.1.29"
PACKAGE = "com.example.companion"
API_KEY = "key-of-the-companion"

INSTALL_SECONDS = 150.0
"""npm needs 15 s for it on an ordinary connection."""

PATIENCE = 60.0
"""Seconds for anything that a process of its own does; only a failing test waits that long."""

_APP = Path(__file__).parent.parent / "peer" / "app.mjs"
_NOWHERE = "http://127.0.0.1:9"


class Missing(Exception):
    """The official SDK cannot be had here; its text says why."""


def node_modules() -> Path:
    """The folder that npm has installed the SDK to; raises Missing.

    ``MENTRA_SDK_NODE_MODULES`` names one that is there already.  Otherwise it is installed, once,
    into the user's cache.
    """
    if given := os.environ.get("MENTRA_SDK_NODE_MODULES"):
        return Path(given).absolute()
    if shutil.which("node") is None:
        raise Missing("there is no node on this machine")
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False)
    if not version.stdout.startswith("v") or int(version.stdout[1:].split(".")[0]) < 18:
        raise Missing(f"the SDK needs node 18 or newer, this is {version.stdout.strip()!r}")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    installed = cache / "mentra_sync-tests" / SDK.replace("/", "-")
    if not installed.is_dir():
        _install(installed)
    return installed / "node_modules"


def _install(folder: Path) -> None:
    """Install into a folder that appears only when it is complete."""
    npm = shutil.which("npm")
    if npm is None:
        raise Missing("there is no npm on this machine")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        options = ["--ignore-scripts", "--no-audit", "--no-fund", "--omit=dev", "--fetch-retries=1"]
        command = [npm, "install", SDK, *options, "--cache", f"{temporary}/cache"]
        (Path(temporary) / "new").mkdir()
        try:
            done = subprocess.run(
                [*command, "--prefix", f"{temporary}/new"],
                cwd=f"{temporary}/new",
                capture_output=True,
                text=True,
                timeout=INSTALL_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise Missing(f"npm did not install {SDK} within {INSTALL_SECONDS:.0f} s") from None
        except OSError as error:
            raise Missing(f"npm cannot be run: {error}") from error
        if done.returncode != 0:
            raise Missing(f"npm could not install {SDK}: {done.stderr.strip()[:300]}")
        try:
            (Path(temporary) / "new").rename(folder)
        except OSError:  # somebody else was faster
            if not folder.is_dir():
                raise


class OfficialApp:
    """The app, running: ``webhook_url`` is where it is, ``reports`` what it has noticed."""

    def __init__(self, folder: Path, modules: Path) -> None:
        """Run it in an empty ``folder``, on a free port."""
        shutil.copy(_APP, folder)
        (folder / "node_modules").symlink_to(modules, target_is_directory=True)
        self._folder = folder
        self._changed = threading.Condition()  # guards the next two
        self._reports: list[tuple[str, Any]] = []
        self._running = True
        self._errors: list[str] = []
        environment = {
            **os.environ,
            "PACKAGE_NAME": PACKAGE,
            "MENTRAOS_API_KEY": API_KEY,
            # It asks the real cloud for its newest version at the start; not from a test.
            "HTTPS_PROXY": _NOWHERE,
            "NO_PROXY": "localhost,127.0.0.1",
        }
        with (folder / "log.txt").open("w") as log:
            self._process = subprocess.Popen(
                ["node", "app.mjs"],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                errors="replace",
            )
        self._reader = threading.Thread(target=self._read, name="official-app")
        self._reader.start()
        self.webhook_url = f"http://127.0.0.1:{self.wait_for('started')}"

    @property
    def reports(self) -> list[tuple[str, Any]]:
        """All reports so far, as ``(what, value)``."""
        with self._changed:
            return list(self._reports)

    def told(self, what: str) -> list[Any]:
        """The values of all reports of a kind so far."""
        return [value for kind, value in self.reports if kind == what]

    def wait_for(
        self, what: str, accept: Callable[[Any], bool] = lambda value: True, count: int = 1
    ) -> Any:
        """The value of the ``count``-th report of a kind that is accepted; fails if none comes."""
        deadline = Deadline(PATIENCE)
        with self._changed:
            while len(found := self._found(what, accept)) < count:
                assert self._running and self._changed.wait(deadline.remaining), (
                    f"the app has not reported {what!r}, but {self._reports}\n{self._log()}"
                )
        return found[count - 1]

    def stop(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        self._reader.join()

    def _found(self, what: str, accept: Callable[[Any], bool]) -> list[Any]:
        return [value for kind, value in self._reports if kind == what and accept(value)]

    def _log(self) -> str:
        log = (self._folder / "log.txt").read_text(encoding="utf-8", errors="replace")
        return "\n".join([*self._errors[-20:], log[-3000:]])

    def _read(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as lines:
            for line in lines:
                with self._changed:
                    if line.startswith("@"):
                        what, value = json.loads(line[1:])
                        self._reports.append((what, value))
                    else:
                        self._errors.append(line.rstrip())
                    self._changed.notify_all()
        with self._changed:
            self._running = False
            self._changed.notify_all()
