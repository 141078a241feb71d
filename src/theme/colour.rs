//! A colour as a theme file writes it, and how well one is read on another.

/// Red, green and blue, sRGB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rgb(pub u8, pub u8, pub u8);

impl Rgb {
    /// From `#rrggbb`.
    pub fn hex(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#')?;
        if digits.len() != 6 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        let all = u32::from_str_radix(digits, 16).ok()?;
        let [_, r, g, b] = all.to_be_bytes();
        Some(Self(r, g, b))
    }

    /// Relative luminance, 0 to 1, as WCAG 2.1 defines it.
    pub fn luminance(self) -> f64 {
        let linear = |c: u8| {
            let c = f64::from(c) / 255.0;
            if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(self.0) + 0.7152 * linear(self.1) + 0.0722 * linear(self.2)
    }

    /// Contrast ratio with another colour, 1 to 21, as WCAG 2.1 defines it. Reading needs 4.5.
    pub fn contrast(self, other: Self) -> f64 {
        let (a, b) = (self.luminance() + 0.05, other.luminance() + 0.05);
        if a > b { a / b } else { b / a }
    }

    /// How far two colours are apart, by the eye: the "redmean" approximation of compuphase.com/cmetric.htm.
    pub(super) fn distance(self, other: Self) -> i64 {
        let d = |a: u8, b: u8| i64::from(a) - i64::from(b);
        let (r, g, b) = (d(self.0, other.0), d(self.1, other.1), d(self.2, other.2));
        let mean = i64::midpoint(i64::from(self.0), i64::from(other.0));
        (((512 + mean) * r * r) >> 8) + 4 * g * g + (((767 - mean) * b * b) >> 8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_is_six_digits() {
        assert_eq!(Rgb::hex("#16181d"), Some(Rgb(22, 24, 29)));
        for bad in ["16181d", "#fff", "#16181g", "#+6181d", "#é6181"] {
            assert_eq!(Rgb::hex(bad), None, "{bad}");
        }
    }

    #[test]
    fn contrast_as_the_standard_has_it() {
        let (black, white) = (Rgb(0, 0, 0), Rgb(255, 255, 255));
        assert!((black.contrast(white) - 21.0).abs() < 1e-9);
        assert!((white.contrast(Rgb(0x77, 0x77, 0x77)) - 4.48).abs() < 0.01);
    }
}
