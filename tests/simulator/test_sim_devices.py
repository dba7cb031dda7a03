"""Other devices: who is invited may use the page, and nobody else comes in."""

from __future__ import annotations

import io
import logging
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import websocket
from networks import network_address
from raw_app import RawApp, RawSocket

from mentra_sync.errors import ConfigurationError
from mentra_sync.simulator import limits, qr_code
from mentra_sync.simulator.http import Simulator
from mentra_sync.simulator.invitations import Invitations, TooManyGuesses
from mentra_sync.simulator.network import reachable_name

UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}
SOCKETS = ("simulator-ws", "glasses-ws")


class Device:
    """A browser on another device: what it asks for comes from the address of a network."""

    def __init__(self, simulator: Simulator, address: str) -> None:
        self.simulator = simulator
        self.root = f"http://{address}:{simulator.port}/"
        self.browser = requests.Session()
        self.browser.trust_env = False

    def get(self, path: str, method: str = "GET", **headers: str) -> requests.Response:
        url = path if path.startswith("http") else self.root + path
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.browser.request(method, url, headers=named, timeout=10, allow_redirects=False)

    def join(self, invitation: str | None = None, query: str = "") -> None:
        """Open an invitation, as a person does."""
        answer = self.browser.get(invitation or self.simulator.invite(), timeout=10)
        assert answer.status_code == 200 and "Simulator" in answer.text
        assert answer.url == self.root + query

    @property
    def cookie(self) -> str:
        return "; ".join(f"{one.name}={one.value}" for one in self.browser.cookies)


@pytest.fixture
def open_simulator(simulate: Callable[..., Simulator]) -> Simulator:
    return simulate(host="0.0.0.0")


@pytest.fixture
def device(open_simulator: Simulator) -> Device:
    return Device(open_simulator, network_address())


def token_of(invitation: str) -> str:
    return parse_qs(urlsplit(invitation).query)["token"][0]


# --- The way in ------------------------------------------------------------------------------


def test_an_invited_device_uses_the_page(
    device: Device, open_simulator: Simulator, open_socket: Callable[..., RawSocket]
) -> None:
    device.join()
    assert device.get("page/main.js").status_code == 200
    state = device.get("api/sim/state").json()
    assert state["userId"] == open_simulator.user_id
    options = {"origin": device.root.rstrip("/"), "cookie": device.cookie}
    root = device.root.replace("http", "ws")
    page = open_socket(f"{root}simulator-ws", **options)
    page.wait("hello")
    phone = open_socket(f"{root}glasses-ws?token={state['glassesToken']}", **options)
    phone.send({"type": "connection_init"})
    phone.wait("connection_ack")
    for token, status in ((state["glassesToken"], 200), ("another", 401)):
        answer = device.browser.post(
            f"{device.root}api/client/location",
            json={"location": {"latitude": 1.5, "longitude": 2.5}},
            headers={"Authorization": f"Bearer {token}"},
            timeout=10,
        )
        assert answer.status_code == status


def test_the_token_is_changed_for_a_cookie_that_scripts_cannot_read(device: Device) -> None:
    invitation = device.simulator.invite()
    answer = device.get(invitation)
    assert answer.status_code == 303
    assert "token" not in answer.headers["Location"]
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie
    assert token_of(invitation) not in cookie
    assert device.get("joined").headers["Location"] == "/"


def test_whoever_follows_a_link_elsewhere_comes_in_too(device: Device) -> None:
    """Then the browser holds the cookie back until the next step, which must be one of ours."""
    there = device.get(device.simulator.invite()).headers["Location"]
    with requests.Session() as without:
        answer = without.get(device.root.rstrip("/") + there, timeout=10)
    assert (answer.status_code, answer.headers["Refresh"]) == (200, "0; url=/")
    assert device.get("").status_code == 200


def test_each_device_has_an_invitation_of_its_own(device: Device) -> None:
    device.join()
    made = device.get("api/sim/invitations", "POST", Origin=device.root.rstrip("/")).json()
    assert made["address"].startswith(device.root) and made["seconds"] == 600
    assert made["code"] == list(qr_code.modules(made["address"]))
    another = Device(device.simulator, urlsplit(device.root).hostname or "")
    another.join(made["address"])
    assert another.cookie != device.cookie
    assert device.get("api/sim/state").status_code == 200


