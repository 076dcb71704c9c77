//! What holds for all that is unpacked: it is bounded, and its errors are this module's and stay.

use std::io::{self, Read};

use super::error::{ContainerError, Named};

/// Always allowed: small files may be packed very well.
const ALWAYS: u64 = 64 << 20;
/// Never allowed.
const NEVER_OVER: u64 = 4 << 30;
/// So many times as large as the file may be what is unpacked.
const TIMES: u64 = 100;

/// How many bytes may come out of a file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limit {
    most: u64,
}

impl Limit {
    pub(super) fn of(length: u64) -> Self {
        let most = length.saturating_mul(TIMES).clamp(ALWAYS, NEVER_OVER);
        Self { most }
    }

    pub(super) fn none() -> Self {
        Self { most: u64::MAX }
    }

    pub(super) fn allows(self, bytes: u64) -> bool {
        bytes <= self.most
    }

    /// What is allowed, in words.
    pub(super) fn reason(self) -> String {
        format!(
            "for a file of this size at most {} MiB are unpacked ({TIMES} times its size, but {} MiB \
             always, and never more than {} MiB)",
            self.most >> 20,
            ALWAYS >> 20,
            NEVER_OVER >> 20
        )
    }
}

/// What comes out of a packing.
pub(super) struct Layer<R> {
    unpacked: R,
    packing: &'static str,
    named: Named,
    limit: Limit,
    count: u64,
    failed: Option<ContainerError>,
}

impl<R: Read> Layer<R> {
    pub(super) fn new(unpacked: R, packing: &'static str, named: &Named, limit: Limit) -> Self {
        Self {
            unpacked,
            packing,
            named: named.clone(),
            limit,
            count: 0,
            failed: None,
        }
    }

    fn error(&self, error: &io::Error) -> ContainerError {
        match ContainerError::of(error) {
            Some(known) => known.clone(),
            None => self
                .named
                .damaged(format!("its {} does not hold: {error}", self.packing)),
        }
    }
}

impl<R: Read> Read for Layer<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(failed) = &self.failed {
            return Err(failed.clone().into());
        }
        let failed = match self.unpacked.read(buffer) {
            Ok(read) => {
                self.count = self.count.saturating_add(read as u64);
                if self.limit.allows(self.count) {
                    return Ok(read);
                }
                self.named.too_large(self.limit.reason())
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
            Err(error) => self.error(&error),
        };
        self.failed = Some(failed.clone());
        Err(failed.into())
    }
}
