"""Releases that a person activated in the store of files, recorded and told once."""

from collections.abc import Iterable
from uuid import NAMESPACE_URL, UUID, uuid5

from rcm_shared.contracts.coding import CodesetReleaseActivated
from rcm_shared.messaging.uow import UnitOfWork

from rcm_coding.codesets.releases import Release
from rcm_coding.domain.case import SYSTEM
from rcm_coding.repository.codesets import record_active


async def record_releases(uow: UnitOfWork, releases: Iterable[Release]) -> int:
    """Record the active releases of the store in one transaction; each that is new is an event. Return how many."""
    told = 0
    for release in sorted(releases, key=lambda item: (item.system, item.effective_from)):
        release_id = store_release_key(release.system, release.sha256)
        if not await record_active(
            uow.conn,
            release_id=release_id,
            system=release.system,
            label=release.label,
            effective_from=release.effective_from,
            effective_to=release.effective_to,
            sha256=release.sha256,
            rows=release.rows,
            billable=release.billable,
            licence=release.licence,
            now=uow.now,
        ):
            continue
        told += 1
        uow.emit(
            release_id,
            CodesetReleaseActivated(
                actor=SYSTEM,
                system=release.system,
                edition=release.label,
                effective_from=release.effective_from,
                effective_to=release.effective_to,
                sha256=release.sha256,
            ),
        )
    return told


def store_release_key(system: str, sha256: str) -> UUID:
    """Return the id of a release of a system: the same file has the same id everywhere."""
    return uuid5(NAMESPACE_URL, f"urn:claimstream:codeset:{system}:{sha256}")
