"""A clean stop: what Ctrl-C, SIGTERM and SIGHUP do to a training."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

import keras

from tfgan_zoo import console

SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


class Stopped(KeyboardInterrupt):
    """A signal ended the work; what was done is saved.

    Attributes:
        status: the exit status that tells of it, 128 and the signal's number.
    """

    def __init__(self, text: str, number: int):
        super().__init__(text)
        self.status = 128 + number


class _Aside(BaseException):
    """Leaves a picture or a measurement that a signal came into; no `except Exception` on the way may hold it."""


@contextlib.contextmanager
def stoppable() -> Iterator[None]:
    """Inside, Ctrl-C, SIGTERM and SIGHUP end the work at once: where there is nothing to save. Also a decorator.

    Raises:
        Stopped: after a signal.
    """

    def stop(number, frame):
        raise Stopped("stopped; the same command goes on from here.", number)

    before = _heed(stop)
    try:
        yield
    finally:
        _restore(before)


def _heed(handler: Callable) -> dict[int, Any]:
    """Let `handler` answer the signals; returns who did. Those that are ignored stay so, as nohup wants it."""
    if threading.current_thread() is not threading.main_thread():
        return {}
    wanted = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    return {number: signal.signal(number, handler) for number in wanted}


def _restore(handlers: dict[int, Any]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, handler)


class Interrupt(keras.callbacks.Callback):
    """Let Ctrl-C, SIGTERM and SIGHUP end training after the current step; a second one ends it at once.

    A picture or a measurement that is being made is left at once: whoever stops a machine waits for seconds only.
    Resumed, the run makes it again. Before the first step, which is traced and compiled, nothing can be lost: training
    ends at once, too.
    """

    def __init__(self):
        super().__init__()
        self.received, self._heard, self._aside, self._stepped = None, False, False, False
        self._before = {}

    def on_train_begin(self, logs=None):
        self._stepped = False
        self._before = self._before or _heed(self._stop)

    def on_train_batch_end(self, batch, logs=None):
        self._stepped = True

    def _stop(self, number, frame):
        if self._heard:
            raise Stopped("stopped at once; the same command goes on from the last checkpoint.", number)
        self._heard = True
        self.stop(number)
        console.note("\nstopping after this step; once more to stop at once")
        if self._aside:
            raise _Aside

    def stop(self, number: int) -> None:
        """End training because of signal `number`."""
        if not self._stepped:
            raise Stopped("stopped before a step was taken; the same command goes on from here.", number)
        self.received = number
        self.model.stop_training = True

    @contextlib.contextmanager
    def aside(self):
        """Around work that a signal may break off."""
        self._aside = True
        try:
            yield
        except _Aside:
            pass
        finally:
            self._aside = False

    def restore_handlers(self):
        """Restore the previous signal handlers, when all that is to be saved is."""
        _restore(self._before)
        self._before = {}
