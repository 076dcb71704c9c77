//! Why the configuration cannot be used.

/// Why the configuration cannot be used: one sentence for a person.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(pub String);

/// Refuses a number that is out of its range.
pub(super) fn range(
    key: &str,
    value: f64,
    allowed: std::ops::RangeInclusive<f64>,
) -> Result<(), ConfigError> {
    if allowed.contains(&value) {
        return Ok(());
    }
    let (low, high) = (allowed.start(), allowed.end());
    Err(ConfigError(format!(
        "{key} must be {low} to {high}, got {value}"
    )))
}
