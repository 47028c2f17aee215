"""The strict reader of JSON documents."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerscope.errors import FormatError, LimitExceeded
from layerscope.image.document import Node, parse_document


def parse(data: bytes, *, max_bytes: int = 1 << 20, max_depth: int = 200) -> Node:
    return parse_document(data, "doc.json", max_bytes=max_bytes, max_depth=max_depth)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "doc.json is not JSON at character 0"),
        (b"{", "doc.json is not JSON at character 1"),
        (b"{} {}", "doc.json is not JSON at character 3: Extra data"),
        (b"{}\0", "doc.json is not JSON at character 2"),
        (b"\xef\xbb\xbf{}", "doc.json begins with a byte order mark"),
        (b'{"a":"\xff"}', "doc.json is not UTF-8 at byte 6"),
        ('{"a":1}'.encode("utf-16"), "doc.json is not UTF-8"),
        (b'{"a":NaN}', "NaN is not JSON"),
        (b'{"a":-Infinity}', "-Infinity is not JSON"),
        (b'{"a":1e999}', "a number out of range"),
        (b'{"a":' + b"9" * 5000 + b"}", "a number of 5000 digits"),
        (b'{"a":1,"b":2,"a":3}', "the key 'a' appears twice"),
        (b'{"a":{"\\u0062":1,"b":3}}', "the key 'b' appears twice"),
        (b'{"a":"line\nbreak"}', "Invalid control character"),
    ],
)
def test_anything_but_one_json_value_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(FormatError) as caught:
        parse(data)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_document_over_the_size_limit_is_refused() -> None:
    with pytest.raises(LimitExceeded, match="has 11 bytes, more than the 10 allowed"):
        parse(b'"123456789"', max_bytes=10)


@pytest.mark.parametrize("pair", [(b"[", b"]"), (b'{"a":', b"}")])
def test_nesting_is_limited(pair: tuple[bytes, bytes]) -> None:
    opening, closing = pair
    parse(opening * 200 + b"1" + closing * 200)
    with pytest.raises(LimitExceeded, match="nested 201 deep, more than the 200 allowed"):
        parse(opening * 201 + b"1" + closing * 201)
    with pytest.raises(LimitExceeded, match="nested 100000 deep"):
        parse(opening * 100_000)


@pytest.mark.parametrize(
    "text",
    [
        '"[[[["',
        r'"\"[[["',
        r'"\\"',
        '"' + "[" * 1000 + '"',
        r'"\\\"[{["',
        '"' + "x" * 70_000 + '["',
        '"' + r"\"" * 70_000 + '{"',
    ],
)
def test_brackets_in_strings_do_not_count_as_nesting(text: str) -> None:
    assert parse(b"[" + text.encode() + b"]", max_depth=1).value == json.loads(f"[{text}]")


@pytest.mark.parametrize("data", [b'["\\"' + b'\\"' * 500_000, b'["' + b"[" * 900_000, b'"\\'])
def test_an_unterminated_string_is_refused_quickly(data: bytes) -> None:
    with pytest.raises(FormatError):
        parse(data, max_bytes=1 << 21)


@pytest.mark.parametrize("item", [b"1,", b'"",', b"[],", b"{},", b'{"a":1},'])
def test_the_number_of_values_is_limited(item: bytes) -> None:
    with pytest.raises(LimitExceeded, match=r"has over [0-9]+ values, more than the 2000000"):
        parse(b"[" + item * 2_000_001 + b"1]", max_bytes=1 << 25)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(json_values)
@pytest.mark.slow
def test_json_is_read_as_the_standard_library_reads_it(value: object) -> None:
    assert parse(json.dumps(value).encode()).value == value


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        parse(data)
    except FormatError as error:
        told = str(error)
    else:
        told = ""
    assert "\n" not in told


def test_keys_match_in_any_case() -> None:
    node = parse(b'{"layers":["a"],"SIZE":3}')
    assert node.texts("Layers") == ("a",)
    assert node.integer("size") == 3


@pytest.mark.parametrize(
    "data", [b'{"Layers":["a"],"layers":["b"]}', '{"Layers":["a"],"layer\u017f":["b"]}'.encode()]
)
def test_keys_that_differ_only_in_case_are_refused(data: bytes) -> None:
    with pytest.raises(FormatError, match="differ only in case"):
        parse(data).texts("Layers")


def test_labels_keep_their_case() -> None:
    node = parse(b'{"Labels":{"b":"1","B":"2"}}')
    assert node.text_map("labels") == (("B", "2"), ("b", "1"))


NESTED = b'{"manifests":[{"digest":"x"},{"digest":7,"size":true,"n":-1,"t":[1],"o":[],"b":1,"m":{"k":1}}]}'


@pytest.mark.parametrize(
    ("read", "message"),
    [
        (lambda node: node.text("digest"), "manifests[1].digest: expected text, found a number"),
        (
            lambda node: node.integer("size"),
            "manifests[1].size: expected a whole number, found a b",
        ),
        (lambda node: node.integer("n"), "manifests[1].n: -1 is out of range"),
        (lambda node: node.texts("t"), "manifests[1].t[0]: expected text, found a number"),
        (lambda node: node.objects("t"), "manifests[1].t[0]: expected an object, found a number"),
        (lambda node: node.object("o"), "manifests[1].o: expected an object, found a list"),
        (lambda node: node.keys("o"), "manifests[1].o: expected an object, found a list"),
        (lambda node: node.texts("m"), "manifests[1].m: expected a list, found an object"),
        (lambda node: node.text("gone"), "manifests[1].gone: is missing"),
        (lambda node: node.optional_boolean("b"), "manifests[1].b: expected a boolean, found a n"),
        (lambda node: node.text_map("m"), "manifests[1].m['k']: expected text, found a number"),
    ],
)
def test_faults_are_named_by_their_path(read: Callable[[Node], object], message: str) -> None:
    node = parse(NESTED).objects("manifests")[1]
    with pytest.raises(FormatError) as caught:
        read(node)
    assert message in str(caught.value)
    assert str(caught.value).startswith("doc.json: ")


def test_null_and_missing_are_the_same_to_optional_getters() -> None:
    for data in (b'{"a":null}', b"{}"):
        node = parse(data)
        assert not node.has("a")
        assert node.optional_text("a") is None
        assert node.optional_texts("a") == ()
        assert node.optional_object("a") is None
        assert node.optional_objects("a") == []
        assert node.optional_boolean("a") is False
        assert node.keys("a") == ()
        assert node.text_map("a") == ()


def test_lone_surrogates_become_replacement_characters() -> None:
    node = parse(b'{"a":"x\\ud800y","b":{"k\\udfff":"v"},"c":"\\ud83d\\ude00"}')
    assert node.text("a") == "x\ufffdy"
    assert node.text_map("b") == (("k\ufffd", "v"),)
    assert node.text("c") == "\U0001f600"


def test_the_top_level_must_have_the_expected_type() -> None:
    with pytest.raises(FormatError, match=r"doc\.json: expected an object, found a list"):
        parse(b"[]").text("a")
    with pytest.raises(FormatError, match=r"doc\.json: expected a list, found null"):
        parse(b"null").items()
