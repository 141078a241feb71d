//! Colour roles, depth, glyph sets.
