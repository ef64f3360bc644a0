"""The small classifiers whose features and logits measure pictures and sounds.

tools/train_classifier.py trains them.
"""

import keras

from tfgan_zoo.features import sound

OBJECTS = ((32, False), (48, True), (96, False), (96, True), (160, False), (192, True), (192, False))
"""The convolutions of `objects`: their filters, and whether the map is pooled."""


def digits(num_classes: int = 10) -> keras.Model:
    """A classifier of 28x28 grey pictures: float32 (n, 28, 28, 1) in [0, 1] -> features (n, 128), logits (n, 10).

    Three 3x3 convolutions (32, 64, 128 filters) with batch normalization, then a 128-unit ReLU layer: 0.9 million
    weights, 1.8 MB as float16.
    """
    x = image = keras.Input((28, 28, 1), name="image")
    for index, filters in enumerate((32, 64, 128)):
        x = keras.layers.Conv2D(filters, 3, padding="same", use_bias=False, name=f"conv_{index}")(x)
        if index < 2:
            x = keras.layers.MaxPooling2D()(x)  # before the normalization, which then costs a quarter
        x = keras.layers.ReLU()(keras.layers.BatchNormalization(momentum=0.9, name=f"norm_{index}")(x))
    x = keras.layers.Dense(128, use_bias=False, name="dense")(keras.layers.Flatten()(x))
    x = keras.layers.BatchNormalization(momentum=0.9, name="norm_dense")(x)
    x = features = keras.layers.ReLU(name="features")(x)
    logits = keras.layers.Dense(num_classes, name="logits")(keras.layers.Dropout(0.3)(x))
    return keras.Model(image, {"features": features, "logits": logits})


def objects(num_classes: int = 10) -> keras.Model:
    """A classifier of 32x32 colour pictures: float32 (n, 32, 32, 3) in [0, 1] -> features (n, 192), logits (n, 10).

    Seven 3x3 convolutions with batch normalization, three of them pooled, and the maximum over space: 0.9 million
    weights, 1.8 MB as float16.
    """
    x = image = keras.Input((32, 32, 3), name="image")
    for index, (filters, pooled) in enumerate(OBJECTS):
        x = keras.layers.Conv2D(filters, 3, padding="same", use_bias=False, name=f"conv_{index}")(x)
        if pooled:
            x = keras.layers.MaxPooling2D()(x)
        x = keras.layers.ReLU()(keras.layers.BatchNormalization(momentum=0.9, name=f"norm_{index}")(x))
    features = keras.layers.GlobalMaxPooling2D(name="features")(x)
    logits = keras.layers.Dense(num_classes, name="logits")(keras.layers.Dropout(0.2)(features))
    return keras.Model(image, {"features": features, "logits": logits})


def words(num_classes: int = 10) -> keras.Model:
    """A classifier of spoken words: spectrograms (n, 64, 64, 1) in [0, 1] -> features (n, 64), logits (n, 10).

    Five 3x3 convolutions with batch normalization, four of them pooled, and the maximum over time and frequency: 84,000
    weights, 0.2 MB as float16.
    """
    x = image = keras.Input(sound.SHAPE, name="image")
    for index, filters in enumerate((16, 32, 48, 64, 64)):
        x = keras.layers.Conv2D(filters, 3, padding="same", use_bias=False, name=f"conv_{index}")(x)
        if index < 4:
            x = keras.layers.MaxPooling2D()(x)
        x = keras.layers.ReLU()(keras.layers.BatchNormalization(momentum=0.9, name=f"norm_{index}")(x))
    features = keras.layers.GlobalMaxPooling2D(name="features")(x)
    logits = keras.layers.Dense(num_classes, name="logits")(keras.layers.Dropout(0.2)(features))
    return keras.Model(image, {"features": features, "logits": logits})


CLASSIFIERS = {"mnist_cnn": digits, "fashion_cnn": digits, "cifar_cnn": objects, "spoken_cnn": words}
OF_SOUND = ("spoken_cnn",)
