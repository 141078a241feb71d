//! One table of commands: keys, palette, help and documentation.
