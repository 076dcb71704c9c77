//! Market data: loads and reads datasets.

use impresario::operation::Operation;
use impresario::{Error, Options, Orchestrator, Started};
use impresario_api::{
    BarPage, DatasetList, DialectList, ImportAnswer, ImportList, ImportView, ReportAnswer,
    Timestamp,
};
use serde_json::Value;

use crate::domain::market::{
    DataLoad, DialectFolder, ImportName, Imports, Library, MarketError, Upload,
};

/// The service for market data.
#[derive(Clone)]
pub struct DataService {
    orchestrator: Orchestrator,
    library: Library,
    imports: Imports,
    dialects: DialectFolder,
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
    /// A service with this orchestrator, this library and this import folder.
    pub const fn new(
        orchestrator: Orchestrator,
        library: Library,
        imports: Imports,
        dialects: DialectFolder,
    ) -> Self {
        Self {
            orchestrator,
            library,
            imports,
            dialects,
        }
    }

    /// Starts a load, and returns when the start is recorded.
    pub async fn load(&self, params: Value, options: Options) -> Result<Started, Error> {
        self.orchestrator
            .start_operation(DataLoad::KIND, params, options)
            .await
    }

    /// The dialects that a load can name.
    pub async fn dialects(&self) -> Result<Result<DialectList, MarketError>, Error> {
        self.orchestrator
            .blocking({
                let dialects = self.dialects.clone();
                move || dialects.list()
            })
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

    /// The files in the import folder.
    pub async fn imports(&self) -> Result<Result<ImportList, MarketError>, Error> {
        self.orchestrator
            .blocking({
                let imports = self.imports.clone();
                move || imports.list()
            })
            .await
    }

    /// Removes a file of the import folder.
    pub async fn remove_import(
        &self,
        name: ImportName,
    ) -> Result<Result<ImportView, MarketError>, Error> {
        self.orchestrator
            .blocking({
                let imports = self.imports.clone();
                move || imports.remove(&name)
            })
            .await
    }

    /// Begins a file of the import folder; `length` is its size where it is known.
    pub async fn begin_upload(
        &self,
        name: ImportName,
        length: Option<u64>,
    ) -> Result<Result<Upload, MarketError>, Error> {
        self.orchestrator
            .blocking({
                let imports = self.imports.clone();
                move || imports.begin(name, length)
            })
            .await
    }

    /// Adds a piece to the file. After a failure nothing is left of it.
    pub async fn write_upload(
        &self,
        mut upload: Upload,
        piece: impl AsRef<[u8]> + Send + 'static,
    ) -> Result<Result<Upload, MarketError>, Error> {
        self.orchestrator
            .blocking(move || upload.write(piece.as_ref()).map(|()| upload))
            .await
    }

    /// Puts the file in its place.
    pub async fn finish_upload(
        &self,
        upload: Upload,
    ) -> Result<Result<ImportAnswer, MarketError>, Error> {
        self.orchestrator.blocking(move || upload.finish()).await
    }

    /// Removes what has come of the file.
    pub async fn abandon_upload(&self, upload: Upload) -> Result<(), Error> {
        self.orchestrator.blocking(move || drop(upload)).await
    }
}
