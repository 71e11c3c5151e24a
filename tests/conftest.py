"""Settings that all tests share."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# A busy machine is no defect: timings are measured in benchmarks, never asserted in tests.
settings.register_profile("dagwright", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("dagwright")
