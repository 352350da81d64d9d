"""Weak, typed signals without Qt: how the core announces things.

A bound method is held weakly, so that a dead receiver vanishes by itself; a plain function (or
a method of a built-in type) is held strongly. Receivers are called in the order in which they connected, in the emitter's thread.
"""

from __future__ import annotations

import logging
import types
import weakref
from collections.abc import Callable
from typing import Any, Generic, ParamSpec

P = ParamSpec("P")
log = logging.getLogger(__name__)


class Signal(Generic[P]):
    """A list of receivers, called by :meth:`emit`."""

    def __init__(self) -> None:
        self._receivers: list[Callable[[], Callable[P, Any] | None]] = []

    def connect(self, receiver: Callable[P, Any]) -> None:
        """Call ``receiver`` at each emit from now on."""
        if isinstance(receiver, types.MethodType):
            self._receivers.append(weakref.WeakMethod(receiver))
        else:
            self._receivers.append(lambda: receiver)

    def disconnect(self, receiver: Callable[P, Any]) -> None:
        """Stop calling ``receiver``; one that is not connected is no error."""
        self._receivers = [ref for ref in self._receivers if ref() not in (None, receiver)]

    def emit(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Call every living receiver. One that raises is logged and does not stop the others."""
        for ref in tuple(self._receivers):
            receiver = ref()
            if receiver is None:
                self._receivers.remove(ref)
                continue
            try:
                receiver(*args, **kwargs)
            except Exception:
                log.exception("a receiver of a signal failed: %r", receiver)
