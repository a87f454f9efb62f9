"""The proof that a plan keeps every rule: a second reading of it that shares no code with the planner."""

from missions.prove.checker import Ground as Ground
from missions.prove.checker import added_zones as added_zones
from missions.prove.checker import ground_of as ground_of
from missions.prove.checker import prove as prove
from missions.prove.checker import reprove as reprove
from missions.prove.conflicts import conflicts_of as conflicts_of
from missions.prove.facts import Autopilot as Autopilot
from missions.prove.facts import margin_budget_m as margin_budget_m
from missions.prove.summary import summary_of as summary_of
