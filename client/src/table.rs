//! Tables of text: columns as wide as their widest cell, the last one free. What stands in them is
//! up to the commands.

use crate::printable::in_a_line;
use crate::style::{PLAIN, STRONG, paint};
use anstyle::Style;
use unicode_width::UnicodeWidthStr;

/// Widest that a column but the last may get; longer cells push only their own row.
const WIDEST: usize = 60;

/// One cell.
pub struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    #[must_use]
    pub fn styled(text: impl Into<String>, style: Style) -> Self {
        Self { text: in_a_line(&text.into()).into_owned(), style }
    }

    /// The same with a word before it.
    #[must_use]
    pub fn after(self, word: &str) -> Self {
        let text = if self.text.is_empty() { word.to_owned() } else { format!("{word}; {}", self.text) };
        Self { text, ..self }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::styled(text, PLAIN)
    }
}

/// Rows under a heading.
pub struct Table {
    heading: &'static [&'static str],
    rows: Vec<Vec<Cell>>,
}

impl Table {
    #[must_use]
    pub fn new(heading: &'static [&'static str]) -> Self {
        Self { heading, rows: Vec::new() }
    }

    /// Adds a row; it has as many cells as the heading.
    pub fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The table as text, with a newline after each row.
    #[must_use]
    pub fn render(&self) -> String {
        let widths: Vec<usize> = (0..self.heading.len()).map(|column| self.width(column)).collect();
        let mut text = String::new();
        let heading: Vec<Cell> = self.heading.iter().map(|title| Cell::styled(*title, STRONG)).collect();
        for row in std::iter::once(&heading).chain(&self.rows) {
            push_row(&mut text, row, &widths);
        }
        text
    }

    fn width(&self, column: usize) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(column));
        let widest = cells.map(|cell| cell.text.width()).filter(|width| *width <= WIDEST).max();
        widest.unwrap_or(0).max(self.heading[column].width())
    }
}

fn push_row(text: &mut String, row: &[Cell], widths: &[usize]) {
    let filled = row.iter().rposition(|cell| !cell.text.is_empty()).map_or(0, |last| last + 1);
    for (column, cell) in row.iter().take(filled).enumerate() {
        text.push_str(&paint(cell.style, &cell.text));
        if column + 1 < filled {
            let missing = widths[column].saturating_sub(cell.text.width());
            text.push_str(&" ".repeat(missing + 2));
        }
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::{Cell, Table};
    use crate::style::GOOD;

    fn plain(table: &Table) -> String {
        anstream::adapter::strip_str(&table.render()).to_string()
    }

    #[test]
    fn columns_line_up_by_width_not_by_bytes_or_colour() {
        let mut table = Table::new(&["NAME", "STATE", "NOTE"]);
        table.row(["größe".into(), Cell::styled("active", GOOD), "".into()]);
        table.row(["漢字漢".into(), "no".into(), "last".into()]);
        assert_eq!(plain(&table), "NAME    STATE   NOTE\ngröße   active\n漢字漢  no      last\n");
    }

    #[test]
    fn one_long_cell_does_not_widen_the_others() {
        let mut table = Table::new(&["A", "B"]);
        table.row(["x".repeat(80).into(), "1".into()]);
        table.row(["y".into(), "2".into()]);
        let text = plain(&table);
        assert_eq!(text.lines().nth(2), Some("y  2"));
        assert!(text.contains(&format!("{}  1", "x".repeat(80))));
    }
}
