"""Examples that are asked over HTTP: an assistant calls a tool, a person opens a web page."""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from trial import PATIENCE, ROOT, Page, Program, get

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Ctrl+C cannot be sent there")

Open = Callable[..., Any]


def browser() -> Open:
    """Opens addresses on this machine, and keeps cookies."""
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(CookieJar())
    )

    def open_one(address: str, data: bytes | None = None, **headers: str) -> Any:
        request = urllib.request.Request(address, data, headers)
        with opener.open(request, timeout=PATIENCE) as answer:
            return answer.url, answer.read().decode()

    return open_one


class _StaysHere(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


def app_address(simulator: str) -> str:
    """Where the app itself serves, which the simulator leads to."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _StaysHere())
    with pytest.raises(urllib.error.HTTPError) as caught:
        opener.open(f"{simulator}app-page", timeout=PATIENCE)
    with caught.value as redirect:
        parts = urlsplit(redirect.headers["Location"])
    return f"http://{parts.netloc}"


def test_an_assistant_adds_to_the_shopping_list(tmp_path: Path):
    with Program(ROOT / "examples" / "09_tool.py", cwd=tmp_path) as program:
        simulator = program.address()
        user_id = json.loads(get(f"{simulator}api/sim/state"))["userId"]
        tool = f"{app_address(simulator)}/tool"

        def call(**parameters: Any) -> Any:
            body = {"toolId": "add_item", "userId": user_id, "toolParameters": parameters}
            return json.loads(browser()(tool, json.dumps(body).encode())[1])

        with Page(simulator) as page:
            page.see("Nothing yet. Say what you need.")
            assert call(item="eggs", count="6")["reply"] == "6 eggs is on your list."
            page.see("6 eggs")
            page.say("salt")
            page.see("6 eggs salt")
            assert call(item="milk")["reply"] == "1 milk is on your list."
            page.see("6 eggs salt 1 milk")
            with pytest.raises(urllib.error.HTTPError) as caught:
                call(count=1)
            with caught.value as refusal:
                assert (
                    json.load(refusal)["message"] == "the tool add_item needs the parameter 'item'"
                )
        assert program.press_ctrl_c() == 0


def test_a_note_from_the_web_page(tmp_path: Path):
    with Program(ROOT / "examples" / "11_web_page.py", cwd=tmp_path) as program:
        simulator = program.address()
        with Page(simulator) as page:
            page.see("Write something on your page.")
            with pytest.raises(urllib.error.HTTPError, match="401"):
                browser()(f"{app_address(simulator)}/")
            visit = browser()
            address, text = visit(f"{simulator}app-page")
            assert "Hello you@example.com! Your glasses are on." in text
            note = urlencode({"text": "Bring <b>cake</b>"}).encode()
            _, text = visit(address.partition("?")[0], note)
            assert "Hello you@example.com!" in text, "the cookie is enough"
            page.see("Bring <b>cake</b>")
        assert program.press_ctrl_c() == 0
        assert [line for line in program.errors.splitlines() if "WARNING" in line] == []
