"""The wildcards of policies, which in MiniStack do not match a line break, as an id in a path may have one."""

import functools
import re

from ministack.core import iam_evaluator

_PATTERNS = 4096


def install() -> None:
    """Have this process's MiniStack match every character by ``*`` and ``?``, as IAM does."""
    compile_pattern = iam_evaluator._fnmatch_compile

    @functools.lru_cache(_PATTERNS)
    def compiled(pattern: str, ignore_case: bool) -> re.Pattern[str]:  # noqa: FBT001 - MiniStack's signature
        found = compile_pattern(pattern, ignore_case)
        return re.compile(found.pattern, found.flags | re.DOTALL)

    iam_evaluator._fnmatch_compile = compiled
