"""Which addresses may be dialled."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mentra_sync.errors import ConfigurationError, ConnectionFailed
from mentra_sync.runtime.hosts import HostPolicy, http_base, parse_url


@pytest.mark.parametrize(
    ("url", "host", "port", "resource"),
    [
        ("wss://api.mentra.glass/app-ws", "api.mentra.glass", 443, "/app-ws"),
        ("WSS://API.Mentra.Glass:443/app-ws", "api.mentra.glass", 443, "/app-ws"),
        ("wss://api.mentra.glass./app-ws", "api.mentra.glass", 443, "/app-ws"),
        ("wss://a.b.mentra.glass:8443", "a.b.mentra.glass", 8443, "/"),
        ("wss://prod.augmentos.cloud/app-ws?x=1", "prod.augmentos.cloud", 443, "/app-ws?x=1"),
        ("wss://dev.augmentos.org", "dev.augmentos.org", 443, "/"),
        ("wss://api.mentraglass.com", "api.mentraglass.com", 443, "/"),
        ("wss://api.mentraglass.cn?x", "api.mentraglass.cn", 443, "/?x"),
    ],
)
def test_official_hosts_are_dialled(url: str, host: str, port: int, resource: str) -> None:
    target = HostPolicy().check(url)
    assert (target.host, target.port, target.resource) == (host, port, resource)
    assert target.secure
    assert not target.loopback


@pytest.mark.parametrize(
    "host",
    [
        "evilmentra.glass",
        "mentra.glass",
        "mentra.glass.evil.org",
        "api.mentra.glass.evil.org",
        "api-mentra.glass",
        "evil.org",
        "augmentos.cloud",
        "10.0.0.1",
        "169.254.169.254",
        "[::ffff:127.0.0.1]",
        "0.0.0.0",
        "[::]",
        "localhost",
        "127.0.0.1",
        "[::1]",
    ],
)
def test_other_hosts_are_refused(host: str) -> None:
    with pytest.raises(ConnectionFailed, match="cloud_hosts") as caught:
        HostPolicy().check(f"wss://{host}/app-ws?token=secret")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.mentra.glass",
        "https://api.mentra.glass/app-ws",
        "ws:api.mentra.glass",
        "wss:/api.mentra.glass",
        "wss:///app-ws",
        "wss://",
        "wss://user@api.mentra.glass/",
        "wss://user:word@api.mentra.glass/",
        "wss://api.mentra.glass@evil.org/",
        "wss://evil.org\\@api.mentra.glass/",
        "wss://evil.org\\.mentra.glass/",
        "wss://evil.org#.mentra.glass/",
        "wss://evil.org%2f.mentra.glass/",
        "wss://evil.org/\r\nHost: api.mentra.glass",
        "wss://api.mentra.glass/a b",
        "wss://api.mentra.glass/\x00",
        "wss://api.mentra.glass/\x7f",
        " wss://api.mentra.glass/",
        "wss://api.mentra.glass/\n",
        "wss://api.mentra.glass/\u00e9",
        "wss://\uff41pi.mentra.glass/",
        "wss://api.mentra\u3002glass/",
        "wss://api.mentra.glass:0/",
        "wss://api.mentra.glass:65536/",
        "wss://api.mentra.glass:-1/",
        "wss://api.mentra.glass:+443/",
        "wss://api.mentra.glass:4 43/",
        "wss://api.mentra.glass:/x:y",
        "wss://api.mentra.glass..",
        "wss://.mentra.glass",
        "wss://a..mentra.glass",
        "wss://-a.mentra.glass",
        "wss://*.mentra.glass",
        "wss://" + "a" * 64 + ".mentra.glass",
        "wss://" + "a." * 130 + "mentra.glass",
        "wss://[::1",
        "wss://::1/",
        "wss://[::1%25lo]/",
        "wss://[1.2.3.4]x/",
        "wss://127.1/",
        "wss://127.0.1/",
        "wss://2130706433/",
        "wss://0x7f000001/",
        "wss://0x7f.0.0.1/",
        "wss://0177.0.0.1/",
        "wss://127.0.0.01/",
        "wss://127.0.0.1.5/",
        "wss://127.0.0.256/",
        "wss://evil.0x/",
        "wss://[gg::1]/",
        "wss://api.mentra.glass/app-ws#fragment",
    ],
)
def test_what_is_no_websocket_url_is_refused(url: str) -> None:
    with pytest.raises(ConnectionFailed, match="no websocket URL") as caught:
        HostPolicy().check(url, allow_loopback=True)
    assert "word" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("ws://localhost:7011/app-ws", "localhost"),
        ("ws://LOCALHOST./app-ws", "localhost"),
        ("ws://127.0.0.1:7011/app-ws", "127.0.0.1"),
        ("ws://127.255.3.4/app-ws", "127.255.3.4"),
        ("ws://[::1]:7011/app-ws", "::1"),
        ("wss://[0:0:0:0:0:0:0:1]/app-ws", "::1"),
    ],
)
def test_loopback_only_when_told(url: str, host: str) -> None:
    target = HostPolicy().check(url, allow_loopback=True)
    assert target.host == host
    assert target.loopback
    with pytest.raises(ConnectionFailed):
        HostPolicy().check(url)
    assert HostPolicy(["other.org"]).check(url, allow_loopback=True) == target


@pytest.mark.parametrize(
    "host", ["10.0.0.1", "[::ffff:127.0.0.1]", "localhost.evil.org", "0.0.0.0"]
)
def test_what_only_looks_like_loopback(host: str) -> None:
    with pytest.raises(ConnectionFailed):
        HostPolicy().check(f"ws://{host}/", allow_loopback=True)


def test_own_patterns_replace_the_official_ones() -> None:
    policy = HostPolicy(["Cloud.Example.org.", "*.school.edu", "10.1.2.3", "[fd00::1]"])
    for host in ("cloud.example.org", "a.school.edu", "10.1.2.3", "[fd00::1]", "[FD00:0::1]"):
        assert policy.check(f"wss://{host}/").secure
    for host in ("api.mentra.glass", "school.edu", "x.cloud.example.org", "10.1.2.4"):
        with pytest.raises(ConnectionFailed):
            policy.check(f"wss://{host}/")


def test_one_pattern_may_be_a_string_and_none_forbids_all() -> None:
    assert HostPolicy("cloud.example.org").check("wss://cloud.example.org")
    with pytest.raises(ConnectionFailed):
        HostPolicy([]).check("wss://api.mentra.glass")


@pytest.mark.parametrize(
    "pattern", ["*", "*.", "**.org", "a.*.org", "https://a.org", "a.org/x", "a.org:80", "", "127.1"]
)
def test_a_pattern_that_cannot_match_is_a_mistake(pattern: str) -> None:
    with pytest.raises(ConfigurationError, match="cloud_hosts takes"):
        HostPolicy([pattern])


def test_the_key_is_not_sent_in_the_clear() -> None:
    with pytest.raises(ConnectionFailed, match="wss://"):
        HostPolicy().check("ws://api.mentra.glass/app-ws")
    # Not even when the official host was named, or the host is one of many.
    policy = HostPolicy(["api.mentra.glass", "*.school.edu", "cloud.school.org", "127.0.0.1"])
    for host in ("api.mentra.glass", "a.school.edu"):
        with pytest.raises(ConnectionFailed, match="wss://"):
            policy.check(f"ws://{host}/")
    assert not policy.check("ws://cloud.school.org/").secure
    assert not policy.check("ws://127.0.0.1/").secure


def test_a_target_hides_its_query_and_rebuilds_its_url() -> None:
    target = parse_url("WS://LocalHost.:80/a/app-ws?token=secret")
    assert "secret" not in repr(target)
    assert target.authority == "localhost"
    assert target.url == "ws://localhost/a/app-ws?token=secret"
    assert parse_url("wss://[::1]:8443").url == "wss://[::1]:8443/"


@pytest.mark.parametrize(
    ("ws", "http"),
    [
        ("wss://api.mentra.glass/app-ws", "https://api.mentra.glass"),
        ("ws://127.0.0.1:7011/app-ws", "http://127.0.0.1:7011"),
        ("ws://[::1]:7011/app-ws/", "http://[::1]:7011"),
        ("wss://h.org/cloud/app-ws?x=/app-ws", "https://h.org/cloud"),
        ("wss://h.org", "https://h.org"),
        ("wss://h.org/app-ws/other", "https://h.org/app-ws/other"),
    ],
)
def test_http_base(ws: str, http: str) -> None:
    assert http_base(ws) == http


@given(st.text(max_size=80))
def test_no_text_is_dialled_by_accident(text: str) -> None:
    policy = HostPolicy()
    for url in (
        text,
        f"wss://{text}",
        f"wss://{text}mentra.glass",
        f"wss://api.mentra.glass{text}",
    ):
        try:
            target = policy.check(url)
        except ConnectionFailed:
            continue
        assert target.host.endswith(".mentra.glass")
        assert parse_url(target.url) == target
