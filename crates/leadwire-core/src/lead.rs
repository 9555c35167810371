//! A lead as a whole: the fold of what its touchpoints say, which is the same in every order, and of leads that are one.

use crate::erasure;
use crate::id::{ActId, BadId, TouchpointId};
use crate::standing::{Said, Standing};
use crate::time::Timestamp;
use crate::touchpoint::Customer;

/// Fields of a customer that a lead carries.
pub const FIELDS: usize = 7;

/// What a customer said of each field, empty where nothing, in the order of [`Customer`].
pub fn values(customer: &Customer) -> [&str; FIELDS] {
    let Customer { first_name, last_name, email, phone, country, company, title } = customer;
    [first_name, last_name, email, phone, country, company, title].map(|it| it.as_deref().unwrap_or(""))
}

/// Which touchpoint said each field of a lead; none where the field was never said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SaidBy([Option<TouchpointId>; FIELDS]);

impl SaidBy {
    /// Reads it back. `first` is the touchpoint a lead began with, and `is_there` tells which fields were ever said.
    ///
    /// # Errors
    /// When the text is none that [`SaidBy::write`] makes.
    pub fn read(text: &str, first: TouchpointId, is_there: [bool; FIELDS]) -> Result<Self, BadId> {
        let mut by = [None; FIELDS];
        let mut parts = text.split(',');
        let all = match (text, text.contains(',')) {
            ("", _) => Some(first),
            (one, false) => Some(TouchpointId::parse(one)?),
            (_, true) => None,
        };
        for (slot, is_there) in by.iter_mut().zip(is_there) {
            let part = parts.next().unwrap_or("");
            *slot = match all {
                _ if !is_there => None,
                Some(all) => Some(all),
                None => Some(TouchpointId::parse(part)?),
            };
        }
        Ok(Self(by))
    }

    /// As short as can be: nothing when the first touchpoint said everything, one id when one did, else an id for each
    /// field. Most customers say the same fields each time.
    pub fn write(&self, first: TouchpointId) -> String {
        let mut said = self.0.iter().flatten();
        match said.next() {
            None => String::new(),
            Some(one) if said.all(|it| it == one) => {
                if *one == first {
                    String::new()
                } else {
                    one.to_string()
                }
            }
            Some(_) => {
                let ids = self.0.map(|it| it.map_or_else(String::new, |it| it.to_string()));
                ids.join(",")
            }
        }
    }

    /// Takes in what a touchpoint says, and gives the values that count from now on; empty where the known one stays.
    /// The newest word of each field counts, whenever it is stored, and silence changes nothing.
    pub fn take<'a>(&mut self, by: TouchpointId, customer: &'a Customer) -> [&'a str; FIELDS] {
        let mut taken = values(customer);
        for (value, slot) in taken.iter_mut().zip(&mut self.0) {
            if value.is_empty() || slot.is_some_and(|known| known >= by) {
                *value = "";
            } else {
                *slot = Some(by);
            }
        }
        taken
    }
}

/// What one touchpoint says of its lead.
#[derive(Clone)]
pub struct Word<'a> {
    /// When it came.
    pub received_at: Timestamp,
    /// Who acted; none when a person says something of a lead, which repeats what is known.
    pub customer: Option<&'a Customer>,
    /// What it says of how the lead stands, and which touchpoint it is.
    pub said: Said,
}

/// A lead, folded from its touchpoints and what people decided. Has no `Debug`: it is personal.
#[derive(Clone, PartialEq, Eq)]
pub struct Fold {
    /// The customer's fields as last said, empty when never; in the order of [`Customer`].
    pub values: [String; FIELDS],
    /// Which touchpoint said each.
    pub said_by: SaidBy,
    /// How many touchpoints.
    pub touchpoints: u32,
    /// When the first came.
    pub created_at: Timestamp,
    /// When the last came.
    pub updated_at: Timestamp,
    /// How it stands.
    pub standing: Standing,
}

impl Fold {
    /// A lead of one touchpoint.
    pub fn of(word: &Word<'_>) -> Self {
        let mut fold = Self {
            values: Default::default(),
            said_by: SaidBy::default(),
            touchpoints: 0,
            created_at: word.received_at,
            updated_at: word.received_at,
            standing: Standing::default(),
        };
        fold.take(word);
        fold
    }

    /// Takes in one more touchpoint, once. The order does not matter.
    pub fn take(&mut self, word: &Word<'_>) {
        if let Some(customer) = word.customer {
            let taken = self.said_by.take(word.said.by, customer);
            for (value, taken) in self.values.iter_mut().zip(taken).filter(|it| !it.1.is_empty()) {
                taken.clone_into(value);
            }
        }
        self.touchpoints += 1;
        self.created_at = self.created_at.min(word.received_at);
        self.updated_at = self.updated_at.max(word.received_at);
        self.standing.fold(&word.said);
    }

    /// The lead that several leads are together: what their touchpoints and acts come to as those of one lead.
    ///
    /// `since` is what touchpoints say that are newer than [`last_set`] of the parts, of those parts that
    /// [`Standing::lacks`] it; more of them do no harm.
    pub fn join(parts: &[Fold], since: &[Said]) -> Option<Self> {
        let (first, rest) = parts.split_first()?;
        let mut whole = first.clone();
        for part in rest {
            for at in 0..FIELDS {
                if part.said_by.0[at] > whole.said_by.0[at] {
                    whole.said_by.0[at] = part.said_by.0[at];
                    part.values[at].clone_into(&mut whole.values[at]);
                }
            }
            whole.touchpoints += part.touchpoints;
            whole.created_at = whole.created_at.min(part.created_at);
            whole.updated_at = whole.updated_at.max(part.updated_at);
        }
        whole.standing = Standing::join(parts.iter().map(|it| &it.standing), since);
        Some(whole)
    }

    /// Whether its address is the one of this form; see [`erasure::is_address`].
    pub fn has_address(&self, form: &str) -> bool {
        self.customer().email.is_some_and(|it| erasure::is_address(&it, form))
    }

    /// The customer as the lead knows them.
    pub fn customer(&self) -> Customer {
        let [first_name, last_name, email, phone, country, company, title] =
            self.values.clone().map(|it| Some(it).filter(|it| !it.is_empty()));
        Customer { first_name, last_name, email, phone, country, company, title }
    }
}

/// The last time a person set the interest of any of these leads.
pub fn last_set(parts: &[Fold]) -> Option<ActId> {
    parts.iter().filter_map(|it| it.standing.interest_set).max()
}

#[cfg(test)]
#[path = "lead_tests.rs"]
mod tests;
