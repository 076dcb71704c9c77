//! Tables with a head. If the width is too small, the least important columns are left out.

use super::text::{clean, left, right, width};
use super::{Look, Tone};

pub(crate) struct Column {
    pub(crate) head: &'static str,
    /// Whether the column has numbers, which are aligned on the right.
    pub(crate) is_number: bool,
    /// The order of leaving out: the highest first, equal numbers together; 0 is never left out.
    pub(crate) leaves: u8,
}

pub(crate) const fn words(head: &'static str, leaves: u8) -> Column {
    let is_number = false;
    Column {
        head,
        is_number,
        leaves,
    }
}

pub(crate) const fn numbers(head: &'static str, leaves: u8) -> Column {
    let is_number = true;
    Column {
        head,
        is_number,
        leaves,
    }
}

/// The head and all rows, with one cell for each column.
pub(crate) fn table<const N: usize>(
    columns: &[Column; N],
    rows: &[[String; N]],
    look: Look,
) -> Vec<String> {
    let rows: Vec<[String; N]> = rows
        .iter()
        .map(|row| std::array::from_fn(|at| clean(&row[at])))
        .collect();
    let widths: [usize; N] = std::array::from_fn(|at| {
        let cells = rows.iter().map(|row| width(&row[at]));
        cells.max().unwrap_or(0).max(width(columns[at].head))
    });
    let shown = fitting(columns, &widths, look);
    let line = |cell: &dyn Fn(usize) -> String| {
        let cells = shown.iter().map(|&at| match columns[at].is_number {
            true => right(&cell(at), widths[at]),
            false => left(&cell(at), widths[at]),
        });
        look.fit(&format!("  {}", cells.collect::<Vec<_>>().join("  ")))
    };
    let head = line(&|at| columns[at].head.to_owned());
    let mut lines = vec![look.paint(Tone::Dim, &head)];
    lines.extend(rows.iter().map(|row| line(&|at| row[at].clone())));
    lines
}

fn fitting(columns: &[Column], widths: &[usize], look: Look) -> Vec<usize> {
    let mut shown: Vec<_> = (0..columns.len()).collect();
    while shown.iter().map(|&at| widths[at] + 2).sum::<usize>() > look.width {
        let next = shown.iter().max_by_key(|&&at| columns[at].leaves);
        match next.copied() {
            Some(next) if columns[next].leaves > 0 => {
                // Columns with the same number are left out together.
                shown.retain(|&at| columns[at].leaves != columns[next].leaves);
            }
            _ => break,
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::display::sample::look;

    #[test]
    fn what_matters_least_goes_first() {
        let columns = [words("A", 0), numbers("B", 1), numbers("C", 2)];
        let row = |cells: [&str; 3]| cells.map(str::to_owned);
        let rows = [row(["one", "1.5", "2"]), row(["模\u{1b}", "10.5", "1,000"])];
        let at = |columns_wide| table(&columns, &rows, look(columns_wide));
        assert_eq!(
            at(20),
            [
                "  A       B      C",
                "  one   1.5      2",
                "  模�  10.5  1,000"
            ]
        );
        assert_eq!(at(13), ["  A       B", "  one   1.5", "  模�  10.5"]);
        assert_eq!(at(4), ["  A", "  o…", "  …"]);
    }
}
