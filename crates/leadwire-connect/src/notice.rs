//! What somebody is told of trouble, through a destination that is not in it: one message for all that belongs together.

use leadwire_core::limits;
use leadwire_core::rfc3339;
use leadwire_core::time::Timestamp;

/// A message on its way to a person. Holds no personal value and no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The same over every attempt: what a receiver recognises a repetition by.
    pub id: String,
    /// Whose it is; empty for the service itself.
    pub publisher: String,
    /// When the message was made.
    pub at: Timestamp,
    /// What it tells; never empty.
    pub items: Vec<Item>,
}

/// One thing that a message tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Item {
    /// Stable name of what happened, such as `destination.paused`.
    pub event: String,
    /// What it happened to: a destination, an offer, or a part of the service.
    pub name: String,
    /// The kind of a destination, for people, such as `Salesforce`; empty for anything else.
    pub system: String,
    /// When it happened.
    pub at: Timestamp,
    /// Stable name of the cause; empty for good news.
    pub cause: String,
    /// What happened, in one sentence without a full stop.
    pub message: String,
    /// What to do about it; empty when nothing needs doing.
    pub fix: String,
    /// Leads that wait at a destination.
    pub waiting: u64,
    /// How often it was told before: it lasts.
    pub times_told: u32,
    /// Where to look at it; empty when nobody said how the world reaches the service.
    pub link: String,
}

impl Item {
    fn is_of_destination(&self) -> bool {
        self.event.starts_with("destination.")
    }
}

impl Notice {
    /// The stable name of what happened, or `notices` when it is several things.
    pub fn event(&self) -> &str {
        match self.items.as_slice() {
            [one] => &one.event,
            _ => "notices",
        }
    }

    /// Leads that wait at all the destinations it tells of.
    pub fn waiting(&self) -> u64 {
        self.items.iter().map(|it| it.waiting).sum()
    }

    /// One line for a subject or a heading.
    pub fn subject(&self) -> String {
        if let [one] = self.items.as_slice() {
            return self.subject_of(one);
        }
        let groups = self.groups();
        if let [(_, group)] = groups.as_slice() {
            return format!("{}: {}", self.headline(group), names(group));
        }
        let headlines: Vec<String> = groups.iter().map(|it| self.headline(&it.1)).collect();
        headlines.join("; ")
    }

    fn subject_of(&self, it: &Item) -> String {
        let (name, publisher) = (&it.name, &self.publisher);
        let still = if it.times_told > 0 { "still " } else { "" };
        match it.event.as_str() {
            "destination.paused" => format!("Leads wait: {name} of {publisher} is {still}paused"),
            "destination.resumed" => format!("Leads flow again: {name} of {publisher} works"),
            "destination.check_failed" => {
                format!("Look at {name} of {publisher}: it would {still}not take a lead now")
            }
            "destination.check_passed" => format!("All well again: {name} of {publisher} would take a lead"),
            "destination.ends_soon" => format!("Renew soon: a credential of {name} of {publisher} ends"),
            "destination.failing" => {
                format!("Leads wait: nothing arrives at {name} of {publisher} {still}now")
            }
            "destination.delivering" => format!("Leads flow again: they arrive at {name} of {publisher}"),
            "destination.parked" => format!("Leads need a person: {name} of {publisher}"),
            "offer.silent" => {
                format!("Silence: {publisher}.{name} has {still}had no lead for longer than usual")
            }
            "offer.heard" => format!("Leads come again: {publisher}.{name}"),
            "service.disk_low" => format!("The disk is {still}filling up"),
            "service.disk_full" => format!("The disk is {still}nearly full: new leads are turned away"),
            "service.disk_fine" => "The disk has space again".to_owned(),
            "service.job_failed" => format!("Failed: {name}"),
            "service.job_passed" => format!("Went well again: {name}"),
            "notice.test" => "A test: notices reach you".to_owned(),
            _ => format!("About {name} of {publisher}"),
        }
    }

    /// What happened to a group of things, in a line.
    fn headline(&self, group: &[&Item]) -> String {
        let (count, publisher) = (group.len(), &self.publisher);
        let [first, ..] = group else { return String::new() };
        if count == 1 {
            return self.subject_of(first);
        }
        match first.event.as_str() {
            "destination.paused" => format!("Leads wait: {count} destinations of {publisher} are paused"),
            "destination.resumed" => format!("Leads flow again: {count} destinations of {publisher} work"),
            "destination.check_failed" => {
                format!("Look at {count} destinations of {publisher}: they would not take a lead now")
            }
            "destination.check_passed" => {
                format!("All well again: {count} destinations of {publisher} would take a lead")
            }
            "destination.ends_soon" => format!("Renew soon: credentials of {publisher} end ({count})"),
            "destination.failing" => {
                format!("Leads wait: nothing arrives at {count} destinations of {publisher}")
            }
            "destination.delivering" => {
                format!("Leads flow again: they arrive at {count} destinations of {publisher}")
            }
            "destination.parked" => format!("Leads need a person: {publisher} ({count})"),
            "offer.silent" => {
                format!("Silence: {count} ways in of {publisher} have had no lead for longer than usual")
            }
            "offer.heard" => format!("Leads come again by {count} ways in of {publisher}"),
            _ => format!("{} ({count} times)", self.subject_of(first)),
        }
    }

