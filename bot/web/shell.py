"""
The frame around every page: Jinja2, navigation, banners, and what each template can count on.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import jinja2
from markupsafe import Markup

from bot.core.actor import Actor
from bot.core.database import UnitOfWork
from bot.web import translations
from bot.web.assets import Assets
from bot.web.gate import Gate
from bot.web.translations import gettext as _
from bot.web.translations import word

SET_UP_PAGE = "/set-up"
PART_SECONDS = 30
"""How long a part of a page may be remembered: times are written in it."""
MOST_PARTS = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class NavEntry:
    """
    A line of the navigation, shown to those who have the permission.

    Args:
        about: what is done there, in one sentence; such an entry stands on the page *Set up* instead of the rail,
            which is for what is needed all day.
    """

    label: str
    url: str
    permission: str
    icon: str = ""
    about: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Banner:
    """
    Something everybody should know until it is mended.
    """

    level: str  # info, warning, error
    text: str
    url: str | None = None
    action: str | None = None
    permission: str = ""  # who is told; empty: everybody who is signed in


BannerSource = Callable[[UnitOfWork], Awaitable[Sequence[Banner]]]
Bell = Callable[[UnitOfWork, Actor], Awaitable[int]]
"""Counts what somebody has not read."""


@dataclass(slots=True)
class Shell:
    """
    Renders templates; made once by the composition root.

    Args:
        template_folders: feature name -> package that holds `templates/<feature>/`.
        simulated: every page says that the crowd is simulated.
    """

    assets: Assets
    gate: Gate
    packages: Sequence[str]
    nav: Sequence[NavEntry] = ()
    banner_sources: Sequence[BannerSource] = ()
    bell: Bell | None = None
    simulated: bool = False
    secure_cookies: bool = False
    jinja: jinja2.Environment = field(init=False)
    _parts: dict[tuple[Any, ...], Markup] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.jinja = jinja2.Environment(
            loader=jinja2.ChoiceLoader([jinja2.PackageLoader(name, "templates") for name in self.packages]),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=["jinja2.ext.i18n"],
        )
        self.jinja.globals["asset"] = self.assets.url
        self.jinja.filters |= {"stamp": stamp, "number": translations.number}
        self.jinja.globals |= {"ago": ago, "until": until, "part": self._part}
        _teach(self.jinja)

    async def banners(self, work: UnitOfWork) -> list[Banner]:
        """
        Ask every source what should be said on top of each page.
        """
        return [banner for source in self.banner_sources for banner in await source(work)]

    async def unread(self, work: UnitOfWork, actor: Actor) -> int:
        """
        Count what this person has not read.
        """
        return await self.bell(work, actor) if self.bell else 0

    def nav_for(self, actor: Actor | None, path: str) -> list[dict[str, Any]]:
        """
        Give the navigation of this person; `current` marks where they are.
        """
        if actor is None:
            return []
        places = [self._place(entry, path) for entry in self.nav if not entry.about and self._may(actor, entry)]
        rest = self.set_up_for(actor, path)
        if rest:
            entry = NavEntry(label="Set up", url=SET_UP_PAGE, permission="")
            here = self._place(entry, path)
            places.append({**here, "current": here["current"] or any(one["current"] for one in rest)})
        return places

    def set_up_for(self, actor: Actor, path: str = "") -> list[dict[str, Any]]:
        """
        Give what this person may set up or look after, with a sentence about each.
        """
        return [self._place(entry, path) for entry in self.nav if entry.about and self._may(actor, entry)]

    def _may(self, actor: Actor, entry: NavEntry) -> bool:
        return self.gate.may(actor.role, entry.permission)

    def _place(self, entry: NavEntry, path: str) -> dict[str, Any]:
        return {
            "label": word(entry.label),
            "url": entry.url,
            "icon": entry.icon,
            "about": word(entry.about) if entry.about else "",
            "badge": None,
            "current": path == entry.url or path.startswith(entry.url + "/"),
        }

    def render(self, template: str, context: dict[str, Any]) -> str:
        """
        Fill a template. `ago(dt)` and `until(dt)` are bound to the page's own `now`.
        """
        now: datetime = context["now"]
        bound = {"ago": lambda at: ago(at, now), "until": lambda at: until(at, now)}
        return self.jinja.get_template(template).render(**context, **bound)

    @jinja2.pass_context
    def _part(self, context: jinja2.runtime.Context, macro: jinja2.runtime.Macro, /, **values: Any) -> Markup:
        """
        Call a macro that depends only on these values, the language and the time, and remember what it gives.

        Lists are fetched again and again while most of their rows stay as they are. Words of times may be half a
        minute old; `time.js` rewrites them when they arrive.
        """
        now: datetime = context["now"]
        begun = int(now.timestamp()) // PART_SECONDS
        key = (context.name, macro.name, translations.language(), begun, *values.items())
        found = self._parts.pop(key, None)
        if found is None:
            found = Markup(macro(**values))
            if len(self._parts) >= MOST_PARTS:
                del self._parts[next(iter(self._parts))]
        self._parts[key] = found  # now the newest
        return found


def _teach(jinja: jinja2.Environment) -> None:
    """
    Give templates their words. One environment serves all languages: the callables ask which one the page speaks.
    """
    for language in translations.LANGUAGES:
        translations.words_of(language)  # a catalogue that cannot be read stops the start, not a page
    # The i18n extension adds this method to the environment, where no type checker sees it.
    install = jinja.install_gettext_callables  # type: ignore[attr-defined]
    install(translations.look_up, translations.look_up_plural, newstyle=True, pgettext=translations.look_up_in)
    jinja.globals |= {
        "word": word,
        "said": translations.said,
        "html_language": translations.html_language,
        "language": translations.language,
        "language_name": translations.language_name,
        "languages": translations.LANGUAGES,
        "script_words": translations.script_words,
    }


def stamp(at: datetime | None) -> str:
    """
    Write an instant for people, in UTC; the browser rewrites it in local time.
    """
    return _("%(date)s, %(time)s UTC", date=translations.date(at), time=f"{at:%H:%M}") if at else ""


def ago(at: datetime | None, now: datetime) -> str:
    """
    Write how long ago something was.
    """
    if at is None:
        return ""
    seconds = max(0, int((now - at).total_seconds()))
    if seconds >= 86_400:
        return _("%(n)s d ago", n=seconds // 86_400)
    if seconds >= 3_600:
        return _("%(n)s h ago", n=seconds // 3_600)
    if seconds >= 60:
        return _("%(n)s min ago", n=seconds // 60)
    return _("just now")


def until(at: datetime | None, now: datetime) -> str:
    """
    Write how long is left, or how late it is: `in 11:42`, `3:05 late`.
    """
    if at is None:
        return ""
    left = at - now
    seconds = int(abs(left) / timedelta(seconds=1))
    hours, rest = divmod(seconds, 3_600)
    clock = f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"
    return _("in %(clock)s", clock=clock) if left >= timedelta(0) else _("%(clock)s late", clock=clock)
