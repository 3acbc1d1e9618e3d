"""Where the pages are reached, and what a browser may do there."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import streamlit

from gavelbook.errors import GavelbookError, shown

_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_INLINE_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_USUAL_PORTS = {"http": ":80", "https": ":443"}


@dataclass(frozen=True, slots=True)
class Site:
    """The pages at ``public_url``; ``exchange_url`` is another site that they may stream from.

    Raises:
        GavelbookError: ``bad_url``.

    """

    public_url: str
    exchange_url: str = ""

    def __post_init__(self) -> None:
        """Refuse what is not the URL of a site."""
        for url in filter(None, (self.public_url, self.exchange_url)):
            parts = urlsplit(url)
            if parts.scheme not in {"http", "https"} or not parts.netloc:
                message = f"Expected an http or https URL, was {shown(url)}"
                raise GavelbookError("bad_url", message, value=url)

    @property
    def encrypted(self) -> bool:
        """Whether browsers come by TLS."""
        return urlsplit(self.public_url).scheme == "https"

    def hosts(self) -> frozenset[str]:
        """Return what `Host` may say: on a loopback each of its names."""
        parts = urlsplit(self.public_url)
        host = parts.netloc.lower().removesuffix(_USUAL_PORTS[parts.scheme])
        name, port = _split(host)
        names = _LOOPBACK if name in _LOOPBACK else (name,)
        return frozenset(f"{each}{port}" for each in names)

    def origins(self) -> frozenset[str]:
        """Return what `Origin` may say."""
        scheme = urlsplit(self.public_url).scheme
        return frozenset(f"{scheme}://{host}" for host in self.hosts())

    def content_policy(self) -> str:
        """Return the Content-Security-Policy: everything from here, nothing from elsewhere."""
        scripts = " ".join(_inline_scripts())
        return "; ".join(
            (
                "default-src 'none'",
                # Components bring their scripts as blobs.
                f"script-src 'self' blob: 'wasm-unsafe-eval' {scripts}".strip(),
                "style-src 'self' 'unsafe-inline'",
                "img-src 'self' data: blob:",
                "font-src 'self' data:",
                "media-src 'self' data: blob:",
                f"connect-src 'self' {' '.join(self._streams())}".strip(),
                "worker-src 'self' blob:",
                "manifest-src 'self'",
                "frame-src 'none'",
                "object-src 'none'",
                "base-uri 'self'",
                "form-action 'self'",
                "frame-ancestors 'none'",
            )
        )

    def _streams(self) -> list[str]:
        if not self.exchange_url:
            return []
        parts = urlsplit(self.exchange_url)
        socket = "wss" if parts.scheme == "https" else "ws"
        return [f"{parts.scheme}://{parts.netloc}", f"{socket}://{parts.netloc}"]


def _split(host: str) -> tuple[str, str]:
    """Return the name and, with its colon, the port of a host; an IPv6 address has brackets."""
    found = re.fullmatch(r"(\[[0-9a-f:.]+\]|[^:]*)(:\d+)?", host)
    if found is None:
        raise GavelbookError("bad_url", f"Expected a host, was {shown(host)}", value=host)
    return found[1], found[2] or ""


def _inline_scripts() -> list[str]:
    """Return the hashes of the scripts inside Streamlit's own page."""
    page = Path(streamlit.__file__).parent / "static" / "index.html"
    scripts = _INLINE_SCRIPT.findall(page.read_text(encoding="utf-8"))
    return [f"'sha256-{b64encode(hashlib.sha256(s.encode()).digest()).decode()}'" for s in scripts]