    /// What it tells, by what happened, in the order in which that first appears.
    fn groups(&self) -> Vec<(&str, Vec<&Item>)> {
        let mut groups: Vec<(&str, Vec<&Item>)> = Vec::new();
        for item in &self.items {
            match groups.iter_mut().find(|it| it.0 == item.event) {
                Some(group) => group.1.push(item),
                None => groups.push((&item.event, vec![item])),
            }
        }
        groups
    }

    /// The whole message as lines of text.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let groups = self.groups();
        let written_out = limits::NOTICES_WRITTEN_OUT.div_ceil(groups.len().max(1));
        for (_, group) in &groups {
            let headline = self.headline(group);
            match group.len() {
                1 => text.push_str(&format!("{headline}.\n\n")),
                _ => text.push_str(&format!("{headline}: {}.\n\n", names(group))),
            }
            for item in group.iter().take(written_out) {
                text.push_str(&lines_of(item));
            }
            let left = group.len().saturating_sub(written_out);
            if left > 0 {
                text.push_str(&format!("{left} more are not written out here.\n\n"));
            }
        }
        let waiting = self.waiting();
        if self.items.len() > 1 && waiting > 0 {
            text.push_str(&format!("In all, {waiting} leads wait; none is lost.\n"));
        }
        text
    }
}

/// One thing, written out.
fn lines_of(item: &Item) -> String {
    let what = if item.system.is_empty() { &item.name } else { &item.system };
    let mut text = match item.is_of_destination() && !item.name.is_empty() {
        true => format!("{what} ({}): {}.\n", item.name, item.message),
        false => format!("{what}: {}.\n", item.message),
    };
    if !item.fix.is_empty() {
        text.push_str(&format!("What to do: {}.\n", item.fix));
    }
    match item.waiting {
        0 => {}
        1 => text.push_str("1 lead waits; it is not lost.\n"),
        waiting if waiting >= limits::WAITING_COUNTED_MAX => {
            text.push_str(&format!("{waiting} leads or more wait; none is lost.\n"));
        }
        waiting => text.push_str(&format!("{waiting} leads wait; none is lost.\n")),
    }
    if !item.link.is_empty() {
        text.push_str(&format!("Look: {}\n", item.link));
    }
    text.push_str(&format!("Since {}.\n\n", rfc3339::format(item.at)));
    text
}

/// The first few names, and how many more there are.
fn names(group: &[&Item]) -> String {
    let shown: Vec<&str> = group.iter().take(limits::NOTICE_NAMES_MAX).map(|it| it.name.as_str()).collect();
    match group.len().saturating_sub(shown.len()) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(event: &str, name: &str) -> Item {
        Item {
            event: event.to_owned(),
            name: name.to_owned(),
            message: "it answered 500".to_owned(),
            waiting: 2,
            ..Item::default()
        }
    }

    fn notice(items: Vec<Item>) -> Notice {
        let at = Timestamp::from_millis(0);
        Notice { id: "ntc_contoso_m1".to_owned(), publisher: "contoso".to_owned(), at, items }
    }

    #[test]
    fn a_thousand_destinations_are_one_message_with_the_count_and_the_first_names() {
        let all = (0..1000).map(|it| item("destination.paused", &format!("crm-{it}")));
        let notice = notice(all.collect());
        assert_eq!(
            notice.subject(),
            "Leads wait: 1000 destinations of contoso are paused: crm-0, crm-1, crm-2 and 997 more"
        );
        let text = notice.text();
        assert!(text.contains("995 more are not written out here."), "{text}");
        assert!(text.contains("In all, 2000 leads wait; none is lost."), "{text}");
        assert!(text.len() < 2000, "{}", text.len());
        assert_eq!(notice.event(), "notices");
    }

    #[test]
    fn different_things_are_told_apart_and_one_thing_as_itself() {
        let mixed = notice(vec![item("destination.paused", "crm"), item("destination.resumed", "sheet")]);
        assert_eq!(
            mixed.subject(),
            "Leads wait: crm of contoso is paused; Leads flow again: sheet of contoso works"
        );
        let one = notice(vec![Item { times_told: 1, ..item("destination.paused", "crm") }]);
        assert_eq!(
            (one.event(), &*one.subject()),
            ("destination.paused", "Leads wait: crm of contoso is still paused")
        );
    }

    #[test]
    fn every_kind_has_words_of_its_own() {
        for kind in leadwire_core::notice::NoticeKind::ALL {
            let one = notice(vec![item(&kind.event(), "crm")]);
            assert!(!one.subject().starts_with("About "), "{kind:?}");
        }
    }
}
