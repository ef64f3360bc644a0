"""A clean stop: what Ctrl-C, SIGTERM and SIGHUP do to a training."""

import contextlib
import signal
import threading

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


class Interrupt(keras.callbacks.Callback):
    """Let Ctrl-C, SIGTERM and SIGHUP end training after the current step; a second one ends it at once.

    A picture or a measurement that is being made is left at once: whoever stops a machine waits for seconds only.
    Resumed, the run makes it again.
    """

    def __init__(self):
        super().__init__()
        self.received, self._heard, self._aside = None, False, False
        self._before = {}

    def on_train_begin(self, logs=None):
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                self._before[number] = signal.signal(number, self._stop)

    def _stop(self, number, frame):
        if self._heard:
            raise KeyboardInterrupt
        self._heard = True
        console.note("\nstopping after this step; once more to stop at once")
        self.stop(number)
        if self._aside:
            raise _Aside

    def stop(self, number: int) -> None:
        """End training because of signal `number`."""
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
        """Restore the previous signal handlers."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}

    def on_train_end(self, logs=None):
        self.restore_handlers()
