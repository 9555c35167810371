//! Holding floods back: how often one network address may ask, in a fixed amount of memory whatever comes.

use crate::clock::random_bits;
use crate::secrets::short_hash;
use leadwire_core::limits;
use leadwire_core::rate::Rate;
use leadwire_core::time::Timestamp;
use std::net::IpAddr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// Every rate that visitors are held to.
pub struct Floods {
    /// Pages shown to one network address.
    pub pages: Gauge,
    /// Forms from one network address.
    pub forms: Gauge,
    /// Forms for one offer.
    pub offers: Gauge,
    /// Tries to sign in from one network.
    pub sign_ins: Gauge,
    /// Tries to sign in to one account from one network.
    pub sign_ins_here: Gauge,
    /// Tries to sign in to one account from everywhere.
    pub sign_ins_everywhere: Gauge,
    /// Codes of one account's second factor, and tries of its password by somebody who is signed in.
    pub codes: Gauge,
    /// Addresses that somebody typed who forgot a password, from one network.
    pub forgotten_here: Gauge,
    /// The same for one address.
    pub forgotten: Gauge,
    /// Letters to one user, sent by those who may invite.
    pub letters: Gauge,
}

impl Default for Floods {
    fn default() -> Self {
        Self {
            pages: Gauge::new(limits::PAGES_PER_ADDRESS),
            forms: Gauge::new(limits::FORMS_PER_ADDRESS),
            offers: Gauge::new(limits::FORMS_PER_OFFER),
            sign_ins: Gauge::new(limits::SIGN_INS_PER_NETWORK),
            sign_ins_here: Gauge::new(limits::SIGN_INS_PER_ACCOUNT_AND_NETWORK),
            sign_ins_everywhere: Gauge::new(limits::SIGN_INS_PER_ACCOUNT),
            codes: Gauge::new(limits::CODES_PER_ACCOUNT),
            forgotten_here: Gauge::new(limits::FORGOTTEN_PER_NETWORK),
            forgotten: Gauge::new(limits::FORGOTTEN_PER_ADDRESS),
            letters: Gauge::new(limits::LETTERS_PER_USER),
        }
    }
}

/// How full each of many measures is. Each has a counter in both of two rows, and is as full as the emptier one says: two
/// measures are taken for one only when they meet in both rows, and nobody outside can tell which do.
pub struct Gauge {
    rate: Rate,
    seed: [u8; 16],
    full_until: Box<[AtomicI64]>,
}

impl Gauge {
    fn new(rate: Rate) -> Self {
        let counter = |_| AtomicI64::new(0);
        Self {
            rate,
            seed: random_bits().to_le_bytes(),
            full_until: (0..limits::RATE_COUNTERS).map(counter).collect(),
        }
    }

    /// Takes one from a measure's room.
    ///
    /// # Errors
    /// How long to wait until there is room; nothing was taken.
    pub fn take(&self, measure: &[u8], now: Timestamp) -> Result<(), Duration> {
        let hash = short_hash(&[&self.seed, measure]);
        let half = self.full_until.len() / 2;
        let place = |bytes: &[u8]| {
            let bits = u64::from_le_bytes(bytes.try_into().expect("eight bytes"));
            usize::try_from(bits % half as u64).expect("it is below a length")
        };
        let counters = [&self.full_until[place(&hash[..8])], &self.full_until[half + place(&hash[8..])]];
        let [one, other] = counters.map(|it| it.load(Ordering::Relaxed));
        // Two at once may both get the last place; a rate is no lock.
        let next = self.rate.admit(Timestamp::from_millis(one.min(other)), now)?;
        for counter in counters {
            counter.fetch_max(next.millis(), Ordering::Relaxed);
        }
        Ok(())
    }
}

/// What counts as one network address: an IPv4 address, or the 64 bits of an IPv6 address that name a network, since a
/// machine there has as many addresses as it likes.
pub fn network(address: IpAddr) -> Vec<u8> {
    match address.to_canonical() {
        IpAddr::V4(it) => it.octets().to_vec(),
        IpAddr::V6(it) => it.octets()[..8].to_vec(),
    }
}

/// Who asks, by the machine at the other end and what proxies have said. Only what a trusted machine says counts: the last
/// address in `X-Forwarded-For` that is not itself a trusted proxy.
pub fn visitor(peer: IpAddr, forwarded_for: &[&str], is_proxy: impl Fn(IpAddr) -> bool) -> IpAddr {
    let mut seen = peer;
    let hops = forwarded_for.iter().rev().flat_map(|it| it.rsplit(',')).take(limits::PROXIES_MAX);
    for hop in hops {
        if !is_proxy(seen.to_canonical()) {
            break;
        }
        // Some proxies write a port behind the address.
        let hop = hop.trim();
        let address = hop.parse().ok().or_else(|| hop.parse::<std::net::SocketAddr>().ok().map(|it| it.ip()));
        match address {
            Some(address) => seen = address,
            None => break,
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn each_address_has_a_room_of_its_own_and_it_fills_again() {
        let gauge = Gauge::new(Rate { every: Duration::from_secs(6), burst: 3 });
        let now = Timestamp::from_millis(1_000_000);
        for _ in 0..3 {
            assert_eq!(gauge.take(b"one", now), Ok(()));
        }
        assert_eq!(gauge.take(b"one", now), Err(Duration::from_secs(6)));
        assert_eq!(gauge.take(b"another", now), Ok(()));
        assert_eq!(gauge.take(b"one", now.plus(Duration::from_secs(6))), Ok(()));
    }

    #[test]
    fn a_flood_from_many_addresses_takes_no_more_memory_and_few_others_down() {
        let gauge = Gauge::new(Rate { every: Duration::from_secs(6), burst: 1 });
        let now = Timestamp::from_millis(1_000_000);
        for number in 0u32..500 {
            gauge.take(&number.to_le_bytes(), now).ok();
        }
        let refused = (10_000u32..11_000).filter(|it| gauge.take(&it.to_be_bytes(), now).is_err()).count();
        assert!(refused < 100, "{refused} of 1000 others are refused");
        assert_eq!(gauge.full_until.len(), limits::RATE_COUNTERS);
    }

    #[test]
    fn only_what_a_trusted_proxy_says_counts() {
        let local = |it: IpAddr| it.is_loopback();
        assert_eq!(visitor(ip("203.0.113.9"), &["198.51.100.1"], local), ip("203.0.113.9"));
        assert_eq!(visitor(ip("127.0.0.1"), &["198.51.100.1"], local), ip("198.51.100.1"));
        assert_eq!(visitor(ip("127.0.0.1"), &["1.2.3.4, 198.51.100.1"], local), ip("198.51.100.1"));
        assert_eq!(
            visitor(ip("::ffff:127.0.0.1"), &["1.2.3.4", "198.51.100.1:443"], local),
            ip("198.51.100.1")
        );
        assert_eq!(visitor(ip("127.0.0.1"), &["198.51.100.1, 127.0.0.1"], local), ip("198.51.100.1"));
        assert_eq!(visitor(ip("127.0.0.1"), &["nonsense"], local), ip("127.0.0.1"));
        assert_eq!(visitor(ip("127.0.0.1"), &[], local), ip("127.0.0.1"));
    }

    #[test]
    fn addresses_of_one_network_count_as_one() {
        assert_eq!(network(ip("2001:db8::1")), network(ip("2001:db8::2")));
        assert_ne!(network(ip("2001:db8::1")), network(ip("2001:db8:0:1::1")));
        assert_eq!(network(ip("::ffff:192.0.2.1")), network(ip("192.0.2.1")));
    }
}
