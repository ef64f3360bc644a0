"""What can be measured beside models: folders, data sets, statistics of other tools, pairs, points, paths."""

import numpy as np
import pytest
import tensorflow as tf

from tfgan_zoo import devices, evaluation, images, zoo
from tfgan_zoo.data import source_class
from tfgan_zoo.errors import ZooError
from tfgan_zoo.evaluation import Protocol, references, similar
from tfgan_zoo.evaluation.given import Pictures
from tfgan_zoo.evaluation.streams import BATCH_SIZE, Generated, Selected, Stream
from tfgan_zoo.families.cgan import CGAN
from tfgan_zoo.modalities import Points
from tfgan_zoo.serving import savedmodel
from tfgan_zoo.targets import resolve

OPTIONS = {"data_dir": None, "download": False}


def evaluate(generated, reference, metrics, held_out=None, **options):
    return evaluation.evaluate(generated, reference, Protocol(metrics=metrics, **options), held_out=held_out)


def pictures(text, samples, seed, options, labelled):
    """What a name on the command line gives to measure."""
    return references.pictures(resolve(text, ("savedmodel", "folder", "dataset")), samples, seed, options, labelled)


def write(folder, count, seed=0, size=(16, 16), classes=0, channels=3, bright=0):
    """`count` random pictures, in `classes` subfolders where there are any."""
    rng = np.random.default_rng(seed)
    for i in range(count):
        name = f"{i:04d}.png" if not classes else f"class{i % classes}/{i:04d}.png"
        picture = rng.integers(0, 200, (*size, channels)) + bright
        images.save_image(folder / name, np.clip(picture, 0, 255).astype(np.uint8))
    return folder


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TFGAN_ZOO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


# === Folders ===


def test_folder_against_folder(tmp_path, cache):
    one, other = write(tmp_path / "one", 130), write(tmp_path / "other", 140, seed=1, bright=50)
    metrics = ["fd@random_conv", "kid@random_conv", "prdc@random_conv", "swd"]
    with pytest.warns(UserWarning):
        results = evaluate(Pictures(one), Pictures(other), metrics)
    by_name = {r.metric: r for r in results}
    assert list(by_name)[:3] == ["fd@random_conv", "kid@random_conv", "precision@random_conv"]
    fd = by_name["fd@random_conv"]
    assert fd.value > 0 and (fd.samples, fd.reference_samples) == (130, 140)
    assert (fd.seed, fd.ema, fd.truncation) == (None, None, None)
    assert fd.reference == f"folder {other}" and fd.reference_fingerprint
    assert by_name["precision@random_conv"].higher and not fd.higher
    kept = {path.name.rpartition("-")[0] for path in (cache / "reference").iterdir()}
    assert "random_conv-features" in kept
    with pytest.warns(UserWarning):
        assert [r.value for r in evaluate(Pictures(one), Pictures(other), metrics)] == [r.value for r in results]


def test_same_folder_is_at_zero(tmp_path):
    folder = write(tmp_path / "one", 120)
    assert evaluate(Pictures(folder), Pictures(folder), ["fd@random_conv"])[0].value < 1e-4


def test_pictures_of_several_sizes_are_resized_one_by_one(tmp_path):
    folder = write(tmp_path / "mixed", 4)
    write(tmp_path / "mixed" / "b", 3, size=(20, 24))
    write(tmp_path / "mixed" / "c", 2, channels=1)
    shapes = [batch.shape for batch, _ in Pictures(folder).batches()]
    assert shapes == [(4, 16, 16, 3), (3, 20, 24, 3), (2, 16, 16, 1)]
    with pytest.warns(UserWarning, match="9 samples"):
        assert evaluate(Pictures(folder), Pictures(folder), ["fd@random_conv"])[0].samples == 9
    with pytest.raises(ZooError, match=r"swd: folder .*mixed, from b/0000.png on: images of shape \(3, 20, 24, 3\)"):
        evaluate(Pictures(folder), Pictures(folder), ["swd"])


