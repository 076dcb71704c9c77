//! Market data: loading it, and reading what was loaded.

use impresario::operation::Operation;
use impresario::{Error, Options, Orchestrator, Started};
use impresario_api::{BarPage, DatasetList, Timestamp};
use serde_json::Value;

use crate::domain::market::{DataLoad, Library, MarketError};

/// Loads bars and reads them.
#[derive(Clone)]
pub struct DataService {
    orchestrator: Orchestrator,
    library: Library,
}

/// Which bars of a dataset.
#[derive(Clone, Copy, Debug)]
pub struct Range {
    /// The first bar is not before it.
    pub start: Option<Timestamp>,
    /// The last bar is not after it.
    pub end: Option<Timestamp>,
    /// At most so many.
    pub limit: usize,
}

impl DataService {
    /// Over the one orchestrator and the one library.
    pub const fn new(orchestrator: Orchestrator, library: Library) -> Self {
        Self {
            orchestrator,
            library,
        }
    }

    /// Starts a load; answers when the start is recorded.
    pub async fn load(&self, params: Value, options: Options) -> Result<Started, Error> {
        self.orchestrator
            .start_operation(DataLoad::KIND, params, options)
            .await
    }

    /// Everything that has been loaded.
    pub async fn list(&self) -> Result<Result<DatasetList, MarketError>, Error> {
        self.orchestrator
            .blocking({
                let library = self.library.clone();
                move || library.list().map(|datasets| DatasetList { datasets })
            })
            .await
    }

    /// Bars of one dataset.
    pub async fn bars(
        &self,
        symbol: String,
        timeframe: String,
        range: Range,
    ) -> Result<Result<BarPage, MarketError>, Error> {
        self.orchestrator
            .blocking({
                let library = self.library.clone();
                move || library.page(&symbol, &timeframe, range.start, range.end, range.limit)
            })
            .await
    }
}
