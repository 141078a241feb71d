//! The socket under the wire.
