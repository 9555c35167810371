//! What people do in the simulated instance: its fields, its rights, and people they type in or edit.

use super::Marketo;
use serde_json::Value;

impl Marketo {
    /// Adds a custom field; people can be looked up by one that is searchable.
    pub fn add_field(&mut self, name: &str, data_type: &'static str, is_searchable: bool) {
        self.people.add_field(name, data_type, is_searchable);
    }

    /// Takes a field away.
    pub fn remove_field(&mut self, name: &str) {
        self.people.remove_field(name);
    }

    /// Makes a person as somebody in Marketo would, and gives their id.
    ///
    /// # Panics
    /// When a field does not exist or does not take its value.
    pub fn add_person(&mut self, fields: &Value, now: i64) -> u64 {
        let partition = self.options.partitions.first().cloned().unwrap_or_default();
        let fields = fields.as_object().expect("an object of fields");
        let fields = self.people.checked(fields, "id").expect("fields that exist");
        self.people.create(fields, &partition, now)
    }

    /// Changes a person as somebody in Marketo would.
    ///
    /// # Panics
    /// When there is no such person, or a field does not exist or take its value.
    pub fn edit(&mut self, id: u64, fields: &Value, now: i64) {
        let fields = fields.as_object().expect("an object of fields");
        let fields = self.people.checked(fields, "id").expect("fields that exist");
        let at = self.people.find("id", &id.to_string(), None)[0];
        self.people.update(at, fields, now);
    }

    /// Takes the API user's right to write away, or gives it back.
    pub fn set_may_write(&mut self, may_write: bool) {
        self.options.may_write = may_write;
    }
}
