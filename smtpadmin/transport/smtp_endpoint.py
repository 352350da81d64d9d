"""An endpoint as a plan: the ordinary way to hand in mail there, and the way in looked at."""

from __future__ import annotations

from smtpadmin.model.profile import TlsMode
from smtpadmin.model.smtp import SendResult, SubmissionEndpoint
from smtpadmin.model.smtp_plan import LoginPlan, SendPlan, Target, TlsPlan, TlsUse
from smtpadmin.transport.smtp_run import Secrets, run_plan

CHECK_S = 20.0
_USES = {
    TlsMode.NONE: TlsUse.NONE,
    TlsMode.STARTTLS: TlsUse.STARTTLS,
    TlsMode.IMPLICIT: TlsUse.IMPLICIT,
}


def plan_of(endpoint: SubmissionEndpoint) -> SendPlan:
    """The plan of a plain session; without a user there is no login, whatever the mechanisms."""
    return SendPlan(
        Target(endpoint.host, endpoint.port),
        tls=TlsPlan(
            _USES[endpoint.tls], ca_file=endpoint.ca_file, fingerprint=endpoint.fingerprint
        ),
        login=LoginPlan(endpoint.user, mechanisms=endpoint.mechanisms if endpoint.user else ()),
    )


async def check_login(
    endpoint: SubmissionEndpoint, password: str, *, total_s: float = CHECK_S
) -> SendResult:
    """A session without a message: greeting, EHLO, TLS, and the login when there is a user. Raises
    SmtpadminError."""
    result, error = await run_plan(
        plan_of(endpoint), None, Secrets(password), total_s=total_s, step_s=total_s
    )
    if error is not None:
        raise error
    return result
