"""The command line: ``mentra-sync run``, ``new`` and ``doctor``."""

from __future__ import annotations

import argparse
import sys
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mentra_sync._version import VERSION
from mentra_sync.commands.terminal import complain, name_of_command, nearest, this_command
from mentra_sync.simulator.quirks import QUIRKS

GLASSES = ("g1", "live", "z100", "simulated")
"""Short names of the glasses that can be simulated; the default is the app's own choice."""

HOSTS = ("127.0.0.1", "0.0.0.0")
"""Where the page may listen: on this machine only (the default), or on every network it is in."""

EXAMPLES = """\
examples:
  mentra-sync new hello             make a folder with a first app and its test
  mentra-sync run app.py            run an app on simulated glasses, in your browser
  mentra-sync run app.py --reload   ... and again whenever you save the file
  mentra-sync doctor                see what is missing

"mentra-sync run --help" tells more of a command.  "python -m mentra_sync" is the same.
"""

ABOUT_RUN = """\
Run an app on simulated glasses, on a page in your browser, until Ctrl+C.

The script runs as "python app.py" would run it, with two differences: it is always
simulated, whatever API keys there are (to serve real glasses: python app.py), and its
app is run even if the script does not call app.run() itself.
"""

RUN_EXAMPLES = """\
examples:
  mentra-sync run app.py --reload --glasses g1
  mentra-sync run app.py --record walk.jsonl
  mentra-sync run app.py --replay walk.jsonl    does the same again, and compares
  mentra-sync run app.py -- --verbose           what follows "--" is the script's own

The port is that of the page. The app's own port (7010, or AppServer(port=...)) matters
only to programs; on simulated glasses it moves to the next free one by itself.

with --quirks:
"""

ABOUT_NEW = """\
Make a folder with a small app, its test, and what else belongs to a project.
Nothing that is there already is overwritten.
"""

ABOUT_DOCTOR = """\
Check what an app needs: Python, the package, the key, the ports, the simulator, the cloud
and the app's public address. Each line is ok, a warning or a problem, and says how to mend
it. The exit code is 1 when there is a problem.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; returns the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given:
        _parser().print_help()
        return 0
    if not given[0].startswith("-") and given[0] not in COMMANDS:
        return complain(_unknown(given[0]))
    # Taken off here: what is meant for the script is none of our parser's business.
    split = given.index("--") if "--" in given else len(given)
    options = _parser().parse_args(given[:split])
    options.arguments = given[split + 1 :]
    start: Callable[[argparse.Namespace], int] = options.start
    return start(options)


def _unknown(name: str) -> str:
    if name.endswith(".py") or Path(name).is_file():
        return f"to run a script:  {this_command()} run {name}"
    near = nearest(name, COMMANDS)
    meant = f'did you mean "{near[0]}"?' if near else f"there are: {', '.join(COMMANDS)}"
    return f'there is no command "{name}"; {meant}'


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=name_of_command(),
        description="Apps for smart glasses in Python, on simulated glasses in your browser.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"mentra-sync {VERSION}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for name, command in COMMANDS.items():
        its = commands.add_parser(
            name,
            help=command.short,
            description=command.about,
            epilog=command.epilog,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.add_options(its)
        its.set_defaults(start=command.start)
    return parser


def _run_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("script", help="the file of the app, or a folder with an app.py or main.py in it")
    add("--port", type=_port, metavar="N", help="port of the page (7011, or the next free one)")
    add("--glasses", choices=GLASSES, help="which glasses to simulate (the app's choice)")
    add("--host", choices=HOSTS, help="0.0.0.0: invite phones and others in the same network, too")
    add("--quirks", action="store_true", help="have the faults of a real cloud too (below)")
    add("--no-browser", action="store_true", help="do not open the page in a browser")
    add("--record", metavar="FILE", help="write down what you do and what the app does")
    add("--replay", metavar="FILE", help="do again what is written down, and compare")
    add("--reload", action="store_true", help="start the app again when its files are saved")


def _new_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="what to call the app, and its folder")


def _doctor_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--url", metavar="URL", help="the app's public address (or set PUBLIC_URL)")
    add("--offline", action="store_true", help="leave out what needs the internet")


def _item(sentence: str) -> str:
    return textwrap.fill(sentence, 78, initial_indent="  - ", subsequent_indent="    ")


def _port(text: str) -> int:
    port = int(text) if text.isascii() and text.isdigit() and len(text) <= 5 else -1
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"a port is a number from 0 to 65535, got {text!r}")
    return port


def _run(options: argparse.Namespace) -> int:
    from mentra_sync.commands.run import run

    return run(options)


def _new(options: argparse.Namespace) -> int:
    from mentra_sync.commands.new import new

    return new(options.name)


def _doctor(options: argparse.Namespace) -> int:
    from mentra_sync.commands.doctor import doctor

    return doctor(options.url, offline=options.offline)


@dataclass(frozen=True)
class _Command:
    """One command: its help, its options, and what it does."""

    short: str
    about: str
    epilog: str
    add_options: Callable[[argparse.ArgumentParser], None]
    start: Callable[[argparse.Namespace], int]


COMMANDS = {
    "run": _Command(
        "run an app on simulated glasses",
        ABOUT_RUN,
        RUN_EXAMPLES + "\n".join(_item(sentence) for sentence in QUIRKS.values()),
        _run_options,
        _run,
    ),
    "new": _Command("make a first app with a test", ABOUT_NEW, "", _new_options, _new),
    "doctor": _Command("see what is missing", ABOUT_DOCTOR, "", _doctor_options, _doctor),
}
