//! Typed ids: names people choose (publisher, offer) and ids Leadwire mints (touchpoint, lead, delivery …).
//!
//! A minted id is 128 bits, shown as a prefix and 26 characters of Crockford base 32, and sorts by the moment
//! it was minted. [`Mint`] never goes backwards, not even when the machine's clock does, because the order of
//! touchpoint ids is the order in which one customer's actions reach a destination.

use crate::time::Timestamp;
use std::fmt;

/// Why a text is not the id it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadId {
    /// The text does not start with the prefix of this kind of id.
    #[error("expected an id that starts with `{0}`")]
    Prefix(&'static str),
    /// What follows the prefix is not 26 characters of Crockford base 32.
    #[error("expected 26 characters of 0-9 and a-z (without i, l, o, u) after `{0}`")]
    Shape(&'static str),
    /// A name is empty, too long, or holds a character that is not allowed.
    #[error("expected 1 to {max} characters of a-z, 0-9, `-`, `_`{more}")]
    Name {
        /// Longest length, in bytes.
        max: usize,
        /// Further characters that are allowed, in words.
        more: &'static str,
    },
}

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const TEXT_LEN: usize = 26;

fn encode(value: u128) -> [u8; TEXT_LEN] {
    let mut out = [b'0'; TEXT_LEN];
    let mut rest = value;
    for slot in out.iter_mut().rev() {
        *slot = ALPHABET[usize::try_from(rest & 31).expect("five bits fit")];
        rest >>= 5;
    }
    out
}

fn decode(text: &str) -> Option<u128> {
    if text.len() != TEXT_LEN || text.as_bytes()[0] > b'7' {
        return None;
    }
    text.bytes().try_fold(0u128, |sum, byte| {
        let digit = ALPHABET.iter().position(|it| *it == byte.to_ascii_lowercase())?;
        Some((sum << 5) | u128::try_from(digit).expect("a digit is below 32"))
    })
}

macro_rules! minted {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u128);

        impl $name {
            /// What every id of this kind starts with.
            pub const PREFIX: &'static str = $prefix;

            /// Wraps 128 bits, usually from [`Mint::next`].
            pub fn new(bits: u128) -> Self {
                Self(bits)
            }

            /// The 128 bits; they sort as the ids do.
            pub fn bits(self) -> u128 {
                self.0
            }

            /// Reads the text form, in either case of letters.
            ///
            /// # Errors
            /// When the prefix or the 26 characters behind it are not those of this kind of id.
            pub fn parse(text: &str) -> Result<Self, BadId> {
                let rest = text.strip_prefix($prefix).ok_or(BadId::Prefix($prefix))?;
                decode(rest).map(Self).ok_or(BadId::Shape($prefix))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                let text = encode(self.0);
                out.write_str($prefix)?;
                out.write_str(std::str::from_utf8(&text).expect("the alphabet is ASCII"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, out)
            }
        }
    };
}

minted!(
    /// One customer action as received.
    TouchpointId,
    "tp_"
);
minted!(
    /// One customer of one publisher.
    LeadId,
    "lead_"
);
minted!(
    /// A body that came with a good token and could not be parsed.
    QuarantineId,
    "qrt_"
);
minted!(
    /// A rule that says which touchpoints go to which destination.
    RouteId,
    "rte_"
);
minted!(
    /// What a person decided about a lead. Sorts among touchpoints by when it was.
    ActId,
    "act_"
);
minted!(
    /// What a person or a destination said became of a lead.
    FeedbackId,
    "fbk_"
);
minted!(
    /// Two leads that may be one customer.
    SuggestionId,
    "sug_"
);
minted!(
    /// Routing kept touchpoints anew.
    ReplayId,
    "rpl_"
);
minted!(
    /// What is said once a customer's interest rises to a step.
    FollowUpId,
    "flw_"
);
minted!(
    /// Erasing a person.
    ErasureId,
    "era_"
);
minted!(
    /// An API key, without its secret.
    KeyId,
    "key_"
);
minted!(
    /// Somebody who signs in to the portal.
    UserId,
    "usr_"
);
minted!(
    /// A link that opens the portal of one publisher, without its secret.
    PortalLinkId,
    "pln_"
);
minted!(
    /// An intake address, without its secret.
    TokenId,
    "tok_"
);
minted!(
    /// One HTTP request to Leadwire.
    RequestId,
    "req_"
);

impl TouchpointId {
    /// Sorts before every id that is minted at this moment or later, and after those of earlier ones.
    pub fn first_at(moment: Timestamp) -> Self {
        Self(u128::try_from(moment.millis().max(0)).expect("not negative") << RANDOM_BITS)
    }

    /// When it was minted, or a little earlier than it seems when the machine's clock was set back then.
    pub fn minted_at(self) -> Timestamp {
        Timestamp::from_millis(i64::try_from(self.0 >> RANDOM_BITS).unwrap_or(i64::MAX))
    }

    /// The one before it in order.
    #[must_use]
    pub fn before(self) -> Self {
        Self(self.0.saturating_sub(1))
    }
}

/// A destination's number within its publisher: 1, 2, 3 … and never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DestinationNo(u32);

