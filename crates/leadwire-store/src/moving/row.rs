//! One way to write a row down, whichever engine it came from: by it rows are compared, and a place in a table is kept.

use crate::StoreError;
use crate::engine::Param;
use leadwire_core::audit::{Hash, sha256};
use std::borrow::Cow;

/// What stands before the first row.
pub(super) const BEFORE_ALL: Hash = [0; 32];

/// A value of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Int(i64),
    Text(String),
    Bytes(Vec<u8>),
}

impl Value {
    pub(super) fn bound(&self) -> Param<'_> {
        match self {
            Self::Int(number) => Param::Int(*number),
            Self::Text(text) => Param::Text(text),
            Self::Bytes(bytes) => Param::Bytes(bytes),
        }
    }
}

/// The hash of a row behind others.
pub(super) fn link(before: &Hash, row: &[Value]) -> Hash {
    let mut bytes = before.to_vec();
    write_to(&mut bytes, row);
    sha256(&bytes)
}

/// Values as bytes. Each has its kind and its length with it, so that no two rows are written alike.
pub(super) fn write(values: &[Value]) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_to(&mut bytes, values);
    bytes
}

fn write_to(bytes: &mut Vec<u8>, values: &[Value]) {
    for value in values {
        let (kind, content): (u8, Cow<'_, [u8]>) = match value {
            Value::Int(number) => (b'i', Cow::Owned(number.to_be_bytes().to_vec())),
            // PostgreSQL cannot hold this character; it is written there as another one.
            Value::Text(text) if text.contains('\0') => {
                (b't', Cow::Owned(text.replace('\0', "\u{fffd}").into_bytes()))
            }
            Value::Text(text) => (b't', Cow::Borrowed(text.as_bytes())),
            Value::Bytes(content) => (b'b', Cow::Borrowed(content)),
        };
        bytes.push(kind);
        bytes.extend(u64::try_from(content.len()).expect("a length fits").to_be_bytes());
        bytes.extend_from_slice(&content);
    }
}

/// Reads what [`write`] wrote.
pub(super) fn read(bytes: &[u8]) -> Result<Vec<Value>, StoreError> {
    let (mut values, mut rest) = (Vec::new(), bytes);
    while !rest.is_empty() {
        let (value, after) = first(rest)
            .ok_or_else(|| StoreError::Wrong("a place in a table that is moved cannot be read".to_owned()))?;
        values.push(value);
        rest = after;
    }
    Ok(values)
}

fn first(bytes: &[u8]) -> Option<(Value, &[u8])> {
    let (kind, rest) = bytes.split_first()?;
    let (length, rest) = rest.split_first_chunk()?;
    let (content, rest) = rest.split_at_checked(usize::try_from(u64::from_be_bytes(*length)).ok()?)?;
    let value = match kind {
        b'i' => Value::Int(i64::from_be_bytes(content.try_into().ok()?)),
        b't' => Value::Text(String::from_utf8(content.to_vec()).ok()?),
        b'b' => Value::Bytes(content.to_vec()),
        _ => return None,
    };
    Some((value, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn value() -> impl Strategy<Value = Value> {
        prop_oneof![
            any::<i64>().prop_map(Value::Int),
            "[a-z\u{0}é🙂]{0,6}".prop_map(Value::Text),
            proptest::collection::vec(any::<u8>(), 0..6).prop_map(Value::Bytes),
        ]
    }

    proptest! {
        #[test]
        fn rows_are_read_as_they_were_written_and_cut_ones_are_not(row in proptest::collection::vec(value(), 1..5)) {
            let shown = |it: &Value| match it {
                Value::Text(text) => Value::Text(text.replace('\0', "\u{fffd}")),
                other => other.clone(),
            };
            let bytes = write(&row);
            prop_assert_eq!(read(&bytes).unwrap(), row.iter().map(shown).collect::<Vec<_>>());
            prop_assert!(read(&bytes[..bytes.len() - 1]).is_err());
        }

        #[test]
        fn other_rows_have_another_hash(one in proptest::collection::vec(value(), 0..4), other in proptest::collection::vec(value(), 0..4)) {
            let same = write(&one) == write(&other);
            prop_assert_eq!(link(&BEFORE_ALL, &one) == link(&BEFORE_ALL, &other), same);
        }
    }

    #[test]
    fn values_do_not_run_into_each_other() {
        let text = |it: &str| Value::Text(it.to_owned());
        assert_ne!(write(&[text("a"), text("bc")]), write(&[text("ab"), text("c")]));
        assert_ne!(write(&[text("a")]), write(&[Value::Bytes(b"a".to_vec())]));
    }
}
