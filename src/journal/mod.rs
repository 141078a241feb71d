//! The record: the trait, the chain, checkpoints, verification.
