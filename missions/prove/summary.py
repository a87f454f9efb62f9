"""A proof in short, for the record of what was flown under it."""

from __future__ import annotations

import math

from missions.model import Proof, ProofCheck, ProofSummary


def summary_of(proof: Proof) -> ProofSummary:
    """How many rules it holds, and where there is the least room to spare; None where no rule measured any."""
    least = min((each for each in proof.checks if _spare_m(each) < math.inf), key=_spare_m, default=None)
    return ProofSummary(
        valid=proof.valid,
        airspace_version=proof.airspace_version,
        mission_hash=proof.mission_hash,
        fence_hash=proof.fence_hash,
        holds_from=proof.holds_from,
        holds_until=proof.holds_until,
        checks=len(proof.checks),
        least_gap_m=least.gap_m if least else None,
        least_needed_m=least.needed_m if least else None,
        least_gap_rule=str(least.rule) if least else None,
        least_gap_zone_id=least.zone_id if least else None,
    )


def _spare_m(check: ProofCheck) -> float:
    return check.gap_m - check.needed_m if check.gap_m is not None and check.needed_m is not None else math.inf
