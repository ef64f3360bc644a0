"""The embedded server as its clients see it: plain HTTP, and the stubs of tensorflow-serving-api."""

import collections
import concurrent.futures
import gzip
import json
import logging
import os
import shutil
import socket
import ssl
import subprocess
import time
import urllib.request
from types import SimpleNamespace

import grpc
import numpy as np
import pytest
import tensorflow as tf
from click.testing import CliRunner
from serving import served
from serving.served import ask
from tensorflow.core.framework.tensor_pb2 import TensorProto
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from tfgan_zoo import verbs
from tfgan_zoo.cli import main
from tfgan_zoo.cli import serving as command
from tfgan_zoo.errors import ZooError
from tfgan_zoo.serving.server import Server
from tfgan_zoo.serving.settings import Settings

HALF = "/v1/models/half"
GRPC_CASES = int(os.environ.get("TFGAN_ZOO_FUZZ_CASES", 2000))  # `docs/serving.md` tells of more


@pytest.fixture(scope="module")
def versions(tmp_path_factory):
    """half_plus_three and half_plus_two, to be copied."""
    home = tmp_path_factory.mktemp("versions")
    served.write(home, 1, 3.0)
    served.write(home, 2, 2.0)
    return home


@pytest.fixture
def home(versions, tmp_path):
    """The folder of a model that is served in version 1."""
    served.copy(tmp_path / "half", versions / "1", 1)
    return tmp_path / "half"


@pytest.fixture(scope="module")
def server(versions):
    with served.running({"half": versions}, body=100_000, answer=4000) as running:
        yield running


def wait_for(condition):
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


# === REST, as documented ===
def test_the_example_of_the_documentation(server):
    assert ask(server, f"{HALF}:predict", {"instances": [1.0, 2.0, 5.0]}) == (200, {"predictions": [2.5, 3.0, 4.5]})
    body = {"signature_name": "serving_default", "inputs": {"x": [1.0, 2.0, 5.0]}}
    assert ask(server, f"{HALF}/versions/1:predict", body) == (200, {"outputs": [3.5, 4.0, 5.5]})
    unknown = (404, {"error": "Servable not found for request: Latest(other)"})
    assert ask(server, "/v1/models/other:predict", {"instances": [1.0, 5.0]}) == unknown


def test_several_inputs_by_row_and_by_column(server):
    rows = [
        {"tag": "foo", "signal": [1, 2, 3, 4, 5], "sensor": [[1, 2], [3, 4]]},
        {"tag": {"b64": "YmFy"}, "signal": [3, 4, 1, 2, 5], "sensor": [[4, 5], [6, 8]]},
    ]
    status, answer = ask(server, f"{HALF}:predict", {"signature_name": "many", "instances": rows})
    first = {"name": "FOO", "raw_bytes": {"b64": "Zm9v"}, "sum": 15.0, "trace": 5}
    assert status == 200 and answer["predictions"][0] == first and answer["predictions"][1]["name"] == "BAR"
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    status, answer = ask(server, f"{HALF}:predict", {"signature_name": "many", "inputs": columns})
    assert status == 200 and answer["outputs"]["trace"] == [5, 12]
    scalars = {"signature_name": "sample", "inputs": {"count": 2, "seed": 7}}
    assert ask(server, f"{HALF}:predict", scalars) == (200, {"outputs": [7, 8]})
    body = b'{"signature_name": "broken", "inputs": {"field": [[1, 0, -1]], "flip": false}}'
    assert ask(server, f"{HALF}:predict", body, raw=True) == (200, b'{"outputs":[[Infinity,NaN,-Infinity]]}')


