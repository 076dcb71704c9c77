//! The dialects of this server: those that ship with the program, and those of a folder.

use std::collections::BTreeMap;
use std::path::PathBuf;

use impresario_api::{DialectList, DialectView};
use impresario_market::dialect::{Dialects, Field};
use impresario_market::layout::Names;

use super::error::MarketError;

/// Where dialects come from. The folder is read at each use, so that a changed file counts at once.
#[derive(Clone, Debug, Default)]
pub struct DialectFolder(PathBuf);

impl DialectFolder {
    /// The dialects that ship with the program and those of `folder`; an empty path is none.
    pub const fn new(folder: PathBuf) -> Self {
        Self(folder)
    }

    /// All dialects.
    pub fn read(&self) -> Result<Dialects, MarketError> {
        let dialects = match self.0.as_os_str().is_empty() {
            true => Dialects::shipped(),
            false => Dialects::with_folder(&self.0),
        };
        Ok(dialects?)
    }

    /// All dialects and the names of columns, for people.
    pub fn list(&self) -> Result<DialectList, MarketError> {
        let dialects = self.read()?;
        let view = |(name, description): (&str, &str)| DialectView {
            name: name.to_owned(),
            description: description.to_owned(),
        };
        let faulty = dialects.faults().map(|(name, error)| DialectView {
            name: name.to_owned(),
            description: format!("cannot be used: {error}"),
        });
        let mut all: Vec<_> = dialects.list().map(view).chain(faulty).collect();
        all.sort_by(|one, other| one.name.cmp(&other.name));
        let names = Names::shipped();
        let of = |field: Field| (field.name().to_owned(), names.of(field).to_vec());
        let columns: BTreeMap<_, _> = Field::ALL.into_iter().map(of).collect();
        Ok(DialectList {
            dialects: all,
            columns,
        })
    }
}
