//! What was seen and printed: blobs by content, redaction, recordings.

pub mod blob;
pub mod redact;
mod rules;
mod stream;

pub use stream::StreamRedactor;
