"""Plans and airspaces that break a rule by construction, each with the rule that must see it.

A family draws what it breaks, and by how much, from a seed; what it starts from is valid.
"""

from tests.missions.prove.mutations import cameras, fences, heights, inclusions, items, ways_home, zones
from tests.missions.prove.mutations.cases import Family as Family
from tests.missions.prove.mutations.cases import Mutant as Mutant

FAMILIES: tuple[Family, ...] = (
    *zones.FAMILIES,
    *inclusions.FAMILIES,
    *heights.FAMILIES,
    *items.FAMILIES,
    *ways_home.FAMILIES,
    *fences.FAMILIES,
    *cameras.FAMILIES,
)
