"""
The options of a channel: read what a person gave, part credentials from the rest, describe them for forms.

Pure: values in, values out. Credentials are the fields of type `SecretStr`; they never come back out of a form.
"""

from __future__ import annotations

import re
import types
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic.fields import FieldInfo

from bot.core.errors import Invalid
from connectors.registry import Channel

HEAR_SINCE = "hear_since"
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
"""Nobody wrote to a brand on a micro-blog before."""
_LISTS = (list, tuple, set, frozenset)


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionField:
    """
    One option as a form shows it.

    Args:
        kind: text, password, checkbox, number or select.
        default: as text; empty for credentials and where there is none.
    """

    name: str
    label: str
    hint: str
    kind: Literal["text", "password", "checkbox", "number", "select"]
    required: bool
    default: str = ""
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Parted:
    """
    Options parted for storing: `plain` is JSON anyone with access may read, `secret` goes into the secret box.
    """

    plain: dict[str, Any]
    secret: dict[str, str]


def read_options(channel: Channel, given: Mapping[str, Any], *, now: datetime) -> BaseModel:
    """
    Read what a person gave, as text or as JSON values; empty text means not given.

    `hear_since` becomes `now` when it is not given, so that an account begins at the moment it was added.

    Raises:
        Invalid: by field, without repeating the value (it may be a credential).
    """
    fields = channel.options.model_fields
    values = {name: _value(fields.get(name), value) for name, value in given.items() if not _empty(value)}
    if HEAR_SINCE in fields and HEAR_SINCE not in values:
        values[HEAR_SINCE] = now
    options = restore_options(channel, values)
    since = getattr(options, HEAR_SINCE, None)
    if isinstance(since, datetime) and not EARLIEST <= since <= now:
        raise Invalid(fields={HEAR_SINCE: "must lie between the year 2000 and now"})
    return options


def restore_options(channel: Channel, stored: Mapping[str, Any]) -> BaseModel:
    """
    Read options as they were stored, credentials included.

    Raises:
        Invalid: by field; the channel may have changed since they were stored.
    """
    try:
        return channel.options.model_validate(dict(stored))
    except ValidationError as error:
        raise Invalid(fields=_complaints(error)) from None


def part(options: BaseModel) -> Parted:
    """
    Part credentials from the rest.
    """
    secrets = secret_names(type(options))
    held = {name: getattr(options, name) for name in secrets}
    return Parted(
        plain=options.model_dump(mode="json", exclude=set(secrets)),
        secret={name: value.get_secret_value() for name, value in held.items() if value is not None},
    )


def secret_names(model: type[BaseModel]) -> frozenset[str]:
    """
    Name the options that are credentials.
    """
    return frozenset(name for name, field in model.model_fields.items() if SecretStr in _types(field.annotation))


def describe(model: type[BaseModel]) -> list[OptionField]:
    """
    Describe every option for a form, in the order of the model.
    """
    return [_describe(name, field) for name, field in model.model_fields.items()]


def shown(value: object) -> str:
    """
    Write a stored plain option into a form field so that `read_options` reads it back.
    """
    if value is None:
        return ""
    if isinstance(value, list):
        return ", ".join(str(part) for part in value)
    return ("yes" if value else "") if isinstance(value, bool) else str(value)


def _describe(name: str, field: FieldInfo) -> OptionField:
    choices = _choices(field)
    default = "" if field.is_required() else shown(field.get_default(call_default_factory=True))
    found = _types(field.annotation)
    kind: Literal["text", "password", "checkbox", "number", "select"] = "text"
    if SecretStr in found:
        kind, default = "password", ""
    elif bool in found:
        kind = "checkbox"
    elif choices:
        kind = "select"
    elif int in found:
        kind = "number"
    label = field.title or name.replace("_", " ").capitalize()
    return OptionField(
        name=name,
        label=label,
        hint=field.description or "",
        kind=kind,
        required=field.is_required(),
        default=default,
        choices=choices,
    )


def _choices(field: FieldInfo) -> tuple[str, ...]:
    for found in _types(field.annotation):
        if get_origin(found) is Literal:
            return tuple(str(choice) for choice in get_args(found))
        if isinstance(found, type) and issubclass(found, Enum):
            return tuple(str(choice.value) for choice in found)
    return ()


def _types(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else (annotation,)


def _value(field: FieldInfo | None, value: Any) -> Any:
    """
    Forms and the command line know text only: a list is written with commas or spaces between.
    """
    many = field is not None and any((get_origin(found) or found) in _LISTS for found in _types(field.annotation))
    return [part for part in re.split(r"[,\s]+", value) if part] if many and isinstance(value, str) else value


def _empty(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _complaints(error: ValidationError) -> dict[str, str]:
    found = error.errors(include_url=False, include_input=False, include_context=False)
    return {
        ".".join(str(part) for part in one["loc"]) or "options": one["msg"].removeprefix("Value error, ")
        for one in found
    }
