//! gzip: members one after the other, as `cat` and appending programs make them.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::GzDecoder;

/// What gzip holds. Unlike `flate2::read::MultiGzDecoder`, it takes zeros between and after members for the
/// padding that tapes and disks put there, as gzip itself does.
pub(super) struct Gunzip<R: Read> {
    /// None when the end was reached.
    member: Option<GzDecoder<BufReader<R>>>,
}

impl<R: Read> Gunzip<R> {
    pub(super) fn new(packed: R) -> Self {
        let packed = BufReader::with_capacity(super::BUFFER, packed);
        Self {
            member: Some(GzDecoder::new(packed)),
        }
    }
}

impl<R: Read> Read for Gunzip<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        while let Some(member) = &mut self.member {
            let read = member.read(buffer)?;
            if read > 0 {
                return Ok(read);
            }
            if next_member(member.get_mut())? {
                // The checksum of this one was right: its reader goes on with the next.
                self.member = self
                    .member
                    .take()
                    .map(|ended| GzDecoder::new(ended.into_inner()));
            } else {
                self.member = None;
            }
        }
        Ok(0)
    }
}

/// Whether another member follows, once zeros are passed over.
fn next_member(packed: &mut impl BufRead) -> io::Result<bool> {
    loop {
        let bytes = packed.fill_buf()?;
        let zeros = bytes.iter().take_while(|&&byte| byte == 0).count();
        match bytes.get(zeros) {
            Some(0x1f) => {
                packed.consume(zeros);
                return Ok(true);
            }
            Some(_) => {
                let wrong = "after its last member come bytes that are no gzip";
                return Err(io::Error::new(io::ErrorKind::InvalidData, wrong));
            }
            None if bytes.is_empty() => return Ok(false),
            None => packed.consume(zeros),
        }
    }
}
