"""
Hash and check passwords with argon2id, in threads of their own and never inside a unit of work.

A hash takes some 50 ms of a core and 64 MB; two threads bound what a crowd at the sign-in page can cost.
"""

from __future__ import annotations

import asyncio
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import argon2

from bot.core.errors import Invalid
from bot.staff.rules import LONGEST_PASSWORD, password_problem

HASHER = argon2.PasswordHasher.from_parameters(argon2.profiles.RFC_9106_LOW_MEMORY)
"""The second recommended option of RFC 9106, section 4: 3 passes, 64 MiB, 4 lanes."""

NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$MsjOJfj7YwmNDUZRPbMHiw$zRmmNiBzNkqBbjTx4aGyLhN3oTLftgF29T7xko6HzR8"
"""
The hash of a random password that nobody kept. It is checked where there is no other, so that an unknown login
takes as long as a wrong password.
"""

_threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="argon2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """
    What checking a password found.

    Args:
        renewed: a hash with today's parameters to keep instead, if the old one has others.
    """

    right: bool
    renewed: str | None = None


async def prepare_password(password: str, login: str) -> str:
    """
    Check a new password by our rules and hash it. Call it before the unit of work opens.

    Raises:
        Invalid: with the field `password`.
    """
    if problem := password_problem(password, login):
        raise Invalid(fields={"password": problem})
    return await asyncio.get_running_loop().run_in_executor(_threads, HASHER.hash, _normal(password))


async def check_password(password: str, password_hash: str | None) -> Checked:
    """
    Check a password; takes equally long when there is none to compare with.
    """
    return await asyncio.get_running_loop().run_in_executor(_threads, _check, password, password_hash)


def _check(password: str, password_hash: str | None) -> Checked:
    normal = _normal(password[: LONGEST_PASSWORD + 1])
    try:
        HASHER.verify(password_hash or NOBODY, normal)
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
        return Checked(right=False)
    if password_hash is None:
        return Checked(right=False)
    stale = HASHER.check_needs_rehash(password_hash)
    return Checked(right=True, renewed=HASHER.hash(normal) if stale else None)


def _normal(password: str) -> bytes:
    # The same letters typed on another system must give the same bytes.
    return unicodedata.normalize("NFKC", password).encode(errors="replace")
