//! Bytes as hexadecimal digits and back, in one way for all that is hashed, marked or kept as text.

/// The bytes as lower-case digits, two for each.
pub fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    encode_into(bytes, &mut text);
    text
}

/// The same behind what a text holds already: for whoever wipes the text afterwards. It must have room for the digits, or
/// a copy of what it held stays behind as it grows.
pub fn encode_into(bytes: &[u8], text: &mut String) {
    for byte in bytes {
        for digit in [byte >> 4, byte & 0x0f] {
            text.push(char::from(b"0123456789abcdef"[usize::from(digit)]));
        }
    }
}

/// The bytes of digits in either case. None: something else is among them, or one is left over.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = vec![0; text.len() / 2];
    decode_into(text, &mut bytes)?;
    Some(bytes)
}

/// The same into slots of which there must be as many as bytes. None: nothing that was written there counts.
pub fn decode_into(text: &str, slots: &mut [u8]) -> Option<()> {
    if text.len() != 2 * slots.len() {
        return None;
    }
    let digit = |it: u8| char::from(it).to_digit(16).and_then(|it| u8::try_from(it).ok());
    for (slot, pair) in slots.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *slot = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_no_hexadecimal_is_not_read() {
        for text in ["0", "0g", "+1", " 0", "0x00", "é0", "00 "] {
            assert_eq!(decode(text), None, "{text}");
        }
        assert_eq!(decode(""), Some(Vec::new()));
        assert_eq!(decode_into("00ff", &mut [0; 3]), None);
    }

    proptest! {
        #[test]
        fn bytes_are_read_back_in_either_case(bytes in any::<Vec<u8>>()) {
            let text = encode(&bytes);
            let expected: String = bytes.iter().map(|it| format!("{it:02x}")).collect();
            prop_assert_eq!(&text, &expected);
            prop_assert_eq!(decode(&text), Some(bytes.clone()));
            prop_assert_eq!(decode(&text.to_uppercase()), Some(bytes));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC*") {
            if let Some(bytes) = decode(&text) {
                prop_assert_eq!(encode(&bytes), text.to_lowercase());
            }
        }
    }
}
