//! Market data: loads and reads datasets.

use impresario::operation::Operation;
use impresario::{Error, Options, Orchestrator, Started};
use impresario_api::{BarPage, DatasetList, ReportAnswer, Timestamp};
use serde_json::Value;

use crate::domain::market::{DataLoad, Library, MarketError};

/// The service for market data.
#[derive(Clone)]
pub struct DataService {
    orchestrator: Orchestrator,
    library: Library,
}

/// Which bars of a dataset.
#[derive(Clone, Copy, Debug)]
pub struct Range {
    /// The first bar is not before this time.
    pub start: Option<Timestamp>,
    /// The last bar is not after this time.
    pub end: Option<Timestamp>,
    /// The greatest number of bars.
    pub limit: usize,
}

impl DataService {
    /// A service with this orchestrator and this library.
    pub const fn new(orchestrator: Orchestrator, library: Library) -> Self {
        Self {
            orchestrator,
            library,
        }
    }

    /// Starts a load, and returns when the start is recorded.
    pub async fn load(&self, params: Value, options: Options) -> Result<Started, Error> {
        self.orchestrator
            .start_operation(DataLoad::KIND, params, options)
            .await
    }

    /// All datasets.
    pub async fn list(&self) -> Result<Result<DatasetList, MarketError>, Error> {
        self.orchestrator
            .blocking({
                let library = self.library.clone();
                move || library.list().map(|datasets| DatasetList { datasets })
            })
            .await
    }

    /// The report of the load from which a dataset comes.
    pub async fn report(
        &self,
        symbol: String,
        timeframe: String,
    ) -> Result<Result<ReportAnswer, MarketError>, Error> {
        self.orchestrator
            .blocking({
                let library = self.library.clone();
                move || {
                    let report = library.report(&symbol, &timeframe)?;
                    Ok(ReportAnswer { report })
                }
            })
            .await
    }

    /// An error if there is no such dataset.
    pub async fn exists(
        &self,
        symbol: String,
        timeframe: String,
    ) -> Result<Result<(), MarketError>, Error> {
        self.orchestrator
            .blocking({
                let library = self.library.clone();
                move || library.exists(&symbol, &timeframe)
            })
            .await
    }

    /// Deletes a dataset.
    pub async fn delete(
        &self,
        symbol: String,
        timeframe: String,
    ) -> Result<Result<(), MarketError>, Error> {
        self.orchestrator
            .blocking({
                let library = self.library.clone();
                move || library.delete(&symbol, &timeframe)
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
