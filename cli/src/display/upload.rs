//! Files of the server's import folder: how far one is sent, and which there are.

use impresario_api::{ImportAnswer, ImportList, ImportView};

use super::Look;
use super::numbers::{bytes, counted, minute, percent, span};
use super::table::{numbers, table, words};
use super::text::clean;

/// How far a file is sent, after so many seconds.
pub(crate) fn sending(name: &str, passed: u64, length: Option<u64>, seconds: f64) -> String {
    let name = clean(name);
    if passed == 0 {
        let length = length.map(|length| format!("  {}", bytes(length)));
        return format!("uploading {name}{}", length.unwrap_or_default());
    }
    let rate = bytes((passed as f64 / seconds.max(0.001)) as u64);
    match length {
        Some(length) if length > 0 => {
            let share = percent(100.0 * passed as f64 / length as f64);
            let left = (length.saturating_sub(passed)) as f64 * seconds / passed as f64;
            let (passed, length, left) = (bytes(passed), bytes(length), span(left.ceil()));
            format!("uploading {name}  {share}  {passed} of {length}  {rate}/s  {left} left")
        }
        _ => format!("uploading {name}  {}  {rate}/s", bytes(passed)),
    }
}

/// What the server has.
pub(crate) fn sent(answer: &ImportAnswer) -> String {
    let instead = match answer.replaced {
        true => ", in place of the file that was there",
        false => "",
    };
    let digest = clean(answer.sha256.get(..16).unwrap_or_default());
    let (name, size) = (clean(&answer.name), bytes(answer.bytes));
    format!("uploaded {name}  {size}, sha256 {digest}…{instead}")
}

/// The files that lie there.
pub(crate) fn imports(list: &ImportList, look: Look) -> Vec<String> {
    if list.imports.is_empty() {
        let lines = [
            "no files in the server's import folder; one of this machine is uploaded and loaded by",
            "  impresario data load ./prices.csv --symbol GOOG --timeframe 1d",
        ];
        return lines.iter().map(|line| look.fit(line)).collect();
    }
    let columns = [words("NAME", 0), numbers("SIZE", 1), words("MODIFIED", 2)];
    let row = |one: &ImportView| [one.name.clone(), bytes(one.bytes), minute(one.modified_at)];
    let rows: Vec<_> = list.imports.iter().map(row).collect();
    let mut lines = table(&columns, &rows, look);
    if list.left_off > 0 {
        let more = counted(list.left_off, "more file");
        lines.push(look.fit(&format!("  and {more}, which the server left off")));
    }
    lines
}

/// What was removed.
pub(crate) fn removed(one: &ImportView) -> String {
    format!("removed {}  {}", clean(&one.name), bytes(one.bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::display::sample::look;

    #[test]
    fn an_upload_says_how_far_it_is() {
        assert_eq!(
            sending("a.csv", 0, Some(1_500_000), 0.0),
            "uploading a.csv  1.5 MB"
        );
        assert_eq!(
            sending("a.csv", 500_000, Some(1_500_000), 2.0),
            "uploading a.csv   33 %  500 kB of 1.5 MB  250 kB/s  4.0 s left"
        );
        assert_eq!(
            sending("a\u{1b}.csv", 500_000, None, 2.0),
            "uploading a\u{fffd}.csv  500 kB  250 kB/s"
        );
    }

    #[test]
    fn files_are_listed_and_what_is_left_off_is_told() {
        let file = |name: &str, bytes| ImportView {
            name: name.to_owned(),
            bytes,
            modified_at: "2026-01-31T12:02:41.000Z".parse().expect("a time"),
        };
        let list = ImportList {
            imports: vec![file("a.csv", 1_234), file("b\u{1b}[2J.csv.gz", 5_000_000)],
            left_off: 3,
        };
        let lines = imports(&list, look(80));
        assert!(
            lines[1].contains("a.csv") && lines[1].contains("1.2 kB"),
            "{lines:?}"
        );
        assert!(!lines.join("").contains('\u{1b}'));
        assert!(lines[3].contains("3 more files"), "{lines:?}");
        let none = imports(&ImportList::default(), look(80)).join(" ");
        assert!(none.contains("data load ./prices.csv"), "{none}");
    }
}
