"""The benchmark compares like with like, and its processes talk."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

TOOLS = Path(__file__).resolve().parents[1] / "tools"
sys.path.insert(0, str(TOOLS))

import benchmark
import benchmark_dcgan

from tfgan_zoo.families.dcgan import DCGAN


def test_a_bare_step_moves_the_weights_as_the_zoo_does():
    model = DCGAN(image_shape=(8, 8, 1), latent_dim=benchmark_dcgan.LATENT_DIM, filters=2, kernel_size=3)
    twin = DCGAN.from_config(model.get_config())
    for name, network in model.networks_by_name.items():
        twin.networks_by_name[name].set_weights(network.get_weights())
    noise = tf.random.stateless_uniform((4, benchmark_dcgan.LATENT_DIM), (1, 2), -1.0, 1.0)
    model.latents = lambda count: noise
    model.compile()
    step = benchmark_dcgan.bare_step(twin.generator, twin.discriminator, noise=lambda shape: noise)
    images = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 1), np.uint8)
    before = model.get_weights()
    for _ in range(2):
        logs = model.train_on_batch({"image": images}, return_dict=True)
        d_loss, g_loss = step(tf.constant(images))
    assert logs["d_loss"] == pytest.approx(float(d_loss), rel=1e-4)
    assert logs["g_loss"] == pytest.approx(float(g_loss), rel=1e-4)
    for name in ("generator", "discriminator"):
        for zoo, bare in zip(getattr(model, name).weights, getattr(twin, name).weights):
            np.testing.assert_allclose(zoo.numpy(), bare.numpy(), atol=5e-5, err_msg=zoo.path)
    assert not np.allclose(before[0], model.get_weights()[0])


@pytest.mark.parametrize("side", [28, 64])
def test_pytorch_trains_as_many_parameters_on_the_same_shapes(side):
    torch = pytest.importorskip("torch")
    image_shape, _ = benchmark_dcgan.GAMES[side]
    generator, discriminator = benchmark_dcgan.torch_networks(image_shape, 2)
    with torch.no_grad():
        images = generator(torch.zeros(2, benchmark_dcgan.LATENT_DIM, 1, 1))
        assert discriminator(images).shape == (2, 1, 1, 1)
    assert tuple(images.shape[i] for i in (2, 3, 1)) == image_shape
    model = DCGAN(image_shape=image_shape, latent_dim=benchmark_dcgan.LATENT_DIM, filters=2)
    networks = model.generator, model.discriminator
    ours = [benchmark_dcgan.count(network.trainable_variables) for network in networks]
    assert ours == [sum(p.numel() for p in network.parameters()) for network in (generator, discriminator)]


def test_ratios_are_taken_within_rounds():
    rows = [
        {"name": "zoo", "rounds": [10.0, 40.0, 9.0], "cpu_rounds": [5.0, 5.0, 5.0]},
        {"name": "bare", "rounds": [20.0, 80.0, 10.0], "cpu_rounds": [5.0, 5.0, 4.0]},
        {"name": "pytorch", "note": "not installed: pip install torch"},
    ]
    zoo, bare, pytorch = benchmark.summarize(rows)
    assert zoo["images_per_second"] == 10.0
    assert (zoo["ratio_to_bare"], zoo["cpu_ratio_to_bare"], bare["ratio_to_bare"]) == (0.5, 1.0, 1.0)
    assert "ratio_to_pytorch" not in zoo and "images_per_second" not in pytorch


def test_train_runs_a_process_and_writes_json(tmp_path, capsys, monkeypatch):
    path = tmp_path / "speed.json"
    words = f"train --shapes 28 --only bare --filters 2 --batch 2 --rounds 2 --seconds 0.05 --json {path}"
    monkeypatch.setattr(sys, "argv", ["benchmark.py", *words.split()])
    benchmark.main()
    (row,) = json.loads(path.read_text())["results"]
    assert len(row["rounds"]) == 2 and row["images_per_second"] > 0
    assert "bare" in capsys.readouterr().out


def test_a_contender_that_fails_is_a_row_with_the_reason():
    job = {"contender": "bare", "jit": False, "image_shape": (9, 9, 1), "filters": 2, "batch": 2}
    job["threads"] = 1
    (row,) = benchmark.compare([job], rounds=1, seconds=0.1)
    assert "image_shape=[9, 9, 1]" in row["note"]


def test_bad_numbers_are_refused(capsys):
    with pytest.raises(SystemExit):
        benchmark.parser().parse_args(["train", "--rounds", "0"])
    assert "must be above 0" in capsys.readouterr().err
