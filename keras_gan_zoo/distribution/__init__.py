"""Training on several devices and machines: strategies by name, and agreement between workers."""

from keras_gan_zoo.distribution.strategies import STRATEGIES, check_supported, strategy
from keras_gan_zoo.distribution.workers import (
    broadcast_from_chief,
    check_agreement,
    is_chief,
    is_multi_worker,
    name_lost_workers,
)

# The names of these two in version 0.1.0.
of_chief = broadcast_from_chief
lost_workers_named = name_lost_workers

__all__ = [
    "STRATEGIES",
    "broadcast_from_chief",
    "check_agreement",
    "check_supported",
    "is_chief",
    "is_multi_worker",
    "lost_workers_named",
    "name_lost_workers",
    "of_chief",
    "strategy",
]
