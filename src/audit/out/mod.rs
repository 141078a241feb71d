//! The ways to a central audit system.

mod file;
mod http;
mod pipe;
mod socket;

pub use file::JsonFile;
pub use http::Otlp;
pub use pipe::Pipe;
pub use socket::Syslog;
