"""The REST parser: the documentation's own requests, what it refuses, and whatever hypothesis thinks of."""

import json
import os

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tfgan_zoo.serving.json_tensors import answer, parse, tensors
from tfgan_zoo.serving.refusals import Refused

MANY = {"tag": tf.string, "signal": tf.float32, "sensor": tf.int32}
PAIR = {"a": np.float32([1, 2]), "b": np.int32([[3], [4]])}
CASES = int(os.environ.get("TFGAN_ZOO_FUZZ_CASES", 400))  # `docs/serving.md` tells of more


def read(document, dtypes):
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return tensors(parse(body), dtypes)


# === What TensorFlow Serving documents ===
def test_rows_and_columns_hold_the_same():
    rows = [
        {"tag": "foo", "signal": [1, 2, 3, 4, 5], "sensor": [[1, 2], [3, 4]]},
        {"tag": "bar", "signal": [3, 4, 1, 2, 5], "sensor": [[4, 5], [6, 8]]},
    ]
    columns = {name: [row[name] for row in rows] for name in MANY}
    for document in ({"instances": rows}, {"inputs": columns}):
        found = read(document, MANY)
        assert found["tag"].tolist() == [b"foo", b"bar"] and found["tag"].dtype == object
        assert found["signal"].dtype == np.float32 and found["signal"].shape == (2, 5)
        assert found["sensor"].tolist() == columns["sensor"] and found["sensor"].dtype == np.int32


@pytest.mark.parametrize(
    "document, dtype, want",
    [
        ({"instances": ["foo", "bar", "baz"]}, tf.string, [b"foo", b"bar", b"baz"]),
        ({"instances": [[[1, 2]], [[3, 4]]]}, tf.float32, [[[1, 2]], [[3, 4]]]),
        ({"instances": [{"x": 1.0}, {"x": 2}]}, tf.float32, [1, 2]),
        ({"instances": [{"b64": "aW1hZ2UgYnl0ZXM="}, {"b64": "YXdlc29tZSBpbWFnZSBieXRlcw"}]}, tf.string, None),
        ({"inputs": {"b64": "AP8="}}, tf.string, b"\x00\xff"),
        ({"inputs": 7}, tf.int64, 7),
        ({"inputs": {"x": [True, False]}}, tf.bool, [True, False]),
        (b'{"inputs": [1.5e2, -Infinity, Infinity]}', tf.float64, [150, -np.inf, np.inf]),
        ({"inputs": {"x": [], "another": 3}}, tf.float32, []),
    ],
)
def test_one_input(document, dtype, want):
    want = [b"image bytes", b"awesome image bytes"] if want is None else want
    found = read(document, {"x": dtype})["x"]
    assert found.tolist() == want and (dtype == tf.string or found.dtype == dtype.as_numpy_dtype)


@pytest.mark.parametrize(
    "document, dtypes, says",
    [
        (b"", {"x": tf.float32}, "document is empty"),
        (b"{", {"x": tf.float32}, "JSON Parse error"),
        (b'{"inputs": "\xff"}', {"x": tf.float32}, "JSON Parse error"),
        (b'{"inputs": ' + b"[" * 100_000, {"x": tf.float32}, "too many lists"),
        (b'{"inputs": ' + b"9" * 5000 + b"}", {"x": tf.int64}, "JSON Parse error"),
        ([1], {"x": tf.float32}, "Is not object"),
        ({}, {"x": tf.float32}, "Missing 'inputs' or 'instances' key"),
        ({"inputs": 1, "instances": [1]}, {"x": tf.float32}, "only one of"),
        ({"instances": 1}, {"x": tf.float32}, "to be a list"),
        ({"instances": []}, {"x": tf.float32}, "No values in 'instances'"),
        ({"signature_name": 3, "inputs": 1}, {"x": tf.float32}, "'signature_name' key must be a string"),
        ({"instances": [1]}, MANY, "plain list, but expecting list of objects"),
        ({"inputs": [1]}, MANY, "expecting an object"),
        ({"inputs": {"tag": ["a"]}}, MANY, "Missing named input: signal"),
        ({"instances": [{"x": 1}, 2]}, {"x": tf.float32}, "Expecting object but got value/list at item 1"),
        ({"instances": [{"x": 1}, {"y": 2}]}, {"x": tf.float32}, "keys must be equal to: x"),
        ({"inputs": [[1, 2], [3]]}, {"x": tf.float32}, "unequal length"),
        ({"inputs": [[1], 2]}, {"x": tf.float32}, "values beside lists"),
        ({"inputs": [1, [2]]}, {"x": tf.float32}, "lists beside values"),
        (b'{"inputs": ' + b"[" * 40 + b"]" * 40 + b"}", {"x": tf.float32}, "more than 32 lists"),
        ({"inputs": [1.0]}, {"x": tf.int32}, "Type: Number is not of expected type: int32"),
        ({"inputs": [True]}, {"x": tf.float32}, "Type: Bool is not of expected type: float32"),
        ({"inputs": [None]}, {"x": tf.string}, "Type: Null"),
        ({"inputs": [2**31]}, {"x": tf.int32}, "without loss of precision"),
        ({"inputs": [-1]}, {"x": tf.uint8}, "without loss of precision"),
        ({"inputs": [2**24]}, {"x": tf.float32}, "without loss of precision"),
        ({"inputs": [1e39]}, {"x": tf.float32}, "without loss of precision"),
        ({"inputs": [10**400]}, {"x": tf.float64}, "without loss of precision"),
        ({"inputs": {"b64": "?"}}, {"x": tf.string}, "Unable to base64 decode"),
        (b'{"inputs": "\\ud800"}', {"x": tf.string}, "no UTF-8"),
        ({"inputs": {"b64": 3}}, {"x": tf.string}, "Missing named input: x"),
        ({"inputs": [{"b64": "AA"}]}, {"x": tf.float32}, "Type: Object"),
    ],
)
def test_what_is_refused(document, dtypes, says):
    with pytest.raises(Refused, match=says) as refused:
        read(document, dtypes)
    assert refused.value.status == 400 and len(refused.value.message) < 400


