//! The JSON schema of warroom.toml.

use super::model::Config;
use std::fmt::Write as _;

/// The schema, as it is committed and printed.
pub fn schema() -> String {
    let schema =
        schemars::generate::SchemaSettings::draft07().into_generator().into_root_schema_for::<Config>();
    let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    let _ = writeln!(text);
    text
}
