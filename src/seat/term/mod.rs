//! The terminal below the screen: modes as guards.
