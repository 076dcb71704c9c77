//! A file that was cut short or changed is never taken for a shorter one.

use super::super::open;
use super::{BARS, Member, deflated, file, gzip, read, refused, stored, utf16, zip};
use std::io::Read;

/// Bars that no packing makes much smaller.
fn bars() -> String {
    let mut text = String::from("time,close\n");
    let mut number = 1_u64;
    for _ in 0..120 {
        number = number
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        text.push_str(&format!("{},{}\n", number >> 20, number % 9_973));
    }
    text
}

#[test]
fn no_cut_gives_a_shorter_text() {
    let bars = bars();
    let files = [
        gzip(bars.as_bytes()),
        zip(&[deflated("a.csv", bars.as_bytes())]),
        gzip(&gzip(bars.as_bytes())),
        zip(&[deflated("a.gz", &gzip(bars.as_bytes()))]),
    ];
    for whole in files {
        assert!(read(&whole).is_ok());
        for length in 4..whole.len() {
            let error = read(&whole[..length]).expect_err("cut short");
            let code = error.code();
            assert!(
                matches!(code, "FILE_DAMAGED" | "FILE_EMPTY" | "NOT_BARS"),
                "{length}: {error}"
            );
            assert!(length < 20 || code == "FILE_DAMAGED", "{length}: {error}");
        }
    }
}

#[test]
fn no_changed_byte_gives_another_text() {
    let bars = bars();
    for whole in [
        gzip(bars.as_bytes()),
        zip(&[deflated("a.csv", bars.as_bytes())]),
        zip(&[stored("a.csv", bars.as_bytes())]),
    ] {
        for place in 0..whole.len() {
            for change in [1, 0x80, 0xff] {
                let mut changed = whole.clone();
                changed[place] ^= change;
                if let Ok((text, packed)) = read(&changed) {
                    let same = text == bars.as_bytes();
                    // The first bytes say what it is: without them it may pass for a text.
                    assert!(
                        same || (packed.is_empty() && place < 4),
                        "{place}: {packed:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn the_end_is_held_against_what_a_file_says() {
    let bars = BARS.as_bytes();
    let other = Member {
        sum: Some(1),
        ..deflated("a", bars)
    };
    refused(&zip(&[other]), "FILE_DAMAGED", &["checksum"]);
    let longer = Member {
        length: Some(1_000),
        ..deflated("a", bars)
    };
    refused(&zip(&[longer]), "FILE_DAMAGED", &["less comes out"]);
    let shorter = Member {
        length: Some(10),
        ..stored("a", bars)
    };
    refused(&zip(&[shorter]), "FILE_DAMAGED", &["more comes out"]);
    let tail = [gzip(bars), b"garbage".to_vec()].concat();
    refused(&tail, "FILE_DAMAGED", &["no gzip"]);
    let half = [gzip(bars), b"\x1f".to_vec()].concat();
    refused(&half, "FILE_DAMAGED", &["gzip"]);
}

#[test]
fn half_a_character_of_utf_16_is_damage() {
    for little in [true, false] {
        for mark in [true, false] {
            let mut bytes = utf16(BARS, little, mark);
            bytes.push(if little { b'1' } else { 0 });
            refused(&bytes, "FILE_DAMAGED", &["utf-16"]);
        }
        // A high surrogate without a low one, far behind the beginning.
        let mut bytes = utf16(&BARS.repeat(3_000), little, true);
        let place = bytes.len() - 1_000;
        let alone = 0xd83d_u16;
        bytes[place..place + 2].copy_from_slice(&if little {
            alone.to_le_bytes()
        } else {
            alone.to_be_bytes()
        });
        refused(&bytes, "FILE_DAMAGED", &["half a character"]);
    }
}

#[test]
fn damage_at_the_end_comes_out_of_read_after_what_is_whole() {
    let long = BARS.repeat(20_000);
    let mut bytes = gzip(long.as_bytes());
    let sum = bytes.len() - 8;
    bytes[sum] ^= 1;
    let mut text = open(file(&bytes), "a.gz").expect("it begins well");
    let mut start = vec![0; long.len()];
    text.reader.read_exact(&mut start).expect("what is whole");
    let error = text.reader.read(&mut [0; 1]).expect_err("the checksum");
    let error = super::ContainerError::of(&error).expect("of this module");
    assert_eq!(error.code(), "FILE_DAMAGED");
    assert!(
        error
            .to_string()
            .starts_with("a.gz is damaged or cut short: its gzip"),
        "{error}"
    );
}