def test_status_and_metadata(server):
    status, answer = ask(server, HALF)
    available = {"state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
    assert status == 200 and answer == {"model_version_status": [{"version": v} | available for v in ("2", "1")]}
    assert ask(server, f"{HALF}/versions/1")[1] == {"model_version_status": [{"version": "1"} | available]}
    status, answer = ask(server, f"{HALF}/versions/1/metadata")
    assert status == 200 and answer["model_spec"] == {"name": "half", "signature_name": "", "version": "1"}
    signature = answer["metadata"]["signature_def"]["signature_def"]["serving_default"]
    assert signature["method_name"] == "tensorflow/serving/predict" and signature["inputs"]["x"]["dtype"] == "DT_FLOAT"
    assert signature["inputs"]["x"]["tensor_shape"] == {"dim": [{"size": "-1", "name": ""}], "unknown_rank": False}


@pytest.mark.parametrize(
    "path, body, status, says",
    [
        (f"{HALF}:predict", b"{", 400, "JSON Parse error"),
        (f"{HALF}:predict", {"signature_name": "s", "inputs": 1}, 400, 'Serving signature name: "s" not found'),
        (f"{HALF}:predict", {"inputs": [[1.0]]}, 400, "has shape (1, 1); it must be (None,)"),
        (f"{HALF}:predict", {"inputs": []}, 400, "from 1 to 1024"),
        (f"{HALF}:predict", {"inputs": [1] * 1025}, 400, "from 1 to 1024"),
        (f"{HALF}:predict", {"signature_name": "sample", "inputs": {"count": 9, "seed": 1}}, 400, "must be below 9."),
        (f"{HALF}:predict", {"signature_name": "strict", "inputs": [5]}, 400, "label must be below 5."),
        (f"{HALF}:classify", {"examples": []}, 400, "Expected classify signature"),
        (f"{HALF}/versions/3:predict", {"inputs": [1]}, 404, "Specific(half, 3)"),
        (f"{HALF}/versions/99999999999999999999:predict", {"inputs": [1]}, 400, "Malformed request"),
        (f"{HALF}/labels/stable:predict", {"inputs": [1]}, 400, "Unrecognized servable version label: stable"),
        ("/v1/models/..%2fhalf:predict", {"inputs": [1]}, 400, "Malformed request"),
        ("/v1/models/../../etc/passwd", None, 400, "Malformed request"),
        ("/v1/models/other", None, 404, "Could not find any versions of model other"),
        ("/v1/models/other/metadata", None, 404, "Servable not found"),
        (f"{HALF}:predict", None, 400, "Malformed request: GET"),
        (f"{HALF}:predict", b" " * 100_001, 413, "more than 100,000 bytes"),
    ],
)  # fmt: skip
def test_what_is_refused(server, path, body, status, says):
    found, answer = ask(server, path, body)
    assert found == status and list(answer) == ["error"] and says in answer["error"]


def test_compressed_bodies(server):
    body = json.dumps({"instances": [1.0]}).encode()
    packed = {"Content-Encoding": "gzip"}
    assert ask(server, f"{HALF}:predict", gzip.compress(body), headers=packed) == (200, {"predictions": [2.5]})
    bomb = gzip.compress(b" " * 50_000_000)
    assert len(bomb) < 100_000 and ask(server, f"{HALF}:predict", bomb, headers=packed)[0] == 413
    assert ask(server, f"{HALF}:predict", gzip.compress(body)[:-9], headers=packed)[0] == 400
    assert ask(server, f"{HALF}:predict", body, headers=packed)[0] == 400
    assert ask(server, f"{HALF}:predict", body, headers={"Content-Encoding": "br"})[0] == 415


def test_answers_have_a_largest_size(server):
    status, answer = ask(server, f"{HALF}:predict", {"instances": [1.0] * 1001})
    assert status == 413 and "the answer takes 4,004 bytes" in answer["error"]


def test_connections_that_break_off_do_no_harm(server):
    for sent in (
        b"\x16\x03\x01garbage\r\n\r\n",
        b"POST /v1/models/half:predict HTTP/1.1\r\nContent-Length: 99\r\n\r\n{",
    ):
        with socket.create_connection(("127.0.0.1", server.port)) as client:
            client.sendall(sent)
            client.shutdown(socket.SHUT_WR)
    chunked = b"POST /v1/models/half:predict HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
    with socket.create_connection(("127.0.0.1", server.port)) as client:
        client.sendall(chunked)
        assert b"400" in client.recv(100)
    assert ask(server, f"{HALF}:predict", {"instances": [1.0]})[0] == 200


def test_clients_at_once_get_their_own_answers(server):
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda i: ask(server, f"{HALF}:predict", {"instances": [i, i + 1]}), range(100)))
    assert answers == [(200, {"predictions": [i / 2 + 2, (i + 1) / 2 + 2]}) for i in range(100)]