def test_a_device_can_be_somebody_elses(device: Device) -> None:
    device.simulator.glasses_of("bob & co")
    device.join(device.simulator.invite("bob & co"), "?user=bob+%26+co")
    assert device.get("api/sim/state?user=bob+%26+co").json()["userId"] == "bob & co"


def test_who_is_in_does_not_use_up_another_invitation(device: Device) -> None:
    device.join()
    invitation = device.simulator.invite()
    assert device.get(invitation).headers["Location"] == "/"
    Device(device.simulator, urlsplit(device.root).hostname or "").join(invitation)


def test_the_own_machine_needs_no_invitation(
    open_simulator: Simulator, app: RawApp, open_socket: Callable[..., RawSocket]
) -> None:
    assert open_simulator.url.startswith("http://127.0.0.1:")
    assert requests.get(open_simulator.url, timeout=10).status_code == 200
    assert open_simulator.start_app()
    app.wait_connected()
    answer = requests.post(f"{open_simulator.url}api/sim/invitations", timeout=10)
    assert token_of(answer.json()["address"])


@pytest.mark.parametrize("name", ["x" * 5000, "\u65e5" * limits.MAX_WEARER_NAME])
def test_a_name_that_fits_into_no_code(open_simulator: Simulator, name: str) -> None:
    url = f"{open_simulator.url}api/sim/invitations"
    answer = requests.post(url, params={"user": name}, timeout=10)
    assert answer.status_code == 400 and "so long that" in answer.json()["error"]
    long = "x" * limits.MAX_WEARER_NAME
    assert requests.post(url, params={"user": long}, timeout=10).json()["code"]


# --- Nobody else -----------------------------------------------------------------------------


def refused(device: Device, *statuses: int, **headers: str) -> None:
    """Nothing of the page and none of its sockets answers."""
    wearer = device.simulator.token_of()
    for path in ("", "joined", "page/main.js", "api/sim/state"):
        answer = device.get(path, **headers)
        assert answer.status_code in statuses or answer.headers.get("Refresh"), path
        assert wearer not in answer.text
    for path in ("api/sim/invitations", "api/sim/press", "api/client/location"):
        assert device.get(path, "POST", **headers).status_code in statuses, path
    for path in ("simulator-ws", f"glasses-ws?token={wearer}", "app-ws"):
        answer = device.get(path, **UPGRADE, **headers)
        assert answer.status_code in (*statuses, 403), path


def test_no_token(device: Device) -> None:
    refused(device, 401)
    assert "not invited" in device.get("").text


@pytest.mark.parametrize("token", ["", "x", "é" * 40, "a" * 3000])
def test_a_wrong_token(device: Device, token: str) -> None:
    device.simulator.invite()
    assert device.get(f"?token={token}").status_code == 401
    refused(device, 401)


def test_a_used_token(device: Device) -> None:
    invitation = device.simulator.invite()
    device.join(invitation)
    another = Device(device.simulator, urlsplit(device.root).hostname or "")
    assert another.get(invitation).status_code == 401
    refused(another, 401)


@pytest.mark.parametrize(
    ("method", "headers"), [("HEAD", {}), ("GET", {"Sec_Purpose": "prefetch;anonymous-client-ip"})]
)
def test_a_look_ahead_does_not_use_the_token(
    device: Device, method: str, headers: dict[str, str]
) -> None:
    invitation = device.simulator.invite()
    assert device.get(invitation, method, **headers).status_code == 401
    device.join(invitation)


def test_an_expired_token(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "INVITATION_SECONDS", 0.0)
    assert device.get(device.simulator.invite()).status_code == 401
    refused(device, 401)


def test_a_cookie_of_another_run(device: Device, simulate: Callable[..., Simulator]) -> None:
    device.join()
    host = urlsplit(device.root).hostname or ""
    other = Device(simulate(host="0.0.0.0"), host)
    [ours] = device.browser.cookies
    other.browser.cookies.set(f"mentra_simulator_{other.simulator.port}", ours.value)
    refused(other, 401)


