"""`python -m keras_gan_zoo.cli.worker` is `gan-zoo` that ends when its launcher does."""

import os
import signal
import sys
import threading
import time

from keras_gan_zoo.cli.launching import GRACE


def end_with_launcher() -> None:
    """Ends this process when its standard input closes, which the launcher holds open as long as it lives."""

    def watch():
        os.read(descriptor, 1)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(GRACE)
        os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))

    descriptor = os.dup(sys.stdin.fileno())
    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    end_with_launcher()
    from keras_gan_zoo.cli.commands import main

    main(prog_name="gan-zoo")
