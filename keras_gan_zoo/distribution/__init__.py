"""Training on several devices and machines: strategies by name, workers that agree, replicas that equal one."""

from keras_gan_zoo.distribution.strategies import STRATEGIES, check_supported, strategy
from keras_gan_zoo.distribution.workers import check_agreement, is_chief, is_multi_worker, lost_workers_named, of_chief

__all__ = [
    "STRATEGIES",
    "check_agreement",
    "check_supported",
    "is_chief",
    "is_multi_worker",
    "lost_workers_named",
    "of_chief",
    "strategy",
]