def test_types_that_json_has_no_form_for():
    with pytest.raises(Refused) as refused:
        read({"inputs": [1]}, {"x": tf.complex64})
    assert refused.value.status == 501


# === Answers ===
@pytest.mark.parametrize(
    "outputs, by_row, want",
    [
        ({"y": np.float32([3.5, 4, 5.5])}, True, '{"predictions":[3.5,4.0,5.5]}'),
        ({"y": np.float32([0.1, 1e-8])}, False, '{"outputs":[0.1,1e-8]}'),
        ({"y": np.float32([np.nan, -np.inf])}, False, '{"outputs":[NaN,-Infinity]}'),
        ({"y": np.uint8([[1, 2]]).T}, True, '{"predictions":[[1],[2]]}'),
        ({"y": np.int64(4)}, False, '{"outputs":4}'),
        ({"a_bytes": np.array([b"\0\xff"], object)}, True, '{"predictions":[{"b64":"AP8="}]}'),
        ({"a": np.array([b"h\xc3\xb6"], object)}, False, '{"outputs":["hö"]}'),
        (PAIR, True, '{"predictions":[{"a":1.0,"b":[3]},{"a":2.0,"b":[4]}]}'),
        (PAIR, False, '{"outputs":{"a":[1.0,2.0],"b":[[3],[4]]}}'),
        ({"a": np.float32([np.inf]), "b": np.int32(3)}, False, '{"outputs":{"a":[Infinity],"b":3}}'),
        (PAIR | {"a": np.float32([np.nan, 1])}, True, '{"predictions":[{"a":NaN,"b":[3]},{"a":1.0,"b":[4]}]}'),
    ],
)
def test_answers(outputs, by_row, want):
    assert answer(outputs, by_row).decode() == want


def test_answers_without_rows_cannot_be_given_by_row():
    for outputs in ({"a": np.float32(1)}, {"a": np.zeros(2), "b": np.zeros(3)}):
        with pytest.raises(Refused, match="have no rows, or not as many"):
            answer(outputs, True)


# === Whatever comes ===
short = st.text(max_size=8)
encoded = st.builds(lambda text: {"b64": text}, short)
leaves = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), short, encoded)
keys = st.sampled_from(["x", "y", "b64"])
values = st.recursive(leaves, lambda v: st.lists(v, max_size=4) | st.dictionaries(keys, v), max_leaves=12)
documents = st.fixed_dictionaries(
    {}, optional={"signature_name": st.one_of(st.just("sample"), leaves), "inputs": values, "instances": values}
)
bodies = st.one_of(
    st.binary(max_size=40),
    documents.map(lambda document: json.dumps(document).encode()),
    st.builds(lambda d, n: json.dumps(d).encode()[:n], documents, st.integers(0, 60)),
)
dtypes = st.dictionaries(
    st.sampled_from(["x", "y"]),
    st.sampled_from([tf.float32, tf.float64, tf.int32, tf.uint8, tf.int64, tf.string, tf.bool, tf.bfloat16]),
    min_size=1,
)


@settings(max_examples=CASES, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(bodies, dtypes)
def test_any_body_is_read_or_refused(body, dtypes):
    try:
        found = read(body, dtypes)
    except Refused as refused:
        assert refused.status in (400, 501) and "\n" not in refused.message and len(refused.message) < 600
        return
    assert found.keys() == dtypes.keys()
    for name, array in found.items():
        assert array.dtype == (object if dtypes[name] == tf.string else dtypes[name].as_numpy_dtype)
    json.loads(answer(found, False))


def test_ten_thousand_damaged_bodies():
    """The documentation's requests with bytes changed, doubled or cut off."""
    random = np.random.default_rng(0)
    whole = [
        b'{"instances": [{"tag": "foo", "signal": [1, 2.5, 3e1], "sensor": [[1, 2], [3, 4]]}]}',
        b'{"signature_name": "many", "inputs": {"tag": {"b64": "Zm9v"}, "signal": [NaN, -Infinity], "sensor": [[7]]}}',
    ]
    found = 0
    for number in range(10_000):
        body = bytearray(whole[number % 2])
        for place in random.integers(0, len(body), random.integers(1, 4)):
            body[place] = random.choice(list(b'{}[]",:.0e-\\\xff')) if number % 3 else random.integers(256)
        first, last = sorted(random.integers(0, len(body), 2))
        body = bytes(body if number % 4 else body[:first] + 2 * body[first:last])
        try:
            assert read(body, MANY).keys() == MANY.keys()
            found += 1
        except Refused as refused:
            assert refused.status in (400, 501) and refused.message.isprintable() and len(refused.message) < 600
    assert 200 < found < 9500


arrays = st.lists(st.floats(width=32, allow_nan=False), min_size=1, max_size=6)


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(arrays)
@example([float(np.finfo(np.float32).max), float(np.finfo(np.float32).tiny) / 2])
def test_numbers_come_back_to_the_last_bit(numbers):
    array = np.float32(numbers)
    back = read(b'{"inputs": ' + answer({"x": array}, False)[len('{"outputs":') :], {"x": tf.float32})["x"]
    np.testing.assert_array_equal(back, array)
