//! What `docs/gate.md` shows is what the gate says.
