//! Bars as SVG, worked out on the server: beside each stands a table with the same numbers.

use super::shell::Shell;
use crate::api::wire;

/// A piece of a bar, in thousandths of its length.
pub(super) struct Piece {
    pub(super) name: &'static str,
    pub(super) from: u64,
    pub(super) length: u64,
}

/// Whole length of a bar.
pub(super) const LENGTH: u64 = 1000;
/// Shortest piece of something that is there, so that one of a million is seen.
const SHORTEST: u64 = 6;

/// Pieces in proportion to their counts, which together fill the bar; what is not there has no piece.
pub(super) fn pieces(counts: &[(&'static str, u64)]) -> Vec<Piece> {
    let there: Vec<_> = counts.iter().filter(|it| it.1 > 0).collect();
    let sum: u128 = there.iter().map(|it| u128::from(it.1)).sum();
    let room = LENGTH - SHORTEST * there.len() as u64;
    let mut from = 0;
    let mut before = 0u128;
    let mut all = Vec::new();
    for (at, (name, count)) in there.iter().map(|it| (it.0, it.1)).enumerate() {
        before += u128::from(count);
        let end = SHORTEST * (at as u64 + 1) + share(before, sum, room);
        all.push(Piece { name, from, length: end - from });
        from = end;
    }
    all
}

/// The length of a bar whose longest is of `most`.
pub(super) fn length(count: u64, most: u64) -> u64 {
    if count == 0 || most == 0 { 0 } else { share(count.into(), most.into(), LENGTH).max(SHORTEST) }
}

fn share(count: u128, of: u128, room: u64) -> u64 {
    u64::try_from(count * u128::from(room) / of.max(1)).unwrap_or(room)
}

/// A chart of tries by hour, with the table that says the same.
pub(super) struct Hours {
    pub(super) bars: Vec<Bar>,
    pub(super) table: Vec<(String, [u64; 3])>,
    pub(super) sums: [(&'static str, u64); 3],
    pub(super) most: u64,
    pub(super) from: String,
    pub(super) width: u64,
}

/// A piece of a column: what it stands for, where it is, and how high.
pub(super) struct Bar {
    pub(super) name: &'static str,
    pub(super) x: u64,
    pub(super) y: u64,
    pub(super) height: u64,
}

/// Height of the chart of hours, and the way from one column to the next.
pub(super) const HEIGHT: u64 = 120;
const COLUMN: u64 = 20;

/// Columns of hours: what arrived below, what is tried again above it, what a person is needed for on top.
pub(super) fn hours(shell: &Shell, all: &[wire::TriesOfHour]) -> Hours {
    let counts = |it: &wire::TriesOfHour| [it.delivered, it.again, it.failed];
    let most = all.iter().map(|it| counts(it).iter().sum()).max().unwrap_or(0);
    let mut bars = Vec::new();
    for (at, it) in all.iter().enumerate() {
        let mut below = 0;
        for (name, count) in ["delivered", "waiting", "parked"].into_iter().zip(counts(it)) {
            let top = below + count;
            let (low, high) =
                (share(below.into(), most.into(), HEIGHT), share(top.into(), most.into(), HEIGHT));
            // One of very many is seen as well.
            let height = if count == 0 { 0 } else { (high - low).max(2) };
            if height > 0 {
                bars.push(Bar {
                    name,
                    x: at as u64 * COLUMN,
                    y: HEIGHT.saturating_sub(low + height),
                    height,
                });
            }
            below = top;
        }
    }
    let mut sums = [0; 3];
    all.iter().for_each(|it| counts(it).into_iter().zip(&mut sums).for_each(|(count, sum)| *sum += count));
    let there = all.iter().filter(|it| counts(it).iter().sum::<u64>() > 0);
    Hours {
        bars,
        table: there.map(|it| (shell.when(&it.at), counts(it))).collect(),
        sums: [("delivered", sums[0]), ("waiting", sums[1]), ("parked", sums[2])],
        most,
        from: all.first().map(|it| shell.when(&it.at)).unwrap_or_default(),
        width: all.len() as u64 * COLUMN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_fill_the_bar_and_the_smallest_is_seen() {
        let all = pieces(&[("delivered", 1_000_000), ("waiting", 0), ("parked", 1)]);
        assert_eq!(all.len(), 2);
        assert_eq!((all[0].from, all[1].from), (0, all[0].length));
        assert_eq!(all[1].from + all[1].length, LENGTH);
        assert!(all[1].length >= SHORTEST);
        assert!(pieces(&[("delivered", 0)]).is_empty());
        assert!(pieces(&[("a", u64::MAX), ("b", u64::MAX)]).iter().all(|it| it.length == LENGTH / 2));
    }

    #[test]
    fn a_bar_is_as_long_as_its_part_of_the_longest() {
        assert_eq!([length(0, 9), length(9, 9), length(1, 1_000_000)], [0, LENGTH, SHORTEST]);
        assert_eq!(length(3, 6), LENGTH / 2);
    }
}
