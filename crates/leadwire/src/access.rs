//! Who may do what: the one decision function of the API. Everything that is not allowed here is refused.

use leadwire_core::id::{KeyId, PortalLinkId, PublisherId, UserId};
use std::fmt;

/// Who is asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The key that was shown, or the user who signed in.
    pub who: Who,
    /// What they may do.
    pub role: Role,
    /// Whose they are; none: the operator's.
    pub publisher: Option<PublisherId>,
}

/// By what an actor is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// A program, or whoever holds its key.
    Key(KeyId),
    /// Somebody who signed in to the portal.
    User(UserId),
    /// Somebody who came to the portal by a link.
    Guest(PortalLinkId),
}

impl fmt::Display for Who {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Who::Key(id) => id.fmt(out),
            Who::User(id) => id.fmt(out),
            Who::Guest(id) => id.fmt(out),
        }
    }
}

/// What a key or a user may do. Each role is a row in `allows`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Runs the service: every action, for every publisher.
    Operator,
    /// Runs one publisher's set-up, and reads and retries its leads.
    Publisher,
    /// Reads one publisher's leads and set-up, decides on its leads, and retries them.
    Member,
    /// Sends touchpoints of one publisher, and does nothing else.
    Sender,
    /// Reads one publisher's leads and set-up.
    Reader,
}

impl Role {
    /// All roles.
    pub const ALL: [Role; 5] = [Role::Operator, Role::Publisher, Role::Member, Role::Sender, Role::Reader];

    /// Its name in the store and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Operator => "operator",
            Role::Publisher => "publisher",
            Role::Member => "member",
            Role::Sender => "sender",
            Role::Reader => "reader",
        }
    }

    /// Reads the name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == text)
    }
}

/// What is asked for. Every endpoint declares one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing that needs a key: health, the API's description.
    Open,
    /// To see an offer's listing page, and to send its form.
    Visit,
    /// To send to an intake address; the address itself is the credential.
    SendToAddress,
    /// To send touchpoints by the API.
    SendTouchpoints,
    /// To read leads, deliveries and the ledger: personal data, which some roles see masked; see [`sees_people`].
    ReadLeads,
    /// To see one lead's person whole, which is told in the audit log.
    RevealLeads,
    /// To put deliveries back to work.
    RetryDeliveries,
    /// To decide about a lead: its interest, and whether its customer may be contacted.
    DecideOnLeads,
    /// To change the tables of interest and of withheld leads, which hold for every publisher.
    ManageRules,
    /// To read the set-up, which holds no secrets.
    ReadSetup,
    /// To change offers, destinations, routes and intake addresses, and to pause and resume.
    ChangeSetup,
    /// To see, add and remove keys and users.
    ManageKeys,
    /// To add publishers.
    ManagePublishers,
    /// To read who changed what, and to sign it.
    ReadAudit,
    /// To see how the keys stand that guard secrets, and to rotate them.
    ManageSecrets,
}

/// The decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Go on.
    Allow,
    /// The actor may know that it exists, but not do this: 403.
    Forbid,
    /// The actor may not even know whether it exists: 404, the same as for what does not exist.
    Hide,
}

/// Whether an actor may do something to a publisher's things; `exists` says whether that publisher is known.
pub fn decide(actor: &Actor, action: Action, publisher: Option<(&PublisherId, bool)>) -> Decision {
    if let Some((publisher, exists)) = publisher {
        let own = actor.publisher.as_ref().is_none_or(|it| it == publisher);
        if !own || !exists {
            return Decision::Hide;
        }
    }
    if allows(actor.role, action) { Decision::Allow } else { Decision::Forbid }
}

/// Whether a role may do something to what is its own. Everybody's rights, of keys and of users, are these.
pub fn allows(role: Role, action: Action) -> bool {
    match role {
        Role::Operator => true,
        Role::Publisher => {
            !matches!(action, Action::ManagePublishers | Action::ManageSecrets | Action::ManageRules)
        }
        Role::Member => matches!(
            action,
            Action::ReadLeads
                | Action::RevealLeads
                | Action::RetryDeliveries
                | Action::DecideOnLeads
                | Action::ReadSetup
        ),
        Role::Sender => action == Action::SendTouchpoints,
        Role::Reader => matches!(action, Action::ReadLeads | Action::RevealLeads | Action::ReadSetup),
    }
}

/// Whether a role sees people as they are. The others see them masked, whatever they ask: for figures, states and failures nobody
/// needs to know who a customer is.
pub fn sees_people(role: Role) -> bool {
    match role {
        Role::Operator | Role::Publisher | Role::Member => true,
        Role::Sender | Role::Reader => false,
    }
}

/// Whether somebody who sees people masked may have one lead revealed to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reveal {
    /// They may.
    Allowed,
    /// Their publisher does not let readers reveal.
    SwitchedOff,
    /// Nobody's name stands behind a key or a link, so that the audit log could not say who it was.
    Nameless,
}

/// Whether somebody may have a lead revealed; `readers_may` is what the publisher says of its readers.
pub fn reveal(actor: &Actor, readers_may: bool) -> Reveal {
    match (sees_people(actor.role), actor.who, readers_may) {
        (true, _, _) | (false, Who::User(_), true) => Reveal::Allowed,
        (false, Who::User(_), false) => Reveal::SwitchedOff,
        (false, Who::Key(_) | Who::Guest(_), _) => Reveal::Nameless,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn actor(role: Role, publisher: Option<&str>) -> Actor {
        Actor {
            who: Who::Key(KeyId::new(1)),
            role,
            publisher: publisher.map(|it| PublisherId::parse(it).expect("a name")),
        }
    }

    #[test]
    fn a_foreign_publisher_looks_like_a_missing_one() {
        let foreign = PublisherId::parse("fabrikam").expect("a name");
        for role in [Role::Publisher, Role::Member, Role::Sender, Role::Reader] {
            for action in [Action::ReadLeads, Action::SendTouchpoints, Action::ManagePublishers] {
                let actor = actor(role, Some("contoso"));
                assert_eq!(decide(&actor, action, Some((&foreign, true))), Decision::Hide);
                assert_eq!(decide(&actor, action, Some((&foreign, false))), Decision::Hide);
            }
        }
    }

    #[test]
    fn only_a_reader_with_a_name_reveals_and_only_where_readers_may() {
        let by = |who| Actor { who, ..actor(Role::Reader, Some("contoso")) };
        let (user, key) = (by(Who::User(UserId::new(1))), by(Who::Key(KeyId::new(1))));
        let guest = by(Who::Guest(PortalLinkId::new(1)));
        assert_eq!((reveal(&user, true), reveal(&user, false)), (Reveal::Allowed, Reveal::SwitchedOff));
        for nameless in [key, guest] {
            assert_eq!(reveal(&nameless, true), Reveal::Nameless);
        }
        assert_eq!(reveal(&actor(Role::Member, Some("contoso")), false), Reveal::Allowed);
    }

    #[test]
    fn a_sender_cannot_read_what_it_sent() {
        let own = PublisherId::parse("contoso").expect("a name");
        let sender = actor(Role::Sender, Some("contoso"));
        assert_eq!(decide(&sender, Action::SendTouchpoints, Some((&own, true))), Decision::Allow);
        assert_eq!(decide(&sender, Action::ReadLeads, Some((&own, true))), Decision::Forbid);
    }
}
