//! Makes the column and the alternate key that leads are known by, where the application user may; else says what to do.
//!
//! learn.microsoft.com, `define-alternate-keys-entity` and `webapi/create-update-column-definitions-using-web-api`.

use super::Dynamics;
use super::check::took;
use super::deliver::Way;
use super::metadata;
use super::request::{Call, Key};
use crate::Moment;
use crate::egress::Egress;
use crate::validation::{Step, Verdict};

impl Dynamics {
    pub(super) async fn make_ready(&self, moment: Moment, egress: &Egress) -> Option<Vec<Step>> {
        let Key::Column(column) = &self.shape.key else { return None };
        let mut steps = Vec::new();
        let Some(held) = self.token_step(moment, egress, &mut steps).await else { return Some(steps) };
        let way = Way { held: &held, moment, egress };
        let columns = match self.columns(&way).await {
            Ok(columns) => columns,
            Err(tried) => {
                steps.push(Step::of_attempt("column", "Columns of leads", &tried));
                return Some(steps);
            }
        };
        let found = self.key_step(&way, column, &columns).await;
        let (has_column, is_missing) =
            (columns.has(column), ["key_column_missing", "key_unknown"].contains(&&*found.cause));
        if !is_missing {
            steps.push(found);
            return Some(steps);
        }
        let root = &self.shape.root;
        if !has_column {
            let title = format!("Make the column {column} on leads");
            steps.push(self.make(&way, "column", title, metadata::make_column(root, column)).await);
        }
        if steps.iter().all(|it| it.verdict == Verdict::Passed) {
            let title = format!("Make the alternate key of {column}");
            steps.push(self.make(&way, "key", title, metadata::make_key(root, column)).await);
        }
        Some(steps)
    }

    async fn make(&self, way: &Way<'_>, name: &'static str, title: String, call: Call) -> Step {
        match self.ask(way, call, |_| Some(())).await {
            Ok(((), answer)) => {
                let message = match name {
                    "key" => "it was made; its index is built within a few minutes, then validate",
                    _ => "it was made",
                };
                Step::passed(name, title, message).took(took(&answer))
            }
            Err(tried) => {
                let fix = "make it by hand: a text column of 100 characters on Lead, and an alternate key of that column alone; or give the application user the role System Customizer while this runs";
                Step::of_attempt(name, title, &tried).but(Verdict::Failed, &tried.evidence.cause, fix)
            }
        }
    }
}