def test_answers_are_sent_at_once(server):
    """Not 40 ms later, when the client has confirmed the header (Nagle's algorithm)."""
    assert server._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_health_and_metrics(server):
    assert ask(server, "/healthz", raw=True) == ask(server, "/readyz", raw=True) == (200, b"ok\n")
    ask(server, "/v1/models/made_up_by_a_client")
    status, text = ask(server, "/monitoring/prometheus/metrics", raw=True)
    assert status == 200 and b'requests_total{code="OK",model="half",protocol="rest"}' in text
    assert b'tfgan_zoo_versions_loaded{model="half"} 2.0' in text and b"made_up" not in text


# === gRPC ===
@pytest.fixture(scope="module")
def channel(server):
    with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
        yield channel


def predict(channel, name="half", signature="", version=None, only=(), timeout=20, metadata=(), **inputs):
    request = predict_pb2.PredictRequest(output_filter=only)
    request.model_spec.name, request.model_spec.signature_name = name, signature
    if version is not None:
        request.model_spec.version.value = version
    for key, value in inputs.items():
        request.inputs[key].CopyFrom(value if isinstance(value, TensorProto) else tf.make_tensor_proto(value))
    stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
    return stub.Predict(request, timeout=timeout, metadata=metadata)


def test_predict_by_grpc(channel):
    response = predict(channel, x=[1.0, 2.0], version=1)
    assert tf.make_ndarray(response.outputs["y"]).tolist() == [3.5, 4.0]
    assert (response.model_spec.name, response.model_spec.version.value) == ("half", 1)
    assert response.model_spec.signature_name == "serving_default"
    sensor = [[[1, 2], [3, 4]]]
    response = predict(channel, signature="many", tag=[b"a\0"], signal=[[1.0] * 5], sensor=sensor, only=["raw_bytes"])
    assert list(response.outputs) == ["raw_bytes"] and tf.make_ndarray(response.outputs["raw_bytes"])[0] == b"a\0"


def test_status_and_metadata_by_grpc(channel):
    request = get_model_status_pb2.GetModelStatusRequest()
    request.model_spec.name = "half"
    found = model_service_pb2_grpc.ModelServiceStub(channel).GetModelStatus(request, timeout=20).model_version_status
    assert [(s.version, get_model_status_pb2.ModelVersionStatus.State.Name(s.state)) for s in found] == [
        (2, "AVAILABLE"),
        (1, "AVAILABLE"),
    ]
    request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
    request.model_spec.name = "half"
    stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
    signatures = get_model_metadata_pb2.SignatureDefMap()
    assert stub.GetModelMetadata(request, timeout=20).metadata["signature_def"].Unpack(signatures)
    assert set(signatures.signature_def) >= {"serving_default", "many", "sample"}


HUGE = tf.make_tensor_proto([1.0])
HUGE.tensor_shape.dim[0].size = 2**40
NEGATIVE = tf.make_tensor_proto([1.0])
NEGATIVE.tensor_shape.dim[0].size = -3
CUT = tf.make_tensor_proto([1.0, 2.0])
CUT.tensor_content = b"\0\0\0"


