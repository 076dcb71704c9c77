//! Makes new inputs from old ones, repeatable from a seed. libFuzzer makes better ones; these need only a
//! compiler.

use fastrand::Rng;

/// The longest input that is made.
const LONGEST: usize = 16 << 10;

/// Pieces that often break parsers.
const PIECES: &[&[u8]] = &[
    b"",
    b"\0",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\xe2\x80\xae",
    b"\r\n",
    b"\"",
    b"\\",
    b"{",
    b"[",
    b"}",
    b"]",
    b",",
    b":",
    b"null",
    b"true",
    b"-1",
    b"0",
    b"1e999",
    b"NaN",
    b"18446744073709551616",
    b"9223372036854775808",
    b"4294967296",
    b"%",
    b"%2f",
    b"%00",
    b"%73",
    b"/",
    b"//",
    b"..",
    b";",
    b"?",
    b"&",
    b"=",
    b"+",
    b"#",
    b"9999-12-31T23:59:59.999Z",
    b"0000-01-01T00:00:00+14:00",
];

/// A seed with a few changes.
pub fn mutated(rng: &mut Rng, seeds: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = rng.choice(seeds).cloned().unwrap_or_default();
    for _ in 0..rng.usize(1..=4) {
        change(rng, seeds, &mut bytes);
    }
    bytes.truncate(LONGEST);
    bytes
}

fn change(rng: &mut Rng, seeds: &[Vec<u8>], bytes: &mut Vec<u8>) {
    let (from, to) = range(rng, bytes.len());
    match rng.u8(0..7) {
        0 => bytes
            .iter_mut()
            .skip(from)
            .take(1)
            .for_each(|byte| *byte = rng.u8(..)),
        1 => bytes
            .iter_mut()
            .skip(from)
            .take(1)
            .for_each(|byte| *byte ^= 1 << rng.u8(0..8)),
        2 => drop(bytes.drain(from..to)),
        3 => insert(bytes, from, rng.choice(PIECES).copied().unwrap_or_default()),
        4 => {
            let piece = bytes[from..to].repeat(rng.usize(1..=64));
            insert(bytes, from, &piece[..piece.len().min(LONGEST)]);
        }
        5 => {
            let piece: Vec<u8> = (0..rng.usize(1..=8)).map(|_| rng.u8(..)).collect();
            insert(bytes, from, &piece);
        }
        _ => {
            let other = rng.choice(seeds).map(Vec::as_slice).unwrap_or_default();
            let (start, end) = range(rng, other.len());
            bytes.splice(from..to, other[start..end].iter().copied());
        }
    }
}

fn insert(bytes: &mut Vec<u8>, at: usize, piece: &[u8]) {
    bytes.splice(at..at, piece.iter().copied());
}

fn range(rng: &mut Rng, length: usize) -> (usize, usize) {
    let (a, b) = (rng.usize(0..=length), rng.usize(0..=length));
    (a.min(b), a.max(b))
}
