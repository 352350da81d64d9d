"""What the form shows when the dialog opens: the way to the server that is open in the window."""

from __future__ import annotations

from smtpadmin.connectors.api import Submission, ability
from smtpadmin.gui.send.compose_pane import USUAL, ComposePane
from smtpadmin.gui.server_context import ServerContext
from smtpadmin.model.profile import Profile
from smtpadmin.model.recipe import Letter, Recipe
from smtpadmin.model.smtp_plan import SendPlan, Target, TlsPlan, TlsUse
from smtpadmin.services.tunnel import can_tunnel
from smtpadmin.transport.open_runner import is_local
from smtpadmin.transport.smtp_endpoint import plan_of


def fill_first(compose: ComposePane, context: ServerContext | None, last: list[str]) -> None:
    """``last`` are the sender and the recipients of the last test, or nothing."""
    plan = _first_plan(compose, context)
    sender, recipients = (last[0], last[1]) if len(last) == 2 else ("", "")
    compose.fill(Recipe(Letter(), plan))
    compose.letter.from_.setText(sender)
    compose.letter.to.setText(recipients)
    compose.letter.to.setFocus()


def _first_plan(compose: ComposePane, context: ServerContext | None) -> SendPlan:
    if context is None:
        return USUAL
    submission = ability(context.session.connector, Submission)
    endpoints = submission.submission_endpoints() if submission is not None else ()
    compose.target.offer_jump(can_tunnel(context.profile))
    if submission is None or not endpoints:
        return _own_port(compose, context.profile)
    compose.target.password.setText(submission.submission_password())
    return plan_of(endpoints[0])


def _own_port(compose: ComposePane, profile: Profile) -> SendPlan:
    """Of a profile that says nothing of mail: port 25, from there where it is reached by SSH."""
    there = can_tunnel(profile)
    compose.target.jump.setChecked(there)
    host = "127.0.0.1" if there or is_local(profile) else profile.host
    return SendPlan(Target(host, 25), tls=TlsPlan(TlsUse.OPTIONAL))
