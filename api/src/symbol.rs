//! Symbols in the paths of the API.

/// A symbol as a part of a path: `/` is `~`, which no symbol has, and all but letters and digits of ASCII and
/// `.`, `_`, `~` and `-` is percent-encoded (RFC 3986). `GET /api/v1/data/BTC~USDT/1h` reads bars of BTC/USDT.
pub fn symbol_to_path(symbol: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_~".contains(&byte);
    let each = symbol.bytes().map(|byte| match byte {
        b'/' => "~".to_owned(),
        byte if plain(byte) => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    });
    each.collect()
}

/// The symbol of which this is [`symbol_to_path`], after the percent-encoding was decoded.
pub fn symbol_from_path(decoded: &str) -> String {
    decoded.replace('~', "/")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What any client does to a part of a path.
    fn decoded(text: &str) -> String {
        let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
        while let [first, after @ ..] = rest {
            let digits = || std::str::from_utf8(&after[..2]).expect("two digits");
            let hex = || u8::from_str_radix(digits(), 16).expect("two digits");
            bytes.push(if *first == b'%' { hex() } else { *first });
            rest = if *first == b'%' { &after[2..] } else { after };
        }
        String::from_utf8(bytes).expect("UTF-8")
    }

    #[test]
    fn a_symbol_stays_one_part_of_a_path() {
        for (symbol, path) in [
            ("BRK.B-1_2", "BRK.B-1_2"),
            ("BTC/USDT", "BTC~USDT"),
            ("^GSPC", "%5EGSPC"),
            ("M&M.NS", "M%26M.NS"),
            ("A B", "A%20B"),
            ("100%/2+", "100%25~2%2B"),
            ("é?#", "%C3%A9%3F%23"),
        ] {
            assert_eq!(symbol_to_path(symbol), path);
        }
    }

    proptest! {
        #[test]
        fn a_symbol_is_read_back_from_its_path(symbol in "[^~\\p{Cc}]{1,64}") {
            let path = symbol_to_path(&symbol);
            prop_assert!(!path.contains('/') && path.is_ascii());
            prop_assert_eq!(symbol_from_path(&decoded(&path)), symbol);
        }
    }
}
