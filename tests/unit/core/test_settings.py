"""
Settings: where they come from, who wins, and one clear line for each mistake.
"""

from __future__ import annotations

import re
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest
from pydantic import ValidationError

from bot.settings import LogFormat, LogLevel, ServerSettings, Settings, SettingsError, load_settings
from bot.settings_reference import EXAMPLE, REFERENCE, ROOT, example_toml, settings_reference
from bot.settings_sources import leaves, variable_of


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(text: str | bytes, name: str = "hubbub.toml") -> Path:
    file = Path(name)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return file


def problems(text: str | None = None, **variables: str) -> list[str]:
    if text is not None:
        write(text)
    with pytest.raises(SettingsError) as caught:
        load_settings(None, variables)
    return str(caught.value).split("\n")


def test_nothing_set_gives_the_defaults() -> None:
    settings = load_settings(None, {})
    assert settings == Settings()
    assert (settings.server.host, settings.server.port, settings.server.trusted_proxies) == ("127.0.0.1", 8410, ())
    assert settings.database_url == "sqlite+aiosqlite:///hubbub-data/hubbub.db"
    assert settings.key_file == Path("hubbub-data/secret.key")
    assert settings.base_url == "http://127.0.0.1:8410"
    assert settings.queue.first_response == timedelta(minutes=15)
    assert (settings.log.level, settings.log.format) == (LogLevel.INFO, LogFormat.AUTO)
    assert settings.http.max_body == 2_000_000


def test_defaults_ask_neither_environment_nor_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUBBUB_SERVER__PORT", "1")
    write("[server]\nport = 2\n")
    assert Settings().server.port == 8410


def test_a_variable_wins_over_the_file_and_the_file_over_the_default() -> None:
    write('[server]\nport = 1\nhost = "::1"\n[log]\nlevel = "ERROR"\n')
    settings = load_settings(None, {"HUBBUB_SERVER__PORT": "2", "HUBBUB_LOG__FORMAT": "json", "PATH": "/bin"})
    assert (settings.server.port, settings.server.host, settings.log.level) == (2, "::1", LogLevel.ERROR)
    assert settings.log.format is LogFormat.JSON
    assert settings.base_url == "http://[::1]:2"


def test_the_file_is_searched_in_order() -> None:
    named, asked = write("[server]\nport = 2", "named.toml"), write("[server]\nport = 3", "asked.toml")
    assert load_settings(None, {}).server.port == 8410
    write("[server]\nport = 1")
    assert load_settings(None, {}).server.port == 1
    assert load_settings(None, {"HUBBUB_CONFIG": str(named)}).server.port == 2
    assert load_settings(asked, {"HUBBUB_CONFIG": str(named)}).server.port == 3


def test_relative_paths_of_a_file_start_at_its_folder_and_those_of_a_variable_here() -> None:
    file = write('[secrets]\nkey_file = "k"', "etc/hubbub.toml")
    settings = load_settings(file, {})
    assert (settings.data_dir, settings.key_file) == (Path("etc/hubbub-data"), Path("etc/k"))
    assert load_settings(file, {"HUBBUB_DATA_DIR": "there"}).data_dir == Path("there")
    assert load_settings(write('data_dir = "/srv/x"'), {}).database_url == "sqlite+aiosqlite:////srv/x/hubbub.db"
    assert load_settings(None, {"HUBBUB_DATA_DIR": "~/h"}).data_dir == Path.home() / "h"


def test_lists_are_read_from_both() -> None:
    networks = (ip_network("10.0.0.0/8"), ip_network("::1/128"))
    variable = {"HUBBUB_SERVER__TRUSTED_PROXIES": "10.0.0.0/8, ::1"}
    assert load_settings(None, variable).server.trusted_proxies == networks
    write('[server]\ntrusted_proxies = ["10.0.0.0/8", "::1"]')
    assert load_settings(None, {}).server.trusted_proxies == networks


