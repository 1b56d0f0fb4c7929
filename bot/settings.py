"""
What an operator can set: `hubbub.toml` and `HUBBUB_*` variables, checked at start-up as a whole.

Values only: nothing is opened or made here. `load_settings` alone reads a file; `Settings()` is the defaults and
asks neither the environment nor the disk. How problems are found and named is in `bot.settings_sources`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    IPvAnyNetwork,
    SecretStr,
    ValidationError,
)
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from bot.core.units import read_duration, read_size
from bot.settings_sources import PREFIX, SettingsError, Sources, find_file, read_file, read_variables

__all__ = ["Settings", "SettingsError", "load_settings"]


class LogLevel(StrEnum):
    """
    The least important events that are still written.
    """

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    """
    How events are written; `auto` is console on a terminal and JSON elsewhere.
    """

    AUTO = "auto"
    CONSOLE = "console"
    JSON = "json"


def _origin(text: str) -> str:
    parts = urlsplit(text.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError('must begin with "https://" or "http://" and name a host')
    if parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError("must be scheme, host and port only")
    return f"{parts.scheme}://{parts.netloc}"


def _database_url(url: SecretStr) -> SecretStr:
    if not url.get_secret_value().startswith(("sqlite+aiosqlite:///", "postgresql+asyncpg://")):
        raise ValueError('must begin with "sqlite+aiosqlite:///" or "postgresql+asyncpg://"')
    return url


def _split(value: object) -> object:
    return [part for part in value.replace(",", " ").split() if part] if isinstance(value, str) else value


def _ascending(shares: tuple[float, ...]) -> tuple[float, ...]:
    if not all(0 < share < 1 for share in shares) or list(shares) != sorted(set(shares)):
        raise ValueError("must be shares between 0 and 1, each greater than the one before")
    return shares


def _lower(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else value


Duration = Annotated[timedelta, BeforeValidator(read_duration)]
Size = Annotated[int, BeforeValidator(read_size)]
Folder = Annotated[Path, AfterValidator(Path.expanduser)]
Origin = Annotated[str, AfterValidator(_origin)]
DatabaseUrl = Annotated[SecretStr, AfterValidator(_database_url)]
Networks = Annotated[tuple[IPvAnyNetwork, ...], NoDecode, BeforeValidator(_split)]
Shares = Annotated[tuple[float, ...], NoDecode, BeforeValidator(_split), AfterValidator(_ascending)]
Level = Annotated[LogLevel, BeforeValidator(_lower)]
Format = Annotated[LogFormat, BeforeValidator(_lower)]


def _time(default: str, shortest: str, longest: str, meaning: str) -> Any:
    return Field(
        default=read_duration(default),
        ge=read_duration(shortest),
        le=read_duration(longest),
        description=meaning,
    )


def _derived(shown: str, example: str, meaning: str) -> Any:
    return Field(default=None, description=meaning, examples=[example], json_schema_extra={"shown": shown})


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class ServerSettings(_Section):
    """
    Where pages and API are served.
    """

    host: str = Field(default="127.0.0.1", min_length=1, description="Address to listen on.")
    port: int = Field(default=8410, ge=0, le=65_535, description="Port to listen on; 0 takes any free one.")
    trusted_proxies: Networks = Field(
        default=(),
        description="Networks of your own proxies, whose `X-Forwarded-For` is believed.",
        examples=["127.0.0.1/32"],
    )


class DatabaseSettings(_Section):
    """
    Where everything is kept.
    """

    url: DatabaseUrl | None = _derived(
        "`hubbub.db` in the data folder",
        "postgresql+asyncpg://hubbub:password@127.0.0.1/hubbub",
        "`sqlite+aiosqlite:///FILE` or `postgresql+asyncpg://...`.",
    )
    pool_size: int = Field(default=10, ge=1, le=200, description="Connections kept open by one process.")
    busy_timeout: Duration = _time("5s", "0s", "5m", "SQLite: how long to wait for another process that writes.")


class SecretSettings(_Section):
    """
    What seals the credentials of accounts.
    """

    key_file: Folder | None = _derived(
        "`secret.key` in the data folder",
        "secret.key",
        "File with the keys, one a line, the first seals. Made at the first start; only its owner may read it.",
    )
    key: SecretStr | None = _derived(
        "the key file's",
        "best left to the variable; several keys are separated by commas",
        "Keys given directly, best by the environment; the key file is then not used.",
    )


class LogSettings(_Section):
    """
    What is written to standard error.
    """

    level: Level = Field(default=LogLevel.INFO, description="Least important events that are written.")
    format: Format = Field(
        default=LogFormat.AUTO, description="`auto` is console on a terminal and JSON elsewhere."
    )


class QueueSettings(_Section):
    """
    What customers are promised, and who gets which conversation.
    """

    first_response: Duration = _time("15m", "1m", "30d", "Time to the first reply by a person.")
    warn_at: Shares = Field(
        default=(0.5, 0.8), max_length=5, description="Shares of that time at which somebody is warned."
    )
    hand_out: bool = Field(
        default=False, description="Give work to agents who are here and have room, instead of waiting for `Next`."
    )
    claim_lease: Duration = _time(
        "30m", "1m", "7d", "A claimed conversation that waits goes back after this long untouched by its agent."
    )
    offline_grace: Duration = _time(
        "5m", "10s", "24h", "What waits for an agent goes back to the queue this long after they went offline."
    )


class AccountSettings(_Section):
    """
    How our logins on networks are heard.
    """

    poll_every: Duration = _time("15s", "1s", "1h", "Time between two polls of one account.")
    poll_jitter: Duration = _time("3s", "0s", "10m", "Polls are moved by up to this much, to spread them.")
    lease: Duration = _time("60s", "5s", "1h", "How long a dead process keeps another from polling its accounts.")
    stream: bool = Field(default=True, description="Also keep a stream open where the network offers one.")


class OutboxSettings(_Section):
    """
    How replies and posts leave.
    """

    lease: Duration = _time("60s", "5s", "1h", "How long a dead process keeps its attempt from another.")
    attempts: int = Field(default=8, ge=1, le=100, description="Attempts before a human must decide.")
    first_wait: Duration = _time("5s", "0s", "1h", "Wait after the first failed attempt; it doubles each time.")
    longest_wait: Duration = _time("15m", "1s", "1d", "Longest wait of our own; a server may ask for more.")
    grace: Duration = _time("24h", "1m", "30d", "What was due longer ago than this is marked missed, not sent.")


class SessionSettings(_Section):
    """
    How long people stay signed in.
    """

    idle: Duration = _time("12h", "1m", "90d", "Signed out after this long without a request.")
    longest: Duration = _time("7d", "1m", "365d", "Signed out after this long in any case.")


class SignInSettings(_Section):
    """
    How often somebody may try a password.
    """

    attempts: int = Field(default=5, ge=1, le=1000, description="Failed attempts that are allowed within `per`.")
    per: Duration = _time("15m", "1s", "7d", "Time after which failed attempts are forgotten.")


class PresenceSettings(_Section):
    """
    When agents count as here.
    """

    offline_after: Duration = _time(
        "75s", "30s", "1h", "An agent is offline after this long without a sign of life from their pages."
    )
    idle_after: Duration = _time(
        "10m", "1m", "24h", "An agent is away after this long without touching key, pointer or screen."
    )


class LiveSettings(_Section):
    """
    Live events to open pages.
    """

    keep: Duration = _time("1h", "1m", "30d", "A page that reconnects within this time misses nothing.")


class OutwardSettings(_Section):
    """
    What may be asked out there, when people type an address: webhooks, feeds.
    """

    allow_private: Networks = Field(
        default=(),
        description="Private networks of your own that may be asked all the same; else only the public internet.",
        examples=["10.20.0.0/16"],
    )
    allow_http: bool = Field(default=False, description="Also allow addresses without TLS (`http://`).")


class WebhookSettings(_Section):
    """
    How other programs are told.
    """

    timeout: Duration = _time("15s", "1s", "2m", "How long a receiver may take to answer.")
    give_up_after: Duration = _time(
        "5d", "1m", "30d", "What could not be delivered for this long is given up, and a webhook is stopped."
    )
    both_secrets: Duration = _time("24h", "0s", "30d", "After a rotation the old secret signs too for this long.")
    keep: Duration = _time("30d", "1h", "365d", "How long the log of deliveries is kept, with what was sent.")


class HttpSettings(_Section):
    """
    What is accepted from outside.
    """

    max_body: Size = Field(
        default=2_000_000, ge=10_000, le=1_000_000_000, description="Largest body of a request."
    )


class Settings(BaseSettings):
    """
    Everything that can be set.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        env_ignore_empty=True,
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
    )

    data_dir: Folder = Field(
        default=Path("hubbub-data"),
        description="Folder for database and key. Relative paths in a file start at that file's folder.",
    )
    public_url: Origin | None = _derived(
        "`http://` with host and port of the server",
        "https://hubbub.example.com",
        "Address under which people reach the pages, used in links.",
    )
    server: ServerSettings = ServerSettings()
    database: DatabaseSettings = DatabaseSettings()
    secrets: SecretSettings = SecretSettings()
    log: LogSettings = LogSettings()
    queue: QueueSettings = QueueSettings()
    accounts: AccountSettings = AccountSettings()
    outbox: OutboxSettings = OutboxSettings()
    sessions: SessionSettings = SessionSettings()
    sign_in: SignInSettings = SignInSettings()
    presence: PresenceSettings = PresenceSettings()
    live: LiveSettings = LiveSettings()
    http: HttpSettings = HttpSettings()
    outward: OutwardSettings = OutwardSettings()
    webhooks: WebhookSettings = WebhookSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        # `load_settings` reads the sources, so that it can name the one that is wrong.
        return (init_settings,)

    @property
    def database_url(self) -> str:
        """
        Where the database is; may hold a password, so never log it.
        """
        if self.database.url is not None:
            return self.database.url.get_secret_value()
        return f"sqlite+aiosqlite:///{self.data_dir / 'hubbub.db'}"

    @property
    def key_file(self) -> Path:
        """
        The file with the keys of the secret box; not used when `secrets.key` is set.
        """
        return self.secrets.key_file or self.data_dir / "secret.key"

    @property
    def base_url(self) -> str:
        """
        The address under which people reach the pages, without a slash at the end.
        """
        host = f"[{self.server.host}]" if ":" in self.server.host else self.server.host
        return self.public_url or f"http://{host}:{self.server.port}"


