//! Lines on a grid finer than cells: eight braille dots a cell, or one ASCII character.

/// A grid to draw lines on. Places are shares of its width and height, from the top left.
pub(super) struct Ink {
    width: u16,
    height: u16,
    /// Dots across and down in one cell.
    fine: (u16, u16),
    dots: Vec<bool>,
}

/// Bits of the braille dots, by row and column (Unicode chapter 21.1).
const BITS: [[u32; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];

impl Ink {
    pub fn new(width: u16, height: u16, ascii: bool) -> Self {
        let fine = if ascii { (1, 1) } else { (2, 4) };
        let count = usize::from(width) * usize::from(fine.0) * usize::from(height) * usize::from(fine.1);
        Self { width, height, fine, dots: vec![false; count] }
    }

    fn size(&self) -> (i64, i64) {
        (i64::from(self.width) * i64::from(self.fine.0), i64::from(self.height) * i64::from(self.fine.1))
    }

    /// Draws a line between two places; what lies outside is left out.
    pub fn stroke(&mut self, from: (f64, f64), to: (f64, f64)) {
        let (wide, high) = self.size();
        let dot = |(x, y): (f64, f64)| {
            let x = (x.clamp(-1.0, 2.0) * wide as f64).floor() as i64;
            let y = (y.clamp(0.0, 1.0) * high as f64).floor() as i64;
            (x.min(if x == wide { wide - 1 } else { x }), y.min(high - 1))
        };
        let ((x0, y0), (x1, y1)) = (dot(from), dot(to));
        let steps = (x1 - x0).abs().max((y1 - y0).abs()).max(1);
        for step in 0..=steps {
            let along = |a: i64, b: i64| a + ((b - a) * step + steps / 2 * (b - a).signum()) / steps;
            self.set(along(x0, x1), along(y0, y1));
        }
    }

    fn set(&mut self, x: i64, y: i64) {
        let (wide, high) = self.size();
        if (0..wide).contains(&x)
            && (0..high).contains(&y)
            && let Some(dot) = usize::try_from(y * wide + x).ok().and_then(|at| self.dots.get_mut(at))
        {
            *dot = true;
        }
    }

    fn get(&self, x: i64, y: i64) -> bool {
        let (wide, high) = self.size();
        let inside = (0..wide).contains(&x) && (0..high).contains(&y);
        inside && usize::try_from(y * wide + x).ok().and_then(|at| self.dots.get(at)).is_some_and(|dot| *dot)
    }

    /// Gives every cell that has ink, with its character.
    pub fn cells(&self, mut each: impl FnMut(u16, u16, &str)) {
        for row in 0..self.height {
            for column in 0..self.width {
                let (x, y) = (i64::from(column), i64::from(row));
                if self.fine == (1, 1) {
                    if self.get(x, y) {
                        // A column of ink is a jump, its ends are values.
                        let within = self.get(x, y - 1) && self.get(x, y + 1);
                        each(column, row, if within { "|" } else { "*" });
                    }
                    continue;
                }
                let mut code = 0x2800;
                for (dy, bits) in (0..).zip(BITS) {
                    for (dx, bit) in (0..).zip(bits) {
                        if self.get(x * 2 + dx, y * 4 + dy) {
                            code |= bit;
                        }
                    }
                }
                if let Some(symbol) = char::from_u32(code).filter(|_| code != 0x2800) {
                    each(column, row, symbol.encode_utf8(&mut [0; 4]));
                }
            }
        }
    }
}
