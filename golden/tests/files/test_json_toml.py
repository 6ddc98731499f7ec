"""JSON and TOML that anybody may have written end with a value or with one sentence."""

import pytest

from crisp_files.json_toml import HIGHEST, LOWEST, MAX_DEPTH, ParseError, parse_json, parse_toml


def test_values_are_those_of_the_standard_library():
    assert parse_json('{"a": [1, 2.5, null, true, "\\u00e9"]}') == {"a": [1, 2.5, None, True, "é"]}
    assert parse_json("[]".encode("utf-16")) == []
    assert parse_toml('a = [1, 2.5]\n[b."c.d"]\ne = "f"') == {"a": [1, 2.5], "b": {"c.d": {"e": "f"}}}


@pytest.mark.parametrize("text", ["[" * 200_000, "[" * 200_000 + "]" * 200_000, '{"a":' * 100_000])
def test_json_nested_beyond_the_interpreters_stack(text):
    with pytest.raises(ParseError, match="nested too deeply; expected at most 64 levels"):
        parse_json(text)


@pytest.mark.parametrize("text", ["a = " + "[" * 20_000, "a." * 500 + "b = 1", "[" + "a." * 500 + "b]"])
def test_toml_nested_beyond_what_can_be_walked(text):
    with pytest.raises(ParseError, match="nested too deeply; expected at most 64 levels"):
        parse_toml(text)


def test_the_deepest_value():
    assert parse_json("[" * MAX_DEPTH + "1" + "]" * MAX_DEPTH)
    with pytest.raises(ParseError, match="nested too deeply"):
        parse_json("[" * (MAX_DEPTH + 1) + "1" + "]" * (MAX_DEPTH + 1))


@pytest.mark.parametrize("value", [LOWEST, HIGHEST])
def test_integers_of_64_bits(value):
    assert parse_json(str(value)) == value
    assert parse_toml(f"a = {value}") == {"a": value}


@pytest.mark.parametrize("value", [LOWEST - 1, HIGHEST + 1, 10**400])
def test_integers_that_no_float_may_hold(value):
    with pytest.raises(ParseError, match=f"an integer of {value.bit_length()} bits; expected at most 64"):
        parse_json(f"[{value}]")
    with pytest.raises(ParseError, match=f"an integer of {value.bit_length()} bits; expected at most 64"):
        parse_toml(f"a = {value}")


@pytest.mark.parametrize("text", ['"\\ud800"', '{"\\udfff": 1}', b'"\xed\xa0\x80"'])
def test_strings_that_are_no_unicode(text):
    with pytest.raises(ParseError, match="is no Unicode text: half of a surrogate pair"):
        parse_json(text)


@pytest.mark.parametrize("text", ["", "{", "1" * 5000, b"\xff\xfe\xfd", "nul"])
def test_what_is_no_json(text):
    with pytest.raises(ParseError):
        parse_json(text)


@pytest.mark.parametrize("text", ["a", "a = 1\na = 2", "a = 00"])
def test_what_is_no_toml(text):
    with pytest.raises(ParseError):
        parse_toml(text)
