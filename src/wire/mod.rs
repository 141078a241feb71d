//! Frames and versions between room, seats, hands and scripts. No I/O.
