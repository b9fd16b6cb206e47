"""HOW it is measured: schedule, workers, census, and the run that ties them together.

What it measures comes from bench.scenario, and everything it learns goes to bench.record.
"""

from bench.measure.attempt import Attempt, attempts
from bench.measure.census import Count, adopting
from bench.measure.evidence import Evidence, Held, Order, Place, observation, spans
from bench.measure.hazards import plan as plan_hazards
from bench.measure.here import LocalSite, RootSite
from bench.measure.limits import Confinement
from bench.measure.local import LocalPlace
from bench.measure.plan import CannotResumeError, Plan, header, now_text, resumed
from bench.measure.request import SHELL, environment
from bench.measure.runner import DisturbedError, Interruption, Observer, run
from bench.measure.schedule import Planned, order
from bench.measure.site import Clock, NoPlaceError, PlaceLostError, Site, Sites

__all__ = [
    "SHELL",
    "Attempt",
    "CannotResumeError",
    "Clock",
    "Confinement",
    "Count",
    "DisturbedError",
    "Evidence",
    "Held",
    "Interruption",
    "LocalPlace",
    "LocalSite",
    "NoPlaceError",
    "Observer",
    "Order",
    "Place",
    "PlaceLostError",
    "Plan",
    "Planned",
    "RootSite",
    "Site",
    "Sites",
    "adopting",
    "attempts",
    "environment",
    "header",
    "now_text",
    "observation",
    "order",
    "plan_hazards",
    "resumed",
    "run",
    "spans",
]
