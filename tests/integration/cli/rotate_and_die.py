"""
`hubbub secrets rotate`, killed at a step: `python -m tests.integration.cli.rotate_and_die STEP`.

Steps are the functions that the rotation calls; the process kills itself as it enters the one that is named, or
as it leaves it (`after:`).
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

import bot.core.secretbox
import bot.setting_up
from bot.cli import app

PLACES: dict[str, Any] = {
    "add_key": bot.setting_up,
    "reseal_all": bot.setting_up,
    "drop_old_keys": bot.setting_up,
    "_replace": bot.core.secretbox,
}


def die(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def arm(step: str) -> None:
    """
    Put the end where it was asked for.
    """
    name = step.removeprefix("after:")
    real = getattr(PLACES[name], name)

    def armed(*given: Any) -> Any:
        if step == name:
            die()
        done = real(*given)
        die()
        return done

    setattr(PLACES[name], name, armed)


if __name__ == "__main__":
    arm(sys.argv[1])
    app(["secrets", "rotate"])
