"""Checks of what simulated glasses need: the simulator itself, no proxy in the way, a browser."""

from __future__ import annotations

import time
import urllib.request
import webbrowser

from mentra_sync import running
from mentra_sync.commands.checkup.finding import Finding, Request, ok, problem, warning
from mentra_sync.errors import MentraError

PATIENCE = 15.0
"""How long the page, and a first display, may take (s)."""

WORDS = "All is well."


def simulator(request: Request) -> list[Finding]:
    """Run an app on simulated glasses, fetch their page, and see what the lens shows."""
    began = time.monotonic()
    try:
        wrong = _try_an_app()
    except (MentraError, OSError) as error:
        wrong = str(error)
    if wrong:
        return problem(
            f"the simulator does not work here: {wrong}",
            "Does a firewall or a security program forbid connections to 127.0.0.1?",
        )
    return ok(f"the simulator runs an app and shows its page ({time.monotonic() - began:.1f} s)")


def proxies(request: Request) -> list[Finding]:
    """Whether a proxy would swallow what is meant for this machine."""
    found = sorted(urllib.request.getproxies().keys() & {"http", "https", "all"})
    if not found:
        return ok("no proxy is set")
    text = f"a proxy is set for {', '.join(found)}"
    if all(urllib.request.proxy_bypass(host) for host in ("127.0.0.1", "localhost")):
        return ok(f"{text}, but not for this machine")
    return warning(
        f"{text}, and for this machine too",
        "mentra-sync goes past it, but a browser may not: set NO_PROXY=127.0.0.1,localhost",
    )


def browser(request: Request) -> list[Finding]:
    """Whether the page can be opened in a browser."""
    by_hand = "Open the address that is printed in a browser yourself."
    if not running.has_screen():
        return warning("there is no screen here, so no browser is opened", by_hand)
    try:
        found = webbrowser.get()
    except webbrowser.Error:
        return warning("no browser was found", by_hand)
    return ok(f"the page is opened with {getattr(found, 'name', '') or 'your browser'}")


def _try_an_app() -> str:
    """What is wrong; empty when all is well."""
    from mentra_sync.server import AppServer

    app = AppServer(
        "com.example.checkup",
        "none",
        port=0,
        on_session=lambda session: session.layouts.show_text_wall(WORDS),
    )
    simulator = app.start_simulated(port=0, realistic=False)
    try:
        simulator.start()
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(simulator.url, timeout=PATIENCE) as answer:
            page = answer.read().decode()
        if "<html" not in page:
            return "something else answers in place of its page"
        if not simulator.start_app():
            return f"the app did not start ({simulator.app_detail})"
        if simulator.glasses.lens.wait_for(WORDS, PATIENCE) is None:
            return "what the app showed did not reach the lens"
    finally:
        app.stop()
        simulator.stop()
    return ""
