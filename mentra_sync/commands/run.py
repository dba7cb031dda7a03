"""``mentra-sync run``: an app on simulated glasses, until Ctrl+C."""

from __future__ import annotations

import argparse
from pathlib import Path

from mentra_sync import running
from mentra_sync.commands.script import find_script, run_script
from mentra_sync.commands.terminal import Complaint, complain


def run(options: argparse.Namespace) -> int:
    """Run the script that was named; returns the exit code."""
    wanted = running.Options(
        page_port=options.port,
        glasses=options.glasses,
        host=options.host,
        quirks=options.quirks,
        open_page=not options.no_browser,
    )
    try:
        path = find_script(options.script)
        if options.record or options.replay:
            return _run_with_tape(path, options, wanted)
        if options.reload:
            from mentra_sync.commands.reload import run_reloading

            return run_reloading(path, options.arguments, wanted)
    except Complaint as problem:
        return complain(str(problem))
    return run_script(path, options.arguments, running.Command(wanted))


def _run_with_tape(path: Path, options: argparse.Namespace, wanted: running.Options) -> int:
    from mentra_sync.commands.tape import Tape

    if options.reload:
        raise Complaint("--reload starts an app many times; --record and --replay take one run.")
    tape = Tape(options.record, options.replay)
    command = running.Command(
        wanted,
        began=tape.began,
        start_app=lambda simulator: tape.start_app(simulator, command.end),
    )
    try:
        code = run_script(path, options.arguments, command)
    finally:
        tape.close()
    return code or int(tape.failed)
