from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from feedbot.message.terminal import fit, inert, width


def test_escapes_and_direction_marks_go_and_letters_stay() -> None:
    assert inert("a\x1b[31mb\x9b\x00c\u202ed\ufeff\r\ne") == "a[31mbcd e"
    assert inert("👩\u200d💻 می\u200cخواهم é") == "👩\u200d💻 می\u200cخواهم é"


def test_text_is_filled_up_or_cut_to_its_columns() -> None:
    assert fit("abc", 5) == "abc  "
    assert fit("abcdef", 5) == "abcd…"
    assert fit("日本語日本語", 5) == "日本…"
    assert fit("日本語日本語", 6) == "日本… "


@given(st.text(), st.integers(1, 60))
def test_fitted_text_takes_exactly_its_columns(text: str, columns: int) -> None:
    assert width(fit(inert(text), columns)) == columns
