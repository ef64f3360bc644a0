"""Ask a running server for generated images by gRPC and write them as PNG files.

pip install tensorflow-serving-api
python export/grpc_client.py dcgan_mnist --count 4 --seed 7 --out samples --address localhost:8500
"""

import argparse
from pathlib import Path

import grpc
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc


def ask(address: str, model: str, count: int, seed: int, timeout: float = 60) -> list[bytes]:
    """The PNG files of `count` images by the signature `sample_png`."""
    request = predict_pb2.PredictRequest()
    request.model_spec.name, request.model_spec.signature_name = model, "sample_png"
    inputs = {"count": (count, tf.int32), "seed": (seed, tf.int64), "truncation": (0.0, tf.float32)}
    for name, (value, kind) in inputs.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(value, kind, []))
    with grpc.insecure_channel(address) as channel:
        answer = prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict(request, timeout=timeout)
    return list(answer.outputs["images_bytes"].string_val)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("model")
    options = {"count": 4, "seed": 0, "out": Path("samples"), "address": "localhost:8500"}
    for option, default in options.items():
        parser.add_argument(f"--{option}", type=type(default), default=default)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    try:
        files = ask(given.address, given.model, given.count, given.seed)
    except grpc.RpcError as error:
        raise SystemExit(f"{given.address}: {error.code().name}: {error.details()}") from None
    for i, content in enumerate(files, given.seed):
        (given.out / f"seed{i:08d}.png").write_bytes(content)
    print(f"{len(files)} images in {given.out}")