def load_settings(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """
    Read and check all settings; a variable wins over the file, and the file over the defaults.

    Args:
        path: what `--config` says; else `HUBBUB_CONFIG`, else `hubbub.toml` in the working folder if it exists.

    Raises:
        SettingsError: with every problem that was found.
    """
    file = find_file(path, environ)
    sources = Sources(
        model=Settings, file=file, written=read_file(file) if file else {}, named=read_variables(environ)
    )
    if problems := sources.unknown():
        raise SettingsError(problems)
    try:
        return Settings.model_validate(
            _merge(_from_folder(sources.written, file), _read_environment(sources.named))
        )
    except ValidationError as error:
        raise SettingsError([sources.problem(found) for found in error.errors()]) from None


def _read_environment(named: Mapping[str, str]) -> dict[str, Any]:
    source = EnvSettingsSource(Settings)
    source.env_vars = {name.lower(): value for name, value in named.items() if value}
    return source()


def _from_folder(written: Mapping[str, Any], file: Path | None) -> dict[str, Any]:
    """
    Let relative paths start at the file's folder, so that the working folder does not matter.
    """
    if file is None:
        return {}
    given = {"data_dir": str(Settings.model_fields["data_dir"].default), **written}
    if isinstance(given["data_dir"], str):
        given["data_dir"] = str(file.parent / Path(given["data_dir"]).expanduser())
    secrets = given.get("secrets", {})
    if isinstance(secrets.get("key_file"), str):
        key_file = file.parent / Path(secrets["key_file"]).expanduser()
        given["secrets"] = {**secrets, "key_file": str(key_file)}
    return given


def _merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for name, value in above.items():
        both = isinstance(value, dict) and isinstance(merged.get(name), dict)
        merged[name] = _merge(merged[name], value) if both else value
    return merged
