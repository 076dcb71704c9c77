//! The errors of market data as they are answered. What an operation fails with is no error of a
//! request; here is what reading can lead to.

use actix_web::http::StatusCode;

use super::ApiError;
use crate::domain::market::MarketError;

impl ApiError {
    /// A file that is to be uploaded is over its limit.
    pub(in crate::http) fn upload_too_large(limit: u64) -> Self {
        MarketError::ImportTooLarge { limit }.into()
    }
}

impl From<MarketError> for ApiError {
    fn from(error: MarketError) -> Self {
        let status = match error {
            MarketError::NotFound { .. } | MarketError::FileNotFound { .. } => {
                StatusCode::NOT_FOUND
            }
            MarketError::FileNotRegular { .. } => StatusCode::CONFLICT,
            MarketError::ImportTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            MarketError::ImportEmpty { .. } => StatusCode::UNPROCESSABLE_ENTITY,
            MarketError::StorageFull { .. } => StatusCode::INSUFFICIENT_STORAGE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::of_domain(status, &error)
    }
}
