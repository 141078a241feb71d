//! A value of any type, as it is shown.

use chrono::{DateTime, NaiveDate, NaiveDateTime, SecondsFormat, Utc};
use std::error::Error;
use tokio_postgres::types::{FromSql, Type};

/// What was read, as text.
pub struct Shown(pub String);

type Read = Result<Shown, Box<dyn Error + Sync + Send>>;

impl<'a> FromSql<'a> for Shown {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Read {
        let text = match *ty {
            Type::BOOL => bool::from_sql(ty, raw)?.to_string(),
            Type::INT2 => i16::from_sql(ty, raw)?.to_string(),
            Type::INT4 => i32::from_sql(ty, raw)?.to_string(),
            Type::INT8 => i64::from_sql(ty, raw)?.to_string(),
            Type::OID => u32::from_sql(ty, raw)?.to_string(),
            Type::FLOAT4 => f32::from_sql(ty, raw)?.to_string(),
            Type::FLOAT8 => f64::from_sql(ty, raw)?.to_string(),
            Type::NUMERIC => numeric(raw).ok_or("a number that is not understood")?,
            Type::DATE => NaiveDate::from_sql(ty, raw)?.to_string(),
            Type::TIMESTAMP => NaiveDateTime::from_sql(ty, raw)?.to_string(),
            Type::TIMESTAMPTZ => {
                DateTime::<Utc>::from_sql(ty, raw)?.to_rfc3339_opts(SecondsFormat::Secs, true)
            }
            Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::UNKNOWN | Type::JSON => {
                String::from_utf8_lossy(raw).into_owned()
            }
            Type::JSONB => String::from_utf8_lossy(raw.get(1..).unwrap_or_default()).into_owned(),
            _ if String::accepts(ty) => String::from_sql(ty, raw)?,
            _ => format!("a {}", ty.name()),
        };
        Ok(Self(text))
    }

    fn from_sql_null(_: &Type) -> Read {
        Ok(Self("NULL".into()))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// `numeric` as it is sent: how many digits to the base 10,000, the weight of the first, the sign, the digits after
/// the point, then the digits (`numeric_send` in PostgreSQL's `numeric.c`).
fn numeric(raw: &[u8]) -> Option<String> {
    let mut words = raw.as_chunks::<2>().0.iter().map(|two| i16::from_be_bytes(*two));
    let (_, weight) = (words.next()?, words.next()?);
    let (sign, scale) = (words.next()?.cast_unsigned(), usize::try_from(words.next()?).ok()?);
    match sign {
        0xC000 => return Some("NaN".into()),
        0xD000 => return Some("Infinity".into()),
        0xF000 => return Some("-Infinity".into()),
        _ => {}
    }
    let digits: Vec<i16> = words.collect();
    let digit = |at: i32| {
        let known = usize::try_from(i32::from(weight) - at).ok().and_then(|i| digits.get(i));
        known.copied().unwrap_or(0)
    };
    let four = |so_far: String, at: i32| format!("{so_far}{:04}", digit(at));
    let whole = (0..=i32::from(weight).max(0)).rev().fold(String::new(), four);
    let whole = whole.trim_start_matches('0');
    let groups = i32::try_from(scale.div_ceil(4)).ok()?;
    let part: String = (1..=groups).map(|at| -at).fold(String::new(), four).chars().take(scale).collect();
    let minus = if sign == 0x4000 { "-" } else { "" };
    let whole = if whole.is_empty() { "0" } else { whole };
    Some(if part.is_empty() { format!("{minus}{whole}") } else { format!("{minus}{whole}.{part}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_they_are_sent() {
        let sent = |words: &[i32]| {
            let raw: Vec<u8> = words.iter().flat_map(|w| (*w as i16).to_be_bytes()).collect();
            numeric(&raw)
        };
        assert_eq!(sent(&[0, 0, 0, 0]).as_deref(), Some("0"));
        assert_eq!(sent(&[2, 0, 0, 2, 12, 3400]).as_deref(), Some("12.34"));
        assert_eq!(sent(&[1, -1, 0x4000, 3, 50]).as_deref(), Some("-0.005"));
        assert_eq!(sent(&[1, 1, 0, 0, 1]).as_deref(), Some("10000"));
        assert_eq!(sent(&[1, -2, 0, 6, 1200]).as_deref(), Some("0.000012"));
        assert_eq!(sent(&[0, 0, 0xC000, 0]).as_deref(), Some("NaN"));
        assert_eq!(sent(&[1]), None);
    }
}