def test_subfolders_are_classes(tmp_path):
    stream = Pictures(write(tmp_path, 6, classes=3))
    assert stream.class_names == ("class0", "class1", "class2")
    assert np.concatenate([labels for _, labels in stream.batches()]).tolist() == [0, 0, 1, 1, 2, 2]


def test_classes_of_both_sides_must_agree(tmp_path):
    one, other = write(tmp_path / "one", 6, classes=3), write(tmp_path / "other", 6, classes=2)
    with pytest.raises(ZooError, match="one has 'class2' where .*other has None"):
        evaluate(Pictures(one), Pictures(other), ["intra_fd@random_conv"])


def test_subfolders_may_differ_where_labels_do_not_matter(tmp_path):
    one, other = write(tmp_path / "one", 120, classes=3), write(tmp_path / "other", 120, classes=2)
    assert evaluate(Pictures(one), Pictures(other), ["fd@random_conv"])[0].value >= 0


def test_inceptions_weights_are_looked_for_anew(tmp_path, monkeypatch, shared):
    folder, path = Pictures(write(tmp_path / "one", 3)), shared / "weights" / "inception_2015_768.npz"
    if not path.is_file():
        pytest.skip(f"no Inception weights: {path}")
    monkeypatch.setenv("TFGAN_ZOO_INCEPTION", str(path))
    with pytest.warns(UserWarning, match="3 samples"):
        assert evaluate(folder, folder, ["fid64"])[0].value < 1e-3
    monkeypatch.delenv("TFGAN_ZOO_INCEPTION")
    with pytest.raises(ZooError, match="needs its weights"):
        evaluate(folder, folder, ["fid64"])


def test_labels_are_asked_for(tmp_path):
    folder = Pictures(write(tmp_path, 5))
    with pytest.raises(ZooError, match="knn_accuracy@random_conv: folder .*: it needs labels, and there are none"):
        evaluate(folder, folder, ["knn_accuracy@random_conv"])


def test_nearest_neighbour_accuracy_of_labelled_folders(tmp_path):
    for label in range(2):  # dark and bright ones
        write(tmp_path / f"{label}", 10, seed=label, bright=55 * label)
    stream = Pictures(tmp_path)
    assert evaluate(stream, stream, ["knn_accuracy@random_conv"])[0].value == 1.0


def test_empty_folder_and_broken_picture(tmp_path):
    with pytest.raises(ZooError, match="holds no picture"):
        Pictures(tmp_path)
    write(tmp_path, 2)
    (tmp_path / "0001.png").write_bytes(b"no picture")
    with pytest.raises(ZooError, match="0001.png: cannot be decoded"):
        list(Pictures(tmp_path).batches())


def test_fingerprint_follows_the_bytes(tmp_path):
    before = Pictures(write(tmp_path, 3)).fingerprint
    assert Pictures(tmp_path).fingerprint == before
    write(tmp_path, 1, seed=9)
    assert Pictures(tmp_path).fingerprint != before


# === Pairs ===


def test_pairs_by_name(tmp_path):
    one = write(tmp_path / "one", 3)
    for path in one.iterdir():
        picture = images.Image.open(path)
        shifted = np.clip(np.asarray(picture).astype(int) + 4, 0, 255).astype(np.uint8)
        images.save_image(tmp_path / "other" / path.name, shifted)
    (result,) = evaluate(Pictures(one), Pictures(tmp_path / "other"), ["psnr"], settings={"psnr": {"border": 2}})
    assert result.value == pytest.approx(10 * np.log10(255**2 / 16), abs=1e-6)
    assert result.settings["border"] == 2 and result.higher
    (tmp_path / "other" / "0002.png").unlink()
    with pytest.raises(ZooError, match="0002.png where .*other has no more"):
        evaluate(Pictures(one), Pictures(tmp_path / "other"), ["psnr"])


