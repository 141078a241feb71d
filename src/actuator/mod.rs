//! What changes the world, one file each.
