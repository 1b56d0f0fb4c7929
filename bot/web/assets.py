"""
Static files: hashed, compressed and held in memory from the start, so that a browser asks for each only once.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from aiohttp import hdrs, web

STATIC = Path(__file__).parent / "static"
URL = "/static/"
FOR_EVER = "public, max-age=31536000, immutable"
HASH_LENGTH = 12

CONTENT_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".txt": "text/plain; charset=utf-8",
}
COMPRESSED = frozenset({".css", ".js", ".svg", ".txt"})


class AssetMissing(LookupError):
    """
    A page names a static file that is not there. If it is in vendor/, it has to be built: pip install -e .
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    content_type: str
    plain: bytes
    packed: bytes | None


class Assets:
    """
    Every file of a folder, read once. Files of unknown kinds are left out.
    """

    def __init__(self, folder: Path = STATIC) -> None:
        self._urls: dict[str, str] = {}
        self._held: dict[str, _Held] = {}
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.suffix in CONTENT_TYPES:
                self._take(path.relative_to(folder).as_posix(), path.suffix, path.read_bytes())

    def _take(self, name: str, suffix: str, content: bytes) -> None:
        hashed = f"{name.removesuffix(suffix)}.{hashlib.sha256(content).hexdigest()[:HASH_LENGTH]}{suffix}"
        # mtime is fixed so that every node packs the same bytes
        packed = gzip.compress(content, 9, mtime=0) if suffix in COMPRESSED else None
        self._urls[name] = URL + hashed
        self._held[hashed] = _Held(
            content_type=CONTENT_TYPES[suffix],
            plain=content,
            packed=packed if packed is not None and len(packed) < len(content) else None,
        )

    def url(self, name: str) -> str:
        """
        Give the address of a file: `app.css` is at `/static/app.<hash>.css`.

        Raises:
            AssetMissing: no such file.
        """
        try:
            return self._urls[name]
        except KeyError:
            raise AssetMissing(name) from None

    async def serve(self, request: web.Request) -> web.Response:
        """
        Answer GET /static/{name}. Only names made at the start exist, so no path can lead out of the folder.
        """
        held = self._held.get(request.match_info["name"])
        if held is None:
            raise web.HTTPNotFound
        headers = {
            hdrs.CONTENT_TYPE: held.content_type,
            hdrs.CACHE_CONTROL: FOR_EVER,
            hdrs.VARY: hdrs.ACCEPT_ENCODING,
            "X-Content-Type-Options": "nosniff",
        }
        if held.packed is not None and takes_gzip(request.headers.get(hdrs.ACCEPT_ENCODING, "")):
            return web.Response(body=held.packed, headers={**headers, hdrs.CONTENT_ENCODING: "gzip"})
        return web.Response(body=held.plain, headers=headers)

    def routes(self) -> list[web.RouteDef]:
        """
        List what the composition root adds to the router.
        """
        return [web.get(URL + "{name:.+}", self.serve)]


def takes_gzip(accept_encoding: str) -> bool:
    """
    Tell whether an Accept-Encoding header (RFC 9110, section 12.5.3) allows gzip; `gzip;q=0` forbids it.
    """
    for part in accept_encoding.lower().split(","):
        coding, _, weight = part.partition(";")
        if coding.strip() in ("gzip", "*"):
            return re.fullmatch(r"\s*q=0(\.0*)?\s*", weight) is None
    return False
