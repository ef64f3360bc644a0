"""Who may see the page: the token that REST and gRPC want, which a browser sends as a cookie once it is typed in."""

import hashlib
import hmac
import urllib.parse

from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp

from tfgan_zoo.serving.refusals import Refused
from tfgan_zoo.serving.service import Service

COOKIE = "tfgan_zoo"
LONGEST = 4096  # bytes of the form
FORM = """<!doctype html><html lang="en"><title>tfgan_zoo</title>
<form method="post" action="{action}" style="font-family: sans-serif; margin: 4em auto; width: 20em">
<label for="token">The server's token</label><br>
<input id="token" name="token" type="password" autocomplete="current-password" autofocus required>
<button>Enter</button><p role="alert">{says}</p></form></html>"""


class Guard:
    """Lets those in who have the token, where one is wanted, and no page of another site.

    Args:
        app: the page.
        service: knows the token.
        path: where the page is mounted; the form is sent to `login` below it.
    """

    def __init__(self, app: ASGIApp, service: Service, path: str):
        self.app, self.service, self.path = app, service, path

    async def __call__(self, scope, receive, send):
        if scope["type"] not in ("http", "websocket"):
            return await self.app(scope, receive, send)
        asked = HTTPConnection(scope)
        origin = asked.headers.get("origin")
        if origin and urllib.parse.urlsplit(origin).netloc != asked.headers.get("host"):
            answer = PlainTextResponse("this page belongs to another site", 403)
        elif self.admits(asked):
            return await self.app(scope, receive, send)
        elif scope["type"] == "http" and scope["method"] == "POST" and scope["path"] == f"{self.path}/login":
            answer = await self.login(Request(scope, receive))
        else:
            answer = self.form("", 401)
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await answer(scope, receive, send)

    def admits(self, asked: HTTPConnection) -> bool:
        """Whether a request has the token as a header, or what `login` made of it as a cookie."""
        if self.service.settings.token is None:
            return True
        if hmac.compare_digest(asked.cookies.get(COOKIE, "").encode(), self.secret.encode()):
            return True
        try:
            self.service.admit(asked.headers.get("authorization", ""))
        except Refused:
            return False
        return True

    @property
    def secret(self) -> str:
        """The cookie's value: it lets in, and does not tell the token."""
        return hmac.new(self.service.settings.token.encode(), b"the page of tfgan_zoo", hashlib.sha256).hexdigest()

    async def login(self, request: Request):
        """The cookie for the one who types the token."""
        sent = b""
        async for part in request.stream():
            sent += part
            if len(sent) > LONGEST:
                return self.form("too long", 413)
        typed = urllib.parse.parse_qs(sent.decode("utf-8", "replace")).get("token", [""])[0]
        try:
            self.service.admit(f"Bearer {typed.strip()}")
        except Refused:
            return self.form("That is another token.", 401)
        answer = RedirectResponse(f"{self.path}/", 303)
        secure = self.service.settings.certificate is not None
        answer.set_cookie(COOKIE, self.secret, path=self.path, secure=secure, httponly=True, samesite="strict")
        return answer

    def form(self, says: str, status: int) -> HTMLResponse:
        """The form that asks for the token."""
        return HTMLResponse(FORM.format(action=f"{self.path}/login", says=says), status)
