//! What became of a lead: the newest word counts, whoever says it and in whatever order it comes.

use crate::id::FeedbackId;
use crate::time::Timestamp;

/// What became of a lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FeedbackKind {
    /// Sales took it up.
    Qualified,
    /// Sales does not take it up.
    Disqualified,
    /// It became business.
    Converted,
    /// It was taken up, and did not become business.
    Lost,
}

impl FeedbackKind {
    /// All of them, in the order people read them.
    pub const ALL: [Self; 4] = [Self::Qualified, Self::Disqualified, Self::Converted, Self::Lost];

    /// Its name in the store and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Qualified => "qualified",
            Self::Disqualified => "disqualified",
            Self::Converted => "converted",
            Self::Lost => "lost",
        }
    }

    /// Reads the name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == text)
    }
}

/// One word about a lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Word {
    /// When it became so.
    pub at: Timestamp,
    /// Its id, which decides between words of one moment.
    pub id: FeedbackId,
    /// What became of the lead.
    pub kind: FeedbackKind,
}

/// What became of a lead, by all that was said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fate {
    /// The newest word, which counts.
    pub now: Option<Word>,
    /// Whether any word said that sales took it up: qualified, or converted, which is more.
    pub was_taken_up: bool,
}

impl Fate {
    /// Takes a word in. Order and repetition change nothing.
    pub fn fold(&mut self, word: Word) {
        self.now = self.now.max(Some(word));
        self.was_taken_up |= matches!(word.kind, FeedbackKind::Qualified | FeedbackKind::Converted);
    }

    /// What became of the lead of which this was said.
    pub fn of(words: impl IntoIterator<Item = Word>) -> Self {
        let mut fate = Self::default();
        words.into_iter().for_each(|it| fate.fold(it));
        fate
    }

    /// Whether the lead counts as qualified: it is, or became more, or was lost after it had been.
    pub fn is_qualified(&self) -> bool {
        match self.now.map(|it| it.kind) {
            Some(FeedbackKind::Qualified | FeedbackKind::Converted) => true,
            Some(FeedbackKind::Lost) => self.was_taken_up,
            Some(FeedbackKind::Disqualified) | None => false,
        }
    }

    /// Whether this is what it is now.
    pub fn is(&self, kind: FeedbackKind) -> bool {
        self.now.is_some_and(|it| it.kind == kind)
    }
}

/// Whether what a destination says now is news: it says how a record stands again and again, with a later moment each
/// time somebody edits anything in it, and that is one word.
pub fn is_news(newest_of_it: Option<(Timestamp, FeedbackKind)>, at: Timestamp, kind: FeedbackKind) -> bool {
    newest_of_it.is_none_or(|(then, said)| said != kind && at >= then)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn word(at: i64, id: u128, kind: FeedbackKind) -> Word {
        Word { at: Timestamp::from_millis(at), id: FeedbackId::new(id), kind }
    }

    fn words() -> impl Strategy<Value = Vec<Word>> {
        let one = (0i64..6, 0u128..1000, 0usize..4);
        let one = one.prop_map(|(at, id, kind)| word(at, id, FeedbackKind::ALL[kind]));
        proptest::collection::vec(one, 0..12).prop_map(|mut all| {
            // An id is of one word only.
            all.sort_by_key(|it| it.id);
            all.dedup_by_key(|it| it.id);
            all
        })
    }

    #[test]
    fn the_newest_word_counts_whoever_says_it() {
        let fate = Fate::of([
            word(2, 1, FeedbackKind::Converted),
            word(1, 9, FeedbackKind::Qualified),
            word(3, 0, FeedbackKind::Lost),
        ]);
        assert!(fate.is(FeedbackKind::Lost) && fate.is_qualified());
        assert!(!Fate::of([word(1, 1, FeedbackKind::Lost)]).is_qualified());
        let taken_back = [word(1, 1, FeedbackKind::Qualified), word(2, 2, FeedbackKind::Disqualified)];
        assert!(!Fate::of(taken_back).is_qualified());
        assert_eq!(Fate::of([]).now, None);
    }

    #[test]
    fn what_a_destination_repeats_is_no_news() {
        let at = Timestamp::from_millis;
        assert!(is_news(None, at(5), FeedbackKind::Qualified));
        let known = Some((at(5), FeedbackKind::Qualified));
        assert!(!is_news(known, at(9), FeedbackKind::Qualified), "somebody edited the telephone number");
        assert!(!is_news(known, at(4), FeedbackKind::Disqualified), "an old page came late");
        assert!(is_news(known, at(5), FeedbackKind::Converted));
    }

    proptest! {
        #[test]
        fn order_and_repetition_change_nothing(words in words(), shift in 0usize..12, again in 0usize..12) {
            let mut other = words.clone();
            if !other.is_empty() {
                let len = other.len();
                other.rotate_left(shift % len);
                other.reverse();
                other.push(words[again % len]);
            }
            prop_assert_eq!(Fate::of(words), Fate::of(other));
        }

        #[test]
        fn the_word_that_counts_is_the_greatest(words in words()) {
            let greatest = words.iter().copied().max_by_key(|it| (it.at, it.id));
            prop_assert_eq!(Fate::of(words).now, greatest);
        }
    }
}
