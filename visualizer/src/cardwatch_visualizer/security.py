"""Headers by which browsers run nothing but ours. Pure.

Scripts are ours alone: those that Dash writes into the page are named by their hashes. Styles may
be in the page, because Mantine, AG Grid and plotly write them there; no style runs a script.
"""

from collections.abc import Iterable, Mapping
from typing import Final

HEADERS: Final[Mapping[str, str]] = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


def content_security_policy(script_hashes: Iterable[str]) -> str:
    """Return the policy.

    Args:
        script_hashes: of scripts within the page, such as `'sha256-...'`, quotes included.
    """
    scripts = " ".join(["'self'", *script_hashes])
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src {scripts}",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "connect-src 'self'",
            "worker-src 'self' blob:",
            "manifest-src 'self'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        ]
    )
