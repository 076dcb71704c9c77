//! The errors of market data as they are answered. What an operation fails with is no error of a
//! request; here is what reading can lead to.

use actix_web::http::StatusCode;

use super::ApiError;
use crate::domain::market::MarketError;

impl From<MarketError> for ApiError {
    fn from(error: MarketError) -> Self {
        let status = match error {
            MarketError::NotFound { .. } => StatusCode::NOT_FOUND,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::of_domain(status, &error)
    }
}
