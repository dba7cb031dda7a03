"""Every example works as its reader expects: on a page, in a conversation, until Ctrl+C."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest
from trial import CONVERSATIONS, ROOT, Page, Program, get, hold

EXAMPLES = sorted((ROOT / "examples").glob("*.py"))

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Ctrl+C cannot be sent there")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_example_holds_its_conversation_and_ends_at_ctrl_c(example: Path, tmp_path: Path):
    with Program(example, cwd=tmp_path) as program:
        with Page(program.address()) as page:
            hold(page, CONVERSATIONS[example.name], print)
        assert program.press_ctrl_c() == 0
        assert _complaints(program) == []
        assert "Press Ctrl+C" in program.output


def test_example_ends_at_ctrl_c_while_the_page_is_open(tmp_path: Path):
    with Program(EXAMPLES[0], cwd=tmp_path) as program, Page(program.address()) as page:
        page.see("Hello! Say something.")
        assert program.press_ctrl_c() == 0
        assert _complaints(program) == []


def test_example_serves_the_page_and_its_parts(tmp_path: Path):
    with Program(EXAMPLES[0], cwd=tmp_path) as program:
        address = program.address()
        page = get(address)
        parts = [part.split('"')[0] for part in page.split('"/page/')[1:]]
        assert parts
        for part in parts:
            assert get(f"{address}page/{part}").strip()


def test_examples_stay_short():
    """An example is read before it is run: 20 lines of code, 40 at most."""
    for example in EXAMPLES:
        tree = ast.parse(example.read_text(encoding="utf-8"))
        assert max(node.end_lineno for node in tree.body) <= 40, example.name


def test_every_example_has_a_conversation():
    assert set(CONVERSATIONS) == {example.name for example in EXAMPLES}


def _complaints(program: Program) -> list[str]:
    words = ("Traceback", "WARNING", "ERROR", "CRITICAL", "Warning:")
    return [line for line in program.errors.splitlines() if any(word in line for word in words)]