@pytest.mark.parametrize(
    "asked, code",
    [
        ({"name": "other", "x": [1.0]}, "NOT_FOUND"),
        ({"version": 9, "x": [1.0]}, "NOT_FOUND"),
        ({"signature": "none", "x": [1.0]}, "INVALID_ARGUMENT"),
        ({"x": [1]}, "INVALID_ARGUMENT"),
        ({"x": ["a"]}, "INVALID_ARGUMENT"),
        ({"x": [[1.0]]}, "INVALID_ARGUMENT"),
        ({"z": [1.0]}, "INVALID_ARGUMENT"),
        ({"x": [1.0], "only": ["z"]}, "INVALID_ARGUMENT"),
        ({"x": HUGE}, "INVALID_ARGUMENT"),
        ({"x": NEGATIVE}, "INVALID_ARGUMENT"),
        ({"x": CUT}, "INVALID_ARGUMENT"),
        ({"x": TensorProto()}, "INVALID_ARGUMENT"),
    ],
)
def test_what_grpc_refuses(channel, asked, code):
    with pytest.raises(grpc.RpcError) as error:
        predict(channel, **asked)
    assert error.value.code().name == code


def test_any_bytes_by_grpc_are_answered_or_refused(server, channel):
    """Requests with bytes changed, cut off or made up: an answer or a refusal, never an error of the server's own."""
    random = np.random.default_rng(0)
    requests = []
    for signature, inputs in (
        ("", {"x": [1.0, 2.0]}),
        ("many", {"tag": [b"a"], "signal": [[1.0] * 5], "sensor": [[[1, 2], [3, 4]]]}),
        ("sample", {"count": tf.constant(2), "seed": tf.constant(1, tf.int64)}),
        ("strict", {"label": tf.constant([4])}),
    ):
        request = predict_pb2.PredictRequest()
        request.model_spec.name, request.model_spec.signature_name = "half", signature
        for key, value in inputs.items():
            request.inputs[key].CopyFrom(tf.make_tensor_proto(value))
        requests.append(np.frombuffer(request.SerializeToString(), np.uint8))

    ask = channel.unary_unary("/tensorflow.serving.PredictionService/Predict")  # bytes in, bytes out
    codes = collections.Counter()
    for number in range(GRPC_CASES):
        content = requests[number % len(requests)].copy()
        places = random.integers(0, len(content), random.integers(1, 4))
        content[places] = random.integers(0, 256, len(places))
        if number % 5 == 0:
            content = content[: places[0]]
        try:
            ask(content.tobytes(), timeout=20)
            codes["OK"] += 1
        except grpc.RpcError as error:
            codes[error.code().name] += 1
            assert error.code().name in ("INVALID_ARGUMENT", "NOT_FOUND"), (content.tobytes(), error)
            assert error.details().isprintable() and len(error.details()) < 600
    assert min(codes[name] for name in ("OK", "INVALID_ARGUMENT", "NOT_FOUND")) > GRPC_CASES / 50, codes
    assert tf.make_ndarray(predict(channel, x=[1.0], version=1).outputs["y"]).tolist() == [3.5]


# === Versions that come and go ===
def test_new_versions_are_taken_up_without_a_dropped_request(home, versions):
    with served.running({"half": home}, poll=0.05) as server, concurrent.futures.ThreadPoolExecutor(4) as pool:
        going, seen = True, []

        def client():
            while going:
                status, answer = ask(server, f"{HALF}:predict", {"instances": [0.0]})
                assert status == 200
                seen.append(answer["predictions"][0])

        clients = [pool.submit(client) for _ in range(4)]
        try:
            served.copy(home, versions / "2", 2)
            wait_for(lambda: seen and seen[-1] == 2.0)
            assert ask(server, f"{HALF}/versions/1:predict", {"instances": [0.0]})[1] == {"predictions": [3.0]}
            (home / "labels.json").write_text('{"stable": 1}')
            served.copy(home, versions / "1", 3)
            served.copy(home, versions / "2", 4)
            wait_for(lambda: ask(server, f"{HALF}/versions/2")[1]["model_version_status"][0]["state"] == "END")
        finally:
            going = False
        assert [client.result() for client in clients] == [None] * 4 and set(seen) == {2.0, 3.0}
        assert ask(server, f"{HALF}/versions/2:predict", {"instances": [0.0]})[0] == 404  # the newest two are held,
        assert ask(server, f"{HALF}/labels/stable:predict", {"instances": [0.0]})[1] == {"predictions": [3.0]}  # and 1
        shutil.rmtree(home / "4")
        wait_for(lambda: ask(server, f"{HALF}:predict", {"instances": [0.0]})[1] == {"predictions": [3.0]})
        shutil.rmtree(home)  # the folder is gone: those who ask are not
        time.sleep(0.2)
        assert ask(server, f"{HALF}:predict", {"instances": [0.0]})[0] == 200


