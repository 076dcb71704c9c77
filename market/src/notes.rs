//! What is remarkable about the rows of a file, gathered while they are read.

use impresario_api::{QualityPlace, QualityWarning, Timestamp};

/// The most places of one warning that are kept.
const PLACES: usize = 10;

/// A place in the text, by the byte at which its row begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The byte, if it is about a row of the file.
    pub offset: Option<u64>,
    /// The time of the bar, if it is about one.
    pub time: Option<Timestamp>,
    /// What is there.
    pub text: String,
}

/// Warnings by their codes, in the order in which they came up first.
#[derive(Clone, Debug, Default)]
pub struct Notes {
    notes: Vec<Note>,
}

#[derive(Clone, Debug)]
struct Note {
    code: &'static str,
    message: String,
    count: u64,
    places: Vec<Place>,
}

impl Notes {
    /// Notes something about the whole file.
    pub fn note(&mut self, code: &'static str, message: impl Into<String>) {
        self.of(code, || message.into()).count = 1;
    }

    /// Notes something about one place.
    pub fn note_place(&mut self, code: &'static str, message: &str, place: impl FnOnce() -> Place) {
        let note = self.of(code, || message.to_owned());
        note.count += 1;
        if note.places.len() < PLACES {
            note.places.push(place());
        }
    }

    fn of(&mut self, code: &'static str, message: impl FnOnce() -> String) -> &mut Note {
        let at = self.notes.iter().position(|note| note.code == code);
        let at = at.unwrap_or_else(|| {
            self.notes.push(Note {
                code,
                message: message(),
                count: 0,
                places: Vec::new(),
            });
            self.notes.len() - 1
        });
        &mut self.notes[at]
    }

    /// The bytes of all places, for [`Notes::warnings`].
    pub(crate) fn offsets(&self) -> impl Iterator<Item = u64> {
        let places = self.notes.iter().flat_map(|note| &note.places);
        places.filter_map(|place| place.offset)
    }

    /// The warnings, with the lines of their places.
    pub(crate) fn warnings(self, line_of: impl Fn(u64) -> Option<u64>) -> Vec<QualityWarning> {
        let place = |place: Place| QualityPlace {
            line: place.offset.and_then(&line_of),
            time: place.time,
            text: place.text,
        };
        let warning = |note: Note| QualityWarning {
            code: note.code.to_owned(),
            message: note.message,
            count: note.count,
            places: note.places.into_iter().map(place).collect(),
        };
        self.notes.into_iter().map(warning).collect()
    }
}
