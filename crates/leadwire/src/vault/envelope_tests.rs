//! What is sealed opens in its own place only, and says why it does not open elsewhere.

use super::*;
use crate::vault::ring::MasterKeys;

const NOON: Timestamp = Timestamp::from_millis(1_800_000_000_000);
const SECRET: &str = r#"{"token":"hunter2"}"#;

fn publisher(name: &str) -> PublisherId {
    PublisherId::parse(name).expect("a name")
}

fn place<'a>(publisher: &'a PublisherId, number: u32, name: &'a str) -> Place<'a> {
    Place { publisher, destination: DestinationNo::new(number), name }
}

/// A ring, and keys of two publishers that are wrapped with it, two each.
fn keys() -> (MasterKeys, Vec<PublisherKey>) {
    let ring = MasterKeys::random();
    let keys = [("contoso", 1), ("contoso", 2), ("fabrikam", 1), ("fabrikam", 2)];
    let keys = keys.map(|(name, number)| wrap(&ring, &Key::random(), publisher(name), number, NOON)).to_vec();
    (ring, keys)
}

fn reason(book: Book<'_>, place: Place<'_>, sealed: &[u8]) -> Unopened {
    book.open(place, sealed).expect_err("it opened")
}

#[test]
fn secrets_open_where_they_were_sealed_and_a_new_name_changes_nothing() {
    let (ring, keys) = keys();
    let (book, contoso) = (Book { ring: &ring, keys: &keys }, publisher("contoso"));
    let sealing = seal(book, place(&contoso, 3, "crm"), SECRET, NOON);
    assert_eq!((sealing.new_key, key_number(&sealing.secrets)), (None, Some(2)));
    let opened = book.open(place(&contoso, 3, "other"), &sealing.secrets).expect("opens");
    assert_eq!(opened.expose().as_str(), SECRET);
    assert!(!format!("{opened:?}").contains("hunter2"));
    assert!(!sealing.secrets.windows(7).any(|it| it == b"hunter2"));
}

#[test]
fn a_copy_for_another_publisher_or_destination_does_not_open() {
    let (ring, keys) = keys();
    let (book, contoso, fabrikam) =
        (Book { ring: &ring, keys: &keys }, publisher("contoso"), publisher("fabrikam"));
    let sealed = seal(book, place(&contoso, 3, "crm"), SECRET, NOON).secrets;
    assert_eq!(reason(book, place(&fabrikam, 3, "crm"), &sealed), Unopened::Changed);
    assert_eq!(reason(book, place(&contoso, 4, "crm"), &sealed), Unopened::Changed);
}

#[test]
fn each_part_of_the_place_is_bound_even_under_one_key() {
    let key = SealingKey { number: 1, key: Key::random(), made: None };
    let (contoso, fabrikam) = (publisher("contoso"), publisher("fabrikam"));
    let sealed = key.seal(place(&contoso, 3, "crm"), SECRET);
    let (_, body) = split_head(&sealed).expect("the head");
    let opens = |place: Vec<u8>| key.key.open(&place, body).is_some();
    assert!(opens(secrets_place(place(&contoso, 3, "crm"), &head(1))));
    assert!(!opens(secrets_place(place(&fabrikam, 3, "crm"), &head(1))), "the publisher");
    assert!(!opens(secrets_place(place(&contoso, 4, "crm"), &head(1))), "the row");
    assert!(!opens(secrets_place(place(&contoso, 3, "crm"), &head(2))), "the number of the key");
    let other_version = [b"lwseal\x03".as_slice(), &[0, 0, 0, 1]].concat();
    assert!(!opens(secrets_place(place(&contoso, 3, "crm"), &other_version)), "the version");
    let of = |table: &[u8], column: &[u8]| {
        super::place(&[&head(1), b"contoso", table, column, &3u32.to_be_bytes()])
    };
    assert!(opens(of(b"destination", b"secrets")));
    assert!(!opens(of(b"destination", b"settings")), "the column");
    assert!(!opens(of(b"lane", b"secrets")), "the table");
}

#[test]
fn no_byte_of_sealed_secrets_can_be_changed() {
    let (ring, keys) = keys();
    let (book, contoso) = (Book { ring: &ring, keys: &keys }, publisher("contoso"));
    let sealed = seal(book, place(&contoso, 3, "crm"), SECRET, NOON).secrets;
    for at in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        assert!(book.open(place(&contoso, 3, "crm"), &changed).is_err(), "byte {at}");
        assert!(book.open(place(&contoso, 3, "crm"), &sealed[..at]).is_err(), "cut at {at}");
    }
}

