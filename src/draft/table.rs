//! A table whose columns also line up for somebody who reads the file as it is.

use serde::Serialize;
use unicode_width::UnicodeWidthStr;

/// Cells are Markdown already; nothing in them may end a cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Table {
    head: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty table with these columns.
    pub fn new<const N: usize>(head: [&'static str; N]) -> Self {
        Self { head: head.to_vec(), rows: Vec::new() }
    }

    /// Adds a row. Cells that are missing are empty, cells beyond the columns are left out.
    pub fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.into_iter().take(self.head.len()).collect());
    }

    /// Whether it has no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// As Markdown. The last column is not padded: it is the one with the long words.
    pub fn markdown(&self) -> String {
        let last = self.head.len().saturating_sub(1);
        let widths: Vec<usize> = (0..self.head.len())
            .map(|column| {
                let cells = self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.width());
                let head = self.head.get(column).map_or(3, |cell| cell.width());
                if column == last { head } else { cells.max().unwrap_or(0).max(head) }
            })
            .collect();
        let mut out = String::new();
        line(&mut out, &widths, self.head.iter().copied());
        out.push_str("\n|");
        for width in &widths {
            out.push_str(&"-".repeat(width + 2));
            out.push('|');
        }
        for row in &self.rows {
            out.push('\n');
            line(&mut out, &widths, row.iter().map(String::as_str));
        }
        out
    }
}

fn line<'a>(out: &mut String, widths: &[usize], mut cells: impl Iterator<Item = &'a str>) {
    out.push('|');
    for width in widths {
        let cell = cells.next().unwrap_or_default();
        out.push(' ');
        out.push_str(cell);
        out.push_str(&" ".repeat(width.saturating_sub(cell.width()) + 1));
        out.push('|');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let mut table = Table::new(["at", "what"]);
        table.row(["14:07:31Z".into(), "a long story".into()]);
        table.row(["日本".into(), "b".into()]);
        assert_eq!(
            table.markdown(),
            "| at        | what |\n|-----------|------|\n| 14:07:31Z | a long story |\n| 日本      | b    |"
        );
    }
}