def test_many_guesses(device: Device) -> None:
    for number in range(limits.MAX_GUESSES):
        assert device.get(f"?token=guess{number}").status_code == 401
    invitation = device.simulator.invite()
    answer = device.get(invitation)
    assert answer.status_code == 429 and "Set-Cookie" not in answer.headers
    assert "Wait a minute" in answer.text


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "localhost", "", "192.0.2.99"])
def test_a_foreign_host(device: Device, host: str) -> None:
    device.join()
    port = device.simulator.port
    refused(device, 400, 403, Host=f"{host}:{port}" if host else "", Cookie=device.cookie)
    answer = device.get(device.simulator.invite(), Host=f"{host}:{port}")
    assert answer.status_code in (400, 403) and "Set-Cookie" not in answer.headers


def test_another_port_in_the_host(device: Device) -> None:
    device.join()
    host = urlsplit(device.root).hostname
    refused(device, 403, Host=f"{host}:1", Cookie=device.cookie)


def test_the_name_of_the_machine_is_its_own(device: Device) -> None:
    device.join()
    name = f"{socket.gethostname()}:{device.simulator.port}"
    assert device.get("api/sim/state", Host=name, Cookie=device.cookie).status_code == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "", "http://127.0.0.1:7011"])
def test_a_foreign_origin(device: Device, origin: str) -> None:
    device.join()
    wearer = device.simulator.token_of()
    for path in ("simulator-ws", f"glasses-ws?token={wearer}"):
        assert device.get(path, **UPGRADE, Origin=origin).status_code == 403
    assert device.get("api/sim/invitations", "POST", Origin=origin).status_code == 403


def test_the_apps_own_addresses_are_for_this_machine_only(device: Device) -> None:
    device.join()
    package = device.simulator.app.package_name
    for path in (
        "api/sdk/version",
        f"api/sdk/simple-storage/{device.simulator.user_id}",
        "api/tts?text=hello",
        f"appsettings/user/{package}",
        f"api/public/permissions/{package}",
        f"api/tools/apps/{package}/tools",
        "app-page",
    ):
        assert device.get(path).status_code == 403, path
    assert device.get("app-ws", **UPGRADE).status_code == 403
    with pytest.raises(websocket.WebSocketBadStatusException):
        websocket.create_connection(
            device.root.replace("http", "ws") + "app-ws", timeout=20, cookie=device.cookie
        )
    posts = (
        "api/auth/exchange-user-token",
        "api/app-communication/discover-users",
        f"apps/{package}/start",
    )
    for path in posts:
        assert device.get(path, "POST").status_code == 403, path


@pytest.mark.parametrize("header", ["X_Forwarded_For", "Forwarded", "Via", "X_Real_IP"])
def test_what_a_proxy_here_passes_on_is_not_from_here(
    open_simulator: Simulator, header: str
) -> None:
    local = Device(open_simulator, "127.0.0.1")
    assert local.get("api/sim/state").status_code == 200
    assert local.get("api/sim/state", **{header: "for=10.0.0.7"}).status_code == 403
    with suppress(websocket.WebSocketException):
        websocket.create_connection(
            open_simulator.websocket_url, timeout=20, header=[f"{header.replace('_', '-')}: x"]
        ).shutdown()
        pytest.fail("a proxy has reached the app's websocket")


