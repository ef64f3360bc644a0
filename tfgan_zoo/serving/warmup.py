"""Warm-up requests: what a server asks a model once before it lets clients in, so that none of them waits.

TensorFlow Serving reads them from the file `assets.extra/tf_serving_warmup_requests`, a TFRecord of `PredictionLog`s.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from tfgan_zoo.serving.examples import Example

PLACE = Path("assets.extra") / "tf_serving_warmup_requests"


def write(path: Path, name: str, examples: Iterable[Example]) -> None:
    """Write the requests of `examples` to the model `name` into the SavedModel at `path`."""
    with tf.io.TFRecordWriter(str(path / PLACE)) as records:
        for example in examples:
            log = prediction_log_pb2.PredictionLog()
            request = log.predict_log.request
            request.model_spec.name, request.model_spec.signature_name = name, example.signature
            for key, value in example.inputs.items():
                request.inputs[key].CopyFrom(tf.make_tensor_proto(value))
            records.write(log.SerializeToString())


def read(path: Path) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    """(signature, inputs) of each request in the SavedModel at `path`; nothing where it has no such file."""
    if not (path / PLACE).is_file():
        return
    for record in tf.data.TFRecordDataset(str(path / PLACE)).as_numpy_iterator():
        request = prediction_log_pb2.PredictionLog.FromString(record).predict_log.request
        inputs = {key: tf.make_ndarray(value) for key, value in request.inputs.items()}
        yield request.model_spec.signature_name, inputs
