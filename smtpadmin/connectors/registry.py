"""Which connectors there are: found by walking this package, third parties by entry point.

One that raises on import is logged and skipped, so that a broken plug-in never stops the program.
"""

from __future__ import annotations

import functools
import importlib
import logging
import pkgutil
from collections.abc import Iterator, Mapping
from types import MappingProxyType

import smtpadmin.connectors as package
from smtpadmin.connectors.api import Connector
from smtpadmin.model.errors import UsageError
from smtpadmin.model.profile import Profile

ENTRY_POINT_GROUP = "smtpadmin.connectors"
_NOT_CONNECTORS = {"api", "registry"}
log = logging.getLogger(__name__)


@functools.cache
def connectors() -> Mapping[str, type[Connector]]:
    """Connector classes by id, built-in ones first."""
    found: dict[str, type[Connector]] = {}
    for cls in (*_built_in(), *_third_party()):
        if cls.id in found:
            log.warning("connector %r of %s is ignored: the id is taken", cls.id, cls.__module__)
            continue
        found[cls.id] = cls
    return MappingProxyType(found)


def create(profile: Profile, secrets: Mapping[str, str]) -> Connector:
    """The connector of a profile. Raises UsageError for a kind that is not installed."""
    cls = connectors().get(profile.kind)
    if cls is None:
        raise UsageError(
            f"there is no connector of kind {profile.kind!r}",
            where=profile.name,
            remedy=f"Known kinds: {', '.join(connectors())}.",
        )
    return cls(profile, secrets)


def _built_in() -> Iterator[type[Connector]]:
    for module_info in pkgutil.iter_modules(package.__path__):
        if module_info.name in _NOT_CONNECTORS or module_info.name.startswith("_"):
            continue
        try:
            module = importlib.import_module(f"{package.__name__}.{module_info.name}")
        except Exception:
            log.exception("connector module %s is skipped", module_info.name)
            continue
        yield from _connector_classes(module)


def _connector_classes(module: object) -> Iterator[type[Connector]]:
    for value in vars(module).values():
        if (
            isinstance(value, type)
            and value.__module__ == getattr(module, "__name__", "")
            and hasattr(value, "id")
            and hasattr(value, "settings")
            and hasattr(value, "probe")
        ):
            yield value


def _third_party() -> Iterator[type[Connector]]:
    import importlib.metadata

    for entry_point in importlib.metadata.entry_points(group=ENTRY_POINT_GROUP):
        try:
            yield entry_point.load()
        except Exception:
            log.exception("connector plug-in %s is skipped", entry_point.name)
