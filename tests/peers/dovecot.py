"""
A real Dovecot of this test process: IMAP to read, LMTP to drop mail in, any user with one password.

Started once a process from one configuration in a temporary folder, as root or as a plain user.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import grp
import imaplib
import os
import pwd
import shutil
import smtplib
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.peers.certificate import make_certificate

PASSWORD = 'correct "horse" \\ battery'
START_WITHIN = 10.0

_CONFIG = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
protocols = imap lmtp
listen = 127.0.0.1
{users}
first_valid_uid = 1
disable_plaintext_auth = no
auth_failure_delay = 0
mail_location = maildir:{folder}/mail/%u
mail_max_userip_connections = 100
ssl = yes
ssl_cert = <{folder}/cert.pem
ssl_key = <{folder}/key.pem
ssl_dh =
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%d {folder}/passwd
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/mail/%u allow_all_users=yes
}}
namespace inbox {{
  inbox = yes
  mailbox Sent {{
    special_use = \\Sent
    auto = create
  }}
  mailbox "Spam & more" {{
    special_use = \\Junk
    auto = create
  }}
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {lmtp}
  }}
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
"""


class DovecotMissing(Exception):
    """
    Dovecot is not on this machine.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Dovecot:
    """
    A running server. `started_in` is how long it took to answer, in seconds.
    """

    folder: Path
    imap: int
    imaps: int
    lmtp: int
    started_in: float

    @property
    def ca_file(self) -> str:
        return str(self.folder / "cert.pem")

    def deliver(self, user: str, raw: bytes, *, sender: str = "kite@far.example") -> None:
        """
        Drop a mail into a user's INBOX as a mail server would, with Return-Path and Received.
        """
        with smtplib.LMTP("127.0.0.1", self.lmtp) as client:
            client.sendmail(sender, [user], raw)

    def drop_file(self, user: str, raw: bytes, name: str) -> None:
        """
        Put bytes into a user's Maildir as they are, even none at all.
        """
        with self.signed_in(user):
            pass  # makes the folders
        path = self.folder / "mail" / user / "new" / name
        path.write_bytes(raw)
        owner = path.parent.stat()
        os.chown(path, owner.st_uid, owner.st_gid)

    @contextlib.contextmanager
    def signed_in(self, user: str) -> Iterator[imaplib.IMAP4]:
        """
        Give a client that is not ours, to look at the mailbox from outside.
        """
        client = imaplib.IMAP4("127.0.0.1", self.imap)
        try:
            client.login(user, PASSWORD)
            yield client
        finally:
            client.logout()

    def flags(self, user: str, mailbox: str = "INBOX") -> list[str]:
        """
        List each mail's UID and flags as the server tells them, without changing them.
        """
        with self.signed_in(user) as client:
            client.select(mailbox, readonly=True)
            _, lines = client.fetch("1:*", "(UID FLAGS)")
            return [line.decode() for line in lines if isinstance(line, bytes)]

    def mails(self, user: str, mailbox: str) -> list[bytes]:
        """
        Give every mail of a mailbox.
        """
        with self.signed_in(user) as client:
            client.select(mailbox, readonly=True)
            _, answer = client.fetch("1:*", "(BODY.PEEK[])")
            return [part[1] for part in answer if isinstance(part, tuple)]

    def admin(self, *command: str) -> str:
        """
        Run doveadm.
        """
        whole = ["doveadm", "-c", str(self.folder / "dovecot.conf"), *command]
        return subprocess.run(whole, capture_output=True, text=True, check=True, timeout=30).stdout


def _users() -> tuple[str, int, int]:
    if os.geteuid() == 0:
        names = "default_internal_user = dovecot\ndefault_login_user = dovenull\ndefault_internal_group = dovecot"
        nobody = pwd.getpwnam("nobody")
        return names, nobody.pw_uid, nobody.pw_gid
    me, group = pwd.getpwuid(os.geteuid()).pw_name, grp.getgrgid(os.getegid()).gr_name
    names = f"default_internal_user = {me}\ndefault_login_user = {me}\ndefault_internal_group = {group}"
    return names, os.geteuid(), os.getegid()


def _free_ports(count: int) -> list[int]:
    # Dovecot cannot tell which port it took, so port 0 is no use; held open together, they differ.
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


@functools.cache
def shared() -> Dovecot:
    """
    Give the server of this process, started at the first call and stopped at its end.

    Raises:
        DovecotMissing: it is not installed.
    """
    binary = shutil.which("dovecot") or shutil.which("dovecot", path="/usr/sbin:/usr/local/sbin")
    if binary is None or shutil.which("doveadm") is None:
        raise DovecotMissing("install the Debian packages dovecot-imapd and dovecot-lmtpd")
    folder = Path(tempfile.mkdtemp(prefix="hubbub-dovecot-"))
    folder.chmod(0o755)
    users, uid, gid = _users()
    imap, imaps, lmtp = _free_ports(3)
    (folder / "mail").mkdir()
    os.chown(folder / "mail", uid, gid)
    (folder / "passwd").write_text(f"shop.example:{{PLAIN}}{PASSWORD}\n")
    make_certificate(folder / "cert.pem", folder / "key.pem")
    config = _CONFIG.format(folder=folder, users=users, uid=uid, gid=gid, imap=imap, imaps=imaps, lmtp=lmtp)
    (folder / "dovecot.conf").write_text(config)
    began = time.monotonic()
    process = subprocess.Popen([binary, "-F", "-c", str(folder / "dovecot.conf")], stderr=subprocess.DEVNULL)
    atexit.register(_stop, process, folder)
    _wait(process, folder, imap, lmtp)
    return Dovecot(folder=folder, imap=imap, imaps=imaps, lmtp=lmtp, started_in=time.monotonic() - began)


def _wait(process: subprocess.Popen[bytes], folder: Path, *ports: int) -> None:
    until = time.monotonic() + START_WITHIN
    for port in ports:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > until:
                    log = folder / "dovecot.log"
                    raise RuntimeError(
                        f"Dovecot did not start: {log.read_text() if log.exists() else ''}"
                    ) from None
                time.sleep(0.02)


def _stop(process: subprocess.Popen[bytes], folder: Path) -> None:
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(5)
    if process.poll() is None:
        process.kill()
        process.wait()
    shutil.rmtree(folder, ignore_errors=True)
