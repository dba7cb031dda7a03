"""``mentra-sync doctor``: what is missing, and how to mend it."""

from __future__ import annotations

from collections.abc import Callable

from mentra_sync.commands.checkup import installation, network, ports, project, simulation
from mentra_sync.commands.checkup.finding import Finding, Request
from mentra_sync.commands.terminal import colored, say

Check = Callable[[Request], list[Finding]]

ON_THIS_MACHINE: tuple[Check, ...] = (
    installation.python,
    installation.package,
    project.env_file,
    project.wrong_names,
    project.api_key,
    project.package_name,
    ports.ports,
    simulation.simulator,
    simulation.proxies,
    simulation.browser,
)

ON_THE_INTERNET: tuple[Check, ...] = (network.cloud, network.public_address)

COLORS = {"ok": "green", "warning": "yellow", "problem": "red"}
INDENT = " " * 9


def doctor(url: str | None, *, offline: bool) -> int:
    """Say of each check how it went; returns 1 when there is a problem."""
    request = Request(url)
    checks = ON_THIS_MACHINE if offline else ON_THIS_MACHINE + ON_THE_INTERNET
    findings = []
    for check in checks:
        for finding in check(request):
            findings.append(finding)
            _show(finding)
    problems = sum(finding.state == "problem" for finding in findings)
    warnings = sum(finding.state == "warning" for finding in findings)
    say(f"\n{_count(problems, 'problem')}, {_count(warnings, 'warning')}.")
    return 1 if problems else 0


def _show(finding: Finding) -> None:
    say(f"{colored(f'{finding.state:8}', COLORS[finding.state])} {finding.text}")
    if finding.remedy:
        say(f"{INDENT}{finding.remedy}")


def _count(number: int, what: str) -> str:
    return f"{number or 'no'} {what}{'' if number == 1 else 's'}"
