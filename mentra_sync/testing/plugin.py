"""The pytest plugin: the fixture ``glasses``, and what a failed test tells of them.

pytest loads this at every start, also for tests that wear no glasses: so nothing else is imported
until the fixture is used.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from mentra_sync.testing.simulated_glasses import SimulatedGlasses

_glasses: pytest.StashKey[SimulatedGlasses] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--update-lens-snapshots``."""
    parser.getgroup("mentra-sync").addoption(
        "--update-lens-snapshots",
        action="store_true",
        help="make the snapshots of glasses.lens.matches() from what the lens shows",
    )


def pytest_configure(config: pytest.Config) -> None:
    """A thread of an app's own may well end by ``SessionEnded`` when the test is over."""
    category = "pytest.PytestUnhandledThreadExceptionWarning"
    words = r"(?s).*mentra_sync\.errors\.SessionEnded"
    config.addinivalue_line("filterwarnings", f"ignore:{words}:{category}")


@pytest.fixture
def glasses(request: pytest.FixtureRequest) -> Generator[SimulatedGlasses, None, None]:
    """Simulated glasses: ``glasses.start(MyApp)``, ``glasses.say("hello")``, ``glasses.lens``."""
    from mentra_sync.testing.simulated_glasses import SimulatedGlasses
    from mentra_sync.testing.snapshots import Snapshots

    update = bool(request.config.getoption("--update-lens-snapshots"))
    made = SimulatedGlasses(snapshots=Snapshots(request.path.parent, update))
    request.node.stash[_glasses] = made
    try:
        yield made
    finally:
        made.close()
    made.errors.check()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """A test that has passed fails all the same when the app's code has raised something."""
    __tracebackhide__ = True
    result = yield
    made = item.stash.get(_glasses, None)
    if made is not None:
        made.check()
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed test tells what the glasses have shown."""
    report = yield
    made = item.stash.get(_glasses, None)
    if made is not None and report.failed:
        from mentra_sync.testing.report import tell

        report.sections.append(("Simulated glasses", tell(made)))
    return report
