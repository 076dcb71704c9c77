//! The errors of models as they are answered. What an operation fails with is no error of a
//! request; here is what reading and predicting can lead to.

use actix_web::http::StatusCode;

use super::ApiError;
use crate::domain::training::TrainingError;

impl From<TrainingError> for ApiError {
    fn from(error: TrainingError) -> Self {
        let status = match error {
            TrainingError::NotFound(_) => StatusCode::NOT_FOUND,
            TrainingError::BarsUnfit(_) | TrainingError::BadBar { .. } => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::of_domain(status, &error)
    }
}