impl DestinationNo {
    /// Wraps a number given by the store.
    pub fn new(number: u32) -> Self {
        Self(number)
    }

    /// The number.
    pub fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for DestinationNo {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, out)
    }
}

/// The duty to bring one touchpoint to one destination.
///
/// It is the pair itself, so it is the same after every retry, restart, replay and restore: what a receiver
/// sees as `webhook-id` and may use to recognise a repetition. It never holds a `.`, which the signature
/// scheme of Standard Webhooks forbids in an id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliveryId {
    /// What is to be brought.
    pub touchpoint: TouchpointId,
    /// Where to.
    pub destination: DestinationNo,
}

impl DeliveryId {
    /// Reads the text form `dlv_<26 characters>_<destination number>`.
    ///
    /// # Errors
    /// When the text has another shape.
    pub fn parse(text: &str) -> Result<Self, BadId> {
        let rest = text.strip_prefix("dlv_").ok_or(BadId::Prefix("dlv_"))?;
        let (bits, number) = rest.split_once('_').ok_or(BadId::Shape("dlv_"))?;
        let bits = decode(bits).ok_or(BadId::Shape("dlv_"))?;
        let number = number.parse().map_err(|_| BadId::Shape("dlv_"))?;
        Ok(Self { touchpoint: TouchpointId(bits), destination: DestinationNo(number) })
    }
}

impl fmt::Display for DeliveryId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = encode(self.touchpoint.0);
        let text = std::str::from_utf8(&text).expect("the alphabet is ASCII");
        write!(out, "dlv_{text}_{}", self.destination)
    }
}

impl fmt::Debug for DeliveryId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

fn parse_name(text: &str, max: usize, more: &'static str, also: &[u8]) -> Result<Box<str>, BadId> {
    let name = text.trim().to_ascii_lowercase();
    let fits = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte) || also.contains(&byte)
    };
    if name.is_empty() || name.len() > max || !name.bytes().all(fits) {
        return Err(BadId::Name { max, more });
    }
    Ok(name.into_boxed_str())
}

/// A tenant, by the name it has on the marketplace. Lower case.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublisherId(Box<str>);

impl PublisherId {
    /// Reads and lower-cases a name of 1 to 50 characters.
    ///
    /// # Errors
    /// When it is empty, too long, or holds another character than `a-z 0-9 - _`.
    pub fn parse(text: &str) -> Result<Self, BadId> {
        parse_name(text, 50, "", b"").map(Self)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An offer within its publisher: what follows the first dot of `publisher.offer`. Lower case.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OfferId(Box<str>);

impl OfferId {
    /// Reads and lower-cases a name of 1 to 128 characters. Never assumes a GUID: documented ids are not.
    ///
    /// # Errors
    /// When it is empty, too long, or holds another character than `a-z 0-9 - _ .`.
    pub fn parse(text: &str) -> Result<Self, BadId> {
        parse_name(text, 128, " and `.`", b".").map(Self)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

macro_rules! shown_as_text {
    ($($name:ident),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(&self.0)
            }
        }
    )*};
}

shown_as_text!(PublisherId, OfferId);

/// An offer by its full name, `publisher.offer`, split on the first dot.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OfferRef {
    /// Whose offer it is.
    pub publisher: PublisherId,
    /// Which of the publisher's offers.
    pub offer: OfferId,
}

impl OfferRef {
    /// Reads `publisher.offer`.
    ///
    /// # Errors
    /// When there is no dot, or either side is not a name.
    pub fn parse(text: &str) -> Result<Self, BadId> {
        let (publisher, offer) =
            text.trim().split_once('.').ok_or(BadId::Name { max: 179, more: ", as `publisher.offer`" })?;
        Ok(Self { publisher: PublisherId::parse(publisher)?, offer: OfferId::parse(offer)? })
    }
}

impl fmt::Display for OfferRef {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}.{}", self.publisher, self.offer)
    }
}

impl fmt::Debug for OfferRef {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

/// Bits of an id below its milliseconds.
const RANDOM_BITS: u32 = 80;

/// Makes ids that only ever grow.
///
/// The layout is that of UUID version 7 (RFC 9562, 5.7) without its version bits: 48 bits of milliseconds,
/// then 80 bits of which the highest start random and serve as a counter within the millisecond.
#[derive(Debug)]
pub struct Mint {
    last: u128,
}

impl Mint {
    /// Starts after `last`, the greatest id in the store, so that ids grow across restarts too.
    pub fn after(last: u128) -> Self {
        Self { last }
    }

    /// Makes the next id. `random` is 128 fresh random bits.
    pub fn next(&mut self, now: Timestamp, random: u128) -> u128 {
        let millis = u128::try_from(now.millis().max(0)).expect("not negative") << RANDOM_BITS;
        // The top random bit stays free, so a millisecond has room for 2^79 steps before it would overflow.
        let fresh = millis | (random >> (128 - RANDOM_BITS + 1));
        // A step of up to 2^40 keeps ids of one millisecond unguessable from each other.
        let step = (random & ((1 << 40) - 1)) + 1;
        self.last = if fresh > self.last { fresh } else { self.last + step };
        self.last
    }
}

#[cfg(test)]
#[path = "id_tests.rs"]
mod tests;
