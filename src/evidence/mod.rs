//! What was seen and printed: blobs by content, redaction, recordings.
