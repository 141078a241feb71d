//! warroom.toml, the catalogue, their errors and their schema.