def test_an_empty_variable_counts_as_not_set() -> None:
    assert load_settings(None, {"HUBBUB_SERVER__PORT": "", "HUBBUB_CONFIG": ""}) == Settings()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[server]\nprot = 1", "hubbub.toml: server.prot: there is no such setting; did you mean server.port?"),
        ("port = 1", "hubbub.toml: port: there is no such setting; did you mean server.port?"),
        ("[srever]\nport = 1", "hubbub.toml: srever: there is no such setting; did you mean server?"),
        ("zebra = 1", "hubbub.toml: zebra: there is no such setting"),
        ("_env_file = 'x'", "hubbub.toml: _env_file: there is no such setting"),
        ("server = 1", "hubbub.toml: server: is a section; write [server] on a line of its own"),
        ("[server]\nport = 'x'", "hubbub.toml: server.port: must be a whole number, not 'x'"),
        ("[server]\nport = 70000", "hubbub.toml: server.port: must be less than or equal to 65535, not 70000"),
        ("[accounts]\nstream = 'so'", "hubbub.toml: accounts.stream: must be true or false, not 'so'"),
        (
            "[queue]\nfirst_response = 'soon'",
            "hubbub.toml: queue.first_response: must be a duration such as "
            '"90s", "15m", "1h30m" or "7d", not \'soon\'',
        ),
        (
            "[queue]\nfirst_response = 1",
            "hubbub.toml: queue.first_response: must be greater than or equal to 1 minute, not 1s",
        ),
        (
            "[http]\nmax_body = '1TB'",
            'hubbub.toml: http.max_body: must be a size such as "500kB", "2MB" or "1MiB", not \'1TB\'',
        ),
        (
            "[log]\nlevel = 'loud'",
            "hubbub.toml: log.level: must be 'debug', 'info', 'warning' or 'error', not 'loud'",
        ),
        ("public_url = 'example.com'", "hubbub.toml: public_url: must begin with"),
        ("public_url = 'https://a.example/x'", "hubbub.toml: public_url: must be scheme, host and port only"),
        ("[server]\ntrusted_proxies = ['x']", "hubbub.toml: server.trusted_proxies: value is not a valid IP"),
        ("\na = x", "hubbub.toml: is not TOML: Invalid value (at line 2, column 5)"),
        ("x = " + "[" * 5000, "hubbub.toml: is not TOML"),
    ],
)
def test_each_mistake_in_a_file_is_one_clear_line(text: str, line: str) -> None:
    said = problems(text)
    assert len(said) == 1
    assert said[0].startswith(line)


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("HUBBUB_PROT", "1", "HUBBUB_PROT: there is no such setting"),
        ("HUBBUB_CONFIGS", "1", "HUBBUB_CONFIGS: there is no such setting; did you mean HUBBUB_CONFIG?"),
        (
            "HUBBUB_SERVER__PROT",
            "1",
            "HUBBUB_SERVER__PROT: there is no such setting; did you mean HUBBUB_SERVER__PORT?",
        ),
        ("HUBBUB_SERVER", '{"port": 1}', "HUBBUB_SERVER: there is no such setting"),
        ("HUBBUB_SERVER__PORT", "abc", "HUBBUB_SERVER__PORT: must be a whole number, not 'abc'"),
        (
            "HUBBUB_OUTBOX__GRACE",
            "1s",
            "HUBBUB_OUTBOX__GRACE: must be greater than or equal to 1 minute, not 1s",
        ),
    ],
)
def test_each_mistake_in_a_variable_is_one_clear_line(name: str, value: str, line: str) -> None:
    said = problems("[server]\nport = 5", **{name: value})
    assert len(said) == 1
    assert said[0].startswith(line)


def test_all_mistakes_are_named_at_once() -> None:
    said = problems("[server]\nport = 'x'\n[outbox]\nattempts = 0", HUBBUB_QUEUE__FIRST_RESPONSE="never")
    assert [line.split(": ")[-2] if "toml" in line else line.split(":")[0] for line in sorted(said)] == [
        "HUBBUB_QUEUE__FIRST_RESPONSE",
        "outbox.attempts",
        "server.port",
    ]


def test_a_long_value_is_cut() -> None:
    assert len(problems(f"[log]\nlevel = '{'x' * 10_000}'")[0]) < 200


def test_a_file_that_cannot_be_read_is_named() -> None:
    assert problems(HUBBUB_CONFIG="none.toml") == ["none.toml: cannot be read: No such file or directory"]
    Path("folder.toml").mkdir()
    assert problems(HUBBUB_CONFIG="folder.toml") == ["folder.toml: cannot be read: Is a directory"]
    file = write(b"\xff\xfe")
    assert problems(HUBBUB_CONFIG=str(file)) == ["hubbub.toml: is not UTF-8 text (byte 0)"]


def test_a_secret_is_never_shown() -> None:
    said = problems("[database]\nurl = 'mysql://u:hunter2@h/x'\n[secrets]\nkey = 12", HUBBUB_SERVER__PORT="x")
    assert len(said) == 3
    assert "hunter2" not in "".join(said)
    settings = load_settings(
        write('[database]\nurl = "postgresql+asyncpg://u:hunter2@h/x"\n[secrets]\nkey = "hunter3"'), {}
    )
    assert "hunter" not in repr(settings) + str(settings) + settings.model_dump_json()
    assert settings.database_url == "postgresql+asyncpg://u:hunter2@h/x"


def test_settings_are_frozen() -> None:
    settings = Settings(server=ServerSettings(port=0))
    with pytest.raises(ValidationError):
        settings.server.port = 1  # type: ignore[misc]
    with pytest.raises(ValidationError):
        settings.data_dir = Path()  # type: ignore[misc]


def test_the_reference_in_the_repository_is_the_model() -> None:
    assert (ROOT / REFERENCE).read_text() == settings_reference(), "run: make docs"


def test_the_reference_names_every_setting() -> None:
    text = settings_reference()
    for path, field in leaves(Settings):
        assert f"`{'.'.join(path)}`" in text
        assert f"`{variable_of(path)}`" in text
        assert field.description, path


def test_the_example_in_the_repository_is_the_model_and_loads() -> None:
    assert (ROOT / EXAMPLE).read_text() == example_toml(), "run: make docs"
    assert load_settings(ROOT / EXAMPLE, {"HUBBUB_DATA_DIR": "hubbub-data"}) == Settings()


def test_the_example_loads_with_every_line_switched_on_and_holds_the_defaults() -> None:
    lines = re.sub(r"^# (\w+ = )", r"\1", example_toml(), flags=re.MULTILINE)
    settings = load_settings(write(lines), {})
    examples = {"public_url", "database", "secrets"}
    assert settings.model_dump(exclude=examples) == Settings().model_dump(exclude=examples)
    assert settings.database_url.startswith("postgresql+asyncpg://")
