//! The wire types of `impresariod` that clients see: ids, views, event frames, requests, error codes and
//! the envelope. The crate has types and their JSON form, and the rules that the server and its clients
//! must apply alike: which points of a metric are valid ([`Curves`]), how a symbol stands in a path. The types of the server's own services, bars
//! and models, come with the feature `services`; a program that embeds the supervisor needs none of them.
#![deny(missing_docs)]

mod curves;
#[cfg(feature = "services")]
mod data;
#[cfg(feature = "services")]
mod delete;
mod envelope;
mod event;
mod faults;
mod fork;
mod frame;
mod id;
pub mod json;
mod kind;
#[cfg(feature = "services")]
mod model;
mod number;
mod request;
#[cfg(feature = "services")]
mod symbol;
mod system;
pub mod text;
mod time;
mod view;

/// The crate of [`StepCounts`].
pub use indexmap;

pub use curves::Curves;
#[cfg(feature = "services")]
pub use data::{
    Bar, BarPage, DatasetList, DatasetView, DialectList, DialectView, DroppedRows, ImportAnswer,
    ImportList, ImportView, QualityPlace, QualityReport, QualityWarning, ReadAs, ReportAnswer,
    RowCounts, WarningCount,
};
#[cfg(feature = "services")]
pub use delete::{DeleteAnswer, Reference, Relation};
pub use envelope::{Code, Envelope, ErrorBody};
pub use event::{
    Event, EventBody, EventPage, EventType, GapData, LogData, LogLevel, MetricData,
    RescheduledData, RestoredData, ResumedData, StatusData, SubmittedData,
};
pub use faults::{Fault, Faults};
pub use fork::{CheckpointChoice, ForkRequest, ForkedFrom};
pub use frame::{
    ClientFrame, ClosingData, Filter, FilterSnapshot, FrameBody, Nothing, ServerFrame, Snapshot,
    frame_schemas,
};
#[cfg(feature = "services")]
pub use id::ModelId;
pub use id::{OperationId, ParseIdError};
pub use kind::KindView;
#[cfg(feature = "services")]
pub use model::{
    Baselines, EpochView, FeatureView, Machine, ModelAncestor, ModelCard, ModelData, ModelList,
    ModelRow, PredictRequest, Prediction, Scores, Span, TestReport, VerifyRequest,
};
pub use number::{MAX_INTEGER, whole_numbers};
pub use request::{
    PruneAnswer, PruneRequest, StartAnswer, StartMode, StartOptions, StartRequest, VerbRequest,
};
#[cfg(feature = "services")]
pub use symbol::{symbol_from_path, symbol_to_path};
pub use system::{HealthView, LaneView, SlotView, StoreView, SystemView};
pub use time::{ParseTimeError, Timestamp};
pub use view::{
    CheckpointView, MetricPoint, MetricSeries, MetricSummary, OperationError, OperationList,
    OperationRow, OperationView, Progress, Status, StatusFilter, StepCounts, StepProgress, Stop,
    StopVerb, Verb, VerbAnswer, Warning,
};

/// The deepest nesting of arrays and objects in params, outputs and an error's details. JSON readers
/// stop at 128 levels, and an answer nests them a few levels deeper than they were sent.
pub const MAX_DEPTH: usize = 64;
