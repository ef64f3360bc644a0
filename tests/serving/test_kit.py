"""The kit in `export/`: its files fit each other and the exports, and its clients run against our server."""

import importlib.util
import re
import sys
from pathlib import Path

import pytest
import yaml
from serving import served

from tfgan_zoo import images
from tfgan_zoo.serving.settings import Settings

KIT = Path(__file__).parents[2] / "export"
PORTS = {"grpc": Settings().grpc_port, "rest": Settings().port}


def document(name):
    return list(yaml.safe_load_all((KIT / name).read_text()))


def client(name):
    sys.path.insert(0, str(KIT))
    try:
        spec = importlib.util.spec_from_file_location(name, KIT / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module
    finally:
        sys.path.remove(str(KIT))


def test_compose_serves_the_exported_models_to_this_machine_alone():
    (compose,) = document("compose.yaml")
    serving = compose["services"]["serving"]
    assert re.fullmatch(r"tensorflow/serving:\d+\.\d+\.\d+", serving["image"])  # a pinned version
    assert serving["ports"] == [f"127.0.0.1:{port}:{port}" for port in PORTS.values()]
    assert serving["volumes"] == ["./models:/models:ro", "./config:/config:ro"]
    for argument in serving["command"]:
        if "file=" in argument:
            assert (KIT / "config" / Path(argument.partition("=")[2]).name).is_file(), argument


def test_kubernetes_fits_compose_and_itself():
    kinds = {each["kind"]: each for each in document("kubernetes/serving.yaml")}
    assert set(kinds) == {"Deployment", "Service", "HorizontalPodAutoscaler", "ConfigMap"}
    pod = kinds["Deployment"]["spec"]["template"]
    (container,) = pod["spec"]["containers"]
    (compose,) = document("compose.yaml")
    assert container["image"] == compose["services"]["serving"]["image"]
    assert {port["name"]: port["containerPort"] for port in container["ports"]} == PORTS
    assert {port["name"]: port["port"] for port in kinds["Service"]["spec"]["ports"]} == PORTS
    labels = pod["metadata"]["labels"]
    assert kinds["Service"]["spec"]["selector"] == labels
    assert kinds["Deployment"]["spec"]["selector"]["matchLabels"] == labels
    target = kinds["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]
    assert target["name"] == kinds["Deployment"]["metadata"]["name"] and target["kind"] == "Deployment"
    mounts = {mount["name"] for mount in container["volumeMounts"]}
    assert mounts == {volume["name"] for volume in pod["spec"]["volumes"]}
    files = kinds["ConfigMap"]["data"]
    for argument in container["args"]:
        if "file=" in argument:
            assert Path(argument.partition("=")[2]).name in files
    for name, text in files.items():
        plain = "\n".join(line for line in (KIT / "config" / name).read_text().splitlines() if line[0] != "#")
        assert text.strip() == plain.strip(), name


def test_the_training_job_runs_a_command_that_there_is(monkeypatch, tmp_path):
    from tfgan_zoo import config
    from tfgan_zoo.cli.training import train

    (job,) = document("kubernetes/training.yaml")
    assert job["apiVersion"] == "kubeflow.org/v1" and job["kind"] == "TFJob"
    worker = job["spec"]["tfReplicaSpecs"]["Worker"]
    (container,) = worker["template"]["spec"]["containers"]
    assert container["name"] == "tensorflow"  # the operator gives TF_CONFIG to no other
    assert container["command"] == ["python", "-m", "tfgan_zoo"] and container["args"][0] == "train"
    monkeypatch.chdir(tmp_path)
    given = train.make_context("train", list(container["args"][1:])).params
    experiment = config.load(given["preset"], given["overrides"])
    assert experiment.data.batch_size % worker["replicas"] == 0
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    assert {volume["name"] for volume in worker["template"]["spec"]["volumes"]} == set(mounts)
    assert given["data_dir"] == mounts["data"] and given["run_dir"].startswith(mounts["runs"])


def test_kserve_names_the_exported_folder():
    (service,) = document("kubernetes/kserve.yaml")
    model = service["spec"]["predictor"]["model"]
    assert service["apiVersion"] == "serving.kserve.io/v1beta1" and model["modelFormat"] == {"name": "tensorflow"}
    assert model["storageUri"] == "pvc://models/dcgan_mnist"


def test_configurations_are_what_the_server_reads():
    from google.protobuf import text_format
    from tensorflow_serving.config import model_server_config_pb2

    models = text_format.Parse((KIT / "config/models.config").read_text(), model_server_config_pb2.ModelServerConfig())
    (one,) = models.model_config_list.config
    assert one.base_path == f"/models/{one.name}" and one.model_version_policy.latest.num_versions == 2
    monitored = (KIT / "config/monitoring.config").read_text()  # whose message no package has
    path = re.search(r'path: "(.*)"', monitored)[1]
    annotations = document("kubernetes/serving.yaml")[0]["spec"]["template"]["metadata"]["annotations"]
    assert "enable: true" in monitored and annotations["prometheus.io/path"] == path


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    from tfgan_zoo import zoo
    from tfgan_zoo.serving import savedmodel

    folder = tmp_path_factory.mktemp("kit")
    model = zoo.build("dcgan_glyphs", image_shape=(16, 16, 1), latent_dim=4, filters=2)
    return savedmodel.export(model, folder, name="tiny").parent


def test_clients_get_their_pictures(home, tmp_path):
    with served.running({"tiny": home}) as server:
        url = f"http://127.0.0.1:{server.port}"
        rest = client("client_example")
        pictures = rest.ask(url, "tiny", 2, 7)
        (tmp_path / "a.png").write_bytes(rest.png(pictures[0]))
        files = client("grpc_client").ask(f"127.0.0.1:{server.grpc_port}", "tiny", 2, 7)
        (tmp_path / "b.png").write_bytes(files[0])
        assert (images.decode(tmp_path / "a.png") == images.decode(tmp_path / "b.png")).all()
        found = client("load_test").run(url, "tiny", clients=2, seconds=0.3, count=1)
        assert found["images/s"] > 1 and 0 < found["p50 ms"] <= found["p99 ms"]
