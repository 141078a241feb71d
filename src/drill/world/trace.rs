//! Trace context that travels with a request, W3C Trace Context level 1 (`traceparent`).

use super::rng::Rng;

/// The header's name.
pub const HEADER: &str = "traceparent";

/// One request's place in a trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// 32 hexadecimal digits.
    pub id: String,
}

impl Trace {
    /// A new trace.
    pub fn begin(rng: &mut Rng) -> Self {
        Self { id: format!("{:016x}{:016x}", rng.next(), rng.next() | 1) }
    }

    /// The trace a caller sent, if it sent a proper one.
    pub fn read(header: Option<&str>) -> Option<Self> {
        let mut parts = header?.split('-');
        let id = parts.nth(1)?;
        let proper =
            id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()) && id.bytes().any(|b| b != b'0');
        proper.then(|| Self { id: id.to_owned() })
    }

    /// What is sent on, with a span of its own.
    pub fn header(&self, rng: &mut Rng) -> String {
        format!("00-{}-{:016x}-01", self.id, rng.next() | 1)
    }

    /// A number from 0 to 99 that is the same for the whole trace: which side of a flag's stage it falls on.
    pub fn bucket(&self) -> u32 {
        let tail = self.id.get(24..).unwrap_or("0");
        u32::from_str_radix(tail, 16).unwrap_or(0) % 100
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_survives_the_header() {
        let mut rng = Rng::new(3);
        let trace = Trace::begin(&mut rng);
        assert_eq!(Trace::read(Some(&trace.header(&mut rng))), Some(trace));
        for bad in ["", "00", "00-abc-1-01", "00-00000000000000000000000000000000-1-01", "00-zz"] {
            assert_eq!(Trace::read(Some(bad)), None, "{bad}");
        }
        assert_eq!(Trace::read(None), None);
    }

    #[test]
    fn buckets_spread() {
        let mut rng = Rng::new(5);
        let low = (0..4_000).filter(|_| Trace::begin(&mut rng).bucket() < 10).count();
        assert!((300..500).contains(&low), "{low}");
    }
}
