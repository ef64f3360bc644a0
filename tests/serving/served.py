"""For tests of the server: small SavedModels, a running server, and a client that is plain HTTP."""

import contextlib
import http.client
import json
import os
import shutil
import threading

import tensorflow as tf

from tfgan_zoo.serving.server import Server
from tfgan_zoo.serving.settings import Settings


class Arithmetic(tf.Module):
    """half_plus of TensorFlow Serving's documentation, and signatures for what else can come and go."""

    def __init__(self, plus=3.0):
        self.plus = tf.Variable(plus)

    @tf.function(input_signature=[tf.TensorSpec((None,), tf.float32, "x")])
    def half_plus(self, x):
        return {"y": x / 2 + self.plus}

    @tf.function(
        input_signature=[
            tf.TensorSpec((None,), tf.string, "tag"),
            tf.TensorSpec((None, 5), tf.float32, "signal"),
            tf.TensorSpec((None, 2, 2), tf.int32, "sensor"),
        ]
    )
    def many(self, tag, signal, sensor):
        return {
            "name": tf.strings.upper(tag),
            "raw_bytes": tag,
            "sum": tf.reduce_sum(signal, 1),
            "trace": tf.linalg.trace(sensor),
        }

    @tf.function(input_signature=[tf.TensorSpec((), tf.int32, "count"), tf.TensorSpec((), tf.int64, "seed")])
    def sample(self, count, seed):
        with tf.control_dependencies([tf.debugging.assert_equal(count < 9, True, "count must be below 9.")]):
            return {"numbers": tf.range(tf.cast(count, tf.int64)) + seed}

    @tf.function(input_signature=[tf.TensorSpec((None, None), tf.float32, "field"), tf.TensorSpec((), tf.bool, "flip")])
    def broken(self, field, flip):
        return {"quotient": tf.where(flip, -field, field) / 0.0}

    @tf.function(input_signature=[tf.TensorSpec((None,), tf.int32, "label")])
    def strict(self, label):
        with tf.control_dependencies([tf.debugging.assert_less(label, 5, "label must be below 5.")]):
            return {"label": label + 0}


def write(home, number, plus=3.0):
    """A version that appears whole, as `export` publishes it."""
    module = Arithmetic(plus)
    names = {"serving_default": module.half_plus} | {
        n: getattr(module, n) for n in ("many", "sample", "broken", "strict")
    }
    temporary = home / f".tmp-{number}"
    tf.saved_model.save(module, str(temporary), names)
    os.rename(temporary, home / str(number))


def copy(home, source, number):
    """Publish a version that another home has."""
    home.mkdir(parents=True, exist_ok=True)
    shutil.copytree(source, home / ".tmp", dirs_exist_ok=True)
    os.rename(home / ".tmp", home / str(number))


@contextlib.contextmanager
def running(homes, **settings):
    """A server on free ports, in a thread."""
    come = threading.Event()
    server = Server(homes, Settings(port=0, grpc_port=0, **{"grace": 5.0, **settings}), lambda _: come.set())
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        assert come.wait(60)
        yield server
    finally:
        server.stop()
        thread.join(30)
        assert not thread.is_alive()


def ask(server, path, body=None, method=None, headers=None, raw=False):
    """(status, answer as JSON) of a request; `body` a document, or bytes as they are."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    try:
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        connection.request(method or ("GET" if body is None else "POST"), path, data, headers or {})
        response = connection.getresponse()
        text = response.read()
        return response.status, text if raw else json.loads(text)
    finally:
        connection.close()