def test_unknown_setting_suggests(tmp_path):
    folder = Pictures(write(tmp_path, 2))
    with pytest.raises(ZooError, match="kid: unknown setting 'subset': did you mean 'subsets'"):
        evaluate(folder, folder, ["kid@random_conv"], settings={"kid": {"subset": 3}})


# === Statistics ===


def test_statistics_of_another_tool(tmp_path):
    folder = Pictures(write(tmp_path / "one", 120))
    rows = np.random.default_rng(0).normal(size=(500, 112))
    np.savez(tmp_path / "stats.npz", mu=rows.mean(0), sigma=np.cov(rows, rowvar=False))
    reference = references.against(str(tmp_path / "stats.npz"), None, None, None, {}, False)
    (result,) = evaluate(folder, reference, ["fd@random_conv"])
    gathered = evaluate(folder, folder, ["fd@random_conv"])  # of the same extractor
    assert result.value > gathered[0].value and result.reference_samples is None
    assert "against statistics stats.npz" in str(result)
    with pytest.raises(ZooError, match="kid@random_conv needs images"):
        evaluate(folder, reference, ["kid@random_conv"])


@pytest.mark.parametrize(
    "content, message",
    [
        ({"mean": np.zeros(3)}, "holds no `mu` and `sigma`"),
        ({"mu": np.zeros(3), "sigma": np.eye(2)}, "must be finite"),
        (b"nonsense", "not a readable .npz"),
        (None, "no such file"),
    ],
)
def test_bad_statistics(tmp_path, content, message):
    path = tmp_path / "stats.npz"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content:
        np.savez(path, **content)
    with pytest.raises(ZooError, match=message):
        references.statistics(path)


def test_statistics_of_other_width(tmp_path):
    np.savez(tmp_path / "stats.npz", mu=np.zeros(5), sigma=np.eye(5))
    folder = Pictures(write(tmp_path / "one", 120))
    with pytest.raises(ZooError, match="112 and 5 features"):
        evaluate(folder, references.statistics(tmp_path / "stats.npz"), ["fd@random_conv"])


# === Names ===


def test_presets_and_data_sets_by_name():
    assert references.split_of("cifar10:test") == ("cifar10", "test")
    assert references.split_of("mnist:3.0.1") == ("mnist:3.0.1", None)
    assert references.split_of("mnist:train[:50%]") == ("mnist", "train[:50%]")
    with pytest.raises(ZooError, match="did you mean 'dcgan_glyphs'"):
        references.dataset("dcgan_glyps", None, OPTIONS, False)
    data = references.dataset("dcgan_glyphs:train[:40]", None, OPTIONS, True)
    assert data.num_examples == 40 and set(next(iter(data.examples(4)))) == {"image", "label"}


# === Models ===


@pytest.fixture(scope="module")
def model():
    return zoo.build("dcgan_glyphs", image_shape=(16, 16, 1), latent_dim=8, filters=4)


def test_broken_weights_are_refused_with_a_count():
    model = zoo.build("dcgan_glyphs", image_shape=(16, 16, 1), latent_dim=8, filters=4)
    for variable in model.best("generator").weights:
        if "kernel" in variable.path:
            variable.assign(np.full(variable.shape, np.nan, np.float32))
    with pytest.raises(ZooError, match="NaN or infinity in 5 answers of 5"):
        evaluate(Generated(model, 5), None, ["ms_ssim"])


def test_one_and_two_replicas_agree(model):
    """Each replica's features go into a metric of its own; merged they are those of one pass."""
    data = Selected(source_class("synthetic")(source="synthetic", size=200).open(model.element_spec))
    metrics = ["fd@random_conv", "prdc@random_conv"]
    whole = evaluate(Generated(model, 120), data, metrics)
    from tfgan_zoo import features
    from tfgan_zoo.metrics import registry

    extractor = features.extractor("random_conv")
    real = np.concatenate([extractor(batch) for batch, _ in data.batches()])
    fake = np.concatenate([extractor(batch) for batch, _ in Generated(model, 120).batches()])
    numbers = {}
    for name in metrics:
        parts = [registry.parse(name).metric(112) for _ in range(2)]
        for replica, part in enumerate(parts):
            for rows in np.array_split(fake, 6)[replica::2]:
                part.update(fake=rows)
            part.update(real=np.array_split(real, 2)[replica])
        parts[0].merge(parts[1])
        numbers |= {f"{key}@random_conv": value.value for key, value in parts[0].result().items()}
    for result in whole:
        assert numbers[result.metric] == pytest.approx(result.value, rel=1e-5, abs=1e-6)


