"""
Every Python block of README and docs runs, in order, one namespace per page, against a fake Zoho.

A block may await at top level. `fixture:name` after the word python puts a fixture into the namespace. A block
``text output`` right behind one is what it prints. Blocks with test functions are given to pytest.
"""

from __future__ import annotations

import ast
import inspect
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import CodeType
from typing import Any

import anyio
import pytest

from tests.docs.conftest import Stage
from tests.docs.markdown import PAGES, ROOT, Block, blocks, name
from zoho_oauth.testing import FakeZoho

WITH_PYTHON = [page for page in PAGES if any(block.is_python for block in blocks(page))]


def compiled(page: Path, block: Block, source: str) -> CodeType:
    """The block's code, with the page's own line numbers."""
    return compile("\n" * (block.line - 1) + source, str(page), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


def run(code: CodeType, namespace: dict[str, Any], backend: str) -> None:
    if not code.co_flags & inspect.CO_COROUTINE:
        exec(code, namespace)
        return

    async def awaited() -> None:
        with anyio.fail_after(30):
            await eval(code, namespace)

    anyio.run(awaited, backend=backend)


def run_as_tests(source: str, directory: Path) -> None:
    (directory / "test_page.py").write_text(source, encoding="utf-8")
    shutil.copy(ROOT / "pyproject.toml", directory)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_page.py"],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def fixture(name: str, request: pytest.FixtureRequest) -> Any:
    """A new fake for each block, as each test has; everything else as pytest gives it."""
    return FakeZoho() if name == "fake_zoho" else request.getfixturevalue(name)


def file_of_tests(page: Path, block: Block) -> str:
    """A file of tests: what the page leaves to the reader, its blocks so far, and the block itself."""
    left_to_reader = Path(__file__).parent / "left_to_reader" / f"{page.stem}.py"
    prelude = left_to_reader.read_text(encoding="utf-8") if left_to_reader.exists() else ""
    before = [each.text for each in blocks(page) if each.is_python and each.line < block.line]
    return "\n\n".join([prelude, *before, block.text])


def needs_asyncio(page: Path) -> bool:
    return any("asyncio." in block.text for block in blocks(page) if block.is_python)


def runs() -> list[Any]:
    return [
        pytest.param(page, backend, id=f"{name(page)} on {backend}")
        for page in WITH_PYTHON
        for backend in ("asyncio", "trio")
        if backend == "asyncio" or not needs_asyncio(page)
    ]


@pytest.mark.parametrize(("page", "backend"), runs())
def test_every_python_block_of_the_page_runs(
    page: Path,
    backend: str,
    stage: Stage,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
):
    namespace: dict[str, Any] = {"__name__": "__page__"}
    ran = 0
    for block, after in zip(blocks(page), [*blocks(page)[1:], None], strict=True):
        if not block.is_python:
            continue
        namespace.update({each: fixture(each, request) for each in block.fixtures})
        source = stage.with_tokens(block.text)
        if block.holds_tests:
            run_as_tests(file_of_tests(page, block), tmp_path)
        else:
            run(compiled(page, block, source), namespace, backend)
        printed = capsys.readouterr().out
        if after is not None and after.is_output:
            assert printed == after.text
        ran += 1

    assert ran > 0
    assert stage.fake.requests.leaked == 0
    assert stage.fake.requests.secrets_in_query == 0


def test_a_block_that_raises_is_noticed(stage: Stage, tmp_path: Path):
    """The control of the runner, line numbers included."""
    page = tmp_path / "page.md"
    page.write_text(
        "Words.\n\n```python\nimport anyio\n\nawait anyio.sleep(0)\n1 / 0\n```\n", encoding="utf-8"
    )
    (block,) = blocks(page)

    with pytest.raises(ZeroDivisionError) as caught:
        run(compiled(page, block, block.text), {}, "asyncio")

    assert caught.traceback[-1].lineno == 6  # counted from 0


def test_a_failing_test_on_a_page_is_noticed(tmp_path: Path):
    with pytest.raises(AssertionError, match="1 failed"):
        run_as_tests("def test_wrong():\n    assert False\n", tmp_path)


def test_no_python_block_goes_by_another_name():
    others = {block.words[0] for page in PAGES for block in blocks(page) if block.words} - {"python"}

    assert others <= {"text", "console", "bash", "sh", "toml", "ini", "json", "http"}


def test_the_readme_and_the_docs_have_python_in_them():
    assert len(WITH_PYTHON) >= 8
