"""PSNR, SSIM and MATLAB's resizing against their formulas, other libraries and published figures; diversity."""

import numpy as np
import pytest
from PIL import Image

from tfgan_zoo.errors import ZooError
from tfgan_zoo.metrics.diversity import (
    Images,
    IntraClassMsSsim,
    LabelledImages,
    MsSsim,
    SlicedWasserstein,
    laplacian_pyramid,
)
from tfgan_zoo.metrics.maths import pictures, structural
from tfgan_zoo.metrics.restoration import L1, Psnr, Sharpness, Ssim


def noise(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def noisy(images, sigma, seed=1):
    return np.clip(images + np.random.default_rng(seed).normal(0, sigma, images.shape), 0, 255).astype(np.uint8)


# === Pictures ===


def test_psnr_formula_and_skimage():
    a = noise(2, 20, 24, 3)
    b = noisy(a, 10)
    squares = ((a.astype(float) - b) ** 2).mean(axis=(1, 2, 3))
    np.testing.assert_allclose(pictures.psnr(a, b), 20 * np.log10(255 / np.sqrt(squares)), rtol=1e-12)
    reference = pytest.importorskip("skimage.metrics").peak_signal_noise_ratio(a[0], b[0], data_range=255)
    assert pictures.psnr(a[0], b[0]) == pytest.approx(reference, rel=1e-12)
    assert pictures.psnr(a[0] / 255, b[0] / 255, peak=1) == pytest.approx(reference, rel=1e-9)
    assert np.isposinf(pictures.psnr(a, a)).all()


def test_luma_is_rgb2ycbcr():
    colours = np.array([[0, 0, 0], [255, 255, 255], [255, 0, 0], [0, 255, 0], [0, 0, 255]], np.uint8)[None]
    np.testing.assert_allclose(pictures.luma(colours)[0, :, 0], [16, 235, 81.481, 144.553, 40.966], rtol=1e-12)
    image = noise(9, 8, 3)
    reference = pytest.importorskip("skimage.color").rgb2ycbcr(image)[..., :1]
    np.testing.assert_allclose(pictures.luma(image), reference, rtol=1e-9)
    grey = noise(9, 8, 1)
    np.testing.assert_array_equal(pictures.luma(grey), grey)


def test_shave():
    image = noise(9, 8, 3)
    np.testing.assert_array_equal(pictures.shave(image, 2), image[2:7, 2:6])
    np.testing.assert_array_equal(pictures.shave(image, 0), image)
    with pytest.raises(ZooError, match="border 4 of pictures of 9x8 pixels; give 0 to 3"):
        pictures.shave(image, 4)


def direct_bicubic(line, scale):
    """One output pixel after another: kernel of a = -0.5 on the line mirrored without end."""
    mirrored = np.concatenate([line, line[::-1]])
    result = []
    for pixel in range(int(np.ceil(len(line) * scale))):
        centre, stretch = (pixel + 0.5) / scale - 0.5, min(scale, 1)
        taps = np.arange(int(centre - 4 / stretch), int(centre + 4 / stretch) + 1)
        x = np.abs((taps - centre) * stretch)
        kernel = np.where(x <= 1, 1.5 * x**3 - 2.5 * x**2 + 1, -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2) * (x < 2)
        result.append((kernel * mirrored[taps % len(mirrored)]).sum() / kernel.sum())
    return np.array(result)


@pytest.mark.parametrize("scale", [1 / 4, 0.3, 1.0, 4.0, 2.7])
def test_imresize_formula(scale):
    image = np.random.default_rng(0).uniform(size=(10, 13, 2))
    columns = np.apply_along_axis(direct_bicubic, 0, image, scale)
    expected = np.apply_along_axis(direct_bicubic, 1, columns, scale)
    np.testing.assert_allclose(pictures.imresize(image, scale), expected, atol=1e-12)
    np.testing.assert_allclose(pictures.imresize(np.stack([image, image]), scale)[1], expected, atol=1e-12)


@pytest.mark.parametrize("size", [(12, 16), (31, 100)])
def test_imresize_inside_as_pillow(size):
    image = np.random.default_rng(0).uniform(size=(48, 64, 1)).astype(np.float32)
    reference = np.asarray(Image.fromarray(image[..., 0]).resize(size[::-1], Image.Resampling.BICUBIC))
    inside = (slice(4, -4), slice(4, -4))  # Pillow cuts the kernel at borders, MATLAB mirrors the picture
    np.testing.assert_allclose(pictures.imresize(image, size=size)[..., 0][inside], reference[inside], atol=1e-5)


def test_imresize_rounds_uint8_after_each_axis():
    image = noise(12, 16, 3)

    def rounded(x):
        return np.floor(np.clip(x, 0, 255) + 0.5)

    rows = rounded(pictures.imresize(image.astype(float), size=(3, 16)))
    expected = rounded(pictures.imresize(rows, size=(3, 8)))
    resized = pictures.imresize(image, size=(3, 8))
    assert resized.dtype == np.uint8
    np.testing.assert_array_equal(resized, expected)
    assert pictures.imresize(image, 0.3).shape == (4, 5, 3)


@pytest.mark.parametrize("arguments", [{}, {"scale": 2, "size": (3, 3)}, {"scale": 0}, {"size": (0, 3)}])
def test_imresize_refuses_in_one_line(arguments):
    with pytest.raises(ZooError, match="give") as caught:
        pictures.imresize(noise(8, 8, 3), **arguments)
    assert "\n" not in str(caught.value)
    with pytest.raises(ZooError, match="int32"):
        pictures.imresize(np.zeros((8, 8, 3), np.int32), 2)


@pytest.mark.parametrize("name, published", [("Set5", 28.43), ("Set14", 25.99)])
def test_published_bicubic(shared, name, published):
    """PSNR of bicubic x4 as SRGAN's Table 2 has it: Y, a border of 4 pixels left out."""
    files = sorted((shared / "data" / "sr" / name).glob("*.png"))
    if not files:
        pytest.skip(f"no {name} in {shared}")
    values = []
    for file in files:
        image = np.atleast_3d(np.asarray(Image.open(file)))
        image = image[: image.shape[0] // 4 * 4, : image.shape[1] // 4 * 4]
        metric = Psnr(border=4, luma=True)
        metric.update(image[None], pictures.imresize(pictures.imresize(image, 1 / 4), 4)[None])
        values.append(metric.result()["psnr"].value)
    assert np.mean(values) == pytest.approx(published, abs=0.006)


# === Structural similarity ===


def test_ssim_as_skimage():
    similarity = pytest.importorskip("skimage.metrics").structural_similarity
    a = noise(2, 30, 26, 3)
    b = noisy(a, 30)
    expected = [
        similarity(x, y, channel_axis=-1, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255)
        for x, y in zip(a, b)
    ]
    np.testing.assert_allclose(structural.ssim(a, b), expected, atol=1e-5)


def test_ssim_of_flat_pictures_is_the_luminance_term():
    a, b = np.full((1, 11, 11, 1), 50, np.uint8), np.full((1, 11, 11, 1), 100, np.uint8)
    c = (0.01 * 255) ** 2
    assert structural.ssim(a, b)[0] == pytest.approx((2 * 50 * 100 + c) / (50**2 + 100**2 + c), abs=1e-3)


def test_ms_ssim_formula_of_two_scales():
    import tensorflow as tf

    a = noise(3, 24, 24, 1)
    b = noisy(a, 40)
    weights = np.array([0.0448, 0.2856]) * 1.0001 / (0.0448 + 0.2856)

    def contrast_and_ssim(x, y):
        t = np.arange(11) - 5
        window = np.exp(-(t[:, None] ** 2 + t**2) / (2 * 1.5**2))
        window /= window.sum()
        x, y = (np.lib.stride_tricks.sliding_window_view(v[..., 0], (11, 11), axis=(1, 2)) for v in (x, y))
        mx, my, xx, yy, xy = ((v * window).sum((-1, -2)) for v in (x, y, x * x, y * y, x * y))
        c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
        contrast = (2 * (xy - mx * my) + c2) / (xx - mx**2 + yy - my**2 + c2)
        return contrast.mean((1, 2)), (contrast * (2 * mx * my + c1) / (mx**2 + my**2 + c1)).mean((1, 2))

    halves = [x.reshape(3, 12, 2, 12, 2, 1).mean((2, 4)) for x in (a, b)]
    contrast, ssim = contrast_and_ssim(a.astype(float), b.astype(float))[0], contrast_and_ssim(*halves)[1]
    np.testing.assert_allclose(structural.ms_ssim(a, b), contrast ** weights[0] * ssim ** weights[1], atol=1e-5)
    large = noise(2, 161, 170, 1)
    other = noisy(large, 40)
    reference = tf.image.ssim_multiscale(large.astype(np.float32), other.astype(np.float32), 255)
    np.testing.assert_allclose(structural.ms_ssim(large, other), reference, atol=1e-6)
    with pytest.raises(ZooError, match="10x30 pixels"):
        structural.ms_ssim(noise(2, 10, 30, 1), noise(2, 10, 30, 1))


# === Paired metrics ===


@pytest.mark.parametrize("cls, function", [(Psnr, pictures.psnr), (Ssim, structural.ssim)])
def test_mean_over_pictures_however_they_came(cls, function):
    real = noise(6, 24, 22, 3)
    fake = noisy(real, 20)
    prepared = [pictures.shave(pictures.luma(x), 2) for x in (real, fake)]
    expected = function(*prepared)
    whole, first, second = (cls(border=2, luma=True) for _ in range(3))
    whole.update(real, fake)
    first.update(real[:1], fake[:1])
    second.update(real[1:], fake[1:])
    first.merge(second)
    for metric in (whole, first):
        value = metric.result()[cls.name]
        assert value.value == pytest.approx(expected.mean(), rel=1e-6)
        assert value.deviation == pytest.approx(expected.std(), rel=1e-3)


def test_psnr_of_equal_pictures_warns():
    metric = Psnr()
    a = noise(3, 8, 8, 1)
    metric.update(a, np.concatenate([a[:2], noise(1, 8, 8, 1, seed=5)]))
    with pytest.warns(UserWarning, match="2 pairs of 3 with equal pictures"):
        assert metric.result()["psnr"].value == np.inf


def test_sharpness_is_the_share_of_detail():
    y, x = np.mgrid[:20, :24]
    true = (120 + 10 * ((x + y) % 2))[None, :, :, None].astype(np.uint8)  # a Laplacian of 40 everywhere
    assert pictures.detail(true) == pytest.approx([1600])
    soft, loud = ((120 + contrast * ((x + y) % 2))[None, :, :, None].astype(np.uint8) for contrast in (5, 20))
    ramp = (5 * x + 3 * y)[None, :, :, None].astype(np.uint8)
    metric = Sharpness(border=2)
    for fake in (soft, loud, ramp):
        metric.update(true, fake)
    np.testing.assert_allclose(metric.fake.result(), [0.25, 4, 0], atol=1e-12)
    assert metric.result()["sharpness"].value == pytest.approx(4.25 / 3)
    same = Sharpness()
    same.update(ramp, ramp)
    assert same.result()["sharpness"].value == 1
    with pytest.raises(ZooError, match="3x3"):
        pictures.detail(np.zeros((1, 2, 9, 3)))


def test_l1_is_the_mean_absolute_difference_in_percent():
    a, b = noise(3, 9, 8, 3), noise(3, 9, 8, 3, seed=1)
    for border, luma in ((0, False), (2, True)):
        metric = L1(border=border, luma=luma)
        metric.update(a, b)
        one, other = ((pictures.luma(side) if luma else side.astype(float)) for side in (a, b))
        inside = slice(border, 9 - border), slice(border, 8 - border)
        expected = np.abs(one - other)[:, inside[0], inside[1]].mean(axis=(1, 2, 3)) / 255 * 100
        np.testing.assert_allclose(metric.fake.result(), expected, rtol=1e-9)
        assert metric.result()["l1"].value == pytest.approx(expected.mean())
    black, white = np.zeros((1, 4, 4, 1), np.uint8), np.full((1, 4, 4, 1), 255, np.uint8)
    assert L1().score(black, white) == pytest.approx(100)


def test_paired_refusals():
    a = noise(2, 12, 12, 3)
    for arguments in ((a, None), (None, a), (a, a[:1])):
        with pytest.raises(ZooError, match="ssim compares pairs"):
            Ssim().update(*arguments)
    with pytest.raises(ZooError, match="float64"):
        Psnr().update(a / 255, a / 255)
    with pytest.raises(ZooError, match="no data have come"):
        Psnr().result()


# === Diversity ===


def blobs(count, size, seed=0):
    """Smooth colour pictures of random frequencies and phases."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size] / size
    frequency, phase = rng.uniform(1, 4, (2, count, 1, 1, 3)), rng.uniform(0, 7, (count, 1, 1, 3))
    waves = np.sin(2 * np.pi * (frequency[0] * x[..., None] + frequency[1] * y[..., None]) + phase)
    return (127 + 100 * waves).astype(np.uint8)


def test_images_keep_the_first_however_they_came(monkeypatch):
    monkeypatch.setattr(Images, "LIMIT", 7)
    rows, labels = noise(10, 4, 4, 1), np.arange(10)
    whole, first, second = LabelledImages(), LabelledImages(), LabelledImages()
    whole.update(rows, labels)
    first.update(rows[:3], labels[:3])
    second.update(rows[3:5], labels[3:5])
    second.update(rows[5:], labels[5:])
    first.merge(second)
    for images, classes in (whole.result(), first.result()):
        np.testing.assert_array_equal(images, rows[:7])
        np.testing.assert_array_equal(classes, labels[:7])
    with pytest.raises(ZooError, match=r"give uint8 \(n, 4, 4, 1\)"):
        whole.update(noise(2, 5, 4, 1), labels[:2])
    with pytest.raises(ZooError, match="one integer per row"):
        whole.update(rows, labels[:3])


def test_ms_ssim_is_the_mean_of_disjoint_pairs():
    images = blobs(7, 24)
    metric = MsSsim(pairs=3, seed=1)
    metric.update(fake=images[:4])
    metric.update(fake=images[4:])
    order = np.random.RandomState(1).permutation(7)
    expected = structural.ms_ssim(images[order[:3]], images[order[3:6]])
    value = metric.result()["ms_ssim"]
    assert value == pytest.approx((expected.mean(), expected.std()), rel=1e-6)


def test_ms_ssim_of_collapse_is_one_and_labels_see_it_per_class():
    collapsed, diverse = np.repeat(blobs(1, 24), 6, axis=0), noise(6, 24, 24, 3)
    metric = MsSsim()
    metric.update(fake=collapsed)
    assert metric.result()["ms_ssim"].value == pytest.approx(1, abs=1e-4)
    metric = IntraClassMsSsim()
    metric.update(fake=np.concatenate([collapsed, diverse]), fake_labels=np.repeat([3, 8], 6))
    result = metric.result()
    assert result["intra_ms_ssim_worst"].value == pytest.approx(1, abs=1e-4)
    assert result["intra_ms_ssim"].value == pytest.approx(0.5, abs=0.1)
    metric.update(fake=diverse[:1], fake_labels=np.array([9]))
    with pytest.raises(ZooError, match="class 9 has 1 image"):
        metric.result()


def test_laplacian_pyramid_as_scipy_and_adds_up():
    convolve = pytest.importorskip("scipy.ndimage").convolve
    images = np.random.default_rng(0).normal(size=(2, 16, 21, 3))
    kernel = np.outer([1, 4, 6, 4, 1], [1, 4, 6, 4, 1])[None, :, :, None] / 256
    coarse = convolve(images, kernel, mode="mirror")[:, ::2, ::2]
    doubled = np.zeros_like(images)
    doubled[:, ::2, ::2] = coarse
    fine = images - convolve(doubled, 4 * kernel, mode="mirror")
    bands = laplacian_pyramid(images, 2)
    np.testing.assert_allclose(bands[0], fine, atol=1e-12)
    np.testing.assert_allclose(bands[1], coarse, atol=1e-12)


def test_patches_are_pieces_of_the_images():
    """Pixels that tell where they are: each patch is a 7x7 window of its image, all three channels at one place."""
    where = np.arange(15 * 16, dtype=np.uint8).reshape(15, 16)
    images = np.stack([where, where[::-1]])[..., None]
    patches, mean, deviation = SlicedWasserstein(patches=50)._patches(images, level=0, levels=1, side=0)
    patches = patches.reshape(2, 50, 3, 7, 7)
    corners = patches[0, :, 0, 0, 0]
    assert len(set(corners.tolist())) > 20 and corners.max() <= where[8, 9]
    np.testing.assert_array_equal(patches[0, :, 1] - corners[:, None, None], np.broadcast_to(where[:7, :7], (50, 7, 7)))
    np.testing.assert_array_equal(patches[1, :, 2, 0, 0] - patches[1, :, 2, 1, 0], np.full(50, 16))
    assert mean == pytest.approx(patches.mean((0, 1, 3, 4), dtype=float))
    assert deviation == pytest.approx(patches.astype(float).std((0, 1, 3, 4)))


def test_swd_is_the_mean_wasserstein_distance_of_projections():
    wasserstein = pytest.importorskip("scipy.stats").wasserstein_distance
    metric = SlicedWasserstein(patches=20, directions=6)
    metric.update(blobs(8, 16), blobs(8, 16, seed=1) // 2)
    sides = []
    for side, images in enumerate((blobs(8, 16), blobs(8, 16, seed=1) // 2)):
        patches, mean, deviation = metric._patches(images, 0, 1, side)
        sides.append(((patches - mean[:, None]) / deviation[:, None]).reshape(len(patches), -1))
    directions = np.random.RandomState(0).normal(size=(6, 147))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    expected = np.mean([wasserstein(*(side @ direction for side in sides)) for direction in directions])
    result = metric.result()
    assert result["swd"].value == pytest.approx(1000 * expected, rel=1e-4)
    assert result["swd"] == result["swd_fine"] == result["swd_coarse"]


def test_swd_tells_detail_from_form_and_ignores_batches():
    real, same = blobs(60, 32), blobs(60, 32, seed=1)
    speckled = noisy(same, 40)

    def swd(fake, batches=1):
        metric = SlicedWasserstein(patches=32, directions=64)
        for a, b in zip(np.array_split(real, batches), np.array_split(fake, batches)):
            metric.update(a, b)
        return {name: value.value for name, value in metric.result().items()}

    floor, other = swd(same), swd(speckled)
    assert swd(same, batches=7) == floor
    assert other["swd_fine"] > 1.5 * floor["swd_fine"]
    assert other["swd_coarse"] < 1.1 * floor["swd_coarse"]
    assert other["swd"] == pytest.approx((other["swd_fine"] + other["swd_coarse"]) / 2)


def test_swd_refusals():
    metric = SlicedWasserstein()
    metric.update(noise(2, 20, 20, 1), noise(2, 20, 24, 1))
    with pytest.raises(ZooError, match="real images of 20x20 pixels and generated ones of 20x24"):
        metric.result()
    with pytest.raises(ZooError, match="20000 images"):
        SlicedWasserstein(images=20_000)
