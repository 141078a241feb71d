//! What only the system can do: processes, credentials, clocks, locks. The one place that spawns and the one place with `unsafe`.
