//! Why the process ends, and with which code.

/// Why the process ends, and with which code.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Exit {
    /// The process's exit code.
    pub code: u8,
    /// For the person at the terminal.
    pub message: String,
}

impl Exit {
    /// A usage or configuration fault.
    pub fn config(error: impl ToString) -> Self {
        Self {
            code: 2,
            message: error.to_string(),
        }
    }

    /// Something that the server needs is taken or out of reach.
    pub(crate) fn unavailable(message: impl ToString) -> Self {
        Self {
            code: 69,
            message: message.to_string(),
        }
    }

    /// A bug.
    pub(crate) fn bug(message: impl ToString) -> Self {
        Self {
            code: 70,
            message: message.to_string(),
        }
    }
}