def test_a_model_under_two_replicas_measures_as_under_one(model):
    with devices.strategy(2).scope():
        twin = zoo.build("dcgan_glyphs", image_shape=(16, 16, 1), latent_dim=8, filters=4)
    twin.set_weights(model.get_weights())
    data = source_class("synthetic")(source="synthetic", size=150).open(model.element_spec)
    one, two = (evaluate(m, data, ["fd@random_conv"], samples=130)[0].value for m in (model, twin))
    assert two == pytest.approx(one, rel=1e-6)


def test_a_saved_model_measures_as_its_model(model, tmp_path):
    path = savedmodel.export(model, tmp_path, name="served", verify=False)
    served = pictures(str(tmp_path / "served"), 120, 3, {}, False)
    assert served.description == f"SavedModel {path}" and served.facts["seed"] == 3
    data = source_class("synthetic")(source="synthetic", size=150).open(model.element_spec)
    one, other = (evaluate(s, data, ["fd@random_conv"])[0].value for s in (Generated(model, 120, 3), served))
    assert other == pytest.approx(one, rel=1e-3)
    for name in ("empty", "other"):
        (tmp_path / name).mkdir()
    tf.saved_model.save(tf.Module(), str(tmp_path / "other" / "1"))
    with pytest.raises(ZooError, match="no SavedModel with a `sample` signature"):
        pictures(str(tmp_path / "other"), 4, 0, {}, False)


def test_a_saved_model_of_classes_draws_them_by_its_seeds(tmp_path):
    model = CGAN((8, 8, 1), num_classes=3, latent_dim=4, units=24)
    savedmodel.export(model, tmp_path, name="served", verify=False)
    ((made, labels),) = pictures(str(tmp_path / "served"), 12, 3, {}, True).batches()
    assert set(labels) <= {0, 1, 2} and len(set(labels)) > 1
    np.testing.assert_array_equal(made, model.sample(range(3, 15), label=labels))


def test_data_sets_of_tfds_by_name(shared):
    if not (shared / "data" / "tfds" / "mnist").is_dir():
        pytest.skip(f"no MNIST in {shared / 'data' / 'tfds'}")
    options = {"data_dir": str(shared / "data" / "tfds"), "download": False}
    stream = pictures("mnist:test[:300]", None, 0, options, True)
    images_, labels = (np.concatenate(part) for part in zip(*stream.batches(), strict=True))
    assert (
        images_.shape == (300, 28, 28, 1) and stream.split == "test[:300]" and stream.class_names == tuple("0123456789")
    )
    assert evaluate(stream, None, ["accuracy_mnist"])[0].value > 0.98
    # Stacked MNIST: three digits as the channels of one picture.
    order = np.random.default_rng(0).integers(0, 300, (3, 200))
    stacked = np.stack([images_[order[:, i], ..., 0].transpose(1, 2, 0) for i in range(200)])
    numbers = labels[order[0]] * 100 + labels[order[1]] * 10 + labels[order[2]]
    with pytest.warns(UserWarning):
        found = {r.metric: r.value for r in evaluate(Given(stacked), None, ["stacked_modes"])}
    assert found["stacked_modes"] == pytest.approx(len(np.unique(numbers)), abs=5)


