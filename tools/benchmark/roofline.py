"""What a game costs, and what the machine can give: the roofline of `python -m tools.benchmark train`.

The cost is counted: the multiplications and additions of all convolutions and matrix products in a forward pass of the
generator and of the discriminator, times what a turn is worth in such passes (`games.game.Game`). The rates are
measured, in the same run: a large matrix product and a large convolution, by TensorFlow and, where it is installed, by
PyTorch; the faster one is the machine's. They race as contenders do, with GFLOP in the place of images.
"""

from collections.abc import Callable
from math import prod
from typing import Any

from tools.benchmark.games import GAMES
from tools.benchmark.games.game import Game, Side
from tools.benchmark.race import limit_threads

MATRIX = 4096  # side of the matrices
MAP = (32, 32, 32, 256)  # of the convolution 3x3, from as many channels to as many
YARDSTICKS = ("matmul", "convolution")


def build(job: dict[str, Any]):
    """What `race` runs. Beyond what it reads itself a job has `yardstick`, `precision` and `smoke`."""
    limit_threads(job["contender"], job["threads"])
    return RATES[job["contender"]](job["yardstick"], job["precision"], job["smoke"]), {}


def jobs(common: dict[str, Any]) -> list[dict[str, Any]]:
    """The jobs of all yardsticks, which have `threads`, `precision` and `smoke` in `common`."""
    return [
        {
            **common,
            "name": f"{yardstick} ({framework})",
            "module": "tools.benchmark.roofline",
            "contender": framework,
            "yardstick": yardstick,
            "batch": size(yardstick, common["smoke"])[1],
            "needs": ["torch"] if framework == "pytorch" else [],
        }
        for yardstick in YARDSTICKS
        for framework in RATES
    ]


def fastest(rows: list[dict[str, Any]], yardstick: str) -> float | None:
    """The machine's rate in GFLOP/s by the yardsticks' rows; None where none could be measured."""
    return max(
        (row["images_per_second"] for row in rows if row["yardstick"] == yardstick and "note" not in row), default=None
    )


def size(yardstick: str, smoke: bool) -> tuple[tuple[int, ...], float]:
    """(shape of the input, GFLOP of a step); `smoke`: a tiny one."""
    if yardstick == "matmul":
        side = 64 if smoke else MATRIX
        return (side, side), 2e-9 * side**3
    shape = (1, 8, 8, 8) if smoke else MAP
    return shape, 2e-9 * prod(shape) * 9 * shape[-1]


# === Rates ===
def tensorflow(yardstick: str, precision: str, smoke: bool):
    """Steps of a yardstick in a tf.function."""
    import tensorflow as tf

    shape, _ = size(yardstick, smoke)
    kernel_shape = shape if yardstick == "matmul" else (3, 3, shape[-1], shape[-1])
    x, kernel = (tf.Variable(tf.cast(tf.random.normal(each), precision)) for each in (shape, kernel_shape))

    @tf.function
    def step():
        return tf.matmul(x, kernel) if yardstick == "matmul" else tf.nn.conv2d(x, kernel, 1, "SAME")

    def run(steps):
        for _ in range(steps):
            made = step()
        made[0].numpy()  # wait for devices that run ahead

    return run


def pytorch(yardstick: str, precision: str, smoke: bool):
    """Steps of a yardstick, channels last."""
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    kind, (shape, _) = {"device": device, "dtype": getattr(torch, precision)}, size(yardstick, smoke)
    if yardstick == "matmul":
        x, y = torch.randn(shape, **kind), torch.randn(shape, **kind)
        step = torch.matmul
    else:
        x = torch.randn(shape, **kind).permute(0, 3, 1, 2)  # channels last
        y = torch.randn(shape[-1], 3, 3, shape[-1], **kind).permute(0, 3, 1, 2)

        def step(x, kernel):
            return torch.nn.functional.conv2d(x, kernel, padding=1)

    @torch.no_grad()
    def run(steps):
        for _ in range(steps):
            made = step(x, y)
        made.flatten()[0].item()  # wait for devices that run ahead

    return run


RATES = {"tensorflow": tensorflow, "pytorch": pytorch}


# === The cost of a game ===
def gflop_per_image(name: str, smoke: bool, batch: int) -> float:
    """GFLOP that a turn of a game needs for each picture of its batch."""
    from tools.benchmark.contenders import Random, pipeline

    game = GAMES[name]
    side = game.bare(game.model(smoke, "float32"), Random())
    return turn(game, side, pipeline(game.data(game.arguments_of(smoke)), batch).element_spec) / batch / 1e9


def turn(game: Game, side: Side, spec: dict[str, Any]) -> int:
    """Floating-point operations of a turn on a batch; `side` is the game in TensorFlow."""
    from tools.benchmark.contenders import in_model_form

    def made(stored):
        return side.fake(in_model_form(stored))

    def judged(stored):
        example = in_model_form(stored)
        return side.judge(example, side.fake(example))

    generator = flop(made, spec)
    return game.g_passes * generator + game.d_passes * (flop(judged, spec) - generator)


def flop(function: Callable, *specs) -> int:
    """Multiplications and additions of the convolutions and matrix products that a TensorFlow function's graph needs.

    What only feeds results that nobody uses is left out, as TensorFlow does before it computes.
    """
    import tensorflow as tf

    graph = tf.function(function).get_concrete_function(*specs).graph
    assigned = [operation for operation in graph.get_operations() if "Assign" in operation.type]
    needed, rest = set(), [tensor.op for tensor in graph.outputs] + assigned
    while rest:
        operation = rest.pop()
        if operation not in needed:
            needed.add(operation)
            rest += [*(tensor.op for tensor in operation.inputs), *operation.control_inputs]
    return sum(2 * MULTIPLICATIONS[each.type](each) for each in needed if each.type in MULTIPLICATIONS)


def _of_matrices(operation) -> int:
    first, made = (tensor.shape.as_list() for tensor in (operation.inputs[0], operation.outputs[0]))
    flipped = operation.get_attr("transpose_a" if operation.type == "MatMul" else "adj_x")
    return prod(made) * first[-2 if flipped else -1]


def _of_convolution(maps: Any, kernel: Any, per_group: bool = False) -> int:
    """Each number of the maps on the narrow side meets the kernel once. Kernels: (height, width, in, out)."""
    return prod(maps.shape.as_list()) * prod(kernel.shape.as_list()[: 2 if per_group else 3])


MULTIPLICATIONS = {  # of an operation of TensorFlow's graph
    "MatMul": _of_matrices,
    "BatchMatMulV2": _of_matrices,
    "Conv2D": lambda op: _of_convolution(op.outputs[0], op.inputs[1]),
    "Conv2DBackpropInput": lambda op: _of_convolution(op.inputs[2], op.inputs[1]),  # transposed convolutions too
    "Conv2DBackpropFilter": lambda op: _of_convolution(op.inputs[2], op.outputs[0]),
    "DepthwiseConv2dNative": lambda op: _of_convolution(op.outputs[0], op.inputs[1], True),
    "DepthwiseConv2dNativeBackpropInput": lambda op: _of_convolution(op.inputs[2], op.inputs[1], True),
    "DepthwiseConv2dNativeBackpropFilter": lambda op: _of_convolution(op.inputs[2], op.outputs[0], True),
}
