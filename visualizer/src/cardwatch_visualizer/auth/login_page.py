"""The page on which people log in: a form, without a script."""

from html import escape
from typing import Final
from urllib.parse import quote

from flask import Response

_PAGE: Final = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Log in · Cardwatch</title>
<link rel="icon" href="/assets/favicon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/assets/cardwatch.css">
</head>
<body class="cw-login">
<main>
<h1>Cardwatch</h1>
<form method="post" action="/login?next={wanted}">
<p role="alert" class="cw-error">{trouble}</p>
<label for="name">Name</label>
<input id="name" name="name" autocomplete="username" required maxlength="128" autofocus>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required
 maxlength="256">
<button type="submit">Log in</button>
</form>
</main>
</body>
</html>
"""


def login_page(wanted: str, trouble: str = "", status: int = 200) -> Response:
    """Return the form.

    Args:
        wanted: the path to go to afterwards.
        trouble: what was wrong; empty: nothing.
        status: of the answer.
    """
    page = _PAGE.format(wanted=quote(wanted, safe=""), trouble=escape(trouble))
    return Response(page, status, headers={"Cache-Control": "no-store"})