def test_a_version_that_is_broken_is_told_and_taken_up_when_it_is_whole(home, versions):
    with served.running({"half": home}, poll=0.05) as server:
        (home / ".tmp-77").mkdir()  # an export that was killed
        (home / "2").mkdir()
        shutil.copy(versions / "2" / "saved_model.pb", home / "2")  # a copy that has not got far yet

        def state():
            return ask(server, HALF)[1]["model_version_status"][0]

        wait_for(lambda: state()["version"] == "2" and state()["state"] == "END")
        assert state()["status"]["error_code"] == "UNKNOWN" and state()["status"]["error_message"]
        assert ask(server, f"{HALF}:predict", {"instances": [0.0]})[1] == {"predictions": [3.0]}
        shutil.copytree(versions / "2", home / "2", dirs_exist_ok=True)
        wait_for(lambda: state()["state"] == "AVAILABLE")
        assert ask(server, f"{HALF}:predict", {"instances": [0.0]})[1] == {"predictions": [2.0]}


def test_tls(home, tmp_path):
    if not shutil.which("openssl"):
        pytest.skip("no openssl, which makes a certificate")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    made = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost -addext"
    names = ["subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(["openssl", *made.split(), *names], check=True, capture_output=True)
    with served.running({"half": home}, key=key, certificate=certificate) as server:
        context = ssl.create_default_context(cafile=str(certificate))
        with urllib.request.urlopen(f"https://localhost:{server.port}{HALF}", context=context, timeout=20) as response:
            assert json.load(response)["model_version_status"][0]["state"] == "AVAILABLE"
        credentials = grpc.ssl_channel_credentials(certificate.read_bytes())
        with grpc.secure_channel(f"localhost:{server.grpc_port}", credentials) as channel:
            assert tf.make_ndarray(predict(channel, x=[0.0]).outputs["y"]).tolist() == [3.0]


# === Keeping others out, and coming to an end ===
def test_a_token(home):
    with served.running({"half": home}, token="sesame-1") as server:
        body, right = {"instances": [1.0]}, {"Authorization": "Bearer sesame-1"}
        for headers in ({}, {"Authorization": "Bearer other"}):
            assert ask(server, f"{HALF}:predict", body, headers=headers)[0] == 401
            assert ask(server, "/metrics", headers=headers)[0] == 401
        assert ask(server, "/healthz", raw=True)[0] == 200
        with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
            with pytest.raises(grpc.RpcError) as error:
                predict(channel, x=[1.0])
            assert error.value.code() is grpc.StatusCode.UNAUTHENTICATED
        assert ask(server, f"{HALF}:predict", body, headers=right)[0] == 200


def test_too_many_and_too_late(home, monkeypatch):
    with served.running({"half": home}, queue=2, timeout=0.5) as server:
        signature = server.service.models.find("half").signatures["serving_default"]
        ask(server, f"{HALF}:predict", {"instances": [1.0]})
        run = signature.function
        monkeypatch.setattr(signature, "function", lambda **inputs: (time.sleep(1), run(**inputs))[1])
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda i: ask(server, f"{HALF}:predict", {"instances": [1.0]})[0], range(4)))
        assert sorted(answers) == [429, 429, 504, 504]
        wait_for(lambda: server.service.room.waiting == 0)
        monkeypatch.setattr(signature, "function", run)
        wait_for(lambda: ask(server, f"{HALF}:predict", {"instances": [1.0]})[0] == 200)


