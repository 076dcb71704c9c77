//! Times of the API.

use impresario_api::Timestamp;

use crate::Target;

/// 0001-01-01 and the last millisecond of 9999, in UTC.
const WRITABLE: std::ops::RangeInclusive<i64> = -62_135_596_800_000..=253_402_300_799_999;

/// An accepted time can be written, and is read back unchanged.
pub(crate) fn target() -> Target {
    Box::new(|bytes| {
        let Ok(text) = std::str::from_utf8(bytes) else {
            return;
        };
        let Ok(time) = text.parse::<Timestamp>() else {
            return;
        };
        let writable = WRITABLE.contains(&time.as_millis());
        assert!(writable, "{time}");
        assert_eq!(time.to_string().parse::<Timestamp>().ok(), Some(time));
        let json = serde_json::to_string(&time).expect("a time is JSON");
        assert_eq!(serde_json::from_str::<Timestamp>(&json).ok(), Some(time));
        assert_eq!(json.len(), "\"2026-01-31T12:00:00.000Z\"".len());
    })
}
