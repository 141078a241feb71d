//! The terminal below the screen: modes as guards. The only place that writes escape sequences or knows the
//! terminal library's types.

pub mod caps;
pub mod clipboard;
mod frame;
pub mod input;
pub mod key;
mod mode;
mod panic;
mod pen;
pub mod screen;
pub mod signal;
mod translate;

pub use caps::Caps;
pub use input::{Input, Inputs};
pub use key::{Key, KeyChord};
pub use screen::{Options, Screen, ScreenError};
pub use signal::{Signal, Signals};
