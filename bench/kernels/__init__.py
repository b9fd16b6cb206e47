"""OTHER KERNELS AND DISTROS: where kernel images and distro roots come from, and the guests that run workers in them.

    image = image_of("4.4")          # from the cache; obtain_kernel() fetches what is not there yet
    root = root_of("bullseye")       # likewise obtain_root()

Nothing is installed on the machine, and no name of a mirror is written here.
"""

from bench.kernels.apt import Watch
from bench.kernels.distros import obtain_development, obtain_root, root_of, usual_worker
from bench.kernels.manifest import (
    DamagedError,
    KernelImage,
    NotFetchedError,
    Root,
    SourceError,
    UnavailableError,
    UnknownNameError,
)
from bench.kernels.sources import check_kernel, image_of, obtain_kernel

__all__ = [
    "DamagedError",
    "KernelImage",
    "NotFetchedError",
    "Root",
    "SourceError",
    "UnavailableError",
    "UnknownNameError",
    "Watch",
    "check_kernel",
    "image_of",
    "obtain_development",
    "obtain_kernel",
    "obtain_root",
    "root_of",
    "usual_worker",
]
