"""How many examples a property is tried with: few each time, or $FEEDBOT_TEST_EXAMPLES times as many."""

from __future__ import annotations

import os
from typing import Any

from hypothesis import settings

TIMES = int(os.environ.get("FEEDBOT_TEST_EXAMPLES", "1"))


def examples(number: int, **more: Any) -> settings:
    """Settings for a property that wants another number than most; ``more`` of them as Hypothesis has them."""
    return settings(max_examples=number * TIMES, **more)
