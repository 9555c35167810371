//! Dice that fall the same way again for the same seed.

use leadwire_core::time::Jitter;

/// A stream of numbers from a seed (SplitMix64, Steele et al. 2014: every seed gives a good stream).
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 up to, not including, `bound`.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        assert!(bound > 0, "there is nothing below zero");
        self.next() % bound
    }

    /// The same for an index.
    pub(crate) fn index(&mut self, bound: usize) -> usize {
        usize::try_from(self.below(bound as u64)).expect("it is below an index")
    }

    /// A number of both ends' range.
    pub(crate) fn within(&mut self, least: i64, most: i64) -> i64 {
        let span = u64::try_from(most - least).expect("the range is the right way round") + 1;
        least + i64::try_from(self.below(span)).expect("it is below the span")
    }

    /// Whether something happens that does so so many times in a thousand.
    pub(crate) fn falls(&mut self, permille: u64) -> bool {
        permille > 0 && self.below(1000) < permille
    }

    pub(crate) fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.index(of.len())]
    }

    #[allow(clippy::cast_precision_loss, reason = "53 bits are exact")]
    pub(crate) fn jitter(&mut self) -> Jitter {
        Jitter::new((self.next() >> 11) as f64 / (1u64 << 53) as f64)
    }
}
