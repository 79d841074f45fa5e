"""Releases of code sets: staged, checked, active, superseded; and what one changes over another. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from rcm_coding.codesets.catalog import Row

#: A release that loses more than this share of its predecessor's rows is taken for a truncated file.
MOST_LOST = 0.2


class Status(StrEnum):
    """Where a release stands."""

    STAGED = "staged"
    CHECKED = "checked"
    ACTIVE = "active"
    SUPERSEDED = "superseded"


class ActivationError(ValueError):
    """A release that may not become active; the active one stays."""


@dataclass(frozen=True, slots=True)
class Release:
    """One published version. Both days belong to its span."""

    system: str
    label: str
    effective_from: date
    effective_to: date
    sha256: str
    rows: int
    billable: int
    licence: str
    status: Status = Status.STAGED

    @property
    def name(self) -> str:
        """Its name on edits and answers, such as "ncci-ptp:2026Q3"."""
        return f"{self.system}:{self.label}"


@dataclass(frozen=True, slots=True)
class Difference:
    """What a later release changes: keys only, since texts may be licensed."""

    added: tuple[str, ...]
    deleted: tuple[str, ...]
    to_header: tuple[str, ...]
    to_billable: tuple[str, ...]
    revised: tuple[str, ...]

    @property
    def retired(self) -> tuple[str, ...]:
        """The codes that may stand on no claim any more."""
        return tuple(sorted({*self.deleted, *self.to_header}))


def compare(before: Iterable[Row], after: Iterable[Row]) -> Difference:
    """Compare the rows of two releases of one system."""
    old = {row.key: row for row in before}
    added: list[str] = []
    header: list[str] = []
    billable: list[str] = []
    revised: list[str] = []
    for row in after:
        known = old.pop(row.key, None)
        if known is None:
            added.append(row.key)
        elif known.flag != row.flag:
            (header if row.flag == "0" else billable if known.flag == "0" else revised).append(row.key)
        elif known.text != row.text:
            revised.append(row.key)
    return Difference(
        tuple(sorted(added)),
        tuple(sorted(old)),
        tuple(sorted(header)),
        tuple(sorted(billable)),
        tuple(sorted(revised)),
    )


def in_force(releases: Iterable[Release], system: str, on: date) -> Release | None:
    """Return the active release of a system on a governing date, or None."""
    return next(
        (
            item
            for item in releases
            if item.system == system
            and item.status is Status.ACTIVE
            and item.effective_from <= on <= item.effective_to
        ),
        None,
    )


def faults(release: Release, releases: Iterable[Release], difference: Difference | None) -> tuple[str, ...]:
    """Return why a release fails its check: an empty or impossible span, or far fewer rows than before."""
    found: list[str] = []
    if release.effective_from > release.effective_to:
        found.append("its last day lies before its first")
    if not release.rows:
        found.append("it has no rows")
    before = predecessor(release, releases)
    if before is not None and release.rows < before.rows * (1 - MOST_LOST):
        found.append(f"it has {release.rows} rows, its predecessor {before.rows}: truncated?")
    if difference is not None and before is not None and len(difference.retired) > before.rows * MOST_LOST:
        found.append(f"it retires {len(difference.retired)} of {before.rows} codes: another year or system?")
    return tuple(found)


def predecessor(release: Release, releases: Iterable[Release]) -> Release | None:
    """Return the newest active release of the system that begins no later."""
    earlier = [
        item
        for item in releases
        if item.system == release.system
        and item.status is Status.ACTIVE
        and item.effective_from <= release.effective_from
        and item.sha256 != release.sha256
    ]
    return max(earlier, key=lambda item: item.effective_from, default=None)


def activate(release: Release, releases: Iterable[Release]) -> tuple[Release, ...]:
    """Return all releases after making one active: those it replaces are superseded, an earlier one ends before it.

    Raises: ActivationError when it was not checked, or when an active release would go on after it.
    """
    if release.status is not Status.CHECKED:
        raise ActivationError(f"{release.name} is {release.status}: only a checked release becomes active")
    after: list[Release] = []
    for item in releases:
        if item.sha256 == release.sha256 and item.system == release.system:
            continue
        overlaps = (
            item.system == release.system
            and item.status is Status.ACTIVE
            and item.effective_from <= release.effective_to
            and release.effective_from <= item.effective_to
        )
        if not overlaps:
            after.append(item)
        elif item.effective_to > release.effective_to:
            raise ActivationError(
                f"{item.name} is active until {item.effective_to}, after the new one's last day"
            )
        elif item.effective_from >= release.effective_from:
            after.append(replace(item, status=Status.SUPERSEDED))
        else:
            after.append(replace(item, effective_to=date.fromordinal(release.effective_from.toordinal() - 1)))
    after.append(replace(release, status=Status.ACTIVE))
    return tuple(after)