#[test]
fn a_wrapped_key_is_bound_to_its_publisher_its_number_and_its_master_key() {
    let (ring, keys) = keys();
    let good = &keys[0];
    assert!(unwrap(&ring, good).is_ok());
    let changed = [
        PublisherKey { publisher: publisher("fabrikam"), ..good.clone() },
        PublisherKey { number: 2, ..good.clone() },
        PublisherKey { wrapped: good.wrapped[..20].to_vec(), ..good.clone() },
        PublisherKey { wrapped: [&[2], &good.wrapped[1..]].concat(), ..good.clone() },
    ];
    for it in changed {
        assert_eq!(unwrap(&ring, &it).err(), Some(Unopened::Changed), "{}", it.number);
    }
    let two = ring.with_new().expect("room");
    let renamed = PublisherKey { master_key: two.current().id.to_string(), ..good.clone() };
    assert_eq!(unwrap(&two, &renamed).err(), Some(Unopened::Changed));
}

#[test]
fn a_missing_key_is_named_and_told_from_a_change() {
    let (ring, keys) = keys();
    let contoso = publisher("contoso");
    let here = place(&contoso, 3, "crm");
    let sealed = seal(Book { ring: &ring, keys: &keys }, here, SECRET, NOON).secrets;
    let other = MasterKeys::random();
    let missing = Unopened::MasterKeyMissing(ring.current().id.to_string());
    assert_eq!(reason(Book { ring: &other, keys: &keys }, here, &sealed), missing);
    assert_eq!(
        reason(Book { ring: &ring, keys: &keys[..1] }, here, &sealed),
        Unopened::PublisherKeyMissing(2)
    );
}

#[test]
fn a_key_whose_master_key_is_lost_keeps_nobody_from_entering_secrets_anew() {
    let (_, keys) = keys();
    let (ring, contoso) = (MasterKeys::random(), publisher("contoso"));
    let here = place(&contoso, 3, "crm");
    let sealing = seal(Book { ring: &ring, keys: &keys }, here, SECRET, NOON);
    let made = sealing.new_key.expect("a new key");
    assert_eq!((made.number, made.master_key.as_str()), (3, ring.current().id.as_str()));
    let keys = [&keys[..2], &[made], &keys[2..]].concat();
    assert!(Book { ring: &ring, keys: &keys }.open(here, &sealing.secrets).is_ok());
}

#[test]
fn what_the_former_format_sealed_opens_with_any_master_key_at_hand_and_in_its_place() {
    let former = MasterKeys::random();
    let (ring, contoso, fabrikam) =
        (former.with_new().expect("room"), publisher("contoso"), publisher("fabrikam"));
    let book = Book { ring: &ring, keys: &[] };
    let sealed = former.current().key.seal(b"destination/contoso/crm", SECRET.as_bytes());
    assert_eq!(key_number(&sealed), None);
    assert_eq!(book.open(place(&contoso, 3, "crm"), &sealed).expect("opens").expose().as_str(), SECRET);
    assert_eq!(reason(book, place(&contoso, 3, "erp"), &sealed), Unopened::NoKeyFits);
    assert_eq!(reason(book, place(&fabrikam, 3, "crm"), &sealed), Unopened::NoKeyFits);
}

#[test]
fn the_layout_of_the_former_format_is_as_another_library_makes_it() {
    // Python's `cryptography`: nonce + AESGCM(bytes([7]) * 32).encrypt(nonce, text, b"destination/contoso/crm").
    let sealed = [
        0x13, 0x36, 0xf7, 0x27, 0xf2, 0x4a, 0x27, 0x02, 0x89, 0x4a, 0xa1, 0x2e, 0x24, 0x98, 0x79, 0xcd, 0x13,
        0xfc, 0xe5, 0x2c, 0xc8, 0x0e, 0xc0, 0x7d, 0xfc, 0x8c, 0x0d, 0xcc, 0xb1, 0x18, 0x71, 0xc9, 0x56, 0x02,
        0x70, 0x70, 0x9d, 0x58, 0x88, 0xab, 0x0d, 0x78, 0xd3, 0xe7, 0xec, 0x3a, 0x60,
    ];
    let ring = MasterKeys::parse(&"07".repeat(32)).expect("a key");
    let contoso = publisher("contoso");
    let opened = Book { ring: &ring, keys: &[] }.open(place(&contoso, 1, "crm"), &sealed).expect("opens");
    assert_eq!(opened.expose().as_str(), SECRET);
}
