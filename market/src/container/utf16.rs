//! UTF-16, as Excel and PowerShell write it.

use std::io::{self, Read};

use encoding_rs::{Decoder, DecoderResult, UTF_16BE, UTF_16LE};

use super::recognise::Endianness;

/// UTF-8 of UTF-16. What is no UTF-16, such as half a unit at the end, is an error and never replaced.
pub(super) struct Utf16<R> {
    packed: R,
    decoder: Decoder,
    input: Box<[u8]>,
    /// What of `input` is still to be decoded.
    start: usize,
    end: usize,
    last: bool,
    text: Vec<u8>,
    /// How much of `text` was given.
    given: usize,
    done: bool,
}

impl<R: Read> Utf16<R> {
    pub(super) fn new(packed: R, endianness: Endianness) -> Self {
        let encoding = match endianness {
            Endianness::Little => UTF_16LE,
            Endianness::Big => UTF_16BE,
        };
        Self {
            packed,
            decoder: encoding.new_decoder_without_bom_handling(),
            input: vec![0; super::BUFFER].into(),
            start: 0,
            end: 0,
            last: false,
            text: Vec::new(),
            given: 0,
            done: false,
        }
    }

    fn decode(&mut self) -> io::Result<()> {
        if self.start == self.end && !self.last {
            (self.start, self.end) = (0, self.packed.read(&mut self.input)?);
            self.last = self.end == 0;
        }
        // Room for all: a unit of two bytes becomes at most three.
        self.text.resize(self.input.len() * 2, 0);
        self.given = 0;
        let (result, read, written) = self.decoder.decode_to_utf8_without_replacement(
            &self.input[self.start..self.end],
            &mut self.text,
            self.last,
        );
        self.start += read;
        self.text.truncate(written);
        match result {
            DecoderResult::Malformed(..) => {
                let wrong = "half a character stands alone in it, or a single byte at its end";
                Err(io::Error::new(io::ErrorKind::InvalidData, wrong))
            }
            DecoderResult::InputEmpty => {
                self.done = self.last;
                Ok(())
            }
            DecoderResult::OutputFull => Ok(()),
        }
    }
}

impl<R: Read> Read for Utf16<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        while self.given == self.text.len() {
            if self.done {
                return Ok(0);
            }
            self.decode()?;
        }
        let given = (&self.text[self.given..]).read(buffer)?;
        self.given += given;
        Ok(given)
    }
}