def test_who_is_being_answered_gets_the_answer_when_the_server_stops(home, monkeypatch):
    with served.running({"half": home}) as server, concurrent.futures.ThreadPoolExecutor(1) as pool:
        signature = server.service.models.find("half").signatures["serving_default"]
        run = signature.function
        monkeypatch.setattr(signature, "function", lambda **inputs: (time.sleep(0.5), run(**inputs))[1])
        answer = pool.submit(ask, server, f"{HALF}:predict", {"instances": [0.0]})
        wait_for(lambda: server.service.room.waiting)
        server.stop()
        assert answer.result() == (200, {"predictions": [3.0]})


def test_what_cannot_be_started(home, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(ZooError, match="cannot listen at .* --port"):
        Server({"half": home}, Settings(port=taken.getsockname()[1]))
    with pytest.raises(ZooError, match="TLS needs both"):
        Settings(certificate=tmp_path / "c.pem")
    with pytest.raises(ZooError, match="ASCII"):
        Settings(token="two words")
    with pytest.raises(ZooError, match="holds no version"):
        Server({"none": tmp_path / "none"}, Settings(port=0, grpc_port=0)).run()
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(ZooError, match="--grpc-port"):
        Server({"half": home}, Settings(port=0, grpc_port=taken.getsockname()[1])).run()
    (tmp_path / "c.pem").write_text("no certificate")
    with pytest.raises(ZooError, match="TLS"):
        Server({"half": home}, Settings(port=0, certificate=tmp_path / "c.pem", key=tmp_path / "c.pem"))


def test_log_handlers_of_the_process_stay_open(home, tmp_path):
    handler = logging.FileHandler(tmp_path / "own.log")
    with served.running({"half": home}):
        pass
    assert handler.stream is not None
    handler.close()


# === From the command line ===
def test_the_command(home, monkeypatch, tmp_path, capsys):
    asked = []
    monkeypatch.setattr(verbs, "serve", lambda *given: asked.append(given))
    (tmp_path / "token").write_text("sesame\n")
    options = ["--port", "0", "--token-file", str(tmp_path / "token"), "--max-body", "1"]
    run = CliRunner().invoke(main, ["serve", "half", "--model-base-path", str(tmp_path), *options])
    assert run.exit_code == 0, run.output
    ((names, base, settings, told),) = asked
    assert (names, base) == (("half",), str(tmp_path)) and settings == Settings(port=0, token="sesame", body=2**20)
    monkeypatch.undo()
    verbs.serve(["half"], tmp_path, Settings(port=0, grpc_port=0), lambda server: (told(server), server.stop()))
    assert "/v1/models/half (gRPC: 127.0.0.1:" in (said := capsys.readouterr().out) and '"count": 1' in said
    with pytest.raises(ZooError, match="half is named twice"):
        verbs.serve(["half", "half"], tmp_path)


def test_the_page_is_opened_where_there_is_a_screen(monkeypatch, capsys):
    opened, settings = [], Settings(ui=True)
    model = SimpleNamespace(versions={1: SimpleNamespace(signatures={})})
    models = SimpleNamespace(by_name={"half": model})
    server = SimpleNamespace(settings=settings, service=SimpleNamespace(models=models), port=7, grpc_port=8)
    monkeypatch.setattr(command.webbrowser, "open", opened.append)
    monkeypatch.setattr(
        command.threading, "Thread", lambda target, args, daemon: SimpleNamespace(start=lambda: target(*args))
    )
    for screen, wanted in ((True, True), (False, True), (True, False)):
        monkeypatch.setattr(command, "has_display", lambda screen=screen: screen)
        command.told(server, open_page=wanted)
    assert opened == ["http://127.0.0.1:7/ui/"] and capsys.readouterr().out.count("page: http://127.0.0.1:7/ui/") == 3


def test_the_command_refuses(tmp_path):
    for arguments, says in (
        (["dcgan_mnits"], "did you mean 'dcgan_mnist'"),
        (["dcgan_mnist", "--token-file", str(tmp_path / "none")], "cannot be read"),
    ):
        run = CliRunner().invoke(main, ["serve", *arguments, "--model-base-path", str(tmp_path)])
        assert run.exit_code == 2 and says in run.output and "Traceback" not in run.output
