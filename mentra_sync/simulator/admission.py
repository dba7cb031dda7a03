"""Who may come in: programs on this machine, and invited browsers on other devices.

A request is *local* when it comes from a loopback address and asks for a loopback name.  That is
this machine's own app and browser: they need no token, whatever else the simulator listens on,
because a program that runs here can read the app's key and files anyway.  What a proxy or tunnel
passes on looks local too; so, once other devices may come in, a request that says it was passed on
is not.

Everything else comes from another device, and gets what is named in ``_FOR_DEVICES``, with the
cookie of an invitation.
"""

from __future__ import annotations

import socket
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, Response, abort, jsonify, request

from mentra_sync.errors import ConfigurationError
from mentra_sync.simulator import limits, qr_code
from mentra_sync.simulator.invitations import Invitations, TooManyGuesses
from mentra_sync.simulator.network import EVERYWHERE, own_names, reachable_name
from mentra_sync.simulator.webhooks import is_loopback

NOT_LOOPBACK = "the simulator answers to loopback addresses only"
NOT_OUR_PAGE = "the simulator answers to its own page only"
NOT_OUR_NAME = "the simulator answers to the address that it was invited to only"
NOT_FOR_DEVICES = "only programs on the simulator's own machine may use this"
NO_DEVICES = (
    "other devices cannot reach this simulator: it listens on this machine only."
    " Start it with host 0.0.0.0: mentra-sync run app.py --host 0.0.0.0"
)
NOT_INVITED = (
    "This device is not invited, or its invitation was used before or is too old."
    " Press \u201cAdd a device\u201d on the page on the computer, and scan the code there."
)
TOO_MANY_GUESSES = "This device has shown too many wrong invitations. Wait a minute."

_JOINED = "/joined"
_INVITATIONS = "/api/sim/invitations"
_FOR_DEVICES = ("/page/", "/api/sim/", "/api/client/")
_FOR_DEVICES_EXACTLY = frozenset(
    {"/", "/side-by-side", _JOINED, "/api/sim", "/glasses-ws", "/simulator-ws"}
)
_PASSED_ON = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via")


class Admission:
    """Looks at every request before anything else does (:meth:`check`).

    ``host`` is what the simulator listens on: a loopback address, and nothing but this machine
    comes in; or "0.0.0.0".  ``secret`` is that of :class:`Invitations`.  Raises ConfigurationError
    for any other host.
    """

    def __init__(self, host: str, secret: str | None = None) -> None:
        if host != EVERYWHERE and not is_loopback(host):
            raise ConfigurationError(
                'host must be "127.0.0.1" (this machine only) or "0.0.0.0" (other devices that are'
                f" invited, too); got {host!r}"
            )
        self.local_host = "127.0.0.1" if host == EVERYWHERE else host
        """Where programs on this machine find it."""
        self._invitations = Invitations(secret) if host == EVERYWHERE else None
        self._names = own_names()

    @property
    def invites(self) -> bool:
        """Whether other devices may be invited."""
        return self._invitations is not None

    def check(self) -> Response | None:
        """Refuse a request, answer it, or let it pass (None)."""
        if self._is_local():
            _check_local()
            return None
        if self._invitations is None:
            abort(403, NOT_LOOPBACK)
        return self._check_device(self._invitations)

    def address(self, port: int, user_id: str | None = None) -> str:
        """The address of a wearer's page with a fresh invitation, for one other device.

        Raises ConfigurationError when none may come in.
        """
        if self._invitations is None:
            raise ConfigurationError(NO_DEVICES)
        query = {"token": self._invitations.invite()} | ({"user": user_id} if user_id else {})
        return f"http://{reachable_name()}:{port}/?{urlencode(query)}"

    def routes(self) -> Blueprint:
        """Where a page asks for an invitation of another device, and where that one arrives."""
        routes = Blueprint("admission", __name__)

        @routes.post(_INVITATIONS)
        def invite() -> Response:
            try:
                port = int(request.environ["SERVER_PORT"])
                address = self.address(port, request.args.get("user"))
                code = qr_code.modules(address)
            except ConfigurationError as error:
                abort(409, str(error))
            except ValueError:
                # Even a wearer's name may be: most letters take several characters in an address.
                abort(400, "the user's name is so long that its address fits into no code")
            return jsonify(address=address, code=code, seconds=limits.INVITATION_SECONDS)

        @routes.get(_JOINED)
        def joined() -> Response:
            return _to("/")

        return routes

    def _is_local(self) -> bool:
        if not is_loopback(request.remote_addr or "") or not is_loopback(_host_name()):
            return False
        return self._invitations is None or not any(map(request.headers.get, _PASSED_ON))

    def _check_device(self, invitations: Invitations) -> Response | None:
        if request.host.lower() not in self._own_hosts():
            abort(403, NOT_OUR_NAME)  # a name of another site that points here (DNS rebinding)
        _refuse_other_origins()
        if request.path not in _FOR_DEVICES_EXACTLY and not request.path.startswith(_FOR_DEVICES):
            abort(403, NOT_FOR_DEVICES)
        token = request.args.get("token")
        arrives = request.path == "/" and token is not None
        if invitations.admits(request.cookies.get(_cookie(), "")):
            return _to("/") if arrives else None
        if arrives and request.method == "GET" and not _only_looks_ahead():
            return _join(invitations, token or "")
        if request.path == _JOINED:
            return _once_more()
        return _say(401, NOT_INVITED)

    def _own_hosts(self) -> set[str]:
        """The ``Host`` headers of requests to us: the address that was dialled, and our names."""
        port = request.environ["SERVER_PORT"]
        names = {*self._names}
        connection: socket.socket | None = request.environ.get("werkzeug.socket")
        if connection is not None and not is_loopback(dialled := connection.getsockname()[0]):
            names.add(dialled)
        return {f"{name}:{port}" for name in names} | (names if port == "80" else set())


