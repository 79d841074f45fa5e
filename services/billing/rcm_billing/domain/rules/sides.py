"""The side of the body that HCPCS modifiers name: RT, LT, eyelids E1-E4, fingers FA-F9, toes TA-T9."""

from functools import lru_cache

LEFT = frozenset({"LT", "E1", "E2", "FA", "F1", "F2", "F3", "F4", "TA", "T1", "T2", "T3", "T4"})
RIGHT = frozenset({"RT", "E3", "E4", "F5", "F6", "F7", "F8", "F9", "T5", "T6", "T7", "T8", "T9"})
BILATERAL = "50"


@lru_cache(maxsize=1024)
def sides_of(modifiers: tuple[str, ...]) -> frozenset[str]:
    """Return {"R"}, {"L"}, both, or nothing where no modifier names a side."""
    if BILATERAL in modifiers:
        return frozenset("RL")
    named = {"L" for modifier in modifiers if modifier in LEFT}
    return frozenset(named | {"R" for modifier in modifiers if modifier in RIGHT})
