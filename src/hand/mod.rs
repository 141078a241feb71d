//! Runs one step as the person who took it.
