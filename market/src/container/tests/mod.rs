//! Files as they come, packed by other hands where there are some, and as they should not come.

mod damage;
mod packed;
mod property;
mod refused;

#[cfg(feature = "parquet")]
mod fuzzed;
#[cfg(feature = "parquet")]
mod parquet;

use std::fs::File;
use std::io::{Read, Write};
use std::sync::Arc;

use super::{ContainerError, open};

const BARS: &str =
    "time,open,high,low,close,volume\n2024-01-02,1.5,2,1,1.75,100\n2024-01-03,2,3,1,2.5,7\n";

fn file(bytes: &[u8]) -> Arc<File> {
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(bytes).expect("written");
    Arc::new(file)
}

/// All that is in a file, and what it was packed in.
fn read_as(bytes: &[u8], name: &str) -> Result<(Vec<u8>, Vec<&'static str>), ContainerError> {
    let mut text = open(file(bytes), name)?;
    let mut read = Vec::new();
    match text.reader.read_to_end(&mut read) {
        Ok(_) => {
            assert!(text.bytes() <= bytes.len() as u64);
            Ok((read, text.packed))
        }
        Err(error) => {
            // Whoever reads on gets the same answer, and never the end of a shorter file.
            let again = text.reader.read(&mut [0; 10]).expect_err("an error stays");
            assert_eq!(ContainerError::of(&again), ContainerError::of(&error));
            Err(ContainerError::of(&error)
                .expect("an error of this module")
                .clone())
        }
    }
}

fn read(bytes: &[u8]) -> Result<(Vec<u8>, Vec<&'static str>), ContainerError> {
    read_as(bytes, "bars.csv")
}

fn text(bytes: &[u8]) -> (String, Vec<&'static str>) {
    let (text, packed) = read(bytes).expect("it is read");
    (String::from_utf8(text).expect("UTF-8"), packed)
}

/// The code, and that the message has the file's name and these words.
fn refused(bytes: &[u8], code: &str, words: &[&str]) {
    let error = read(bytes).expect_err("it is refused");
    let said = error.to_string();
    assert_eq!(error.code(), code, "{said}");
    for word in words.iter().chain(&["bars.csv"]) {
        assert!(said.contains(word), "{word:?} is not in {said:?}");
    }
    assert!(said.len() < 900, "{said}");
    assert!(!said.contains(|c: char| c.is_control()), "{said:?}");
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("packed");
    encoder.finish().expect("packed")
}

/// A member of a zip archive, as bytes say it.
#[derive(Clone)]
struct Member<'a> {
    name: &'a str,
    bytes: &'a [u8],
    method: u16,
    flags: u16,
    /// Instead of the right ones.
    length: Option<u32>,
    sum: Option<u32>,
}

fn stored<'a>(name: &'a str, bytes: &'a [u8]) -> Member<'a> {
    Member {
        name,
        bytes,
        method: 0,
        flags: 0,
        length: None,
        sum: None,
    }
}

fn deflated<'a>(name: &'a str, bytes: &'a [u8]) -> Member<'a> {
    Member {
        method: 8,
        ..stored(name, bytes)
    }
}

/// An archive, byte by byte: no crate writes the wrong ones.
fn zip(members: &[Member<'_>]) -> Vec<u8> {
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    for member in members {
        let start = archive.len() as u32;
        let packed = match member.method {
            8 => {
                let mut encoder =
                    flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
                encoder.write_all(member.bytes).expect("packed");
                encoder.finish().expect("packed")
            }
            _ => member.bytes.to_vec(),
        };
        let mut crc = flate2::Crc::new();
        crc.update(member.bytes);
        let length = member.length.unwrap_or(member.bytes.len() as u32);
        let mut header = Vec::new();
        header.extend(20_u16.to_le_bytes());
        header.extend(member.flags.to_le_bytes());
        header.extend(member.method.to_le_bytes());
        header.extend([0, 0, 0x21, 0x58]);
        header.extend(member.sum.unwrap_or(crc.sum()).to_le_bytes());
        header.extend((packed.len() as u32).to_le_bytes());
        header.extend(length.to_le_bytes());
        header.extend((member.name.len() as u16).to_le_bytes());
        header.extend([0, 0]);
        archive.extend(b"PK\x03\x04");
        archive.extend(&header);
        archive.extend(member.name.as_bytes());
        archive.extend(packed);
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&header);
        directory.extend([0; 10]);
        directory.extend(start.to_le_bytes());
        directory.extend(member.name.as_bytes());
    }
    let (start, length) = (archive.len() as u32, directory.len() as u32);
    archive.extend(directory);
    archive.extend(b"PK\x05\x06\0\0\0\0");
    archive.extend([(members.len() as u16).to_le_bytes(); 2].concat());
    archive.extend(length.to_le_bytes());
    archive.extend(start.to_le_bytes());
    archive.extend([0, 0]);
    archive
}

fn utf16(text: &str, little: bool, mark: bool) -> Vec<u8> {
    let mark = mark.then_some(0xfeff_u16);
    let units = mark.into_iter().chain(text.encode_utf16());
    let bytes = units.map(|unit| {
        if little {
            unit.to_le_bytes()
        } else {
            unit.to_be_bytes()
        }
    });
    bytes.flatten().collect()
}
