//! What the nodes on one database tell each other as part of a commit: ids of what changed, never what is in it.
//!
//! Nobody may rely on being told. Whoever is not told of work finds it by looking, of a set-up by the next beat, and of a
//! wish with what is claimed next.

use crate::engine::Tx;
use crate::lanes::LaneKey;
use leadwire_core::id::{DestinationNo, LeadId, PublisherId};

/// What happened in a commit of any node.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum News {
    /// There is work in a lane.
    Work(LaneKey),
    /// Somebody paused or resumed a lane.
    Gate(LaneKey),
    /// The customer of a lead must not be contacted any more.
    Refused(PublisherId, LeadId),
    /// A lead was erased.
    Erased(PublisherId, LeadId),
    /// What is set up is another since.
    SetUp,
    /// Something may have been told while nobody listened.
    Missed,
}

impl Tx<'_> {
    /// Tells all nodes once this transaction is committed; nobody, if it is not. Alone on a file there is nobody to be told.
    pub(crate) fn tell(&self, news: &News) {
        if self.foresees() {
            self.tell_line(line(news));
        }
    }
}

/// As it goes over the wire, in one line.
fn line(news: &News) -> String {
    match news {
        News::Work(lane) => format!("work {} {}", lane.publisher, lane.destination.get()),
        News::Gate(lane) => format!("gate {} {}", lane.publisher, lane.destination.get()),
        News::Refused(publisher, lead) => format!("refused {publisher} {lead}"),
        News::Erased(publisher, lead) => format!("erased {publisher} {lead}"),
        News::SetUp => "setup".to_owned(),
        News::Missed => "missed".to_owned(),
    }
}

/// Reads a line of any version of this program; what this one does not know may be anything.
pub(crate) fn read(line: &str) -> News {
    let words: Vec<&str> = line.split(' ').collect();
    let lane = |publisher: &str, number: &str| {
        let publisher = PublisherId::parse(publisher).ok()?;
        Some(LaneKey { publisher, destination: DestinationNo::new(number.parse().ok()?) })
    };
    let lead =
        |publisher: &str, lead: &str| Some((PublisherId::parse(publisher).ok()?, LeadId::parse(lead).ok()?));
    let news = match words[..] {
        ["work", publisher, number] => lane(publisher, number).map(News::Work),
        ["gate", publisher, number] => lane(publisher, number).map(News::Gate),
        ["refused", publisher, id] => lead(publisher, id).map(|it| News::Refused(it.0, it.1)),
        ["erased", publisher, id] => lead(publisher, id).map(|it| News::Erased(it.0, it.1)),
        ["setup"] => Some(News::SetUp),
        _ => None,
    };
    news.unwrap_or(News::Missed)
}

/// Lines as messages of a server, each within its bound.
pub(crate) fn messages<'a>(lines: impl Iterator<Item = &'a str>, bytes_max: usize) -> Vec<String> {
    let mut messages: Vec<String> = Vec::new();
    for line in lines {
        match messages.last_mut() {
            Some(last) if last.len() + 1 + line.len() <= bytes_max => {
                last.push('\n');
                last.push_str(line);
            }
            _ => messages.push(line.to_owned()),
        }
    }
    messages
}

#[cfg(test)]
mod tests {
    use super::*;

    fn publisher() -> PublisherId {
        PublisherId::parse("contoso").unwrap()
    }

    #[test]
    fn news_are_read_as_they_were_told() {
        let lane = LaneKey { publisher: publisher(), destination: DestinationNo::new(7) };
        let lead = LeadId::new(5);
        for it in [
            News::Work(lane.clone()),
            News::Gate(lane),
            News::Refused(publisher(), lead),
            News::Erased(publisher(), lead),
            News::SetUp,
            News::Missed,
        ] {
            assert_eq!(read(&line(&it)), it);
        }
    }

    #[test]
    fn what_is_not_understood_may_be_anything() {
        for text in ["", "work contoso", "work contoso x", "refused contoso 5", "later contoso 1"] {
            assert_eq!(read(text), News::Missed, "{text}");
        }
    }

    #[test]
    fn messages_keep_within_their_bound() {
        let lines = ["aaa", "bbb", "cc", "dddd"];
        assert_eq!(messages(lines.into_iter(), 7), ["aaa\nbbb", "cc\ndddd"]);
        assert!(messages([].into_iter(), 7).is_empty());
    }
}
