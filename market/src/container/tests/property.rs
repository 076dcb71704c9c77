//! Whatever is packed in whatever comes back.

use std::io::Read;

use proptest::prelude::*;

use super::super::open;
use super::{deflated, file, gzip, stored, utf16, zip};

#[derive(Clone, Copy, Debug)]
enum Packing {
    Gzip,
    Stored,
    Deflated,
}

fn packings() -> impl Strategy<Value = Vec<Packing>> {
    let packing = prop_oneof![
        Just(Packing::Gzip),
        Just(Packing::Stored),
        Just(Packing::Deflated)
    ];
    prop::collection::vec(packing, 0..=2)
}

proptest! {
    #[test]
    fn what_is_packed_comes_back(
        rows in prop::collection::vec("[ -~äöü€时😀]{0,40}", 1..80),
        repeated in 1..400_usize,
        wide in any::<Option<bool>>(),
        packings in packings(),
        piece in 1..70_000_usize,
    ) {
        // A header first, so that no text passes for JSON or a page.
        let text = format!("time,close\n{}", rows.join("\r\n").repeat(repeated));
        let mut bytes = match wide {
            None => text.clone().into_bytes(),
            Some(little) => utf16(&text, little, true),
        };
        for packing in packings {
            bytes = match packing {
                Packing::Gzip => gzip(&bytes),
                Packing::Stored => zip(&[stored("a", &bytes)]),
                Packing::Deflated => zip(&[deflated("a", &bytes)]),
            };
        }
        let mut reader = open(file(&bytes), "a").expect("open").reader;
        let mut read = Vec::<u8>::new();
        let mut buffer = vec![0; piece];
        loop {
            match reader.read(&mut buffer).expect("read") {
                0 => break,
                count => read.extend(&buffer[..count]),
            }
        }
        prop_assert!(read == text.as_bytes());
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), start in 0..8_usize) {
        let starts: [&[u8]; 8] = [b"", b"\x1f\x8b\x08", b"PK\x03\x04", b"PAR1", b"\xff\xfe", b"\xfe\xff", b"<", b"["];
        let bytes = [starts[start], &bytes].concat();
        let _ = super::read(&bytes);
    }
}
