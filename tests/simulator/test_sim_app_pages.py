"""The app's own pages, opened signed in: tokens for one visit, exchanged with the app's key."""

from __future__ import annotations

import hashlib
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from raw_app import API_KEY, PACKAGE, RawApp

from mentra_sync.simulator.http import Simulator

USER = "runner@example.com"


def token_in(url: str) -> str:
    return parse_qs(urlsplit(url).query)["aos_temp_token"][0]


def exchange(simulator: Simulator, token: Any, key: str = API_KEY, package: Any = PACKAGE) -> Any:
    answer = requests.post(
        simulator.url + "api/auth/exchange-user-token",
        json={"aos_temp_token": token, "packageName": package},
        headers={"Authorization": f"Bearer {key}"},
        timeout=20,
    )
    return answer.status_code, answer.json()


def test_the_address_of_a_page(simulator: Simulator, app: RawApp) -> None:
    url = simulator.page_url("/notes?day=1#top")
    parts = urlsplit(url)
    assert f"http://{parts.netloc}" == simulator.app.base_url
    assert app.webhook_url.startswith(f"http://{parts.netloc}")
    assert (parts.path, parts.fragment) == ("/notes", "top")
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    cloud = simulator.url.rstrip("/")
    hashed = hashlib.sha256(API_KEY.encode()).hexdigest()
    assert query == {
        "day": "1",
        "aos_temp_token": query["aos_temp_token"],
        "cloudApiUrl": cloud,
        "cloudApiUrlChecksum": hashlib.sha256((cloud + hashed).encode()).hexdigest(),
    }
    assert API_KEY not in url and hashed not in url


def test_a_token_is_good_once_for_the_one_it_was_made_for(simulator: Simulator) -> None:
    mine, other = (token_in(simulator.page_url("/", user)) for user in (None, "bob@example.com"))
    assert mine != other
    assert exchange(simulator, other) == (200, {"success": True, "userId": "bob@example.com"})
    assert exchange(simulator, mine) == (200, {"success": True, "userId": USER})
    used = (401, {"success": False, "error": "Invalid or expired token"})
    assert exchange(simulator, mine) == used
    assert exchange(simulator, "unknown") == used


def test_only_the_app_with_its_key_may_exchange(simulator: Simulator) -> None:
    token = token_in(simulator.page_url())
    for key, package in ((API_KEY + "x", PACKAGE), ("", PACKAGE), (API_KEY, "com.example.other")):
        status, answer = exchange(simulator, token, key, package)
        assert (status, answer["success"]) == (401, False)
    for wrong in (None, 5, ["x"], {}):
        assert exchange(simulator, wrong)[0] == exchange(simulator, token, package=wrong)[0] == 400
    for body in (b"", b"[]", b"{", b"5"):
        url = simulator.url + "api/auth/exchange-user-token"
        assert requests.post(url, data=body, timeout=20).status_code == 400
    assert exchange(simulator, token)[0] == 200, "none of that has used it up"


def test_tokens_that_nobody_exchanges_are_no_leak(simulator: Simulator) -> None:
    tokens = [token_in(simulator.page_url()) for _ in range(101)]
    assert exchange(simulator, tokens[0])[0] == 401
    assert exchange(simulator, tokens[1])[0] == 200
    assert exchange(simulator, tokens[-1])[0] == 200


def test_the_simulator_leads_to_the_page(simulator: Simulator) -> None:
    for query, path in (
        ("", "/"),
        ("?path=/notes", "/notes"),
        ("?path=//evil.example", "//evil.example"),
    ):
        answer = requests.get(f"{simulator.url}app-page{query}", timeout=20, allow_redirects=False)
        assert answer.status_code == 302
        parts = urlsplit(answer.headers["Location"])
        assert f"http://{parts.netloc}" == simulator.app.base_url, "never anywhere else"
        assert parts.path == path
        assert exchange(simulator, token_in(answer.headers["Location"]))[1]["userId"] == USER


@pytest.mark.parametrize(
    "path", ["", "notes", "@evil.example/", ".evil.example", "https://evil.example"]
)
def test_paths_that_are_none(simulator: Simulator, path: str) -> None:
    with pytest.raises(ValueError, match="path must begin with a slash"):
        simulator.page_url(path)
    answer = requests.get(
        f"{simulator.url}app-page", params={"path": path}, timeout=20, allow_redirects=False
    )
    assert answer.status_code == 400


def test_other_sites_get_no_token(simulator: Simulator) -> None:
    url = simulator.url + "app-page"
    for headers in (
        {"Origin": "https://evil.example"},
        {"Host": "evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
    ):
        answer = requests.get(url, headers=headers, timeout=20, allow_redirects=False)
        assert answer.status_code == 403 and "Location" not in answer.headers
