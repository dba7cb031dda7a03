"""``mentra-sync run``: an app on simulated glasses, until Ctrl+C."""

from __future__ import annotations

import argparse

from mentra_sync import running
from mentra_sync.commands.script import find_script, run_script
from mentra_sync.commands.terminal import Complaint, complain


def run(options: argparse.Namespace) -> int:
    """Run the script that was named; returns the exit code."""
    try:
        path = find_script(options.script)
    except Complaint as problem:
        return complain(str(problem))
    wanted = running.Options(
        page_port=options.port,
        glasses=options.glasses,
        host=options.host,
        open_page=not options.no_browser,
    )
    if options.reload:
        from mentra_sync.commands.reload import run_reloading

        return run_reloading(path, options.arguments, wanted)
    return run_script(path, options.arguments, running.Command(wanted))
