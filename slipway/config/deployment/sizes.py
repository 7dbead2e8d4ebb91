"""The task sizes that Fargate offers.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html
"""

import math

FARGATE_SIZES: dict[float, tuple[float, ...]] = {
    0.25: (0.5, 1, 2),
    0.5: (1, 2, 3, 4),
    1: tuple(range(2, 9)),
    2: tuple(range(4, 17)),
    4: tuple(range(8, 31)),
    8: tuple(range(16, 61, 4)),
    16: tuple(range(32, 121, 8)),
}
"""The memory sizes, in GB of 1024 MB, for each number of vCPUs."""

MB_PER_GB = 1024


def is_fargate_size(cpu: float, memory_mb: int) -> bool:
    """Whether Fargate offers this combination of vCPUs and memory."""
    return memory_mb / MB_PER_GB in FARGATE_SIZES.get(cpu, ())


def nearest_fargate_size(cpu: float, memory_mb: int) -> tuple[float, int]:
    """The nearest size by ratio; the larger of two equally near ones.

    Returns:
        vCPUs, and memory in MB.
    """
    sizes = [(each, round(memory * MB_PER_GB)) for each, memories in FARGATE_SIZES.items() for memory in memories]

    def distance(size: tuple[float, int]) -> tuple[float, float]:
        processors, memory = size
        return abs(math.log(processors / cpu)) + abs(math.log(memory / memory_mb)), -memory

    return min(sizes, key=distance)


def check_fargate_size(cpu: float, memory_mb: int, *, names: tuple[str, str]) -> None:
    """Raise ValueError, with the nearest size, if Fargate lacks this one; ``names`` are those of the two settings."""
    if is_fargate_size(cpu, memory_mb):
        return
    nearest = nearest_fargate_size(cpu, memory_mb)

    def size(cpu: float, memory_mb: int) -> str:
        return f"`{names[0]}: {cpu:g}` with `{names[1]}: {memory_mb}`"

    raise ValueError(f"Fargate has no task of {size(cpu, memory_mb)}; the nearest is {size(*nearest)}")
