//! The errors of market data as they are answered. What an operation fails with is no error of a
//! request; here is what reading can lead to.

use actix_web::http::StatusCode;
use impresario::operation::ErrorCode;

use super::ApiError;
use crate::domain::market::MarketError;

impl From<MarketError> for ApiError {
    fn from(error: MarketError) -> Self {
        let status = match error {
            MarketError::NotFound { .. } => StatusCode::NOT_FOUND,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let answer = Self::new(status, error.code(), error.to_string());
        let answer = match error.details() {
            Some(details) => answer.details(details),
            None => answer,
        };
        if error.retryable() {
            answer.retryable()
        } else {
            answer
        }
    }
}
