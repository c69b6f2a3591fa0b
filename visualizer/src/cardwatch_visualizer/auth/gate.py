"""Lets requests in: who asks, by a session or by a reverse proxy's word."""

import logging
import time
from pathlib import Path
from secrets import token_bytes
from typing import Final
from urllib.parse import quote

from flask import Flask, Response, g, redirect, request, session
from werkzeug.wrappers import Response as BaseResponse

from cardwatch_visualizer.addresses import local_path
from cardwatch_visualizer.auth.identity import DEMO, NOBODY, Identity, behind_proxy, same_origin
from cardwatch_visualizer.auth.login_page import login_page
from cardwatch_visualizer.auth.throttle import Throttle
from cardwatch_visualizer.auth.users import UsersFile
from cardwatch_visualizer.settings import VisualizerSettings, is_loopback

_log = logging.getLogger(__name__)

_OPEN: Final = ("/healthz", "/readyz", "/login", "/assets/cardwatch.css", "/assets/favicon.svg")
_MAX_FORM_BYTES: Final = 4_096
_MIN_KEY_BYTES: Final = 32
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class Gate:
    """Knows who asks, and turns away who may not.

    Args:
        settings: how people log in.
        throttle: slows down who guesses.
        key: signs sessions, the same in all workers.

    Raises:
        InvalidUsersError: the users file cannot be used.
    """

    def __init__(self, settings: VisualizerSettings, throttle: Throttle, key: bytes) -> None:
        self._settings = settings
        self._key = key
        self._throttle = throttle
        self._users = UsersFile(settings.users_file) if settings.users_file else None

    def install(self, server: Flask) -> None:
        """Look at every request of a server."""
        server.secret_key = self._key
        server.config.update(
            SESSION_COOKIE_NAME="cardwatch_session",
            SESSION_COOKIE_HTTPONLY=True,
            SESSION_COOKIE_SAMESITE="Lax",
            SESSION_COOKIE_SECURE=not is_loopback(self._settings.host),
        )
        server.before_request(self._let_in)
        if self._settings.login == "users":
            server.add_url_rule("/login", "login", self._login, methods=["GET", "POST"])
            server.add_url_rule("/logout", "logout", self._logout, methods=["POST"])

    def _let_in(self) -> BaseResponse | None:
        if request.method not in _SAFE and not same_origin(request.headers, request.host):
            return Response("this came from another site's page\n", 403, mimetype="text/plain")
        if request.path in _OPEN:
            return None
        identity = self._who()
        if identity is None:
            return self._turn_away()
        g.identity = identity
        return None

    def _who(self) -> Identity | None:
        if self._settings.login == "none":
            return DEMO
        if self._settings.proxy is not None:
            return behind_proxy(self._settings.proxy, request.headers, request.remote_addr)
        name, until_s = session.get("name"), session.get("until_s")
        if not isinstance(name, str) or not isinstance(until_s, int) or until_s < time.time():
            return None
        # Whoever was taken out of the file is out at once, and roles are what the file says.
        user = self._users.find(name) if self._users is not None else None
        return None if user is None else Identity(name=user.name, role=user.role)

    def _turn_away(self) -> BaseResponse:
        if self._settings.login != "users" or "text/html" not in request.headers.get("Accept", ""):
            return Response("who asks is not known here: log in\n", 401, mimetype="text/plain")
        wanted = local_path(request.full_path.rstrip("?"))
        return redirect(f"/login?next={quote(wanted, safe='')}")

    def _login(self) -> BaseResponse:
        wanted = local_path(request.args.get("next", "/"))
        if request.method == "GET":
            return login_page(wanted)
        request.max_content_length = _MAX_FORM_BYTES
        name, password = request.form.get("name", ""), request.form.get("password", "")
        remote = request.remote_addr or ""
        if self._throttle.is_shut(name, remote):
            return login_page(wanted, "too many failed logins: wait five minutes", 429)
        user = self._users.log_in(name, password) if self._users is not None else None
        if user is None:
            self._throttle.note_failed(name, remote)
            _log.warning("a login failed, from %s", remote)
            return login_page(wanted, "no such name and password", 401)
        session.clear()
        session.update(name=user.name, until_s=int(time.time() + self._settings.session_s))
        _log.info("logged in: %s (%s)", user.name, user.role)
        return redirect(wanted)

    def _logout(self) -> BaseResponse:
        session.clear()
        return redirect("/login")


def identity() -> Identity:
    """Return whose request is being answered; of one that anybody may make: nobody's."""
    found: Identity = g.get("identity", NOBODY)
    return found


def session_key(path: Path | None) -> bytes:
    """Return what signs sessions: of a file, or random where there is none.

    Raises:
        ValueError: the file cannot be read or is too short.
    """
    if path is None:
        return token_bytes(_MIN_KEY_BYTES)
    try:
        key = path.read_bytes().strip()
    except OSError as error:
        raise ValueError(f"session_key_file is {path}: {error.strerror}") from None
    if len(key) < _MIN_KEY_BYTES:
        raise ValueError(f"session_key_file is {path}: at least {_MIN_KEY_BYTES} bytes are allowed")
    return key