def test_path_length_is_of_unrounded_images():
    model = zoo.build("dcgan_glyphs", image_shape=(16, 16, 1), latent_dim=8, filters=4)
    for variable in model.best("generator").weights:
        if "kernel" in variable.path:
            variable.assign(8 * variable.value)  # as little as untrained images vary, rounding would decide
    (result,) = evaluate(Generated(model, 40), None, ["ppl@random_conv"], settings={"ppl": {"epsilon": 1e-3}})
    assert result.metric == "ppl@random_conv" and result.value > 0 and result.reference is None
    (other,) = evaluate(Generated(model, 40), None, ["ppl@random_conv"], settings={"ppl": {"epsilon": 1e-2}})
    assert other.value == pytest.approx(result.value, rel=0.3)  # a length per step, whatever the step


def test_metrics_that_lack_a_side(model):
    with pytest.raises(ZooError, match="kid@random_conv needs real images"):
        evaluate(Generated(model, 40), None, ["kid@random_conv"])
    data = source_class("synthetic")(source="synthetic", size=50).open(model.element_spec)
    with pytest.raises(ZooError, match="memorisation@random_conv needs the training data"):
        evaluate(Generated(model, 40), data, ["memorisation@random_conv"])


def test_memorisation_sees_copies(model):
    source = source_class("synthetic")(source="synthetic", size=200)
    training, test = source.open(model.element_spec), source.open(model.element_spec, split="test")
    copies = {
        r.metric: r for r in evaluate(Selected(training, 150), test, ["memorisation@random_conv"], held_out=training)
    }
    honest = {
        r.metric: r for r in evaluate(Generated(model, 150), test, ["memorisation@random_conv"], held_out=training)
    }
    assert copies["memorisation@random_conv"].value == 1 > honest["memorisation@random_conv"].value
    assert copies["ct_score@random_conv"].value < -5 < honest["ct_score@random_conv"].value


def test_neighbours_of_training_images_are_themselves(model):
    training = Selected(source_class("synthetic")(source="synthetic", size=30).open(model.element_spec))
    picture = similar.picture(training, training, Protocol(metrics="fd@random_conv"), count=3, k=2)
    columns = np.split(picture[:, 2:], 3, axis=1)  # after the outer margin
    np.testing.assert_array_equal(columns[0][:, :90], columns[1][:, :90])
    assert not np.array_equal(columns[0][:, :90], columns[2][:, :90])


def test_statistics_are_shared_in_one_pass(model, monkeypatch):
    """fd and intra_fd keep different things, kid, prdc and two_sample the same; features are taken once."""
    from tfgan_zoo.features.extractor import Extractor

    seen, outputs = [], Extractor.outputs
    monkeypatch.setattr(Extractor, "outputs", lambda self, x, taps: seen.append(len(x)) or outputs(self, x, taps))
    data = source_class("synthetic")(source="synthetic", size=150).open(model.element_spec)
    with pytest.warns(UserWarning):
        evaluate(Generated(model, 150), data, [f"{m}@random_conv" for m in ("fd", "kid", "prdc", "two_sample")])
    assert sum(seen) == 2 * 150 and len(seen) == 2 * -(-150 // BATCH_SIZE)


# === Points ===


class Given(Stream):
    """Rows from memory, in place of a model's."""

    def __init__(self, rows):
        self.rows, self.count, self.description = rows, len(rows), "given rows"

    def batches(self):
        yield self.rows, None


def test_mixture_takes_its_modes_from_the_data():
    data = source_class("synthetic")(source="synthetic", name="ring", size=2500).open({"point": Points((2,))})
    real = Selected(data)
    rows = np.concatenate([points for points, _ in real.batches()])
    numbers = {r.metric: r.value for r in evaluate(Given(rows[rows[:, 0] > 0]), real, ["mixture"])}
    assert numbers["modes"] in (3, 4, 5) and numbers["high_quality"] > 0.95 and numbers["reverse_kl"] > 0.5
    numbers = {r.metric: r.value for r in evaluate(Given(rows), real, ["mixture"])}
    assert numbers["modes"] == 8 and numbers["reverse_kl"] < 0.01