def test_devices_cannot_take_every_connection(
    device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MAX_DEVICE_CONNECTIONS", 3)
    address = (urlsplit(device.root).hostname, device.simulator.port)
    held = [socket.create_connection(address, timeout=20) for _ in range(3)]
    with pytest.raises(requests.ConnectionError):
        device.get("")
    assert requests.get(device.simulator.url, timeout=10).status_code == 200
    for connection in held:
        connection.close()


# --- Loopback only, as by default ------------------------------------------------------------


def test_by_default_nobody_is_invited(simulator: Simulator) -> None:
    assert requests.get(f"{simulator.url}api/sim/state", timeout=10).json()["invites"] is False
    with pytest.raises(ConfigurationError, match=r"--host 0\.0\.0\.0"):
        simulator.invite()
    answer = requests.post(f"{simulator.url}api/sim/invitations", timeout=10)
    assert answer.status_code == 409 and "0.0.0.0" in answer.text
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((reachable_name(), simulator.port), timeout=20).close()


@pytest.mark.parametrize("host", ["192.0.2.7", "example.com", "", "0.0.0.1"])
def test_other_hosts_are_refused(simulate: Callable[..., Simulator], host: str) -> None:
    with pytest.raises(ConfigurationError, match=r"0\.0\.0\.0"):
        simulate(host=host)


# --- Tokens and codes by themselves ----------------------------------------------------------


def test_invitations_run_out_by_the_clock() -> None:
    now = 100.0
    invitations = Invitations(now=lambda: now)
    early, late = invitations.invite(), invitations.invite()
    now += limits.INVITATION_SECONDS - 1
    session = invitations.redeem(early, "a")
    assert session is not None and invitations.admits(session)
    now += 1
    assert invitations.redeem(late, "a") is None
    assert invitations.admits(session) and not invitations.admits("")


def test_guesses_are_forgiven_after_a_while_and_count_for_one_address() -> None:
    now = 0.0
    invitations = Invitations(now=lambda: now)
    for _ in range(limits.MAX_GUESSES):
        assert invitations.redeem("guess", "a") is None
    with pytest.raises(TooManyGuesses):
        invitations.redeem(invitations.invite(), "a")
    assert invitations.redeem(invitations.invite(), "b")
    now += limits.GUESS_SECONDS
    assert invitations.redeem(invitations.invite(), "a")


def test_registers_do_not_grow() -> None:
    invitations = Invitations()
    first = invitations.invite()
    for number in range(limits.MAX_INVITATIONS):
        invitations.invite()
        invitations.redeem("wrong", f"peer {number}")
    assert invitations.redeem(first, "a") is None


def test_a_session_cannot_be_made_up_or_changed() -> None:
    invitations, other = Invitations(), Invitations()
    session = invitations.redeem(invitations.invite(), "a") or ""
    name, signature = session.split(".")
    assert invitations.admits(session) and not other.admits(session)
    for wrong in ("", ".", name, f"{name}.", f"{name}x.{signature}", f"{name}.{signature}x", "é.é"):
        assert not invitations.admits(wrong)


def test_devices_stay_in_when_the_script_is_run_again() -> None:
    before, after = Invitations("secret"), Invitations("secret")
    invitation = before.invite()
    assert after.redeem(invitation, "a") is None
    assert after.admits(before.redeem(invitation, "a") or "")


def test_no_token_is_logged(device: Device) -> None:
    lines = io.StringIO()
    handler = logging.StreamHandler(lines)
    handler.addFilter(lambda record: not record.name.startswith("urllib3"))  # it asks
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        invitation = device.simulator.invite()
        device.get(f"?token={token_of(invitation)}x")
        device.join(invitation)
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
    said = lines.getvalue() + repr(device.simulator.cloud.timeline.__dict__)
    assert token_of(invitation) not in said
    assert device.cookie.partition("=")[2] not in said


def test_a_code_for_the_terminal_is_the_code() -> None:
    text = "http://192.0.2.1:7011/?token=abc"
    rows = qr_code.modules(text)
    assert {len(row) for row in rows} == {len(rows)}
    assert rows[0].startswith("1111111") and rows[0].endswith("1111111")
    halves: dict[str, tuple[str, str]] = {
        " ": ("0", "0"), "▀": ("1", "0"), "▄": ("0", "1"), "█": ("1", "1")
    }  # fmt: skip
    seen: list[Any] = []
    for line in qr_code.lines(text):
        seen += ["".join(halves[one][half] for one in line) for half in (0, 1)]
    assert [row[4:-4] for row in seen[4 : 4 + len(rows)]] == list(rows)
    assert all(set(row) == {"0"} for row in (*seen[:4], *seen[4 + len(rows) :]))