def _check_local() -> None:
    """Keep out other sites by what their pages send us."""
    _refuse_other_origins()
    # A link to the page is fine; anything else that another site's page asks for is not.
    if request.headers.get("Sec-Fetch-Site") == "cross-site" and request.path != "/":
        abort(403, NOT_OUR_PAGE)


def _join(invitations: Invitations, token: str) -> Response:
    try:
        session = invitations.redeem(token, request.remote_addr or "")
    except TooManyGuesses:
        return _say(429, TOO_MANY_GUESSES)
    if session is None:
        return _say(401, NOT_INVITED)
    response = _to(_JOINED)
    response.set_cookie(_cookie(), session, httponly=True, samesite="Strict")
    return response


def _only_looks_ahead() -> bool:
    """A browser that loads what its user might open next would use the invitation up."""
    return "prefetch" in request.headers.get("Sec-Purpose", "")


def _once_more() -> Response:
    """Go to the page from here: who followed a link on another site sends no strict cookie yet."""
    response = _say(200, "One moment\u2026")
    response.headers["Refresh"] = f"0; url={_here('/')}"
    return response


def _to(path: str) -> Response:
    return Response(status=303, headers={"Location": _here(path)})


def _here(path: str) -> str:
    """A path with what is asked for, but for the token: whose page it is."""
    user = request.args.get("user")
    return f"{path}?{urlencode({'user': user})}" if user else path


def _say(status: int, text: str) -> Response:
    """A page that says something; ``text`` is one of ours."""
    page = (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Simulator</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<p>{text}</p></html>\n"
    )
    return Response(page, status, content_type="text/html; charset=utf-8")


def _cookie() -> str:
    """Browsers keep cookies by host, not by port; two simulators must not share one."""
    return f"mentra_simulator_{request.environ['SERVER_PORT']}"


def _host_name() -> str:
    try:
        return urlsplit(f"//{request.host}").hostname or ""
    except ValueError:
        return ""


def _refuse_other_origins() -> None:
    origin = request.headers.get("Origin")
    if origin is not None and origin != f"http://{request.host}":
        abort(403, NOT_OUR_PAGE)
